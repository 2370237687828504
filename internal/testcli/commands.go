package testcli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Commands are the scripts' own commands:
//
//	exits [-stdin=FILE] [-fd=FILE,...] [-changes=FILE,...] [-within=TIME] [-peak=NAME] N cmd...   runs cmd without a terminal;
//	      its exit status must be N. Unless N is 0, no file below $WORK may be new or changed, but for a store's books
//	      and those that -changes names. Files of -fd are its descriptors 3, 4 and so on. NAME gets the peak memory
//	      in KB.
//	expect [-exit=N] DIALOGUE cmd...                           runs cmd at a terminal (expect_unix.go)
//	serve NAME cmd...                                          runs cmd beside the script until it says its first line,
//	      which $NAME gets (of a JSON document, its uri, and $NAME_MANAGE its manage); what it has said by then stands in
//	      name.out, in small letters
//	halt NAME SIGNAL N                                         ends it; its exit status must be N; sets stdout and stderr
//	signalled [-after=ANSWER] SIGNAL N TEXT cmd...             gives cmd TEXT on a stdin that stays open, and the signal
//	      once it has read that
//	jsonhas [-line=N] FILE PATH WANT                           a field of a JSON document (or of line N; -1 is the last)
//	      is WANT, or matches ~WANT; a dot leads inwards, len is an array's length
//	put FILE TEXT...                                           makes a file that only its owner can read
//	fill FILE TIMES TEXT                                       makes a big one of many equal lines
//	flat SMALL BIG                                             holds two peaks against each other
//	auditlog make|add|begin|hold FILE [N]                      an audit log (auditlog.go)
//	tamper KIND FILE LINE                                      changes one
//	officers test|production [FOLDER]                          puts officers' files there (custody.go)
//	sql FILE STATEMENT                                         changes a SQLite file behind poskey's back
//	dblock FILE                                                holds one, so that nobody else gets in
//	damage FILE OFFSET                                         changes one bit of a file
//	take NAME FILE PATH                                        sets $NAME to a field of a JSON document
//	secrets N                                                  so many secrets of stores are searched for, or more
//	postgres [down|up]                                         a PostgreSQL of the script's own (postgres_unix.go)
//	softtoken LABEL                                            makes PKCS#11 tokens (softtoken.go)
//	manifest NAME MODEL VERSION COUNTER FILE                   signs a software update for the emulator: NAME.manifest
//	      and the vendor's public key, vendor.pem (manifest.go)
//	totp FILE SECRET [STEPS]                                   writes a one-time code that is good now and later than the
//	      last one, or that of so many half minutes later or, with a minus, before
//	printer                                                    connects a printer, $PRINTER (ceremony_unix.go)
//	play [-exit=N] [-columns=N] RULES cmd...                   runs a ceremony with people who answer by rules
//	finddir NAME PATTERN                                       sets $NAME to the one file that a pattern finds
//	reveals FILE...                                            these files (stdout, stderr: of the last command) show a
//	      canary key, because poskey was told to
func Commands() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){
		"exits": cmdExits, "jsonhas": cmdJSONHas, "put": cmdPut, "fill": cmdFill, "flat": cmdFlat, "reveals": cmdReveals,
		"officers": cmdOfficers, "enter": cmdEnter, "sql": cmdSQL, "dblock": cmdDBLock, "damage": cmdDamage, "take": cmdTake, "secrets": cmdSecrets, "postgres": cmdPostgres, "softtoken": cmdSoftToken,
		"auditlog": cmdAuditLog, "tamper": cmdTamper, "totp": cmdTOTP,
		"manifest": cmdManifest,
	}
	for name, cmd := range terminalCommands() {
		all[name] = cmd
	}
	return all
}

// patience is for commands that hang.
const patience = time.Minute

func noNegation(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("this command knows no !")
	}
}

// options takes leading -name=value arguments off.
func options(ts *testscript.TestScript, args []string, known ...string) (map[string]string, []string) {
	opts := map[string]string{}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, value, ok := strings.Cut(args[0][1:], "=")
		if !ok || !slices.Contains(known, name) {
			ts.Fatalf("unknown option %s", args[0])
		}
		opts[name], args = value, args[1:]
	}
	return opts, args
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		ts.Fatalf("%q is not a number", s)
	}
	return n
}

// command makes the process: in the script's folder, with its environment, in a session of its own without a terminal. What
// it leaves running cannot hold the script up by its outputs.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	c.Dir = ts.MkAbs(".")
	c.Env = []string{"PWD=" + c.Dir}
	for _, name := range passed() {
		if v := ts.Getenv(name); v != "" {
			c.Env = append(c.Env, name+"="+v)
		}
	}
	c.WaitDelay = time.Second
	detach(c)
	return c
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	opts, args := options(ts, args, "stdin", "fd", "changes", "within", "peak")
	if len(args) < 2 {
		ts.Fatalf("usage: exits [-stdin=FILE] [-fd=FILE,...] [-changes=FILE,...] [-within=TIME] [-peak=NAME] N cmd...")
	}
	want, before := number(ts, args[0]), listing(ts)
	var out, errb bytes.Buffer
	c := command(ts, args[1:])
	c.Stdout, c.Stderr = &out, &errb
	if name := opts["stdin"]; name != "" {
		f, err := os.Open(ts.MkAbs(name))
		ts.Check(err)
		defer f.Close()
		c.Stdin = f
	}
	if names := opts["fd"]; names != "" {
		for name := range strings.SplitSeq(names, ",") {
			f, err := os.Open(ts.MkAbs(name))
			ts.Check(err)
			defer f.Close()
			c.ExtraFiles = append(c.ExtraFiles, f)
		}
	}
	start := time.Now()
	ts.Check(c.Start())
	watchdog := time.AfterFunc(patience, func() { killAll(c) })
	err := c.Wait()
	watchdog.Stop()
	took := time.Since(start)
	answer(ts, strings.Join(args[1:], " "), &out, &errb)
	checkExit(ts, err, want)
	unchangedUnless(ts, want, before, strings.Split(opts["changes"], ",")...)
	if limit := opts["within"]; limit != "" {
		d, err := time.ParseDuration(limit)
		ts.Check(err)
		if took > d {
			ts.Fatalf("took %s, more than %s", took, d)
		}
	}
	if name := opts["peak"]; name != "" {
		ts.Setenv(name, strconv.FormatInt(peakKB(c.ProcessState), 10))
	}
}

// answer hands outputs to the script (stdout, stderr, cmp) and to the search after the canaries.
func answer(ts *testscript.TestScript, label string, out, errb *bytes.Buffer) {
	fmt.Fprint(ts.Stdout(), out.String())
	fmt.Fprint(ts.Stderr(), errb.String())
	stateOf(ts).canaries.heard(label, out.Bytes(), errb.Bytes())
}

func checkExit(ts *testscript.TestScript, err error, want int) {
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d (%v), want %d", got, err, want)
	}
}

// keepsBooks tells the files that a store may write when a command fails: refusals and wrong passphrases are recorded,
// and the database has its journals.
func keepsBooks(path string) bool {
	for _, end := range []string{".audit", ".audit.checkpoints", "-wal", "-shm", "-journal", "-queue"} {
		if strings.HasSuffix(path, end) || strings.Contains(path, end+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// listing notes kind, size and time of every file below $WORK.
func listing(ts *testscript.TestScript) map[string]string {
	all := map[string]string{}
	work := ts.Getenv("WORK")
	ts.Check(filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if keepsBooks(path) || strings.Contains(path, ".terminal") { // an emulated terminal's own memory
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		note := info.Mode().String()
		if info.Mode().IsRegular() {
			note += fmt.Sprint(" ", info.Size(), " ", info.ModTime().UnixNano())
		}
		all[path] = note
		return nil
	}))
	return all
}

// unchangedUnless holds that a command that failed left nothing behind and touched nothing.
func unchangedUnless(ts *testscript.TestScript, code int, before map[string]string, but ...string) {
	if code == 0 {
		return
	}
	after := listing(ts)
	for _, name := range but {
		if name == "" {
			continue
		}
		delete(before, ts.MkAbs(name))
		delete(after, ts.MkAbs(name))
	}
	var changes []string
	for path, note := range after {
		switch old, ok := before[path]; {
		case !ok:
			changes = append(changes, path+" is new")
		case old != note:
			changes = append(changes, path+" was changed")
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			changes = append(changes, path+" is gone")
		}
	}
	sort.Strings(changes)
	if len(changes) > 0 {
		ts.Fatalf("a failed command changed files:\n%s", strings.Join(changes, "\n"))
	}
}

func cmdJSONHas(ts *testscript.TestScript, neg bool, args []string) {
	opts, args := options(ts, args, "line")
	if len(args) != 3 {
		ts.Fatalf("usage: jsonhas [-line=N] FILE PATH WANT")
	}
	doc := ts.ReadFile(args[0])
	if n := opts["line"]; n != "" {
		doc = lineOf(ts, doc, number(ts, n))
	}
	got, err := field(doc, args[1])
	if err != nil {
		if neg {
			return
		}
		ts.Fatalf("%v in %s", err, doc)
	}
	match := got == args[2]
	if pattern, ok := strings.CutPrefix(args[2], "~"); ok {
		re, err := regexp.Compile(pattern)
		ts.Check(err)
		match = re.MatchString(got)
	}
	if match == neg {
		ts.Fatalf("%s is %q, want (negated: %v) %q", args[1], got, neg, args[2])
	}
}

func lineOf(ts *testscript.TestScript, doc string, n int) string {
	lines := strings.Split(strings.TrimRight(doc, "\n"), "\n")
	if n < 0 {
		n += len(lines) + 1
	}
	if n < 1 || n > len(lines) {
		ts.Fatalf("there is no line %d of %d", n, len(lines))
	}
	return lines[n-1]
}

// field follows a path into a JSON document and gives the value as text: strings bare, all else as JSON.
func field(doc, path string) (string, error) {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("no JSON (%w)", err)
	}
	if d.More() {
		return "", errors.New("more than one JSON document")
	}
	for _, step := range strings.Split(path, ".") {
		var next any
		ok := false
		switch at := v.(type) {
		case map[string]any:
			next, ok = at[step]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(at) {
				next, ok = at[i], true
			} else if step == "len" {
				next, ok = json.Number(strconv.Itoa(len(at))), true
			}
		}
		if !ok {
			return "", fmt.Errorf("no field %s (at %s)", path, step)
		}
		v = next
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

func cmdPut(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) < 2 {
		ts.Fatalf("usage: put FILE TEXT...")
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(path, []byte(strings.Join(args[1:], " ")+"\n"), 0o600))
	ts.Check(stateOf(ts).canaries.input(path))
}

func cmdFill(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 3 {
		ts.Fatalf("usage: fill FILE TIMES TEXT")
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(path, bytes.Repeat([]byte(args[2]+"\n"), number(ts, args[1])), 0o600))
	ts.Check(stateOf(ts).canaries.input(path))
}

// cmdFlat: ten times the lines may not take much more memory. What the race detector adds is in both.
func cmdFlat(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 2 {
		ts.Fatalf("usage: flat SMALL BIG")
	}
	const slack = 12 << 10 // KB
	small, big := number(ts, args[0]), number(ts, args[1])
	if big > small+slack {
		ts.Fatalf("memory grows: %d KB, then %d KB", small, big)
	}
}

func cmdReveals(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) == 0 {
		ts.Fatalf("usage: reveals FILE...")
	}
	for _, name := range args {
		if name == "stdout" || name == "stderr" {
			ts.Check(stateOf(ts).canaries.allowLast(name))
			continue
		}
		stateOf(ts).canaries.allow(ts.MkAbs(name))
	}
}

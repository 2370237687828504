package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// The canaries: TEST keys, made up for this, that the scripts hand to poskey wherever a key can go. $CANARY is the key
// or component (ecb-zero 844876 as TDES, cmac B8A99E as AES), $CANARY2 mostly the KBPK (ecb-zero DC354F).
const (
	canary  = "AD854CBABCAB08769B3E19D0B6982A5D"
	canary2 = "3E0E67A70179989BD5CD6BECBFD37F1C"
)

// heard is what one command said.
type heard struct {
	label            string
	out, err         []byte
	outShows, errToo bool // the script says that a key is shown here
}

// search looks for the canaries in all that a script's commands said and wrote: for the TEST keys and passphrases that
// the scripts hand to poskey, and for what poskey itself made and keeps in stores.
type search struct {
	work    string
	needles []needle
	stores  []string // on servers; those in files are found
	all     []*heard
	inputs  map[string]stamp // files of the script's own; they hold keys for poskey to read
	allowed map[string]bool
}

// stamp tells whether a file is still what it was.
type stamp struct {
	size int64
	time time.Time
}

func newSearch(work string) *search {
	return &search{work: work, needles: canaries(), inputs: map[string]stamp{}, allowed: map[string]bool{}}
}

// takeInputs notes the files that came with the script.
func (s *search) takeInputs() error {
	return s.walk(func(path string, _ stamp) error { return s.input(path) })
}

func (s *search) walk(visit func(path string, now stamp) error) error {
	return filepath.WalkDir(s.work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return visit(path, stamp{info.Size(), info.ModTime()})
	})
}

// input notes a file that the script itself has made.
func (s *search) input(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		s.inputs[path] = stamp{info.Size(), info.ModTime()}
	}
	return err
}

func (s *search) heard(label string, out, err []byte) {
	s.all = append(s.all, &heard{label: label, out: bytes.Clone(out), err: bytes.Clone(err)})
}

func (s *search) allow(path string) { s.allowed[path] = true }

func (s *search) allowLast(stream string) error {
	if len(s.all) == 0 {
		return fmt.Errorf("no command was run yet")
	}
	last := s.all[len(s.all)-1]
	if stream == "stdout" {
		last.outShows = true
	} else {
		last.errToo = true
	}
	return nil
}

// run gives a sentence for every place where a key stands and should not, and for every place that was declared to show
// one and does not: such a declaration hides what comes later.
func (s *search) run() []string {
	var found []string
	kept, err := storeSecrets(s.work, s.stores)
	if err != nil {
		found = append(found, err.Error())
	}
	s.needles = append(s.needles, kept...)
	look := func(where string, data []byte, shows bool) {
		switch form := formOf(data, s.needles); {
		case form != "" && !shows:
			found = append(found, fmt.Sprintf("%s in %s", form, where))
		case form == "" && shows:
			found = append(found, fmt.Sprintf("%s is declared to reveal a canary key, and does not", where))
		}
	}
	for _, h := range s.all {
		look("stdout of "+h.label, h.out, h.outShows)
		look("stderr of "+h.label, h.err, h.errToo)
	}
	err = s.walk(func(path string, now stamp) error {
		if s.inputs[path] == now {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		look("file "+path, data, s.allowed[path])
		delete(s.allowed, path)
		return nil
	})
	if err != nil {
		found = append(found, err.Error())
	}
	for path := range s.allowed {
		found = append(found, path+" is declared to reveal a canary key, and is not there")
	}
	return found
}

// A part of a key is as bad as the whole of it: this much in a row is what is looked for.
const (
	digitsInRow = 12
	bytesInRow  = 6
)

// needle is a secret that nothing may show: a key, or the words of a passphrase.
type needle struct {
	what string
	raw  []byte // of a key
	text string // a key's hex digits in upper case, or the words
}

func canaries() []needle {
	all := []needle{{what: "words of a passphrase", text: canaryWords}}
	for _, key := range []string{canary, canary2} {
		raw, _ := hex.DecodeString(key)
		all = append(all, needle{"a canary key", raw, key})
	}
	return all
}

// formOf names a secret that stands in data, whole or in part, and the form in which it does; or gives nothing.
func formOf(data []byte, needles []needle) string {
	digits, list := onlyDigits(data), onlyList(data)
	for _, n := range needles {
		if form := n.formIn(data, digits, list); form != "" {
			return n.what + " stands (" + form + ")"
		}
	}
	return ""
}

func (n needle) formIn(data, digits, list []byte) string {
	for i := 0; i+bytesInRow <= len(n.raw); i++ {
		if bytes.Contains(data, n.raw[i:i+bytesInRow]) {
			return "raw bytes"
		}
		if bytes.Contains(list, []byte(strings.Trim(fmt.Sprint(n.raw[i:i+bytesInRow]), "[]"))) {
			return "decimal bytes"
		}
	}
	text := onlyDigits([]byte(n.text))
	for i := 0; i+digitsInRow <= len(text); i++ {
		if bytes.Contains(digits, text[i:i+digitsInRow]) {
			if n.raw == nil {
				return "as text"
			}
			return "hex digits"
		}
	}
	for _, text := range []string{string(n.raw), n.text, strings.ToLower(n.text)} {
		if text != "" && containsBase64(data, text) {
			return "base64"
		}
	}
	if n.raw == nil && bytes.Contains(digits, []byte(strings.ToUpper(hex.EncodeToString([]byte(n.text))))) {
		return "hex digits"
	}
	return ""
}

// formOfKey looks for the scripts' own canaries.
func formOfKey(data []byte) string { return formOf(data, canaries()) }

// onlyDigits takes away what may stand between hex digits, and 0x and \x before them, and makes them upper case.
func onlyDigits(data []byte) []byte {
	data = bytes.ToUpper(data)
	data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte(`\X`), nil), []byte("0X"), nil)
	return bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n-:,;._|/'\"`[](){}<>*", r) {
			return -1
		}
		return r
	}, data)
}

// onlyList puts one blank between the members of lists.
func onlyList(data []byte) []byte {
	return bytes.Join(bytes.FieldsFunc(data, func(r rune) bool { return strings.ContainsRune(" \t\r\n,[]{}", r) }), []byte(" "))
}

// containsBase64 looks for the encoding of text at each of the three places where it can begin in a longer one.
func containsBase64(data []byte, text string) bool {
	for shift := range 3 {
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			coded := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
			if bytes.Contains(data, []byte(coded[(shift*8+5)/6:len(coded)-1])) { // the outer characters hold neighbours' bits
				return true
			}
		}
	}
	return false
}

func TestEveryFormOfAKeyIsFound(t *testing.T) {
	raw, err := hex.DecodeString(canary)
	if err != nil {
		t.Fatal(err)
	}
	lower := strings.ToLower(canary)
	forms := map[string]string{
		"upper case":        "the key " + canary + " is",
		"lower case":        lower,
		"the other canary":  canary2,
		"groups of four":    regexp.MustCompile("(....)").ReplaceAllString(canary, "$1 "),
		"bytes with dashes": regexp.MustCompile("(..)").ReplaceAllString(lower, "$1-"),
		"two lines":         canary[:16] + "\n" + canary[16:],
		"the first half":    `{"value":"` + canary[:16] + `"}`,
		"the last digits":   canary[20:],
		"Go's %x of bytes":  fmt.Sprintf("% x", raw),
		"Go's %v of bytes":  fmt.Sprint(raw),
		"Go's %#v of bytes": fmt.Sprintf("%#v", raw),
		"JSON of bytes":     strings.ReplaceAll(fmt.Sprint(raw), " ", ","),
		"escaped":           regexp.MustCompile("(..)").ReplaceAllString(lower, `\x$1`),
		"raw":               "x" + string(raw) + "y",
		"half of it raw":    string(raw[8:]),
		"base64":            base64.StdEncoding.EncodeToString(raw),
		"base64, shifted":   base64.StdEncoding.EncodeToString(append([]byte("k="), raw...)),
		"base64 for URLs":   base64.URLEncoding.EncodeToString(append([]byte("k"), raw...)),
		"base64 of hex":     base64.StdEncoding.EncodeToString([]byte("key " + lower)),
		"a passphrase":      "typed: TEST " + canaryWords,
		"some of its words": "Walnut Orbit",
		"a passphrase, hex": hex.EncodeToString([]byte(canaryWords)),
		"in base64":         base64.StdEncoding.EncodeToString([]byte("of " + canaryWords)),
	}
	for name, text := range forms {
		if formOfKey([]byte("before "+text+" after")) == "" {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
}

func TestOtherValuesAreNoKey(t *testing.T) {
	for _, text := range []string{
		"", "check value 844876 (ecb-zero)", "844876EADC10222F", canary[:10], "B0096P0TE00E0000B7B25585C6A7B55634322B3C5BD87DCC",
		"0123456789ABCDEFFEDCBA9876543210",
	} {
		if form := formOfKey([]byte(text)); form != "" {
			t.Errorf("%q is taken for a key (%s)", text, form)
		}
	}
}

func TestSearchLooksAtOutputsAndFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	input, s := write("input", canary), newSearch(dir)
	if err := s.takeInputs(); err != nil {
		t.Fatal(err)
	}
	s.heard("one", []byte(canary), nil)
	s.heard("two", nil, []byte(canary))
	s.heard("three", []byte(canary), []byte("844876"))
	for _, stream := range []string{"stdout", "stderr"} {
		if err := s.allowLast(stream); err != nil {
			t.Fatal(err)
		}
	}
	write("log", "x"+strings.ToLower(canary))
	s.allow(write("shown", canary))
	s.allow(write("harmless", "nothing"))
	s.allow(filepath.Join(dir, "missing"))
	got := strings.Join(s.run(), "\n")
	for _, want := range []string{
		"a canary key stands (hex digits) in stdout of one", "(hex digits) in stderr of two", "stderr of three is declared", "(hex digits) in file " + filepath.Join(dir, "log"),
		"harmless is declared", "missing is declared",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 6 {
		t.Errorf("%d findings, want 6:\n%s", n, got)
	}
	if err := os.WriteFile(input, []byte(canary+canary), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.run(), "\n"); !strings.Contains(got, "in file "+input) {
		t.Errorf("an input that poskey has written into is not searched:\n%s", got)
	}
}

// commandLines gives the commands of a script, with their numbers, without comments.
func commandLines(t *testing.T, path string) map[int]string {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int]string{}
	for i, line := range strings.Split(string(a.Comment), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines[i+1] = line
		}
	}
	return lines
}

func TestPoskeyRunsOnlyWhereItIsHeard(t *testing.T) {
	condition := regexp.MustCompile(`^\[[^]]*\] *`)
	for _, path := range scripts(t) {
		for n, line := range commandLines(t, path) {
			line = condition.ReplaceAllString(line, "")
			if word, _, _ := strings.Cut(line, " "); word == "exec" || word == "!" && strings.HasPrefix(line, "! exec") {
				if strings.Contains(line, "poskey") {
					t.Errorf("%s:%d: poskey by %s: its outputs are not searched; use exits", path, n, word)
				}
			}
		}
	}
}

// TestScriptsUseTheCanaries: a canary that is never in the mine proves nothing.
func TestScriptsUseTheCanaries(t *testing.T) {
	var all strings.Builder
	for _, path := range scripts(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	for use, pattern := range map[string]string{
		"a key in a file":              `put \S+ \$CANARY\n`,
		"a key on the command line":    `--key hex:\$CANARY `,
		"a key in the environment":     `env KEY=.*\$CANARY`,
		"a KBPK":                       `--kbpk (file:kbpk|hex:\$CANARY2)`,
		"a component":                  `--part (hex:)?\$CANARY`,
		"a key that is too short":      `hex:AD85[0-9A-F]{1,27} `,
		"a key that is too long":       `hex:\$\{CANARY\}[0-9A-F]+ `,
		"a key with a strange letter":  `hex:\$\{CANARY\}[G-Zg-z]`,
		"a key in a word out of place": `[a-z] \$CANARY$`,
		"a key typed at a prompt":      `(?m)^>> \$CANARY`,
		"a line of a batch that fails": `"hex:` + canary + `[^"]+"`,
		"an error as JSON":             `exits [1-9]\d* .*CANARY.*-o json`,
		"a clear load, traced":         `inject .*--clear.* -v`,
		"a KLK":                        `--klk (file:\S+|hex:\$CANARY)`,
		"a diagnosis":                  `diagnose kcv .*CANARY`,
		"a cryptogram's KEK":           `--kek hex:\$CANARY`,
		"a key into the store":         `put zmk \$CANARY\$CANARY2\n`,
		"a passphrase at a terminal":   `(?m)^>> .*` + canaryWords,
		"a wrong passphrase":           `exits -fd=custodian.a.pass,custodian.a.pass 7 `,
		"a key shown before officers":  `key show .* --reveal .*--approver .*\n.*\nreveals stdout`,
	} {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(all.String()) {
			t.Errorf("no script uses a canary as %s (%s)", use, pattern)
		}
	}
}

// Command bulk measures whole batch runs of the built binary on two cores: seconds, lines a second, peak memory, and the
// ratio to one plain pass of encoding/json over the same lines, on one core, in the same run. It holds them against the
// project's goals, and ends with 1 when one that must be reached is not.
//
//	bulk POSKEY [LINES [WORD]]
//
// LINES is 1,000,000 when left out. With WORD only the runs are measured whose name has it, and what makes their lines.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	cores   = "2"
	mostMB  = 100 // of memory, for every run
	million = 1_000_000
)

// The keys of the runs are nobody's: they are drawn anew each time.
const (
	kbpkFile   = "kbpk.txt"
	toKBPKFile = "to-kbpk.txt"
	bdkFile    = "bdk.txt"
)

// line is a line of any of the batches, and all that the plain pass decodes and encodes.
type line struct {
	Key   string `json:"key,omitempty"`
	Block string `json:"block,omitempty"`
	KBPK  string `json:"kbpk,omitempty"`
	KSN   string `json:"ksn,omitempty"`
}

// run is one command over one file of lines.
type run struct {
	name string
	args string
	make func(i int) line // the lines, out of nothing
	wrap func(block string) line

	must, aim float64 // seconds for a million lines; 0 where there is no goal
}

// runs lists them in order: those with wrap take the key blocks that the first one made.
func runs(kbpk string) []run {
	blocks := func(block string) line { return line{Block: block} }
	aes := func(int) line { return line{Key: "hex:" + random(32)} }
	return []run{
		{name: "keyblock wrap, D-256", make: aes, args: "keyblock wrap --alg aes-256 --header D0000D0AB00E0000 --kbpk file:" + kbpkFile},
		{name: "keyblock unwrap, D-256", wrap: blocks, args: "keyblock unwrap --kbpk file:" + kbpkFile, must: 12, aim: 6},
		{name: "keyblock unwrap, KBPK in each line", args: "keyblock unwrap",
			wrap: func(block string) line { return line{Block: block, KBPK: "hex:" + kbpk} }},
		{name: "keyblock translate, D-256", wrap: blocks, args: "keyblock translate --kbpk file:" + kbpkFile + " --to-kbpk file:" + toKBPKFile},
		{name: "kcv compute, tdes-128", make: func(int) line { return line{Key: "hex:" + random(16)} }, args: "kcv compute --alg tdes-128"},
		{name: "kcv compute, aes-256", make: aes, args: "kcv compute --alg aes-256"},
		{name: "dukpt ik, TDES", make: func(i int) line { return line{KSN: ksn(i)} }, args: "dukpt ik --bdk file:" + bdkFile, must: 6, aim: 3},
	}
}

// ksn gives the initial KSN of the i-th device.
func ksn(i int) string {
	b := [10]byte{0xFF, 0xFF}
	binary.BigEndian.PutUint64(b[2:], 0x98<<56|uint64(i)<<21)
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return strings.ToUpper(hex.EncodeToString(b))
}

func main() {
	if err := measure(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bulk:", err) //nolint:forbidigo // a tool of the build
		os.Exit(1)
	}
}

func measure(args []string) error {
	if len(args) < 1 {
		return fmt.Errorf("usage: bulk POSKEY [LINES [WORD]]")
	}
	poskey, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	n, word := million, ""
	if len(args) > 1 {
		if n, err = strconv.Atoi(args[1]); err != nil {
			return err
		}
	}
	if len(args) > 2 {
		word = args[2]
	}
	dir, err := os.MkdirTemp("", "poskey-bulk")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := bench{poskey: poskey, dir: dir, lines: n}
	kbpk := random(32)
	for name, key := range map[string]string{kbpkFile: kbpk, toKBPKFile: random(32), bdkFile: random(16)} {
		if err := os.WriteFile(b.file(name), []byte(key+"\n"), 0o600); err != nil {
			return err
		}
	}
	fmt.Printf("%-36s %9s %8s %8s %10s %9s %14s %6s %6s\n", "command, "+cores+" cores", "lines", "seconds", "CPU s", "lines/s", "peak MB", //nolint:forbidigo // a tool of the build
		"x plain JSON", "must", "aim")
	missed := 0
	for i, r := range runs(kbpk) {
		wanted := strings.Contains(r.name, word)
		if !wanted && i > 0 {
			continue
		}
		f, err := b.one(r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		if wanted && !f.print(r, n) {
			missed++
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d goals were missed", missed)
	}
	return nil
}

// figures of one run.
type figures struct {
	took, cpu, plain time.Duration
	peak             int64
}

// print writes the row, and tells whether what must be reached was.
func (f figures) print(r run, lines int) bool {
	share := float64(lines) / million
	megabytes := float64(f.peak) / (1 << 20)
	fmt.Printf("%-36s %9d %8.2f %8.2f %10.0f %9.0f %14.2f %6s %6s\n", r.name, lines, f.took.Seconds(), f.cpu.Seconds(), //nolint:forbidigo // a tool of the build
		float64(lines)/f.took.Seconds(), megabytes, f.took.Seconds()/f.plain.Seconds(), goal(r.must*share), goal(r.aim*share))
	return megabytes < mostMB && (r.must == 0 || f.took.Seconds() <= r.must*share)
}

func goal(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return strconv.FormatFloat(seconds, 'f', 1, 64)
}

// bench is one folder with the files of the runs.
type bench struct {
	poskey, dir string
	lines       int
}

func (b bench) file(name string) string { return filepath.Join(b.dir, name) }

const (
	inFile     = "in.jsonl"
	outFile    = "out.jsonl"
	blocksFile = "blocks.txt"
)

func (b bench) one(r run) (figures, error) {
	if err := b.writeLines(r); err != nil {
		return figures{}, err
	}
	f := figures{}
	var err error
	if f.plain, err = b.plain(); err != nil {
		return figures{}, err
	}
	if err := b.command(r, &f); err != nil {
		return figures{}, err
	}
	if strings.HasPrefix(r.name, "keyblock wrap") {
		err = b.takeBlocks()
	}
	return f, err
}

// writeLines writes the lines of a run: made, or one for each block.
func (b bench) writeLines(r run) error {
	f, err := os.OpenFile(b.file(inFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	out := bufio.NewWriterSize(f, 1<<20)
	e := json.NewEncoder(out)
	if r.make != nil {
		for i := range b.lines {
			if err := e.Encode(r.make(i)); err != nil {
				return err
			}
		}
		return out.Flush()
	}
	err = eachLine(b.file(blocksFile), func(block []byte) error { return e.Encode(r.wrap(string(block))) })
	if err != nil {
		return err
	}
	return out.Flush()
}

// plain is the yardstick: every line decoded into a struct and encoded again, with encoding/json, on one core.
func (b bench) plain() (time.Duration, error) {
	start := time.Now() //nolint:forbidigo // measuring is its job
	e := json.NewEncoder(io.Discard)
	err := eachLine(b.file(inFile), func(raw []byte) error {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return err
		}
		return e.Encode(l)
	})
	return time.Since(start), err
}

// command runs the batch from file to file.
func (b bench) command(r run, f *figures) error {
	out, err := os.OpenFile(b.file(outFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	c := exec.Command(b.poskey, append(strings.Fields(r.args), "--batch", inFile, "-q")...) //nolint:gosec // the caller names the binary
	c.Dir, c.Stdout, c.Env = b.dir, out, append(os.Environ(), "GOMAXPROCS="+cores)
	var said bytes.Buffer
	c.Stderr = &said
	start := time.Now() //nolint:forbidigo // measuring is its job
	if err := c.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	f.took, f.cpu, f.peak = time.Since(start), c.ProcessState.UserTime()+c.ProcessState.SystemTime(), peakBytes(c.ProcessState)
	return nil
}

// takeBlocks keeps the key blocks of the answers for the runs that open them.
func (b bench) takeBlocks() error {
	f, err := os.OpenFile(b.file(blocksFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	out := bufio.NewWriterSize(f, 1<<20)
	err = eachLine(b.file(outFile), func(raw []byte) error {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return err
		}
		_, err := out.WriteString(l.Block + "\n")
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

func eachLine(path string, do func([]byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(bufio.NewReaderSize(f, 1<<20))
	for lines.Scan() {
		if err := do(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// Command bulk measures whole batch runs of the built binary on two cores: seconds, lines a second, peak memory, and the
// ratio to one plain pass of encoding/json over the same lines, on one core, in the same run.
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

const cores = "2"

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
}

// runs lists them in order: those with wrap take the key blocks that the first one made.
func runs(kbpk string) []run {
	blocks := func(block string) line { return line{Block: block} }
	return []run{
		{"keyblock wrap, D-256", "keyblock wrap --alg aes-256 --header D0000D0AB00E0000 --kbpk file:" + kbpkFile,
			func(int) line { return line{Key: "hex:" + random(32)} }, nil},
		{"keyblock unwrap, D-256", "keyblock unwrap --kbpk file:" + kbpkFile, nil, blocks},
		{"keyblock unwrap, KBPK in each line", "keyblock unwrap", nil,
			func(block string) line { return line{Block: block, KBPK: "hex:" + kbpk} }},
		{"keyblock translate, D-256", "keyblock translate --kbpk file:" + kbpkFile + " --to-kbpk file:" + toKBPKFile, nil, blocks},
		{"kcv compute, tdes-128", "kcv compute --alg tdes-128", func(int) line { return line{Key: "hex:" + random(16)} }, nil},
		{"kcv compute, aes-256", "kcv compute --alg aes-256", func(int) line { return line{Key: "hex:" + random(32)} }, nil},
		{"dukpt ik, TDES", "dukpt ik --bdk file:" + bdkFile, func(i int) line { return line{KSN: ksn(i)} }, nil},
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
	n, word := 1_000_000, ""
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
	fmt.Printf("%-36s %10s %8s %12s %9s %14s\n", "command, "+cores+" cores", "lines", "seconds", "lines/s", "peak MB", "x plain JSON") //nolint:forbidigo // a tool of the build
	for i, r := range runs(kbpk) {
		wanted := strings.Contains(r.name, word)
		if !wanted && i > 0 {
			continue
		}
		if err := b.one(r, wanted); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
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

func (b bench) one(r run, show bool) error {
	if err := b.writeLines(r); err != nil {
		return err
	}
	plain, err := b.plain()
	if err != nil {
		return err
	}
	took, peak, err := b.command(r)
	if err != nil {
		return err
	}
	if show {
		fmt.Printf("%-36s %10d %8.2f %12.0f %9.0f %14.2f\n", r.name, b.lines, took.Seconds(), float64(b.lines)/took.Seconds(), //nolint:forbidigo // a tool of the build
			float64(peak)/(1<<20), took.Seconds()/plain.Seconds())
	}
	if strings.HasPrefix(r.name, "keyblock wrap") {
		return b.takeBlocks()
	}
	return nil
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
func (b bench) command(r run) (time.Duration, int64, error) {
	out, err := os.OpenFile(b.file(outFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = out.Close() }()
	c := exec.Command(b.poskey, append(strings.Fields(r.args), "--batch", inFile, "-q")...) //nolint:gosec // the caller names the binary
	c.Dir, c.Stdout, c.Env = b.dir, out, append(os.Environ(), "GOMAXPROCS="+cores)
	var said bytes.Buffer
	c.Stderr = &said
	start := time.Now() //nolint:forbidigo // measuring is its job
	if err := c.Run(); err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return time.Since(start), peakBytes(c.ProcessState), nil
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

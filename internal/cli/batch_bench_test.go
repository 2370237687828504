package cli

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/pkg/keys"
)

// cycle gives n lines out of a few, over and over.
type cycle struct {
	lines []string
	n, at int
	rest  string
}

func (c *cycle) Read(p []byte) (int, error) {
	got := 0
	for got < len(p) {
		if c.rest == "" {
			if c.at == c.n {
				break
			}
			c.rest = c.lines[c.at%len(c.lines)]
			c.at++
		}
		n := copy(p[got:], c.rest)
		c.rest = c.rest[n:]
		got += n
	}
	if got == 0 {
		return 0, io.EOF
	}
	return got, nil
}

// runApp runs one command line in this process.
func runApp(t testing.TB, in io.Reader, out io.Writer, args ...string) int {
	t.Helper()
	var said bytes.Buffer
	a := &App{
		Env: keys.Env{Rand: rand.Reader, Now: time.Now}, In: in, Out: out, Err: &said,
		Getenv: func(string) string { return "" },
	}
	code := a.Run(t.Context(), args)
	if code != 0 && code != 10 {
		t.Fatalf("exit %d: %s", code, said.String())
	}
	return code
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return strings.ToUpper(hex.EncodeToString(b))
}

func linesOf(n int, make func() string) []string {
	all := []string{}
	for range n {
		all = append(all, make()+"\n")
	}
	return all
}

// BenchmarkBatch: one operation is one line, through the whole command.
func BenchmarkBatch(b *testing.B) {
	const few = 1000
	dir := b.TempDir()
	kbpk := randomHex(32)
	file := func(name, key string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
			b.Fatal(err)
		}
		return "file:" + path
	}
	one, other := file("kbpk", kbpk), file("to-kbpk", randomHex(32))
	aes := linesOf(few, func() string { return fmt.Sprintf(`{"key":"hex:%s"}`, randomHex(32)) })
	tdes := linesOf(few, func() string { return fmt.Sprintf(`{"key":"hex:%s"}`, randomHex(16)) })
	var made bytes.Buffer
	wrap := []string{"keyblock", "wrap", "--alg", "aes-256", "--header", "D0000D0AB00E0000", "--kbpk", one}
	runApp(b, &cycle{lines: aes, n: few}, &made, append(wrap, "--batch", "-")...)
	var bare, with []string
	for line := range strings.Lines(made.String()) {
		_, block, _ := strings.Cut(line, `"block":"`)
		block, _, _ = strings.Cut(block, `"`)
		bare = append(bare, fmt.Sprintf("{\"block\":%q}\n", block))
		with = append(with, fmt.Sprintf("{\"block\":%q,\"kbpk\":\"hex:%s\"}\n", block, kbpk))
	}
	for _, c := range []struct {
		name  string
		lines []string
		args  []string
	}{
		{"wrap", aes, wrap},
		{"unwrap", bare, []string{"keyblock", "unwrap", "--kbpk", one}},
		{"unwrap-each", with, []string{"keyblock", "unwrap"}},
		{"translate", bare, []string{"keyblock", "translate", "--kbpk", one, "--to-kbpk", other}},
		{"kcv-tdes-128", tdes, []string{"kcv", "compute", "--alg", "tdes-128"}},
		{"kcv-aes-256", aes, []string{"kcv", "compute", "--alg", "aes-256"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			runApp(b, &cycle{lines: c.lines, n: b.N}, io.Discard, append(c.args, "--batch", "-")...)
		})
	}
}

// BenchmarkLine: one line into its options, as a plain one and by the strict reader.
func BenchmarkLine(b *testing.B) {
	line := []byte(fmt.Sprintf(`{"block":"%s","kbpk":"hex:%s"}`, randomHex(72), randomHex(32)))
	fields := plainFieldsOf[unwrapOpts]()
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			var o unwrapOpts
			if !readPlain(fields, line, &o) {
				b.Fatal("the line is not plain")
			}
		}
	})
	b.Run("strict", func(b *testing.B) {
		for b.Loop() {
			var o unwrapOpts
			if err := decodeLine(line, &o); err != nil {
				b.Fatal(err)
			}
		}
	})
}

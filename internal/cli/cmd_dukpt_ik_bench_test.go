package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkIKBatch: one operation is one line of `dukpt ik --batch`, through the whole command. TEST keys, published.
func BenchmarkIKBatch(b *testing.B) {
	for _, c := range []struct{ name, bdk, pattern string }{
		{"tdes", "0123456789ABCDEFFEDCBA9876543210", `{"ksn":"FFFF987654%05X00000"}`},
		{"aes-128", "FEDCBA9876543210F1F1F1F1F1F1F1F1", `{"ksn":"12345678%08X00000000"}`},
	} {
		path := filepath.Join(b.TempDir(), "bdk")
		if err := os.WriteFile(path, []byte(c.bdk), 0o600); err != nil {
			b.Fatal(err)
		}
		device := 0
		lines := linesOf(1000, func() string { device += 2; return fmt.Sprintf(c.pattern, device) })
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			runApp(b, &cycle{lines: lines, n: b.N}, io.Discard, "dukpt", "ik", "--bdk", "file:"+path, "--batch", "-")
		})
	}
}

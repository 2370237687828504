//go:build unix

package source

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func TestPassphraseThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	if err := os.WriteFile(path, []byte("TEST words by dice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPassphrase(context.Background(), "file:"+path); !fault.Is(err, fault.FileExposed) {
		t.Errorf("opened: %v", err)
	}
	if _, err := (&Reader{}).ReadPassphrase(context.Background(), "file:"+path, text.New("passphrase")); !fault.Is(err, fault.FileExposed) {
		t.Errorf("read: %v", err)
	}
}

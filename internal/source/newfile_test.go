package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
)

func content(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestFilledFileIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "long")
	broken := errors.New("the well is dry")
	if err := Fill(path, func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got := names(t, dir); got != "" {
		t.Errorf("left behind: %s", got)
	}
	if err := Fill(path, func(w io.Writer) error { _, err := io.WriteString(w, "whole"); return err }); err != nil || content(t, path) != "whole" {
		t.Errorf("got %v", err)
	}
	if err := Fill(path, func(io.Writer) error { t.Error("asked to write"); return nil }); !fault.Is(err, fault.FileExists) || content(t, path) != "whole" {
		t.Errorf("a second time: %v", err)
	}
}

func TestReplacedFileIsTheOldOneUntilTheNewOneIsProved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "identity")
	if err := WriteNew(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	bad := errors.New("it cannot be read again")
	err := Replace(path, []byte("new"), func(beside string) error {
		if content(t, beside) != "new" || content(t, path) != "old" {
			t.Error("both must be there while the new one is proved")
		}
		return bad
	})
	if !errors.Is(err, bad) || content(t, path) != "old" || names(t, dir) != "identity" {
		t.Errorf("%v, and the folder holds %s", err, names(t, dir))
	}
	if err := Replace(path, []byte("new"), func(string) error { return nil }); err != nil || content(t, path) != "new" || names(t, dir) != "identity" {
		t.Errorf("%v, and the folder holds %s", err, names(t, dir))
	}
	if err := os.WriteFile(path+".new", []byte("of a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = Replace(path, []byte("newer"), func(string) error { return nil })
	if !fault.Is(err, fault.FileExists) || content(t, path) != "new" || content(t, path+".new") != "of a crash" {
		t.Errorf("beside one that a crash left: %v", err)
	}
	if err := Replace(filepath.Join(dir, "none"), nil, func(string) error { return nil }); !fault.Is(err, fault.NotFound) {
		t.Errorf("nothing to replace: %v", err)
	}
}

func TestPassphraseIsTheLineAsItIs(t *testing.T) {
	before := secret.Live()
	dir := t.TempDir()
	for in, want := range map[string]string{
		"five words by dice\n":   "five words by dice",
		"five words by dice\r\n": "five words by dice",
		"five words by dice":     "five words by dice",
		" blanks stay \n":        " blanks stay ",
		"two\nlines\n":           "two\nlines", // refused by whoever takes passphrases
		"\n":                     "",
	} {
		path := filepath.Join(dir, "p")
		if err := os.WriteFile(path, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := (&Reader{}).ReadPassphrase(context.Background(), "file:"+path, text.New("passphrase"))
		if err != nil || string(got.Expose()) != want {
			t.Errorf("%q gives %q, %v", in, got.Expose(), err)
		}
		got.Wipe()
	}
	for _, src := range []string{"hex:00", "env:HOME", "block:x", "TEST passphrase", "store:X"} {
		_, err := (&Reader{AllowArgv: true, Getenv: os.Getenv}).ReadPassphrase(context.Background(), src, text.New("passphrase"))
		if !fault.Is(err, fault.Usage) || strings.Contains(err.Error(), "TEST") {
			t.Errorf("%s: %v", src, err)
		}
	}
	if secret.Live() != before {
		t.Error("a secret is left")
	}
}

func TestPassphraseForAnotherProcessIsOpenedAndNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	if err := os.WriteFile(path, []byte("TEST words by dice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenPassphrase(context.Background(), "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(f); err != nil || string(raw) != "TEST words by dice\n" {
		t.Errorf("%q, %v", raw, err)
	}
	_ = f.Close()
	for src, kind := range map[string]fault.Kind{
		"prompt": fault.Usage, "-": fault.Usage, "hex:00": fault.Usage, "fd:x": fault.Usage, "fd:987654": fault.NotFound,
		"file:" + path + ".none": fault.NotFound,
	} {
		if f, err := OpenPassphrase(context.Background(), src); f != nil || !fault.Is(err, kind) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

//go:build unix

package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"poskey/internal/fault"
	"poskey/internal/testproc"
	"poskey/internal/testvec"
)

func TestFileThatOthersCanReadIsRefused(t *testing.T) {
	noLeaks(t)
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660, 0o606, 0o610, 0o601, 0o620, 0o602, 0o777, 0o440, 0o444} {
		err := mustRefuse(t, reader(), "file:"+write(t, mode, keyHex), fault.FileExposed)
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("mode %04o", mode)) {
			t.Errorf("%04o: %v", mode, err)
		}
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o700, 0o500} {
		mustRead(t, reader(), "file:"+write(t, mode, keyHex), keyHex)
	}
	link := filepath.Join(t.TempDir(), "link") // the file counts, not the link to it
	if err := os.Symlink(write(t, 0o644, keyHex), link); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, reader(), "file:"+link, fault.FileExposed)
}

func TestFileThatMayNotBeReadIsTold(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	testproc.BecomeNobody(t)
	path := filepath.Join(dir, "key")
	if err := os.WriteFile(path, []byte(keyHex), 0o200); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, reader(), "file:"+path, fault.NotPermitted)
	mustRefuse(t, reader(), "block:"+path, fault.NotPermitted)
}

func TestNamedPipeIsReadWhateverItsMode(t *testing.T) {
	noLeaks(t)
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(path, []byte(keyHex+"\n"), 0o600) }()
	mustRead(t, reader(), "file:"+path, keyHex)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPipeThatNobodyWritesToEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(stop)
	if m, err := reader().Read(ctx, "file:"+path, what()); m != (Material{}) || !errors.Is(err, stop) {
		t.Errorf("opening: %v", err)
	}
	release, err := os.OpenFile(path, os.O_RDWR, 0) // lets the forgotten opening go on
	if err != nil {
		t.Fatal(err)
	}
	_ = release.Close()
	r, w := pipe(t)
	if m, err := reader().Read(ctx, fmt.Sprintf("fd:%d", r), what()); m != (Material{}) || !errors.Is(err, stop) {
		t.Errorf("reading: %v", err)
	}
	_ = unix.Close(w)
}

// pipe gives bare descriptors: those of os.Pipe would be closed twice.
func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func TestDescriptorGivesAKeyAndIsClosed(t *testing.T) {
	noLeaks(t)
	r, w := pipe(t)
	if _, err := unix.Write(w, []byte(keyHex)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(w); err != nil {
		t.Fatal(err)
	}
	src := fmt.Sprintf("fd:%d", r)
	mustRead(t, reader(), src, keyHex)
	if _, err := unix.FcntlInt(uintptr(r), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("descriptor %d is still open: %v", r, err)
	}
	mustRefuse(t, reader(), src, fault.NotFound)
	for _, src := range []string{"fd:x", "fd:-1", "fd:1048577", "fd:99999999999999999999", "fd:3.0", "fd: 3"} {
		mustRefuse(t, reader(), src, fault.Usage)
	}
	mustRefuse(t, reader(), "fd:1048576", fault.NotFound)
}

func TestNewFileIsForItsOwnerAloneUnderAnyUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o027, 0o077, 0o177, 0o277, 0o777} {
		dir := t.TempDir()
		old := unix.Umask(umask)
		path := filepath.Join(dir, "key")
		err := WriteNew(path, []byte(keyHex))
		made, derr := MakeDir(filepath.Join(dir, "parts"))
		unix.Umask(old)
		if err != nil || derr != nil || !made {
			t.Fatalf("umask %03o: %v, %v", umask, err, derr)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("umask %03o: mode %v, %v", umask, info.Mode(), err)
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != keyHex {
			t.Errorf("umask %03o: other content, %v", umask, err)
		}
		info, err = os.Stat(filepath.Join(dir, "parts"))
		if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("umask %03o: folder with mode %v, %v", umask, info.Mode(), err)
		}
		mustRead(t, reader(), "file:"+path, keyHex) // what poskey writes, poskey reads
	}
}

func TestExistingFileIsNeverTouched(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	if err := os.WriteFile(path, []byte("precious"), 0o640); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, taken := range []string{path, dangling, dir} {
		if err := WriteNew(taken, []byte(keyHex)); !fault.Is(err, fault.FileExists) {
			t.Errorf("%s: %v", filepath.Base(taken), err)
		}
		if err := CheckNew(taken); !fault.Is(err, fault.FileExists) {
			t.Errorf("%s: CheckNew says %v", filepath.Base(taken), err)
		}
	}
	after, err := os.Stat(path)
	if err != nil || after.Mode() != before.Mode() || after.ModTime() != before.ModTime() || !os.SameFile(before, after) {
		t.Errorf("the file was touched: %v", err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "precious" {
		t.Errorf("the file was written: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file was made at the end of the link")
	}
	if _, err := os.Lstat(dangling); err != nil {
		t.Error("the link is gone")
	}
}

func TestFolderMustBeThereForANewFile(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none", "key"), filepath.Join(dir, "none", "none", "key")} {
		for name, err := range map[string]error{"WriteNew": WriteNew(path, []byte(keyHex)), "CheckNew": CheckNew(path)} {
			if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), filepath.Dir(path)) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	file := write(t, 0o600, "x")
	if err := CheckNew(filepath.Join(file, "key")); !fault.Is(err, fault.NotFound) {
		t.Errorf("a file in place of the folder: %v", err)
	}
	if err := WriteNew(filepath.Join(file, "key"), nil); err == nil {
		t.Error("a file was written below a file")
	}
	if err := CheckNew(filepath.Join(dir, "key")); err != nil {
		t.Errorf("a free place: %v", err)
	}
	if made, err := MakeDir(filepath.Join(dir, "none", "parts")); made || !fault.Is(err, fault.NotFound) {
		t.Errorf("MakeDir: %v", err)
	}
	if left := list(t, dir); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

func list(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestEmptyAndLongContentAreWrittenWhole(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 1 << 20} {
		path := filepath.Join(t.TempDir(), "file")
		content := []byte(strings.Repeat("k", n))
		if err := WriteNew(path, content); err != nil {
			t.Fatal(err)
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != string(content) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestFullDiskLeavesNothing: the limit on the size of files stands in for a full disk.
func TestFullDiskLeavesNothing(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 10, Max: 10}); err != nil {
		t.Fatal(err)
	}
	err := WriteNew(filepath.Join(dir, "key"), []byte(keyHex))
	if !fault.Is(err, fault.Failure) || !errors.Is(err, unix.EFBIG) {
		t.Errorf("got %v", err)
	}
	shows(t, err)
	if left := list(t, dir); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if err := WriteNew(filepath.Join(dir, "small"), []byte("0123456789")); err != nil {
		t.Errorf("what fits: %v", err)
	}
}

func TestFolderThatMayNotBeWrittenStaysAsItIs(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	testproc.BecomeNobody(t)
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(filepath.Join(locked, "key"), []byte(keyHex)); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("a file: %v", err)
	}
	if made, err := MakeDir(filepath.Join(locked, "parts")); made || !fault.Is(err, fault.NotPermitted) {
		t.Errorf("a folder: %v", err)
	}
	if left := list(t, locked); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if err := os.Chmod(locked, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestFolderIsMadeForItsOwnerOrTakenAsItIs(t *testing.T) {
	dir := t.TempDir()
	old := unix.Umask(0)
	defer unix.Umask(old)
	path := filepath.Join(dir, "parts")
	made, err := MakeDir(path)
	if info, serr := os.Stat(path); err != nil || !made || serr != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("made %v, %v, %v", made, err, serr)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if made, err := MakeDir(path); err != nil || made {
		t.Errorf("a folder that is there: made %v, %v", made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("its mode was changed: %v", err)
	}
	file := write(t, 0o600, "x")
	if made, err := MakeDir(file); made || !fault.Is(err, fault.FileExists) {
		t.Errorf("a file in its place: made %v, %v", made, err)
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != "x" {
		t.Errorf("the file was touched: %v", err)
	}
}

func TestProcessSubstitutionWorks(t *testing.T) {
	noLeaks(t)
	r, w := pipe(t)
	if _, err := unix.Write(w, []byte(keyHex)); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(w)
	defer func() { _ = unix.Close(r) }()
	m, err := reader().Read(context.Background(), fmt.Sprintf("file:/dev/fd/%d", r), what())
	if err != nil || testvec.Upper(m.Secret.Expose()) != keyHex {
		t.Errorf("a path as the shell's <(...) gives it: %v", err)
	}
	m.Wipe()
}

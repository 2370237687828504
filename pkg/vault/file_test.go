package vault

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"poskey/internal/fault"
)

// newFile begins a file with a content.
func newFile(t *testing.T, path, content string) *draft {
	t.Helper()
	d, err := newDraft(path)
	must(t, err)
	t.Cleanup(d.drop)
	_, err = d.WriteString(content)
	must(t, err)
	return d
}

func TestANewFileIsThereAsAWholeOrNotAtAll(t *testing.T) {
	p := place{dir: t.TempDir()}
	path := filepath.Join(p.dir, "file")
	first, second := newFile(t, path, "first"), newFile(t, path, "second")
	if _, err := os.Stat(path); err == nil {
		t.Error("it has its name before it is whole")
	}
	must(t, first.place())
	first.drop()
	mustFail(t, second.place(), fault.FileExists, path)
	second.drop()
	mustFail(t, mustBeFree(path), fault.FileExists)
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "first" || len(p.names(t)) != 1 {
		t.Errorf("%q in %v, %v", raw, p.names(t), err)
	}
}

// TestAFileSystemWithoutLinksIsNoHindrance takes the way for USB sticks.
func TestAFileSystemWithoutLinksIsNoHindrance(t *testing.T) {
	p := place{dir: t.TempDir()}
	path := filepath.Join(p.dir, "file")
	d := newFile(t, path, "content")
	other := errors.New("the disk is full")
	if err := d.rename(other); !errors.Is(err, other) {
		t.Errorf("another error: %v", err)
	}
	noLinks := &os.LinkError{Op: "link", Err: errors.New("operation not permitted")}
	must(t, d.rename(noLinks))
	d.drop()
	late := newFile(t, path, "late")
	mustFail(t, late.rename(noLinks), fault.FileExists)
	late.drop()
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "content" || len(p.names(t)) != 1 {
		t.Errorf("%q in %v, %v", raw, p.names(t), err)
	}
}

package custody

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"poskey/internal/fault"
)

// envelope seals a content to officers.
func envelope(t testing.TB, content []byte, to ...*Identity) ([]byte, *ReadBack) {
	t.Helper()
	var out bytes.Buffer
	w, back, err := SealTo(&out, cardsOf(to))
	must(t, err)
	_, err = w.Write(content)
	must(t, err)
	must(t, w.Close())
	return out.Bytes(), back
}

// openAll decrypts a file to its end.
func openAll(id *Identity, sealed []byte) ([]byte, error) {
	plain, err := id.OpenSealed(bytes.NewReader(sealed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

func TestEachOfTheOfficersOpensAFileAlone(t *testing.T) {
	noLeaks(t)
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 200_000} {
		content := bytes.Repeat([]byte{'x'}, size)
		officers := custodians(t, 3)
		sealed, back := envelope(t, content, officers...)
		for _, id := range officers {
			if got, err := openAll(id, sealed); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes for %s: %d, %v", size, id.Card().ID(), len(got), err)
			}
		}
		for range 2 {
			plain, err := back.Open(bytes.NewReader(sealed))
			must(t, err)
			if got, err := io.ReadAll(plain); err != nil || !bytes.Equal(got, content) {
				t.Errorf("read back: %d of %d bytes, %v", len(got), size, err)
			}
		}
	}
}

func TestAFileForOtherOfficersStaysShut(t *testing.T) {
	officers := custodians(t, 2)
	sealed, _ := envelope(t, []byte("rows"), officers[0])
	_, err := openAll(officers[1], sealed)
	mustFail(t, err, fault.NotPermitted, officers[1].Card().ID(), "other officers")
	_, other := envelope(t, []byte("rows"), officers[0])
	_, err = other.Open(bytes.NewReader(sealed))
	mustFail(t, err, fault.NotPermitted)
}

func TestAFileIsForSomebody(t *testing.T) {
	_, _, err := SealTo(io.Discard, nil)
	mustFail(t, err, fault.Usage)
	_, _, err = SealTo(io.Discard, []Card{{id: "custodian-1", recipient: "age1nobody"}})
	mustFail(t, err, fault.Malformed, "custodian-1")
}

// TestAnIdentityIsNeededForTheHeadOnly wipes it before the content is read.
func TestAnIdentityIsNeededForTheHeadOnly(t *testing.T) {
	officers := custodians(t, 1)
	content := bytes.Repeat([]byte("row "), 50_000)
	sealed, _ := envelope(t, content, officers[0])
	plain, err := officers[0].OpenSealed(bytes.NewReader(sealed))
	must(t, err)
	officers[0].Wipe()
	if got, err := io.ReadAll(plain); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d of %d bytes, %v", len(got), len(content), err)
	}
	if _, err := openAll(officers[0], sealed); err == nil {
		t.Error("a wiped identity opens a file")
	}
}

// TestEveryFlippedBitOfAFileIsNoticed: nothing changed is given to anybody, not even its beginning.
func TestEveryFlippedBitOfAFileIsNoticed(t *testing.T) {
	officers := custodians(t, 2)
	content := []byte("seven rows and a log")
	sealed, _ := envelope(t, content, officers...)
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1 << (i % 8)
		got, err := openAll(officers[0], changed)
		if err == nil || len(got) != 0 {
			t.Fatalf("byte %d of %d: %d bytes are given, %v", i, len(sealed), len(got), err)
		}
		switch fault.KindOf(err) {
		case fault.Malformed, fault.NotPermitted, fault.MACMismatch:
		default:
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

func TestAFileThatIsCutOrGoesOnIsNoticed(t *testing.T) {
	officers := custodians(t, 1)
	sealed, _ := envelope(t, bytes.Repeat([]byte("row "), 40_000), officers[0])
	for _, n := range []int{0, 1, 100, len(sealed) - 70_000, len(sealed) - 17, len(sealed) - 1} {
		if _, err := openAll(officers[0], sealed[:n]); !fault.Is(err, fault.Malformed) && !fault.Is(err, fault.MACMismatch) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	_, err := openAll(officers[0], append(bytes.Clone(sealed), 'x'))
	mustFail(t, err, fault.MACMismatch)
	_, err = openAll(officers[0], append(bytes.Clone(sealed), sealed...))
	mustFail(t, err, fault.MACMismatch)
}

// stub fails after some bytes.
type stub struct {
	from io.Reader
	err  error
}

func (s stub) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if errors.Is(err, io.EOF) {
		err = s.err
	}
	return n, err
}

func TestAFileThatCannotBeReadIsNotDamaged(t *testing.T) {
	officers := custodians(t, 1)
	sealed, _ := envelope(t, bytes.Repeat([]byte("row "), 40_000), officers[0])
	for kind, cause := range map[fault.Kind]error{
		fault.Failure:     &fs.PathError{Op: "read", Path: "a file", Err: errors.New("input/output error")},
		fault.Interrupted: fault.New(fault.Interrupted, "told to stop"),
	} {
		for _, n := range []int{0, 10, 100_000, len(sealed)} {
			plain, err := officers[0].OpenSealed(stub{bytes.NewReader(sealed[:n]), cause})
			if err == nil {
				_, err = io.ReadAll(plain)
			}
			mustFail(t, err, kind)
			if !strings.Contains(err.Error(), cause.Error()) {
				t.Errorf("after %d bytes: %v", n, err)
			}
		}
	}
}

// full is a disk without room.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errors.New("no room is left")
	}
	return len(p), nil
}

func TestAFileThatCannotBeWrittenSaysSo(t *testing.T) {
	officers := custodians(t, 1)
	_, _, err := SealTo(&full{10}, cardsOf(officers))
	mustFail(t, err, fault.Failure, "no room")
	w, _, err := SealTo(&full{1000}, cardsOf(officers))
	must(t, err)
	_, err = w.Write(bytes.Repeat([]byte{'x'}, 100_000))
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		t.Error("it went on")
	}
}

package component

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// typedRows are the rows of a part's sheet as they are typed.
func typedRows(t *testing.T, p *Part) [][]byte {
	t.Helper()
	var sheet bytes.Buffer
	if err := p.WriteSheet(&sheet); err != nil {
		t.Fatal(err)
	}
	var rows [][]byte
	for line := range bytes.Lines(sheet.Bytes()) {
		if bytes.HasPrefix(line, []byte("row ")) {
			_, row, _ := bytes.Cut(line, []byte(": "))
			rows = append(rows, bytes.TrimSpace(row))
		}
	}
	if len(rows) != p.Rows() {
		t.Fatalf("%d rows, want %d", len(rows), p.Rows())
	}
	return rows
}

func typingParts(t *testing.T, alg keys.Algorithm) []*Part {
	t.Helper()
	k, err := keys.Generate(testEnv("typing key").Rand, alg)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	parts, err := Split(testEnv("typing parts"), k, Spec{Scheme: XOR, Parts: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { WipeAll(parts) })
	return parts
}

func TestATypedSheetIsThePart(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.TDES192, keys.AES256, keys.HMACSHA1} {
		for _, p := range typingParts(t, alg) {
			ty, err := NewTyping(*p, p.Value.Len())
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range typedRows(t, p) {
				if err := ty.Row(row); err != nil {
					t.Fatal(err)
				}
			}
			got, err := ty.Part()
			if err != nil {
				t.Fatal(err)
			}
			if !got.Value.Equal(p.Value) {
				t.Errorf("%s: another value", alg)
			}
			got.Wipe()
			ty.Wipe()
		}
	}
}

func TestAWrongDigitAtEveryPositionIsNamed(t *testing.T) {
	p := typingParts(t, keys.TDES192)[1]
	for n, row := range typedRows(t, p) {
		ty, err := NewTyping(*p, p.Value.Len())
		if err != nil {
			t.Fatal(err)
		}
		for _, before := range typedRows(t, p)[:n] {
			if err := ty.Row(before); err != nil {
				t.Fatal(err)
			}
		}
		digits := []byte(strings.NewReplacer("check", "", " ", "").Replace(string(row)))
		for at := range digits {
			for _, d := range []byte("0123456789ABCDEF") {
				if d == digits[at] {
					continue
				}
				wrong := bytes.Clone(digits)
				wrong[at] = d
				err := ty.Row(wrong)
				if !fault.Is(err, fault.ChecksumMismatch) || !strings.HasSuffix(err.Error(), fmt.Sprintf("it is digit %d", at+1)) {
					t.Fatalf("row %d, digit %d: %v", n+1, at+1, err)
				}
			}
		}
		if ty.Typed() != n {
			t.Error("a wrong row was taken")
		}
		if err := ty.Row(row); err != nil {
			t.Error(err)
		}
		ty.Wipe()
	}
}

func TestRowsOfAnotherSheetAreRefused(t *testing.T) {
	parts := typingParts(t, keys.AES128)
	ty, err := NewTyping(*parts[0], parts[0].Value.Len())
	if err != nil {
		t.Fatal(err)
	}
	defer ty.Wipe()
	rows := typedRows(t, parts[0])
	for _, c := range []struct {
		row  []byte
		kind fault.Kind
	}{
		{typedRows(t, parts[1])[0], fault.ChecksumMismatch},
		{rows[1], fault.ChecksumMismatch},
		{rows[0][:len(rows[0])-2], fault.MalformedLength},
		{append([]byte("O"), rows[0][1:]...), fault.MalformedHex},
	} {
		if err := ty.Row(c.row); !fault.Is(err, c.kind) {
			t.Errorf("%v, want %s", err, c.kind)
		}
	}
	if _, err := ty.Part(); !fault.Is(err, fault.MalformedLength) {
		t.Errorf("a part without its rows: %v", err)
	}
}

func TestRowChecksProveThatASheetCanBeRead(t *testing.T) {
	p := typingParts(t, keys.AES128)[0]
	for i, row := range typedRows(t, p) {
		check := row[len(row)-4:]
		if ok, err := p.HasRowCheck(i+1, check); !ok || err != nil {
			t.Errorf("row %d: %v, %v", i+1, ok, err)
		}
		if ok, _ := p.HasRowCheck(2-i, check); ok {
			t.Error("the check of another row")
		}
	}
	if _, err := p.HasRowCheck(3, []byte("0000")); !fault.Is(err, fault.Usage) {
		t.Error(err)
	}
}

package fault

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strconv"
	"testing"

	"poskey/internal/text"
)

// kindsInTheCode reads the constants of type Kind out of kind.go.
func kindsInTheCode(t *testing.T) map[Kind]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "kind.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[Kind]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Kind" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := kinds[Kind(value)]; twice {
			t.Errorf("%s and %s are both %q", spec.Names[0].Name, other, value)
		}
		kinds[Kind(value)] = spec.Names[0].Name
		return true
	})
	if len(kinds) < 45 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	return kinds
}

func TestEveryKindHasExactlyOneExitCode(t *testing.T) {
	placed := map[Kind]int{}
	for _, row := range ExitCodes() {
		for _, k := range row.Kinds {
			placed[k]++
			if k.Exit() != row.Code {
				t.Errorf("%s exits with %d, the table says %d", k, k.Exit(), row.Code)
			}
		}
	}
	for k, name := range kindsInTheCode(t) {
		if placed[k] != 1 {
			t.Errorf("%s (%q) stands %d times in the table of exit codes", name, k, placed[k])
		}
		delete(placed, k)
	}
	if len(placed) != 0 {
		t.Errorf("kinds that do not exist are in the table: %v", placed)
	}
}

// TestExitCodesAreThoseOfTheContract: design/cli.md, Exit codes.
func TestExitCodesAreThoseOfTheContract(t *testing.T) {
	want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 70, 130, 143}
	rows := ExitCodes()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, row := range rows {
		if row.Code != want[i] || row.Meaning.IsZero() {
			t.Errorf("row %d is %d %q, want %d", i, row.Code, row.Meaning, want[i])
		}
	}
	for k, code := range map[Kind]int{
		Failure: 1, Usage: 2, InputNeeded: 2, MalformedHex: 3, TooLarge: 3, NotHex: 3, NotFound: 4, KCVMismatch: 5, MACMismatch: 5,
		WeakKey: 6, FileExists: 6, ArgvSecret: 6, DeviceTimeout: 8, Busy: 9, Partial: 10, Unexplained: 11,
		Bug: 70, Interrupted: 130, Terminated: 143, "never heard of": 1, "": 1,
	} {
		if k.Exit() != code {
			t.Errorf("%s exits with %d, want %d", k, k.Exit(), code)
		}
	}
}

func TestOnlyWhatMayPassIsRetriable(t *testing.T) {
	again := map[Kind]bool{Busy: true, DeviceLink: true, DeviceTimeout: true, Partial: true, Interrupted: true, Terminated: true}
	for k := range kindsInTheCode(t) {
		if k.Retriable() != again[k] {
			t.Errorf("%s: retriable is %v", k, k.Retriable())
		}
	}
}

func TestPlaceStandsInFrontAndTheKindStays(t *testing.T) {
	inner := New(MalformedHex, "digit %d is wrong", 17)
	err := Wrap(Wrap(inner, "part %d", 2), "set %s", "7F3A-91C2")
	if err.Error() != "set 7F3A-91C2: part 2: digit 17 is wrong" {
		t.Errorf("got %q", err)
	}
	if KindOf(err) != MalformedHex || !Is(err, MalformedHex) || Is(err, Failure) || !errors.Is(err, inner) {
		t.Errorf("the kind is %s", KindOf(err))
	}
	err = WrapAs(NotFound, Wrap(fs.ErrNotExist, "open"), "the key")
	if KindOf(err) != NotFound || err.Error() != "the key: open: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %q of kind %s", err, KindOf(err))
	}
}

func TestErrorsOfOthersAreFailures(t *testing.T) {
	if k := KindOf(fs.ErrNotExist); k != Failure {
		t.Errorf("kind %s", k)
	}
	if k := KindOf(Wrap(fs.ErrNotExist, "open")); k != Failure {
		t.Errorf("wrapped: kind %s", k)
	}
	if k := KindOf(fmt.Errorf("around: %w", New(Busy, "locked"))); k != Busy {
		t.Errorf("inside another: kind %s", k)
	}
}

func TestNothingWrappedStaysNothing(t *testing.T) {
	if err := Wrap(nil, "part %d", 2); err != nil {
		t.Errorf("Wrap makes %v of no error", err)
	}
	if err := WrapAs(NotFound, nil, "part %d", 2); err != nil {
		t.Errorf("WrapAs makes %v of no error", err)
	}
	if Is(nil, Failure) {
		t.Error("no error is a failure")
	}
}

func TestSentenceOfAnErrorCanBeTakenForTranslation(t *testing.T) {
	var e *Error
	if !errors.As(New(WeakKey, "the key is weak: %s", text.New("all bytes are zero")), &e) {
		t.Fatal("no *Error")
	}
	if e.Text.Format != "the key is weak: %s" || len(e.Text.Args) != 1 || e.Error() != "the key is weak: all bytes are zero" || e.Unwrap() != nil {
		t.Errorf("got %+v", e)
	}
}

package render

import (
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
)

func count(n int, end error) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for i := range n {
			if !yield(map[string]string{"row": strings.Repeat("<", 100), "n": string(rune('a' + i%26))}, nil) {
				return
			}
		}
		if end != nil {
			yield(nil, end)
		}
	}
}

func TestAStreamIsOneDocument(t *testing.T) {
	for _, n := range []int{0, 1, 2, 20_000} {
		r, out, _ := newRenderer(JSON)
		if err := r.Stream("key.list", "keys", count(n, nil), func() any { return map[string]bool{"more": true} }); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Schema string
			Keys   []map[string]string
			More   bool
		}
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
			t.Fatalf("%d rows: %v", n, err)
		}
		if doc.Schema != "poskey.key.list/v1" || len(doc.Keys) != n || !doc.More || !strings.HasSuffix(out.String(), "}\n") {
			t.Errorf("%d rows: %s %d %t", n, doc.Schema, len(doc.Keys), doc.More)
		}
	}
	r, out, _ := newRenderer(JSON)
	err := r.Stream("x", "rows", count(1, nil), func() any { return struct{}{} })
	if want := `{"schema":"poskey.x/v1","rows":[{"n":"a","row":"` + strings.Repeat("<", 100) + "\"}]}\n"; err != nil || out.String() != want {
		t.Errorf("%s, want %s, %v", out, want, err)
	}
}

func TestAStreamThatFailsEarlyWritesNothing(t *testing.T) {
	why := errors.New("the database went away")
	r, out, _ := newRenderer(JSON)
	if err := r.Stream("x", "rows", count(50, why), func() any { return nil }); !errors.Is(err, why) || out.Len() != 0 {
		t.Errorf("%v, and %d bytes were written", err, out.Len())
	}
	r.Before = func() error { return why }
	if err := r.Stream("x", "rows", count(1, nil), func() any { return struct{}{} }); !errors.Is(err, why) || out.Len() != 0 {
		t.Errorf("%v, and %d bytes were written", err, out.Len())
	}
}

// TestAStreamHoldsLittle: what is written does not stay in memory.
func TestAStreamHoldsLittle(t *testing.T) {
	r, _, _ := newRenderer(JSON)
	most := writes{}
	r.Out = &most
	if err := r.Stream("x", "rows", count(50_000, nil), func() any { return struct{}{} }); err != nil {
		t.Fatal(err)
	}
	if most.longest > holdBack+1000 || most.all < 5<<20 {
		t.Errorf("%d bytes in all, %d at one time", most.all, most.longest)
	}
}

type writes struct{ all, longest int }

func (w *writes) Write(b []byte) (int, error) {
	w.all += len(b)
	w.longest = max(w.longest, len(b))
	return len(b), nil
}

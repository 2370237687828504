package transcript

// Verifiers by somebody who has read docs/formats/transcript.md and nothing else: the one in Python that stands
// there, and its twin here, which uses none of this package.

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/testvec"
)

type foreign struct {
	N    int       `json:"n"`
	Time time.Time `json:"time"`
	Back int64     `json:"back_us"`
	Kind string    `json:"kind"`
	Head *struct {
		Format, Ceremony, Mode, Environment string
		Script                              []byte
	} `json:"head"`
	Note []byte `json:"note"`
	Prev string `json:"prev"`
	Hash string `json:"hash"`
}

func independent(file []byte) error {
	above := foreign{Hash: strings.Repeat("0", 64)}
	origin, aborted, script := "", false, ""
	for len(file) > 0 {
		line, rest, whole := bytes.Cut(file, []byte("\n"))
		if !whole || len(line) < 75 {
			return fmt.Errorf("line %d is not whole", above.N+1)
		}
		file = rest
		sum := sha256.Sum256(append([]byte("poskey.transcript/v1/record\n"), line[:len(line)-75]...))
		var r foreign
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		if end := fmt.Sprintf(`,"hash":"%X"}`, sum); string(line[len(line)-75:]) != end || r.Prev != above.Hash {
			return fmt.Errorf("line %d was changed", r.N)
		}
		if r.N != above.N+1 || (r.Kind == "open") != (r.N == 1) || above.Kind == "note" {
			return fmt.Errorf("line %d is in the wrong place", r.N)
		}
		if back := above.Time.Sub(r.Time).Microseconds(); r.N > 1 && r.Back != max(0, back) {
			return fmt.Errorf("line %d hides that the clock went back", r.N)
		}
		if r.Kind == "open" {
			if r.Head == nil || r.Head.Format != "poskey.transcript/v1" {
				return errors.New("another format")
			}
			origin = "poskey/transcript/v1/" + r.Head.Environment + "/" + r.Head.Mode + "/" + r.Head.Ceremony
			script = fmt.Sprintf("%X", sha256.Sum256(r.Head.Script))
		}
		aborted = aborted || r.Kind == "aborted"
		if r.Kind == "note" {
			state := map[bool]string{true: "aborted", false: "closed"}[aborted]
			want := fmt.Sprintf("%s\nstate: %s\nlines: %d\nhead: %s\nscript: %s\ntime: %s\n\n", origin, state, above.N,
				above.Hash,
				script, above.Time.Format("2006-01-02T15:04:05.000000Z"))
			if above.Kind != "closing" || !strings.HasPrefix(string(r.Note), want) {
				return errors.New("the note says something else")
			}
		}
		above = r
	}
	if above.N == 0 {
		return errors.New("nothing is here")
	}
	return nil
}

// inPython takes the verifier out of the document.
func inPython(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", "formats", "transcript.md"))
	must(t, err)
	_, rest, found := strings.Cut(string(raw), "```python\n")
	program, _, ended := strings.Cut(rest, "```\n")
	if !found || !ended || len(program) < 500 || strings.Count(program, "\n") > 50 {
		t.Fatalf("the document has no verifier of at most 50 lines in Python")
	}
	return program
}

// TestVerifierOfTheDocumentAgrees runs both verifiers over records that are whole and over some that are not. Without
// Python, its twin speaks for it.
func TestVerifierOfTheDocumentAgrees(t *testing.T) {
	raw := load(t, filepath.FromSlash(golden))
	lines := splitLines(raw)
	join := func(lines []string) []byte { return []byte(strings.Join(lines, "")) }
	broken := [][]byte{
		bytes.Replace(raw, []byte("AB-0001"), []byte("AB-0002"), 1),
		join(slices.Delete(slices.Clone(lines), 5, 6)),
		join(slices.Insert(slices.Clone(lines), 5, lines[4])),
		append(slices.Clone(raw), lines[len(lines)-1]...),
		raw[:len(raw)-1],
		rechain(t, slices.Delete(slices.Clone(lines), 5, 6)),
		join(lines[1:]),
		nil,
	}
	program := filepath.Join(t.TempDir(), "verify.py")
	store(t, program, []byte(inPython(t)))
	python, missing := exec.LookPath("python3")
	for i, file := range append([][]byte{raw, join(lines[:9])}, broken...) {
		good := i < 2
		if err := independent(file); (err == nil) != good {
			t.Errorf("file %d: the twin says %v", i, err)
		}
		if missing != nil {
			continue
		}
		path := filepath.Join(t.TempDir(), "transcript.jsonl")
		store(t, path, file)
		out, err := exec.Command(python, program, path).CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			t.Fatalf("file %d: %v\n%s", i, err, out)
		}
		if (err == nil) != good || strings.Contains(string(out), "Traceback") {
			t.Errorf("file %d: Python says %v\n%s", i, err, out)
		}
	}
}

// TestDocumentShowsWhatIsSigned makes the message of a signature as the document says it.
func TestDocumentShowsWhatIsSigned(t *testing.T) {
	d := read(t, load(t, filepath.FromSlash(golden)))
	seen := 0
	for i, r := range d.Records {
		if r.Kind != KindSigned {
			continue
		}
		seen++
		message := fmt.Sprintf("poskey.transcript/v1/signed\n%s\n%d\n%s\n", d.Head.Ceremony, r.Step, d.Records[i-1].Hash)
		for _, card := range d.Cards {
			if card.Verify("ceremony", []byte(message), r.Signature) != (card.ID() == r.Who) {
				t.Errorf("line %d: %s", r.N, card.ID())
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d signatures", seen)
	}
}

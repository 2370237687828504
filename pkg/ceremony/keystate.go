package ceremony

// What is known of a key while a ceremony goes on.

import (
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
)

// keyState is a key with its parts. Components in it are in locked memory, and gone with wipe.
type keyState struct {
	*script.Key
	made    Made
	there   bool               // in the boundary, or found in the store
	kept    string             // label under which it is for use
	found   string             // label with version under which it was found in the store
	verdict transcript.Verdict // the key against a check value from outside; "" when nobody has compared
	denied  bool               // digits that the script tells, and the key does not have
	told    *kcv.Expected      // check value of the key on its sheets, or as the other side told it
	set     string             // of the sheets
	parts   map[int]*component.Part
	cut     map[int]*component.Part // drawn and cut, to be printed
	checks  map[int]kcv.Value       // of parts entered or printed
	by      map[int]string          // who held a part
	bags    map[int]string          // serial of the bag a part is in
	came    map[int]bool            // it came in that bag, which is not used again
	opened  map[int]bool
	printed map[int]bool
	gone    bool // destroyed in this ceremony
}

func newKeyState(k *script.Key) *keyState {
	s := &keyState{Key: k}
	s.reset()
	return s
}

// reset forgets everything about a key but its script: it is made again.
func (k *keyState) reset() {
	k.wipe()
	*k = keyState{Key: k.Key, parts: map[int]*component.Part{}, cut: map[int]*component.Part{},
		checks: map[int]kcv.Value{},
		by:     map[int]string{}, bags: map[int]string{}, came: map[int]bool{}, opened: map[int]bool{},
		printed: map[int]bool{}}
}

// wipe destroys every component.
func (k *keyState) wipe() {
	for n, p := range k.parts {
		p.Wipe()
		delete(k.parts, n)
	}
	for n, p := range k.cut {
		p.Wipe()
		delete(k.cut, n)
	}
}

// needed is how many parts form the key.
func (k *keyState) needed() int {
	if k.Threshold > 0 {
		return k.Threshold
	}
	return len(k.Parts)
}

// barred are those who may not have a part: they had another one of the key (PCI PIN 8-2), or of a key of shares so
// many that one more would form it.
func (k *keyState) barred(part int) []string {
	count, most := map[string]int{}, 1
	if k.Scheme == string(component.Shamir) {
		most = max(1, k.needed()-1)
	}
	var all []string
	for n, id := range k.by {
		if n == part {
			continue
		}
		if count[id]++; count[id] >= most {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// label is under which name the key is kept, or will be.
func (k *keyState) label() string {
	if k.kept != "" {
		return k.kept
	}
	for _, o := range k.Outputs {
		if o.To == script.ToStore {
			return o.Label
		}
	}
	return k.Label
}

// lines are what is known of the key, for everybody to see.
func (k *keyState) lines() []Line {
	lines := []Line{told(text.New("key %s: %s, usage %s", k.ID, string(k.Algorithm), string(k.Usage)))}
	for _, p := range k.Parts {
		if c, ok := k.checks[p.Number]; ok {
			lines = append(lines, told(text.New("part %d: check value %s, %s", p.Number, c, k.by[p.Number])))
		}
	}
	if k.made.Check != (kcv.Value{}) {
		lines = append(lines, told(text.New("check value of the key: %s", k.made.Check)))
	}
	switch k.verdict {
	case transcript.Match:
		lines = append(lines, told(text.New("it was compared with one from outside and is the same")))
	case transcript.Differs:
		lines = append(lines, alarm(text.New("it was compared with one from outside and DIFFERS")))
	default:
		lines = append(lines, unheard(k.Key, text.New("nobody has compared it with one from outside yet")))
	}
	return lines
}

// unheard is a line about a check value that nobody has told: no alarm where nobody outside can know it.
func unheard(k *script.Key, what text.Text) Line {
	if bornHere(k) {
		return told(what)
	}
	return alarm(what)
}

// bornHere: the key is drawn in this ceremony, so that nobody outside knows its check value, or those of its parts.
func bornHere(k *script.Key) bool { return k.Source == script.Generate || k.Source == script.InHSM }

// method gives an expected value the method by which it is compared.
func method(k *script.Key, e kcv.Expected) kcv.Value {
	return kcv.Value{Method: kcv.Default(k.Algorithm), Digits: e.Digits}
}

// shown is a value that was told, as long as one of the key may be seen: others may tell more than they should.
func shown(k *script.Key, e kcv.Expected) string {
	v := method(k, e)
	return v.Digits[:min(len(v.Digits), kcv.Limit(k.Algorithm, v.Method))]
}

// discreet is a mismatch without the digits of an expected value that are more than may be seen.
func discreet(k *script.Key, e *kcv.Expected, err error) error {
	if e == nil || !fault.Is(err, fault.KCVMismatch) || shown(k, *e) == e.Digits {
		return err
	}
	return fault.New(fault.KCVMismatch, "the check value is another one than was told (%s...)", shown(k, *e))
}

// expected is the check value that the key should have, where somebody has told it: the script, its sheets, the other
// side. In a rehearsal the script speaks of another key.
func (l *lead) expected(k *keyState) *kcv.Expected {
	if k.Check != nil && !l.isRehearsal() {
		return k.Check
	}
	return k.told
}

// expectedPart is that of a part.
func (l *lead) expectedPart(p *script.Part) *kcv.Expected {
	if l.isRehearsal() {
		return nil
	}
	return p.Check
}

// agrees compares on the shorter of both lengths, never on fewer than four digits.
func agrees(v kcv.Value, e kcv.Expected) bool {
	n := min(len(v.Digits), len(e.Digits))
	return n >= 4 && v.Digits[:n] == e.Digits[:n]
}

// allDigits of a check value: more than any has.
const allDigits = 16

// parseCheck reads a check value that somebody typed. What is longer than any may be a key in its place.
func parseCheck(typed string) (kcv.Expected, error) {
	e, err := kcv.Parse(typed)
	if err == nil && len(e.Digits) > allDigits {
		return kcv.Expected{}, fault.New(fault.MalformedLength, "a check value has no more than 16 digits")
	}
	return e, err
}

// compared writes the comparison of a check value down and shows it. What was told may have more digits than ours: n of
// them were compared, by whoever knows more than ours; the record and the screen do not say that the others match.
func compared(k *script.Key, part int, v kcv.Value, e *kcv.Expected, n int) (transcript.Entry, Line) {
	out := transcript.Entry{Kind: transcript.KindChecked, Key: k.ID, Part: part, Check: v, Verdict: transcript.Compared,
		Details: map[string]string{"algorithm": string(k.Algorithm)}}
	if e == nil {
		return out, unheard(k, text.New("check value %s: there is none to compare it with", v))
	}
	out.Expected = method(k, *e)
	if n = max(n, len(v.Digits)); agrees(v, *e) && len(e.Digits) > n {
		out.Verdict, out.Expected.Digits = transcript.Match, e.Digits[:n]
		return out, told(text.New("check value %s: the same in the first %d digits; no more of what was told is compared", v, n))
	}
	if agrees(v, *e) {
		out.Verdict = transcript.Match
		return out, told(text.New("check value %s: as expected (%s)", v, shown(k, *e)))
	}
	out.Verdict = transcript.Differs
	return out, alarm(text.New("check value %s: NOT as expected (%s)", v, shown(k, *e)))
}

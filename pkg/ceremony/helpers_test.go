package ceremony

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

// drbg is AES-CTR over zeros: random bytes that are the same in every run.
type drbg struct {
	mu     sync.Mutex
	stream cipher.Stream
}

func newDRBG(seed string) *drbg {
	key := sha256.Sum256([]byte(seed))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	return &drbg{stream: cipher.NewCTR(block, make([]byte, aes.BlockSize))}
}

func (d *drbg) Read(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(b)
	d.stream.XORKeyStream(b, b)
	return len(b), nil
}

func testTime() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC) }

func testEnv(seed string) keys.Env { return keys.Env{Rand: newDRBG(seed), Now: testTime} }

// testOfficer is somebody, the same in every run.
func testOfficer(id string) *custody.Identity {
	o, err := custody.NewOfficer(testEnv("officer "+id), custody.Officer{ID: id, Name: "TEST " + id,
		Roles:       []custody.Role{custody.Custodian},
		Environment: custody.Test})
	if err != nil {
		panic(err)
	}
	return o
}

// files are identity files, each made once for all tests: that is what costs.
var files sync.Map

func identityFile(id string) ([]byte, error) {
	if file, ok := files.Load(id); ok {
		return file.([]byte), nil
	}
	o := testOfficer(id)
	defer o.Wipe()
	passphrase := secret.Copy([]byte(practicePassphrase))
	defer passphrase.Wipe()
	file, err := o.Lock(testEnv("lock "+id), passphrase, custody.FloorCost())
	files.Store(id, file)
	return file, err
}

// cheaply opens an identity without its cost.
func cheaply(l *custody.Locked, passphrase *secret.Bytes) (*custody.Identity, error) {
	if string(passphrase.Expose()) != practicePassphrase {
		return nil, fault.Wrap(custody.ErrPassphrase, "officer %s", l.Card().ID())
	}
	return testOfficer(l.Card().ID()), nil
}

var errCut = errors.New("the line was cut")

// player is a desk at which people sit who do what they should, unless a test has somebody do something else.
type player struct {
	t       *testing.T
	p       *script.Program
	paper   *bytes.Buffer     // of the printer
	sheets  map[string]string // sheets that came from elsewhere, by key/part; hex when bare
	seen    bytes.Buffer      // everything on the screen
	alarms  []string          // of it
	asked   []string          // formats of questions, in their order
	step    int
	values  map[string]string // check values of keys, as they were told on the screen
	parts   map[string]string // check values of parts
	sheet   string            // the one in the custodian's hands
	calls   int
	cut     int // the call from which on nothing answers; 0 never
	aborts  int // the question that is answered by giving up; 0 never
	dead    bool
	does    func(q text.Text, nth int) (answer string, err error, ok bool)
	nth     map[string]int
	confirm []string
}

func newPlayer(t *testing.T, p *script.Program, paper *bytes.Buffer) *player {
	return &player{t: t, p: p, paper: paper, sheets: map[string]string{}, values: map[string]string{},
		parts: map[string]string{}, nth: map[string]int{}}
}

// alive counts a call.
func (y *player) alive(ctx context.Context) error {
	y.calls++
	if y.cut > 0 && y.calls >= y.cut {
		y.dead = true
	}
	if y.dead {
		return errCut
	}
	return context.Cause(ctx)
}

// inner takes the word TEST off.
func inner(t text.Text) text.Text {
	for strings.HasPrefix(t.Format, "TEST") && len(t.Args) == 1 {
		in, ok := t.Args[0].(text.Text)
		if !ok {
			break
		}
		t = in
	}
	return t
}

func (y *player) Say(ctx context.Context, lines ...Line) error {
	if err := y.alive(ctx); err != nil {
		return err
	}
	for _, l := range lines {
		practice := strings.HasPrefix(inner(l.Text).Format, "%s") && strings.HasPrefix(l.Text.Format, "TEST")
		in := inner(l.Text)
		s := in.String()
		switch {
		case in.Format == "step %d of %d: %s":
			y.step = in.Args[0].(int)
		case in.Format == "a sheet for practice: nobody uses this key":
			y.sheet = ""
		case practice && l.Style == Do:
			y.sheet += s + "\n"
			continue // a practice sheet is the one thing on the screen with digits of a component
		case in.Format == "key %s is there, check value %s":
			y.values[in.Args[0].(string)] = fmt.Sprint(in.Args[1])
		}
		fmt.Fprintln(&y.seen, l.Text)
		if l.Style == Alarm {
			y.alarms = append(y.alarms, l.Text.String())
		}
	}
	return nil
}

// answers asks the test first, then does what is right.
func (y *player) answers(ctx context.Context, q text.Text, right func() string) (string, error) {
	if err := y.alive(ctx); err != nil {
		return "", err
	}
	y.asked = append(y.asked, q.Format)
	if y.nth[q.Format]++; len(y.asked) > 2000 {
		y.t.Fatalf("they go in circles at %q in step %d", q, y.step)
	}
	fmt.Fprintln(&y.seen, q)
	if y.aborts > 0 && len(y.asked) == y.aborts {
		return "", ErrAbort
	}
	if y.does != nil {
		if answer, err, ok := y.does(q, y.nth[q.Format]); ok {
			return answer, err
		}
	}
	return right(), nil
}

func (y *player) Ask(ctx context.Context, q text.Text) (string, error) {
	return y.answers(ctx, q, func() string { return y.right(q) })
}

func (y *player) Confirm(ctx context.Context, q text.Text, word string) error {
	answer, err := y.answers(ctx, q, func() string { return word })
	if err == nil && answer != word {
		return fault.New(fault.NotConfirmed, "not confirmed")
	}
	y.confirm = append(y.confirm, word)
	return err
}

func (y *player) Hidden(ctx context.Context, q text.Text) (*secret.Bytes, error) {
	answer, err := y.answers(ctx, q, func() string { return y.right(q) })
	if err != nil {
		return nil, err
	}
	return secret.Copy([]byte(answer)), nil
}

func (y *player) Change(ctx context.Context, to script.Person, as text.Text) error {
	_, err := y.answers(ctx, text.New("change to %s %s", to.ID, as), func() string { return "" })
	return err
}

func (y *player) Clear(ctx context.Context) error { return y.alive(ctx) }

func (y *player) planned() script.Planned {
	if y.step == 0 {
		return script.Planned{}
	}
	return y.p.Steps[y.step-1]
}

// seatOf finds who sits where a question says.
func (y *player) seatOf(name string) string {
	for role, seat := range y.p.Script.Roles {
		if role.Text().String() == name {
			return seat.Primary
		}
	}
	for _, k := range y.p.Script.Keys {
		for _, p := range k.Parts {
			switch name {
			case fmt.Sprintf("former custodian of part %d of %s", p.Number, k.ID):
				return p.Former.Primary
			case fmt.Sprintf("custodian of part %d of %s", p.Number, k.ID):
				return p.Custodian.Primary
			}
		}
	}
	y.t.Fatalf("nobody sits at %q", name)
	return ""
}

// right is what people answer who do what they should.
func (y *player) right(q text.Text) string {
	s := y.planned()
	switch f := q.Format; {
	case strings.HasSuffix(f, "type your id to log in"):
		return y.seatOf(fmt.Sprint(q.Args[0]))
	case strings.HasPrefix(f, "%s: type your id to sign"):
		return q.Args[0].(string)
	case strings.Contains(f, "passphrase of"):
		return practicePassphrase
	case strings.Contains(f, "the first two and the last two words"):
		w := strings.Fields(y.p.Script.Fingerprint().Words())
		return strings.Join([]string{w[0], w[1], w[len(w)-2], w[len(w)-1]}, " ")
	case strings.Contains(f, "as you read it off"):
		if s.Step.Expect != "" {
			return s.Step.Expect
		}
		return "SN-1"
	case strings.Contains(f, "serial of the bag"):
		if s.Part.Bag != "" && (s.Step.Do != script.SealPart || s.Part.Former == (script.Seat{})) {
			return s.Part.Bag
		}
		return "BAG-" + s.Key.ID + itoa(s.Part.Number)
	case strings.Contains(f, `type "intact" or "damaged"`):
		return wordIntact
	case strings.Contains(f, "deviation: "):
		return "it was so"
	case strings.HasPrefix(f, `type "again"`):
		return wordAgain
	case strings.HasPrefix(f, "give the ceremony up"):
		return wordAbort
	case strings.HasPrefix(f, "why is it given up"):
		return "it does not work"
	case strings.Contains(f, "HSM shows"):
		return "08D7B" + itoa(s.Step.Part) // each part has another one, and the key too
	case strings.Contains(f, "as the other side tells it"):
		return y.told(s.Key)
	case strings.Contains(f, "check value of the key as the other side told it"):
		return wordNone
	}
	return y.rightOfSheet(q, s)
}

func (y *player) told(k *script.Key) string {
	if k.Check != nil && y.values[k.ID] == "" {
		return k.CheckText
	}
	v, _, _ := strings.Cut(y.values[k.ID], " ")
	if v == "" {
		v = "08D7B4"
	}
	return v
}

// rightOfSheet reads the sheet in the custodian's hands.
func (y *player) rightOfSheet(q text.Text, s script.Planned) string {
	sheet := y.sheet
	if s.Step.Do == script.PrintPart {
		pages := strings.Split(y.paper.String(), "\f")
		sheet = pages[len(pages)-2]
	}
	if own, ok := y.sheets[fmt.Sprintf("%s/%d", s.Step.Key, s.Step.Part)]; ok {
		sheet = own
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(sheet, name+": ")
		v, _, _ := strings.Cut(rest, "\n")
		return v
	}
	row := func(n int) string {
		_, rest, _ := strings.Cut(sheet, fmt.Sprintf("row %d of ", n))
		_, rest, _ = strings.Cut(rest, ": ")
		v, _, _ := strings.Cut(rest, "\n")
		return v
	}
	bare := !strings.HasPrefix(sheet, "poskey component sheet")
	switch f := q.Format; {
	case strings.Contains(f, "the set on the sheet"):
		if bare {
			return wordNone
		}
		return field("set")
	case strings.Contains(f, "the number of the part"):
		n, _, _ := strings.Cut(field("part"), " ")
		return n
	case strings.Contains(f, "the part check"):
		v, _, _ := strings.Cut(field("part check"), " ")
		return v
	case strings.Contains(f, "the key check"):
		v, _, _ := strings.Cut(field("key check"), " ")
		return v
	case strings.Contains(f, "the check of row"):
		r := row(q.Args[1].(int))
		return r[len(r)-4:]
	case strings.HasPrefix(f, "row %d of %d with its check"):
		return row(q.Args[0].(int))
	case strings.Contains(f, "row %d of %d, %d digits"):
		from := (q.Args[0].(int) - 1) * 16
		return sheet[from:min(from+16, len(sheet))]
	case strings.Contains(f, "check value of the part as it stands"):
		return y.parts[fmt.Sprintf("%s/%d", s.Step.Key, s.Step.Part)]
	}
	y.t.Fatalf("nobody knows what to answer to %q in step %d", q.Format, y.step)
	return ""
}

// stage is a ceremony that is played.
type stage struct {
	t       *testing.T
	program *script.Program
	mode    transcript.Mode
	path    string
	tools   *Practice
	paper   *bytes.Buffer
	desk    *player
}

func parsed(t *testing.T, raw []byte) *script.Program {
	t.Helper()
	s, err := script.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func template(t *testing.T, kind script.Kind) *script.Program {
	t.Helper()
	raw, err := script.New(kind, script.Wish{Environment: custody.Test})
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, raw)
}

// newStage holds the number of secrets at the end against that at the beginning.
func newStage(t *testing.T, p *script.Program, mode transcript.Mode) *stage {
	t.Helper()
	live := secret.Live()
	s := &stage{t: t, program: p, mode: mode, path: filepath.Join(t.TempDir(), "transcript.jsonl"), paper: &bytes.Buffer{}}
	s.renew("first")
	t.Cleanup(func() {
		_ = s.tools.Close()
		if n := secret.Live(); n != live {
			t.Errorf("%d secrets live, %d before", n, live)
		}
	})
	return s
}

// renew is another process.
func (s *stage) renew(seed string) {
	s.t.Helper()
	if s.tools != nil {
		_ = s.tools.Close()
	}
	tools, err := NewPractice(PracticeOptions{Env: testEnv(seed), Paper: s.paper, Load: identityFile})
	if err != nil {
		s.t.Fatal(err)
	}
	sheets := map[string]string{}
	if s.desk != nil {
		sheets = s.desk.sheets
	}
	if s.tools != nil { // what is kept is in the store
		for id, label := range s.tools.kept {
			tools.keys[id], tools.kept[id] = s.tools.keys[id], label
		}
	}
	s.tools, s.desk = tools, newPlayer(s.t, s.program, s.paper)
	s.desk.sheets = sheets
}

func (s *stage) options() Options {
	return Options{Program: s.program, Findings: ownFindings(s.program), Mode: s.mode, Desk: s.desk, Tools: s.tools, Env: testEnv("lead"), Clock: testTime,
		unlock: cheaply,
		Sheet: func(w io.Writer, p *component.Part, _ SheetAbout) error {
			if err := p.WriteSheet(w); err != nil {
				return err
			}
			_, err := io.WriteString(w, "\f")
			return err
		}}
}

// ownFindings are those that a script gives by itself.
func ownFindings(p *script.Program) []script.Finding {
	return slices.DeleteFunc(p.Script.Rules(nil), func(f script.Finding) bool { return f.Level == script.Error })
}

func logOptions() transcript.Options {
	return transcript.Options{Now: testTime, Sync: func(*os.File) error { return nil }}
}

// run is the ceremony from its first line.
func (s *stage) run(ctx context.Context) (Outcome, error) {
	s.t.Helper()
	h := transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode, Environment: s.program.Script.Environment,
		Script: s.program.Script.Raw(), Language: "en"}
	log, err := transcript.Create(s.path, h, logOptions())
	if err != nil {
		s.t.Fatal(err)
	}
	o := s.options()
	o.Log = log
	return Lead(ctx, o)
}

func (s *stage) resume(ctx context.Context) (Outcome, error) {
	s.t.Helper()
	log, before, err := transcript.Resume(s.path, logOptions())
	if err != nil {
		s.t.Fatal(err)
	}
	o := s.options()
	o.Log, o.Before = log, before
	return Lead(ctx, o)
}

func (s *stage) record() []byte {
	s.t.Helper()
	raw, err := os.ReadFile(s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// verified reads the record; every byte must be as it was written.
func (s *stage) verified() *Verified {
	s.t.Helper()
	v, err := Verify(bytes.NewReader(s.record()))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range v.Problems {
		s.t.Errorf("line %d: %v", p.Line, p.Error)
	}
	return v
}

// sound is a record without a finding but those given.
func (s *stage) sound(but ...string) *Verified {
	s.t.Helper()
	v := s.verified()
	for _, f := range v.Findings {
		if !slices.Contains(but, f.ID) {
			s.t.Errorf("%s: %s: %s", f.ID, f.Where, f.What)
		}
	}
	return v
}

// lines counts the lines of a kind.
func lines(v *Verified, kind transcript.Kind, is func(transcript.Record) bool) int {
	n := 0
	for _, r := range v.Records {
		if r.Kind == kind && (is == nil || is(r)) {
			n++
		}
	}
	return n
}

// left is a record as a process left it that is no more.
func (s *stage) left(record []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path, record, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

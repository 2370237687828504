package hsm_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// A made-up master key of a test.
const masterT = "5C21A7E03B9F4D86E2107FB5C8394AD61B60F2953D8EC74A09B1D6E7425F3C88"

func masterKey(t *testing.T, digits string) *keys.Key {
	t.Helper()
	raw := testvec.Hex(t, digits)
	k, err := keys.New(keys.AES128.ForLength(len(raw)), secret.Take(raw))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func openWith(t *testing.T, digits string, o hsm.Options) hsm.Boundary {
	t.Helper()
	b, err := hsm.NewMasterWith(env(), masterKey(t, digits), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestKeysOutliveTheBoundaryUnderItsMasterKey(t *testing.T) {
	first := openWith(t, masterT, hsm.Options{})
	a := hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageKEK, Mode: 'B', Exportability: 'N', Label: "ZMK#1"}
	k, err := first.Generate(t.Context(), a, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	later := openWith(t, masterT, hsm.Options{})
	if got, err := later.CheckValue(t.Context(), k, "", 0); err != nil || got != k.Check {
		t.Errorf("check value %s, %v; want %s", got, err, k.Check)
	}
	another := openWith(t, masterT[2:]+"00", hsm.Options{})
	if _, err := another.CheckValue(t.Context(), k, "", 0); err == nil {
		t.Error("another master key opens it")
	}
}

func TestAMasterKeyIsAES256AndTakenOver(t *testing.T) {
	live := secret.Live()
	for _, digits := range []string{masterT[:32], masterT[:48]} {
		k := masterKey(t, digits)
		if b, err := hsm.NewMaster(env(), k, hsm.Info{}); !fault.Is(err, fault.Usage) || b != nil {
			t.Errorf("%d digits: %v", len(digits), err)
		}
	}
	if b, err := hsm.NewMaster(env(), nil, hsm.Info{}); !fault.Is(err, fault.Usage) || b != nil {
		t.Errorf("none: %v", err)
	}
	b, err := hsm.NewMaster(env(), masterKey(t, masterT), hsm.Info{Driver: "agent", Name: "a store's"})
	if err != nil {
		t.Fatal(err)
	}
	if info := b.Info(); info != (hsm.Info{Driver: "agent", Name: "a store's", Strict: true}) {
		t.Errorf("info %+v", info)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets are left", now-live)
	}
}

func TestASoftBoundaryIsNotStrict(t *testing.T) {
	b := openSoft(t)
	defer func() { _ = b.Close() }()
	if b.Info().Strict {
		t.Error("it says that it is")
	}
}

// recorder is a record of questions, which may fail.
type recorder struct {
	mu   sync.Mutex
	all  []hsm.Probe
	fail error
}

func (r *recorder) record(_ context.Context, p hsm.Probe) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail == nil {
		r.all = append(r.all, p)
	}
	return r.fail
}

func (r *recorder) numbers() []int {
	var all []int
	for _, p := range r.all {
		all = append(all, p.Question)
	}
	return all
}

// recorded opens a prober about one key, labelled, with a record.
func recorded(t *testing.T, limit int) (*recorder, hsm.ProbeCloser, hsm.Key) {
	t.Helper()
	r := &recorder{}
	b := openWith(t, masterT, hsm.Options{ProbeRecord: r.record, Questions: limit})
	a := hsm.Attributes{Algorithm: keys.AES128, Label: "DATA#3"}
	k, err := b.Generate(t.Context(), a, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Prober(t.Context(), []hsm.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return r, p, k
}

func asked(t *testing.T, digits string) hsm.Question {
	t.Helper()
	return hsm.Question{Expr: hsm.Part(0), Algorithm: keys.AES128, Method: kcv.CMAC, Expected: expect(t, digits)}
}

func TestEveryQuestionIsRecordedBeforeItsAnswer(t *testing.T) {
	r, p, k := recorded(t, 10)
	for n := 1; n <= 3; n++ {
		if _, err := p.Probe(t.Context(), asked(t, "123456")); err != nil {
			t.Fatal(err)
		}
		got := r.all[len(r.all)-1]
		if len(r.all) != n || got.Question != n || got.Limit != 10 || got.Search || got.Algorithm != keys.AES128 ||
			got.Method != kcv.CMAC || got.Digits != 6 || got.Len != 16 || !slices.Equal(got.Material, []hsm.Attributes{k.Attributes}) {
			t.Errorf("record %d: %+v", n, got)
		}
	}
	r.fail = errors.New("the disk is full")
	a, err := p.Probe(t.Context(), asked(t, k.Check.Digits))
	if !errors.Is(err, r.fail) || a != (hsm.Answer{}) {
		t.Errorf("an answer without a record: %+v, %v", a, err)
	}
	r.fail = nil
	if a, err := p.Probe(t.Context(), asked(t, k.Check.Digits)); err != nil || !a.Match {
		t.Errorf("%+v, %v", a, err)
	}
	if got := r.numbers(); !slices.Equal(got, []int{1, 2, 3, 4}) {
		t.Errorf("questions %v are recorded", got)
	}
}

func TestRefusedQuestionsCountNothing(t *testing.T) {
	r, p, _ := recorded(t, 2)
	q := asked(t, "123456")
	for _, change := range []func(q *hsm.Question){
		func(q *hsm.Question) { q.Expected = kcv.Expected{} },
		func(q *hsm.Question) { q.Data = make([]byte, 16) },
		func(q *hsm.Question) { q.Expr = hsm.Part(7) },
		func(q *hsm.Question) { q.Algorithm = keys.AES256 },
		func(q *hsm.Question) { q.Expr = hsm.Join{hsm.Slice{Of: hsm.Part(0), To: 1}, hsm.Zeros(15)} },
	} {
		bad := q
		change(&bad)
		if a, err := p.Probe(t.Context(), bad); err == nil || a != (hsm.Answer{}) {
			t.Errorf("%+v: %+v, %v", bad, a, err)
		}
	}
	for range 2 {
		if _, err := p.Probe(t.Context(), q); err != nil {
			t.Error(err)
		}
	}
	if a, err := p.Probe(t.Context(), q); !fault.Is(err, fault.NotPermitted) || a != (hsm.Answer{}) {
		t.Errorf("the third of two: %+v, %v", a, err)
	}
	if got := r.numbers(); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("questions %v are recorded", got)
	}
}

func TestASearchCountsForManyQuestions(t *testing.T) {
	r, p, k := recorded(t, 2*hsm.SearchCost+1)
	by := p.(hsm.Searcher)
	q := hsm.SearchQuestion{Pieces: []hsm.SearchPiece{{Typed: hsm.Part(0)}}, Algorithm: keys.AES128, Method: kcv.CMAC, Expected: expect(t, "1234567890")}
	for range 2 {
		if _, err := by.Search(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := by.Search(t.Context(), q); !fault.Is(err, fault.NotPermitted) || a.Tried != 0 {
		t.Errorf("the third search: %+v, %v", a, err)
	}
	if a, err := p.Probe(t.Context(), asked(t, k.Check.Digits)); err != nil || !a.Match {
		t.Errorf("the last question: %+v, %v", a, err)
	}
	if got := r.numbers(); !slices.Equal(got, []int{hsm.SearchCost, 2 * hsm.SearchCost, 2*hsm.SearchCost + 1}) || !r.all[0].Search || r.all[2].Search {
		t.Errorf("%+v", r.all)
	}
}

func TestQuestionsFromManyGoroutinesAreRecordedInOrder(t *testing.T) {
	const workers, each = 8, 20
	r, p, _ := recorded(t, workers*each-5)
	q := asked(t, "123456")
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for range workers {
		wg.Go(func() {
			for range each {
				if _, err := p.Probe(t.Context(), q); err != nil {
					mu.Lock()
					refused++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if refused != 5 {
		t.Errorf("%d questions were refused, want 5", refused)
	}
	for i, n := range r.numbers() {
		if n != i+1 {
			t.Fatalf("record %d is of question %d", i+1, n)
		}
	}
}

func TestWithoutARecordThereIsNoProber(t *testing.T) {
	b := openWith(t, masterT, hsm.Options{})
	k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	live := secret.Live()
	if p, err := b.Prober(t.Context(), []hsm.Key{k}); !fault.Is(err, fault.NotPermitted) || p != nil {
		t.Errorf("prober %v, %v", p, err)
	}
	if p, err := hsm.NewStrictProber([]*secret.Bytes{secret.New(16)}, make([]hsm.Attributes, 1), hsm.Options{}); !fault.Is(err, fault.NotPermitted) || p != nil {
		t.Errorf("prober %v, %v", p, err)
	}
	if now := secret.Live(); now > live {
		t.Errorf("%d secrets are left", now-live)
	}
}

// The attacks that a review found, by name: each of them passed once.
func TestKnownAttacksFail(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) hsm.Boundary{"soft": openSoft, "strict": openMaster} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			t.Cleanup(func() { _ = b.Close() })
			made := func(usage keys.Usage, exportability byte) hsm.Key {
				a := hsm.Attributes{Algorithm: keys.AES128, Usage: usage, Exportability: exportability}
				k, err := b.Generate(t.Context(), a, hsm.Policy{})
				if err != nil {
					t.Fatal(err)
				}
				return k
			}
			h := keyblock.Header{Version: 'D', Usage: keys.UsageData, Algorithm: 'A', Mode: 'B', KeyVersion: "00",
				Exportability: 'E', Context: '0', Reserved: '0'}
			kbpk, data := made(keys.UsageKBPK, 'E'), made(keys.UsageData, 'E')
			for what, try := range map[string][2]hsm.Key{
				"a key that is not exportable, under an E header": {made(keys.UsageData, 'N'), kbpk},
				"a PIN key as a data key":                         {made(keys.UsagePIN, 'E'), kbpk},
				"under an initial key":                            {data, made(keys.UsageIK, 'E')},
				"under a BDK":                                     {data, made(keys.UsageBDK, 'E')},
				"under a PIN key":                                 {data, made(keys.UsagePIN, 'E')},
				"under a data key":                                {data, data},
			} {
				w, err := b.Wrap(t.Context(), try[0], try[1], h, keyblock.WrapOptions{AllowWeak: true, AllowUnfit: true})
				if !fault.Is(err, fault.NotPermitted) || w.Block != "" {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

package hsm

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/selftest"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// fixed is randomness that is drawn once for a process: statistical tests of fresh randomness fail now and then.
func fixed(t *testing.T) io.Reader {
	t.Helper()
	key, err := keys.NewCipher(keys.AES128, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	stream, block := make([]byte, 1<<16), make([]byte, 16)
	for at := range len(stream) / 16 {
		block[0], block[1] = byte(at), byte(at>>8)
		key.Encrypt(stream[16*at:], block)
	}
	return bytes.NewReader(stream)
}

func TestEverySelftestPassesAndHasANameOfItsOwn(t *testing.T) {
	s := newSoft(t)
	live := secret.Live()
	names := map[string]bool{}
	for _, c := range Selftest(t.Context(), s, keys.Env{Rand: fixed(t), Now: s.env.Now}) {
		if c.Err != nil || c.Unknown != "" {
			t.Errorf("%s: %v %s", c.Name, c.Err, c.Unknown)
		}
		if names[c.Name] || c.What.IsZero() || c.Source == "" || c.Group == "" || c.Kind == "" {
			t.Errorf("%s: the name stands there twice, or something is not said", c.Name)
		}
		names[c.Name] = true
	}
	for _, name := range []string{
		"kcv-sm4-ecb-zero", "retail-mac", "keyblock-A", "keyblock-E", "dukpt-tdes-128", "dukpt-aes-128", "components-shamir",
		"random", "boundary",
	} {
		if !names[name] {
			t.Errorf("no self-test %s", name)
		}
	}
	if now := secret.Live(); now > live+1 { // the protector of the master key
		t.Errorf("%d secrets are left", now-live)
	}
}

// TestEverySelftestFailsWhenItIsBroken: by its name, all others pass; and no failure shows a key.
func TestEverySelftestFailsWhenItIsBroken(t *testing.T) {
	s := newSoft(t)
	live := secret.Live()
	all := SelfTests(s, s.env)
	for _, test := range all {
		o := test.Break().Run(t.Context())
		if !o.Failed() {
			t.Errorf("%s passes though it is broken", test.Name)
			continue
		}
		if test.Secret && len(test.Want) >= 32 && strings.Contains(o.Err.Error(), test.Want[8:16]) {
			t.Errorf("%s shows a key: %v", test.Name, o.Err)
		}
	}
	if now := secret.Live(); now > live+1 {
		t.Errorf("%d secrets are left", now-live)
	}
}

// TestEveryDigitOfAnAnswerIsChecked: a known answer with any digit changed is no answer.
func TestEveryDigitOfAnAnswerIsChecked(t *testing.T) {
	s := newSoft(t)
	for _, test := range SelfTests(s, s.env) {
		if test.Kind != selftest.KnownAnswer {
			continue
		}
		if len(test.Want) < 6 {
			t.Errorf("%s: %d digits are too few to prove anything", test.Name, len(test.Want))
		}
		got, err := test.Compute(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", test.Name, err)
		}
		test.Compute = func(context.Context) (string, error) { return got, nil }
		for at := range test.Want {
			b := []byte(test.Want)
			if b[at]++; b[at] == '9'+1 || b[at] == 'F'+1 {
				b[at] = '0'
			}
			bad := test
			if bad.Want = string(b); !bad.Run(t.Context()).Failed() {
				t.Errorf("%s passes with the answer %s", test.Name, b)
			}
		}
	}
}

func TestEveryCipherAndEveryMethodHasAKnownAnswer(t *testing.T) {
	modes, values := map[keys.Algorithm]map[string]bool{}, map[string]bool{}
	for _, k := range knownCiphers() {
		if modes[k.alg] == nil {
			modes[k.alg] = map[string]bool{}
		}
		modes[k.alg][k.mode] = true
	}
	for _, alg := range keys.BlockCiphers() {
		if !modes[alg]["ecb"] {
			t.Errorf("%s has no known answer", alg)
		}
	}
	for _, k := range knownValues() {
		values[string(k.alg)+" "+string(k.method)] = true
	}
	n := 0
	for _, alg := range keys.Named() {
		for _, m := range kcv.Methods(alg) {
			n++
			if !values[string(alg)+" "+string(m)] {
				t.Errorf("%s by %s has no known answer", alg, m)
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d values", n)
	}
}

func TestKnownAnswersOfAMethodDoNotPassByAnother(t *testing.T) {
	for _, good := range knownValues() {
		for _, m := range kcv.Methods(good.alg) {
			bad := good
			bad.method = m
			same := m == good.method || m == kcv.ECBZero && good.method == kcv.PAXMode1 // the first bytes of it
			got, err := bad.run()
			if !same && err == nil && strings.HasPrefix(got, good.want) {
				t.Errorf("the answer of %s by %s passes by %s", good.alg, good.method, m)
			}
		}
	}
}

// TestAnyCharacterOfAKnownBlockCounts: changed, the block does not open to the key of the example.
func TestAnyCharacterOfAKnownBlockCounts(t *testing.T) {
	for _, k := range knownBlocks() {
		for at := range k.block {
			b := []byte(k.block)
			if b[at]++; b[at] == '9'+1 || b[at] == 'F'+1 {
				b[at] = '0'
			}
			live := secret.Live()
			if got, err := k.open(string(b)); err == nil {
				t.Errorf("version %c opens as %d digits with character %d changed", k.version, len(got), at)
			}
			if now := secret.Live(); now != live {
				t.Errorf("version %c: %d secrets are left", k.version, now-live)
			}
		}
		bad := k
		bad.kbpk = "F" + k.kbpk[1:]
		if _, err := bad.open(k.block); err == nil {
			t.Errorf("version %c opens under another KBPK", k.version)
		}
	}
}

// dry is a random source that has run dry.
type dry struct{}

func (dry) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// lazy answers and writes nothing.
type lazy struct{}

func (lazy) Read(p []byte) (int, error) { return len(p), nil }

// TestABrokenRandomSourceIsFound: each kind of it by some test, and one that is dry by all.
func TestABrokenRandomSourceIsFound(t *testing.T) {
	even := bytes.Repeat([]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}, sampleBytes) // each digit as often as any other
	for name, c := range map[string]struct {
		source func() io.Reader
		by     []string
	}{
		"zeros":    {func() io.Reader { return stuckSource(0) }, []string{"random", "random-length", "random-repetition", "random-differs"}},
		"ones":     {func() io.Reader { return stuckSource(0xFF) }, []string{"random", "random-long-run", "random-proportion"}},
		"balanced": {func() io.Reader { return stuckSource(0xAA) }, []string{"random-poker", "random-runs", "random-repetition"}},
		"even":     {func() io.Reader { return bytes.NewReader(even) }, []string{"random-poker", "random-proportion"}},
		"lazy":     {func() io.Reader { return lazy{} }, []string{"random-length", "random-differs", "random"}},
		"dry": {func() io.Reader { return dry{} }, []string{"random", "random-length", "random-repetition", "random-proportion",
			"random-poker", "random-runs", "random-long-run", "random-differs"}},
	} {
		live := secret.Live()
		failed := map[string]bool{}
		for i := range randomTests(nil) {
			test := randomTests(c.source())[i] // each from the beginning
			failed[test.Name] = test.Run(t.Context()).Failed()
		}
		for _, by := range c.by {
			if !failed[by] {
				t.Errorf("%s passes %s", name, by)
			}
		}
		for _, spec := range []component.Spec{
			{Scheme: component.XOR, Parts: 2}, {Scheme: component.Shamir, Parts: 3, Threshold: 2},
		} {
			if _, err := cutAndCombine(keys.Env{Rand: c.source()}, spec); err == nil && name != "even" {
				t.Errorf("%s: %s passes", name, spec.Scheme)
			}
		}
		if now := secret.Live(); now != live {
			t.Errorf("%s: %d secrets are left", name, now-live)
		}
	}
}

func TestASourceThatFailsOnceIsAskedAgain(t *testing.T) {
	good := make([]byte, sampleBytes)
	if _, err := io.ReadFull(fixed(t), good); err != nil {
		t.Fatal(err)
	}
	bad := make([]byte, sampleBytes)
	for name, c := range map[string]struct {
		draws []byte
		ok    bool
	}{
		"good": {good, true}, "bad, then good": {append(bytes.Clone(bad), good...), true}, "bad twice": {append(bytes.Clone(bad), bad...), false},
	} {
		if _, err := sampled(bytes.NewReader(c.draws), monobit); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBoundsOfTheRandomTests holds each bound to the last value that passes and the first that does not.
func TestBoundsOfTheRandomTests(t *testing.T) {
	for ones, ok := range map[int]bool{9725: false, 9726: true, 10274: true, 10275: false} {
		draw := make([]byte, sampleBytes)
		for bit := range ones {
			draw[bit/8] |= 1 << (bit % 8)
		}
		if err := monobit(draw); (err == nil) != ok {
			t.Errorf("%d ones: %v", ones, err)
		}
	}
	for length, ok := range map[int]bool{25: true, 26: false} {
		draw := bytes.Repeat([]byte{0x55}, sampleBytes)
		for bit := 1000; bit < 1000+length-1; bit++ { // the bit before it is a one
			draw[bit/8] |= 1 << (7 - bit%8)
		}
		for bit := 1000 + length - 1; bit < 1002+length; bit++ {
			draw[bit/8] &^= 1 << (7 - bit%8)
		}
		if err := longRun(draw); (err == nil) != ok {
			t.Errorf("a run of %d: %v", length, err)
		}
	}
	for equal, ok := range map[int]bool{4: true, 5: false} {
		draw := make([]byte, 0, sampleBytes)
		for i := range sampleBytes {
			draw = append(draw, byte(i))
		}
		copy(draw[100:], bytes.Repeat([]byte{0x77}, equal))
		if err := repetition(draw); (err == nil) != ok {
			t.Errorf("%d equal bytes: %v", equal, err)
		}
	}
	for times, ok := range map[int]bool{15: true, 16: false} {
		draw := make([]byte, sampleBytes)
		for i := range draw {
			draw[i] = byte(1 + i%200)
		}
		for window := 0; window < 4; window++ {
			draw[512*window] = 0xEE
		}
		for i := range times - 1 {
			draw[512+30*(i+1)] = 0xEE
		}
		if err := adaptiveProportion(draw); (err == nil) != ok {
			t.Errorf("%d of 512: %v", times, err)
		}
	}
}

// TestRunsAreCounted holds the counter of runs against a slow one.
func TestRunsAreCounted(t *testing.T) {
	draw := make([]byte, 200)
	_, _ = rand.Read(draw)
	var told []string
	eachRun(draw, func(bit, length int) { told = append(told, strings.Repeat(string(rune('0'+bit)), length)) })
	var whole strings.Builder
	for i := range 8 * len(draw) {
		whole.WriteByte('0' + draw[i/8]>>(7-i%8)&1)
	}
	if strings.Join(told, "") != whole.String() {
		t.Error("the runs are not the bits")
	}
	for i := 1; i < len(told); i++ {
		if told[i][0] == told[i-1][0] {
			t.Errorf("run %d goes on in the next one", i)
		}
	}
}

func TestPowerOnTellsTheFirstFailure(t *testing.T) {
	if err := PowerOn(); err != nil {
		t.Fatal(err)
	}
	for _, test := range powerOnTests() {
		broken, found := selftest.Broken(powerOnTests(), test.Name)
		err := firstFailure(broken)
		if !found || !fault.Is(err, fault.SelftestFailed) || !strings.Contains(err.Error(), test.Name) {
			t.Errorf("%s: %v", test.Name, err)
		}
	}
}

func BenchmarkPowerOn(b *testing.B) {
	for b.Loop() {
		if err := PowerOn(); err != nil {
			b.Fatal(err)
		}
	}
}

// lying is a boundary that computes wrong check values, or takes no keys.
type lying struct {
	Boundary
	value kcv.Value
	err   error
}

func (l lying) CheckValue(context.Context, Key, kcv.Method, int) (kcv.Value, error) {
	return l.value, l.err
}

func TestABoundaryThatComputesWrongIsFound(t *testing.T) {
	s := newSoft(t)
	for _, l := range []lying{
		{s, kcv.Value{}, nil}, {s, kcv.Value{}, errors.New("no")},
		{s, kcv.Value{Method: kcv.ECBZero, Digits: "08D7B5"}, nil}, {s, kcv.Value{Method: kcv.ECBZero, Digits: "08D7"}, nil},
	} {
		if o := boundaryTest(l).Run(t.Context()); !o.Failed() {
			t.Errorf("%s passes", l.value)
		}
	}
	if o := boundaryTest(lying{s, kcv.Value{Method: kcv.ECBZero, Digits: "08D7B4"}, nil}).Run(t.Context()); o.Failed() {
		t.Error(o.Err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if o := boundaryTest(s).Run(t.Context()); !o.Failed() {
		t.Error("a closed boundary passes")
	}
}

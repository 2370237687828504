package hsm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func TestEverySelftestPassesAndHasANameOfItsOwn(t *testing.T) {
	s := newSoft(t)
	live := secret.Live()
	names := map[string]bool{}
	for _, c := range Selftest(t.Context(), s, s.env) {
		if c.Err != nil {
			t.Errorf("%s: %v", c.Name, c.Err)
		}
		if names[c.Name] || c.Text.IsZero() {
			t.Errorf("%s: the name stands there twice, or says nothing", c.Name)
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
	if want := len(knownAnswers()) + len(knownBlocks()) + len(knownDerivations()) + 5; len(names) != want {
		t.Errorf("%d self-tests, want %d", len(names), want)
	}
	if now := secret.Live(); now > live+1 { // the protector of the master key
		t.Errorf("%d secrets are left", now-live)
	}
}

// changed gives the text with one digit changed, at every place in turn.
func changed(text string, yield func(string) bool) {
	for at := range text {
		b := []byte(text)
		if b[at]++; b[at] == '9'+1 || b[at] == 'F'+1 {
			b[at] = '0'
		}
		if !yield(string(b)) {
			return
		}
	}
}

func TestEveryDigitOfAKnownAnswerIsChecked(t *testing.T) {
	for _, good := range knownAnswers() {
		if len(good.want) < 6 {
			t.Errorf("%s by %s: %d digits are too few to prove anything", good.alg, good.method, len(good.want))
		}
		changed(good.want, func(want string) bool {
			bad := good
			bad.want = want
			if err := bad.run(); !fault.Is(err, fault.SelftestFailed) {
				t.Errorf("%s by %s with the answer %s: %v", good.alg, good.method, want, err)
			}
			return true
		})
		bad := good
		bad.want += "00"
		if err := bad.run(); len(good.want) >= 16 && !fault.Is(err, fault.SelftestFailed) {
			t.Errorf("%s by %s with an answer too long: %v", good.alg, good.method, err)
		}
		bad = good
		bad.key = "F" + good.key[1:]
		if err := bad.run(); !fault.Is(err, fault.SelftestFailed) {
			t.Errorf("%s by %s with another key: %v", good.alg, good.method, err)
		}
	}
}

func TestKnownAnswersOfAMethodDoNotPassByAnother(t *testing.T) {
	for _, good := range knownAnswers() {
		for _, m := range kcv.Methods(good.alg) {
			bad := good
			bad.method = m
			same := m == good.method || m == kcv.PAXMode1 && good.method == kcv.ECBZero
			if err := bad.run(); !same && err == nil {
				t.Errorf("the answer of %s by %s passes by %s", good.alg, good.method, m)
			}
		}
	}
}

func TestEveryDigitOfTheRetailMACIsChecked(t *testing.T) {
	if err := testRetailMAC(retailMAC); err != nil || len(retailMAC) != 16 {
		t.Errorf("%s: %v", retailMAC, err)
	}
	changed(retailMAC, func(want string) bool {
		if err := testRetailMAC(want); !fault.Is(err, fault.SelftestFailed) {
			t.Errorf("with the answer %s: %v", want, err)
		}
		return true
	})
}

func TestEveryCharacterOfAKnownBlockIsChecked(t *testing.T) {
	for _, good := range knownBlocks() {
		if err := good.run(); err != nil || len(good.want) < 6 {
			t.Fatalf("version %c, answer %s: %v", good.version, good.want, err)
		}
		try := func(what string, change func(bad *knownBlock)) {
			live, bad := secret.Live(), good
			change(&bad)
			if err := bad.run(); err == nil {
				t.Errorf("version %c passes with another %s", good.version, what)
			}
			if now := secret.Live(); now != live {
				t.Errorf("version %c with another %s: %d secrets are left", good.version, what, now-live)
			}
		}
		changed(good.want, func(s string) bool { try("answer "+s, func(bad *knownBlock) { bad.want = s }); return true })
		changed(good.block, func(s string) bool { try("block "+s, func(bad *knownBlock) { bad.block = s }); return true })
		try("KBPK", func(bad *knownBlock) { bad.kbpk = "F" + bad.kbpk[1:] })
		try("length of KBPK", func(bad *knownBlock) { bad.kbpk = bad.kbpk[2:] })
		try("version", func(bad *knownBlock) { bad.version = "BCAED"[bad.version-'A'] })
	}
}

func TestEveryDigitOfAKnownDerivationIsChecked(t *testing.T) {
	for _, good := range knownDerivations() {
		if err := good.run(); err != nil {
			t.Fatalf("%s: %v", good.alg, err)
		}
		try := func(what string, change func(bad *knownDerivation)) {
			live, bad := secret.Live(), good
			change(&bad)
			if err := bad.run(); !fault.Is(err, fault.SelftestFailed) || strings.Contains(err.Error(), good.ik[:8]) {
				t.Errorf("%s with another %s: %v", good.alg, what, err)
			}
			if now := secret.Live(); now != live {
				t.Errorf("%s with another %s: %d secrets are left", good.alg, what, now-live)
			}
		}
		changed(good.ik, func(s string) bool { try("IK "+s, func(bad *knownDerivation) { bad.ik = s }); return true })
		changed(good.transaction, func(s string) bool {
			try("transaction key "+s, func(bad *knownDerivation) { bad.transaction = s })
			return true
		})
		try("BDK", func(bad *knownDerivation) { bad.bdk = "7" + bad.bdk[1:] })
		try("device", func(bad *knownDerivation) { bad.ksn = "0" + bad.ksn[1:] })
		try("counter", func(bad *knownDerivation) { bad.ksn = bad.ksn[:len(bad.ksn)-1] + "2" })
	}
}

// stuck is a broken random source.
type stuck struct{ value byte }

func (s stuck) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte{s.value}, len(p)))
	return len(p), nil
}

// empty is a random source that has run dry.
type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABrokenRandomSourceIsFound(t *testing.T) {
	for _, r := range []io.Reader{stuck{0}, stuck{0xFF}, stuck{1}, stuck{0xFE}, empty{}} {
		live := secret.Live()
		if err := testRandom(keys.Env{Rand: r}); !fault.Is(err, fault.SelftestFailed) {
			t.Errorf("%v: %v", r, err)
		}
		for _, spec := range []component.Spec{
			{Scheme: component.XOR, Parts: 2}, {Scheme: component.Shamir, Parts: 3, Threshold: 2},
		} {
			if err := testComponents(keys.Env{Rand: r}, spec); err == nil {
				t.Errorf("%v: %s passes", r, spec.Scheme)
			}
		}
		if now := secret.Live(); now != live {
			t.Errorf("%v: %d secrets are left", r, now-live)
		}
	}
}

func TestTheMonobitBoundsAreThoseOfFIPS1402(t *testing.T) {
	for ones, ok := range map[int]bool{9725: false, 9726: true, 10000: true, 10274: true, 10275: false} {
		draw := make([]byte, 2500)
		for bit := range ones {
			draw[bit/8] |= 1 << (bit % 8)
		}
		if err := testRandom(keys.Env{Rand: bytes.NewReader(draw)}); (err == nil) != ok {
			t.Errorf("%d ones: %v", ones, err)
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
		if err := testBoundary(t.Context(), l); err == nil {
			t.Errorf("%s passes", l.value)
		}
	}
	if err := testBoundary(t.Context(), lying{s, kcv.Value{Method: kcv.ECBZero, Digits: "08D7B4"}, nil}); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := testBoundary(t.Context(), s); err == nil {
		t.Error("a closed boundary passes")
	}
}

package hsm

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// SelfTests lists the tests of every algorithm and format below this package, of a boundary and of its random source. The
// right answers are published wherever a standard publishes one; where none does, another implementation computed them,
// and Source says so.
func SelfTests(b Boundary, env keys.Env) []selftest.Test {
	all := slices.Concat(cipherTests(), macTests(), checkValueTests(), partTests(env), blockTests(), dukptTests(), searchTests(),
		randomTests(env.Rand))
	return append(all, boundaryTest(b))
}

// Selftest runs them.
func Selftest(ctx context.Context, b Boundary, env keys.Env) []selftest.Outcome {
	var all []selftest.Outcome
	for _, t := range SelfTests(b, env) {
		all = append(all, t.Run(ctx))
	}
	return all
}

// PowerOn runs the known answers of ciphers, MACs and key blocks, which take less than a millisecond together: what a
// process does before it holds keys for long. The first failure is the error, of kind selftest_failed.
func PowerOn() error { return firstFailure(powerOnTests()) }

func powerOnTests() []selftest.Test {
	return slices.Concat(cipherTests(), macTests(), blockTests())
}

func firstFailure(all []selftest.Test) error {
	for _, t := range all {
		if o := t.Run(context.Background()); o.Failed() { // none of them waits for anything
			return fault.WrapAs(fault.SelftestFailed, o.Err, "self-test %s", t.Name)
		}
	}
	return nil
}

// computed makes a test's function of one that needs no context.
func computed(f func() (string, error)) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return f() }
}

// known makes a known-answer test.
func known(group selftest.Group, name string, what text.Text, source, want string, f func() (string, error)) selftest.Test {
	return selftest.Test{Name: name, Group: group, Kind: selftest.KnownAnswer, What: what, Source: source, Want: want,
		Compute: computed(f)}
}

// refusal makes a test of what must be refused with a kind of error: with is the wrong thing, and sound what is right,
// which the test must not take for it.
func refusal(group selftest.Group, name string, what text.Text, want fault.Kind, wrong, sound func() error) selftest.Test {
	return selftest.Test{Name: name, Group: group, Kind: selftest.Refusal, What: what, Source: "refused by rule",
		Want: string(want), Compute: computed(kindOf(wrong)), Faulty: computed(kindOf(sound))}
}

func kindOf(f func() error) func() (string, error) {
	return func() (string, error) {
		if err := f(); err != nil {
			return string(fault.KindOf(err)), nil
		}
		return "accepted", nil
	}
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// knownKey makes a key of a known answer.
func knownKey(alg keys.Algorithm, digits string) (*keys.Key, error) {
	sec, err := keys.ParseHex([]byte(digits))
	if err != nil {
		return nil, err
	}
	return keys.New(alg, sec)
}

// digits are the bytes of a key of a known answer.
func digits(k *keys.Key) string { return upper(k.Secret().Expose()) }

func boundaryTest(b Boundary) selftest.Test {
	return selftest.Test{Name: "boundary", Group: selftest.Boundary, Kind: selftest.KnownAnswer,
		What:   text.New("boundary: a key goes in, its check value comes out"),
		Source: "check value of the key of the examples of ANSI X9.24-1:2009, A.4", Want: "08D7B4",
		Compute: func(ctx context.Context) (string, error) { return boundaryValue(ctx, b) }}
}

func boundaryValue(ctx context.Context, b Boundary) (string, error) {
	raw, err := hex.DecodeString("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		return "", err
	}
	k, err := b.Import(ctx, secret.Take(raw), Attributes{Algorithm: keys.TDES128}, Policy{Inspect: true})
	if err != nil {
		return "", err
	}
	v, err := b.CheckValue(ctx, k, kcv.ECBZero, 6)
	return v.Digits, err
}

package hsm

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// SpotProber is the prober for keys given on the spot: typed, read from a file or a sheet. It computes what it is
// asked and tells the value. It is safe for concurrent use until Close.
type SpotProber struct {
	material []*secret.Bytes
}

var (
	_ ProbeCloser = (*SpotProber)(nil)
	_ MACMatcher  = (*SpotProber)(nil)
)

// NewSpotProber takes ownership of the material: Close wipes it. Part(i) of an expression is material[i].
func NewSpotProber(material []*secret.Bytes) *SpotProber {
	return &SpotProber{append([]*secret.Bytes(nil), material...)}
}

// Close wipes the material; it never fails. A second Close does nothing.
func (s *SpotProber) Close() error {
	for _, m := range s.material {
		m.Wipe()
	}
	s.material = nil
	return nil
}

// Probe forms the key, computes its check value and compares. What was formed is wiped.
func (s *SpotProber) Probe(ctx context.Context, q Question) (Answer, error) {
	key, err := s.form(ctx, q.Expr)
	if err != nil {
		return Answer{}, err
	}
	defer key.Wipe()
	full, err := checkValue(q, key.Expose())
	if err != nil {
		return Answer{}, err
	}
	defer secret.Wipe(full)
	if q.Expected.Digits == "" {
		return Answer{Value: valueOf(q, full)}, nil
	}
	c := q.Expected.Compare(q.Method, full)
	return Answer{Match: c.Match, Digits: c.Digits, Value: c.Computed}, nil
}

// Parity reports the parity bits of what the expression forms.
func (s *SpotProber) Parity(ctx context.Context, e Expr) (keys.Parity, error) {
	b, err := s.form(ctx, e)
	if err != nil {
		return keys.ParityNone, err
	}
	defer b.Wipe()
	return keys.ParityOf(b.Expose()), nil
}

// Len is the length in bytes of what the expression forms.
func (s *SpotProber) Len(e Expr) (int, error) { return length(s.material, e) }

// Digit gives one hex digit (0-9, A-F) of what the expression forms, counted from 1, for the person who typed the key
// and asked to see where the slip is. No other prober has it.
func (s *SpotProber) Digit(e Expr, digit int) (byte, error) {
	n, err := length(s.material, e)
	if err != nil {
		return 0, err
	}
	if digit < 1 || digit > 2*n {
		return 0, fault.New(fault.MalformedLength, "digit %d does not exist in %d digits", digit, 2*n)
	}
	b, err := form(s.material, e)
	if err != nil {
		return 0, err
	}
	defer b.Wipe()
	return hexDigits[digitAt(b.Expose(), digit-1)], nil
}

func (s *SpotProber) form(ctx context.Context, e Expr) (*secret.Bytes, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.WrapAs(fault.Interrupted, err, "the search was stopped")
	}
	if _, err := length(s.material, e); err != nil {
		return nil, err
	}
	return form(s.material, e)
}

// checkValue is kcv.Compute with one thing more: another block than zeros, for callers who encrypt the wrong one.
func checkValue(q Question, key []byte) ([]byte, error) {
	if n := q.Algorithm.KeyLen(); n != 0 && n != len(key) {
		return nil, fault.New(fault.MalformedLength, "a key of %d bytes is not a key for %s", len(key), q.Algorithm)
	}
	if q.Data == nil {
		return kcv.Compute(q.Algorithm, key, q.Method)
	}
	if q.Method != kcv.ECBZero {
		return nil, fault.New(fault.Usage, "check-value method %s takes no other data than its own", q.Method)
	}
	b, err := keys.NewCipher(q.Algorithm, key)
	if err != nil {
		return nil, err
	}
	if len(q.Data) != b.BlockSize() {
		return nil, fault.New(fault.MalformedLength, "%s encrypts blocks of %d bytes, not %d", q.Algorithm, b.BlockSize(), len(q.Data))
	}
	out := make([]byte, b.BlockSize())
	b.Encrypt(out, q.Data)
	return out, nil
}

func valueOf(q Question, full []byte) kcv.Value {
	digits := strings.ToUpper(hex.EncodeToString(full))
	return kcv.Value{Method: q.Method, Digits: digits[:min(len(digits), kcv.DefaultDigits(q.Algorithm, q.Method))]}
}

// MatchMAC forms the key, computes the MAC and compares. What was formed is wiped.
func (s *SpotProber) MatchMAC(ctx context.Context, q MACQuestion) (bool, error) {
	key, err := s.form(ctx, q.Expr)
	if err != nil {
		return false, err
	}
	defer key.Wipe()
	mac, err := q.Rule.Sum(q.Algorithm, key.Expose(), q.Message, q.Padding)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(mac, q.MAC) == 1, nil
}

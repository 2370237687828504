package unionpay

// The layouts of field 62 in sign-in answers.

import (
	"slices"
	"strings"

	"poskey/pkg/keys"
)

// KeyName names a working key.
type KeyName string

// The working keys, and the terminal master key where an answer brings that.
const (
	PIK KeyName = "PIK" // PIN key, also TPK
	MAK KeyName = "MAK" // MAC key, also TAK
	TDK KeyName = "TDK" // track data key
	TMK KeyName = "TMK" // terminal master key, in downloads
)

// KeyNames lists the working keys that a sign-in brings, in the order in which field 62 has them.
func KeyNames() []KeyName { return []KeyName{PIK, MAK, TDK} }

// Slot is where one key stands in field 62. Offsets count bytes from 0.
type Slot struct {
	Key      KeyName
	At       int            // of the cryptogram
	Bytes    int            // of the cryptogram
	Pad      int            // zero bytes behind it, which are not encrypted
	CheckAt  int            // of the check value; -1 where there is none
	CheckLen int            // bytes of the check value
	KEKAt    int            // of a key-encrypting key in clear; -1 where there is none, as there should be
	KEKLen   int            // its length
	Alg      keys.Algorithm // of the key
}

// Layout is one way to write field 62.
type Layout struct {
	ID        string
	Codes     []string // values of field 60.3 that it is used with; none where programs take it whatever 60.3 says
	Length    int      // bytes of the whole field; 0 where it is not stated
	TMK       keys.Algorithm
	Slots     []Slot
	Confirmed bool   // somebody published it; otherwise it is arithmetic
	Source    string // where it is published
	Insecure  bool   // it sends a key together with the key that protects it
}

// none is the offset of what a layout does not have.
const none = -1

// Layouts lists the layouts, those of the specification first, then what programs in the field do.
func Layouts() []Layout {
	const parser = "public source file, package cn.agiledata.iso8583, SignResponse"
	plain := func(k KeyName, at, n, pad int, alg keys.Algorithm) Slot {
		return Slot{Key: k, At: at, Bytes: n, Pad: pad, CheckAt: at + n + pad, CheckLen: 4, KEKAt: none, Alg: alg}
	}
	bare := func(k KeyName, at, n int, alg keys.Algorithm) Slot {
		return Slot{Key: k, At: at, Bytes: n, CheckAt: none, KEKAt: none, Alg: alg}
	}
	open := func(n int, alg keys.Algorithm) []Slot {
		return []Slot{{Key: TMK, At: 0, Bytes: n, CheckAt: 2 * n, CheckLen: 4, KEKAt: n, KEKLen: n, Alg: alg}}
	}
	return []Layout{
		{"cup-001", []string{"001"}, 24, keys.TDES128,
			[]Slot{plain(PIK, 0, 8, 0, keys.DES), plain(MAK, 12, 8, 0, keys.DES)}, true, parser, false},
		{"cup-003", []string{"003"}, 40, keys.TDES128,
			[]Slot{plain(PIK, 0, 16, 0, keys.TDES128), plain(MAK, 20, 8, 8, keys.DES)}, true, parser, false},
		{"cup-004", []string{"004"}, 60, keys.TDES128, []Slot{plain(PIK, 0, 16, 0, keys.TDES128),
			plain(MAK, 20, 8, 8, keys.DES), plain(TDK, 40, 16, 0, keys.TDES128)}, true, parser, false},
		{"cup-005-40", []string{"005"}, 40, keys.SM4, []Slot{plain(PIK, 0, 16, 0, keys.SM4), plain(MAK, 20, 16, 0, keys.SM4)},
			true, "public source file, UnionPay sign-in for SM4 terminals", false},
		{"cup-005-60", []string{"005"}, 60, keys.SM4, []Slot{plain(PIK, 0, 16, 0, keys.SM4),
			plain(MAK, 20, 16, 0, keys.SM4), plain(TDK, 40, 16, 0, keys.SM4)},
			true, "public source file, UnionPay sign-in for SM4 terminals", false},
		{"cup-triple-56", []string{"003"}, 56, keys.TDES128,
			[]Slot{plain(PIK, 0, 24, 0, keys.TDES192), plain(MAK, 28, 24, 0, keys.TDES192)}, false,
			"length rule in https://e-com-net.com/article/5481825.htm; split by arithmetic", false},
		{"cup-triple-84", []string{"004"}, 84, keys.TDES128, []Slot{plain(PIK, 0, 24, 0, keys.TDES192),
			plain(MAK, 28, 24, 0, keys.TDES192), plain(TDK, 56, 24, 0, keys.TDES192)}, false,
			"length rule in https://e-com-net.com/article/5481825.htm; split by arithmetic", false},
		{"hunan-32", []string{"003"}, 32, keys.TDES128,
			[]Slot{plain(PIK, 0, 16, 0, keys.TDES128), plain(MAK, 20, 8, 0, keys.DES)}, true,
			"public source file, POS firmware with a Hunan and a head-office branch", false},
		{"mak16-40", []string{"003"}, 40, keys.TDES128,
			[]Slot{plain(PIK, 0, 16, 0, keys.TDES128), plain(MAK, 20, 16, 0, keys.TDES128)}, true,
			"public source file, Java sign-in parser that takes 16 MAK bytes", false},
		{"woepay", nil, 0, keys.TDES128,
			[]Slot{bare(PIK, 9, 16, keys.TDES128), bare(MAK, 29, 8, keys.DES)}, true, parser, false},
		{"ynyt", nil, 24, keys.TDES128,
			[]Slot{plain(PIK, 0, 8, 0, keys.DES), plain(MAK, 12, 8, 0, keys.DES)}, true, parser, false},
		{"tmk-kek-des", nil, 20, keys.DES, open(8, keys.DES), true,
			"public source file, class com.yogapay.core.server.op.Init", true},
		{"tmk-kek-tdes", nil, 36, keys.TDES128, open(16, keys.TDES128), true,
			"public source file, class com.yogapay.core.server.op.Init", true},
	}
}

// Reversed is the layout with its keys in reverse order, each with its padding and check value, as a program may write
// them. Nobody published such a field: it is arithmetic.
func (l Layout) Reversed() Layout {
	out := l
	out.ID, out.Codes, out.Confirmed, out.Source = l.ID+"-reversed", nil, false, "the keys of "+l.ID+" in reverse order"
	out.Slots = nil
	at := 0
	for _, s := range slices.Backward(l.Slots) {
		by := at - s.At
		s.At, s.CheckAt = at, s.CheckAt+by
		at = s.CheckAt + s.CheckLen
		out.Slots = append(out.Slots, s)
	}
	return out
}

// End is the length that field 62 needs for all slots.
func (l Layout) End() int {
	n := 0
	for _, s := range l.Slots {
		n = max(n, s.At+s.Bytes+s.Pad, s.CheckAt+s.CheckLen, s.KEKAt+s.KEKLen)
	}
	return n
}

// Specified reports whether the layout is one of the specification. The others are what programs in the field do.
func (l Layout) Specified() bool { return strings.HasPrefix(l.ID, "cup-") }

// Checked reports whether some key of the layout has a check value.
func (l Layout) Checked() bool {
	return slices.ContainsFunc(l.Slots, func(s Slot) bool { return s.CheckAt >= 0 })
}

// Begins reports whether a longer layout has the same keys at the same places, and more behind them.
func (l Layout) Begins(longer Layout) bool {
	return len(l.Slots) < len(longer.Slots) && slices.Equal(l.Slots, longer.Slots[:len(l.Slots)])
}

// Fits reports whether a field of that length can be in this layout.
func (l Layout) Fits(length int) bool {
	if l.Length != 0 {
		return length == l.Length
	}
	return length >= l.End()
}

// Says reports whether the layout is used with a value of field 60.3; every layout is with "", which is not known.
func (l Layout) Says(code string) bool {
	return code == "" || slices.Contains(l.Codes, code)
}

// Usual gives the layouts that a field 60.3 and a length stand for, those of the specification first.
func Usual(code string, length int) []Layout {
	var out []Layout
	for _, l := range Layouts() {
		if len(l.Codes) > 0 && l.Says(code) && l.Fits(length) {
			out = append(out, l)
		}
	}
	return out
}

// Cryptogram cuts the slot's cryptogram out of field 62, without padding; nil where the field is too short.
func (s Slot) Cryptogram(field []byte) []byte { return cut(field, s.At, s.Bytes) }

// Padded cuts the cryptogram with the padding behind it, as a program does that takes the slot for a longer key.
func (s Slot) Padded(field []byte) []byte { return cut(field, s.At, s.Bytes+s.Pad) }

// Check cuts the check value; nil where the layout or the field has none.
func (s Slot) Check(field []byte) []byte { return cut(field, s.CheckAt, s.CheckLen) }

// KEK cuts the key-encrypting key that stands in clear; nil where there is none.
func (s Slot) KEK(field []byte) []byte { return cut(field, s.KEKAt, s.KEKLen) }

func cut(field []byte, at, n int) []byte {
	if at < 0 || n == 0 || at+n > len(field) {
		return nil
	}
	return field[at : at+n]
}

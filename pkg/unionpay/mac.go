package unionpay

// The rules by which field 64 is made.

import (
	"encoding/hex"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// Rule is a way to make a MAC.
type Rule string

// The rules.
const (
	RuleECB     Rule = "unionpay-ecb"     // all blocks XORed, the hex text of that encrypted in two steps; field 64 is hex text
	RuleECBRaw  Rule = "unionpay-ecb-raw" // the same, field 64 is the bytes
	RuleX99     Rule = "x9.9"             // CBC-MAC with one key, single DES
	RuleX919    Rule = "x9.19"            // CBC-MAC with single DES, the last block with both halves
	RuleCBC     Rule = "cbc-mac"          // CBC-MAC with the whole key
	RuleCMAC    Rule = "cmac"             // CMAC
	RuleX99Text Rule = "x9.9-text"        // as x9.9, field 64 is the first half of the result's hex text
)

// RuleInfo explains a rule.
type RuleInfo struct {
	Rule    Rule
	Meaning text.Text
	Source  string // where the rule is published; "" where it is only tried
}

// Rules lists the rules, the usual one first.
func Rules() []RuleInfo {
	return []RuleInfo{
		{RuleECB, text.New("UnionPay ECB: blocks XORed, hex text of the result encrypted in two steps, MAC as hex text"),
			"https://e-com-net.com/article/1288790201933570048.htm"},
		{RuleECBRaw, text.New("UnionPay ECB, the MAC as bytes and not as hex text"),
			"https://blog.csdn.net/weixin_39142884/article/details/139765880"},
		{RuleX99, text.New("ANSI X9.9: CBC-MAC with single DES"), "reference of UnionPay, vector V3-x99"},
		{RuleX919, text.New("ANSI X9.19: CBC-MAC with single DES, the last block with both halves of the key"),
			"http://t.zoukankan.com/frankyou-p-5434213.html"},
		{RuleCBC, text.New("CBC-MAC with the whole key"), "https://blog.csdn.net/yewucainiao/article/details/74858532"},
		{RuleCMAC, text.New("CMAC"), ""},
		{RuleX99Text, text.New("ANSI X9.9, the MAC as hex text"), ""},
	}
}

// Padding is how a message is filled up to whole blocks.
type Padding string

// The paddings.
const (
	PadZero Padding = "zero" // zero bytes, none where the length fits
	PadOne  Padding = "one"  // 80 hex, then zero bytes: ISO/IEC 9797-1 padding method 2
)

// Paddings lists them, the usual one first.
func Paddings() []Padding { return []Padding{PadZero, PadOne} }

// MACLen is the length of field 64.
const MACLen = 8

// Sum computes the eight bytes that stand in field 64. The key is read and not kept. Errors: usage where the rule takes no
// such key.
func (r Rule) Sum(alg keys.Algorithm, key, message []byte, pad Padding) ([]byte, error) {
	b, err := keys.NewCipher(alg, key)
	if err != nil {
		return nil, err
	}
	n := b.BlockSize()
	padded := fill(message, n, pad)
	switch r {
	case RuleECB, RuleECBRaw:
		last := ecbMAC(b.Encrypt, padded, n)
		if r == RuleECB {
			return []byte(upper(last))[:MACLen], nil
		}
		return last[:MACLen], nil
	case RuleX99, RuleX99Text, RuleX919:
		return r.single(alg, key, padded)
	case RuleCBC:
		out := make([]byte, n)
		cipherx.CBCMAC(b, out, padded)
		return out[:MACLen], nil
	case RuleCMAC:
		out := make([]byte, n)
		cipherx.NewCMAC(b).Sum(out, message)
		return out[:MACLen], nil
	}
	return nil, fault.New(fault.Usage, "unknown MAC rule %q", text.Redact(string(r)))
}

// single computes the rules that run on single DES.
func (r Rule) single(alg keys.Algorithm, key, padded []byte) ([]byte, error) {
	if !alg.IsDES() {
		return nil, fault.New(fault.Usage, "MAC rule %s takes a DES key, not one for %s", string(r), alg)
	}
	if r == RuleX919 {
		if len(key) != 16 {
			return nil, fault.New(fault.Usage, "MAC rule %s takes a double-length key, got %d bytes", string(r), len(key))
		}
		return cipherx.RetailMAC(key, padded)
	}
	b, err := keys.NewCipher(keys.DES, key[:8])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 8)
	cipherx.CBCMAC(b, out, padded)
	if r == RuleX99Text {
		return []byte(upper(out))[:MACLen], nil
	}
	return out, nil
}

// ecbMAC is the UnionPay ECB MAC: X is the XOR of all blocks, A and B the halves of its hex text; E(E(A) XOR B).
func ecbMAC(encrypt func(dst, src []byte), padded []byte, n int) []byte {
	x := make([]byte, n)
	for at := 0; at < len(padded); at += n {
		for i := range x {
			x[i] ^= padded[at+i]
		}
	}
	digits := []byte(upper(x))
	out := make([]byte, n)
	encrypt(out, digits[:n])
	for i := range out {
		out[i] ^= digits[n+i]
	}
	encrypt(out, out)
	return out
}

// fill pads a message to whole blocks; an empty one becomes a block.
func fill(message []byte, n int, pad Padding) []byte {
	out := append([]byte(nil), message...)
	if pad == PadOne {
		out = append(out, 0x80)
	}
	for len(out)%n != 0 || len(out) == 0 {
		out = append(out, 0)
	}
	return out
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// Range is a part of a message over which programs make the MAC.
type Range struct {
	Name  string // stable id
	Says  text.Text
	Bytes []byte
}

// Ranges lists what programs take for the MAC element block, the right one first.
func Ranges(mab []byte) []Range {
	out := []Range{{"mab", text.New("from the message type to the field before the MAC"), mab}}
	add := func(name string, says text.Text, b []byte) {
		if len(b) > 0 {
			out = append(out, Range{name, says, b})
		}
	}
	const mti, bitmap = 2, 8
	if len(mab) > mti+bitmap {
		add("no-type", text.New("without the message type"), mab[mti:])
		add("no-bitmap", text.New("without message type and bitmap"), mab[mti+bitmap:])
		cleared := append([]byte(nil), mab...)
		cleared[mti+bitmap-1] &^= 1
		add("bit-64-off", text.New("with bit 64 of the bitmap off"), cleared)
	}
	empty := append(append([]byte(nil), mab...), make([]byte, MACLen)...)
	add("with-mac", text.New("with eight zero bytes in place of the MAC"), empty)
	add("hex-text", text.New("over the hex text of the message"), []byte(upper(mab)))
	return out
}

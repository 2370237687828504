package unionpay

// ISO 8583 messages as UnionPay terminals send them, captured raw.

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/moov-io/iso8583"
	moov "github.com/moov-io/iso8583/errors"
	"github.com/moov-io/iso8583/field"

	"poskey/internal/fault"
)

// Message is what a captured message says about keys. Card data in it is parsed and not kept.
type Message struct {
	MTI     string
	Fields  []int  // those that are present, in order
	Field60 string // digits; "" without
	Field62 []byte
	MAB     []byte // the MAC element block: from the type to the field before the MAC; nil without a MAC
	MAC     []byte // field 64 or 128
}

// MaxMessage bounds what is parsed.
const MaxMessage = 8 << 10

// headers are the lengths of what may stand before the message: a length of two bytes, a TPDU of five, a header of six.
func headers() []int { return []int{0, 2, 5, 7, 11, 13} }

// ParseMessage reads a message that may have its length, a TPDU and a header before it. Errors: malformed, with the field
// at which reading stopped.
func ParseMessage(raw []byte) (Message, error) {
	if len(raw) > MaxMessage {
		return Message{}, fault.New(fault.MalformedLength, "a message has %d bytes at most, got %d", MaxMessage, len(raw))
	}
	var first error
	for _, skip := range headers() {
		if len(raw) < skip+10 || !isType(raw[skip:skip+2]) {
			continue
		}
		m, err := parse(raw[skip:])
		if err == nil {
			return m, nil
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		return Message{}, first
	}
	return Message{}, fault.New(fault.Malformed,
		"no message type is found in the first bytes: give the message in hex as it was captured, with or without length, TPDU and header")
}

// isType reports whether two bytes can be a message type of ISO 8583:1987: 01xx to 09xx, 04xx as 0400.
func isType(b []byte) bool {
	return b[0]>>4 == 0 && b[0]&15 >= 1 && b[0]&15 <= 9 && b[1]>>4 <= 9 && b[1]&15 <= 9
}

func parse(raw []byte) (Message, error) {
	m := iso8583.NewMessage(spec())
	if err := m.Unpack(raw); err != nil {
		return Message{}, unpackError(err)
	}
	out := Message{}
	if err := out.take(m, raw); err != nil {
		return Message{}, err
	}
	return out, nil
}

// unpackError names the field and says nothing of what stood there: it may be card data.
func unpackError(err error) error {
	var at *moov.UnpackError
	if errors.As(err, &at) && at.FieldID != "" {
		return fault.New(fault.Malformed,
			"field %s of the message cannot be read: it is cut off, or the message is laid out in another way", at.FieldID)
	}
	return fault.New(fault.Malformed, "the message cannot be read: it is cut off, or laid out in another way")
}

// take picks what concerns keys. The fields packed again must be as long as the message: what stands behind it would
// otherwise be taken for nothing.
func (out *Message) take(m *iso8583.Message, raw []byte) error {
	packed, err := m.Pack()
	if err != nil || len(packed) != len(raw) {
		return fault.New(fault.Malformed,
			"the message is longer than its fields: it is laid out in another way, or two were captured together")
	}
	if out.MTI, err = m.GetMTI(); err != nil {
		return fault.New(fault.Malformed, "the message has no type")
	}
	for _, id := range slices.Sorted(maps.Keys(m.GetFields())) {
		if id > 1 {
			out.Fields = append(out.Fields, id)
		}
	}
	out.Field60, out.Field62 = said(m, 60), bytesOf(m, 62)
	last := 64
	if slices.Contains(out.Fields, 128) {
		last = 128
	}
	if mac := bytesOf(m, last); mac != nil {
		out.MAC, out.MAB = mac, raw[:len(raw)-len(mac)]
	}
	return nil
}

func said(m *iso8583.Message, id int) string {
	if _, there := m.GetFields()[id]; !there {
		return ""
	}
	s, err := m.GetString(id)
	if err != nil {
		return ""
	}
	return s
}

func bytesOf(m *iso8583.Message, id int) []byte {
	if _, there := m.GetFields()[id]; !there {
		return nil
	}
	b, err := m.GetBytes(id)
	if err != nil {
		return nil
	}
	return b
}

// Has reports whether a field is present.
func (out *Message) Has(id int) bool { return slices.Contains(out.Fields, id) }

// spec is the layout of the fields. Lengths and kinds are those of ISO 8583:1987 as UnionPay terminals use them: digits
// packed two a byte, lengths packed too.
func spec() *iso8583.MessageSpec {
	fields := map[int]field.Field{0: fixedDigits(4), 1: bitmap()}
	for _, f := range elements() {
		fields[f.id] = f.field()
	}
	return &iso8583.MessageSpec{Name: "UnionPay " + strconv.Itoa(len(fields)), Fields: fields}
}

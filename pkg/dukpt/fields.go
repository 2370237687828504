package dukpt

// A KSN explained field by field, and what is odd about it.

import (
	"fmt"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Field is one part of a KSN.
type Field struct {
	ID      string    // stable: prefix, key_set_id, device_id, derivation_id, counter
	Name    text.Text // for people
	Digits  string    // upper-case hex
	Meaning text.Text
}

// KeySetID is what names the BDK: for TDES the six digits of the usual layout, FFFF + key set + device + counter; for
// AES the eight digits of the BDK id.
func (k KSN) KeySetID() string {
	if k.Scheme() == AES {
		return k.String()[:8]
	}
	return k.digits(4, 10)
}

// DeviceID is what names the device under its key set: for TDES five digits without the bit that they share with the
// counter, so that the last one is even; for AES the eight digits of the derivation id.
func (k KSN) DeviceID() string {
	if k.Scheme() == AES {
		return k.String()[8:16]
	}
	return k.Initial().digits(10, 15)
}

func (k KSN) digits(from, to int) string {
	if k.n == 0 {
		return ""
	}
	return k.String()[from:to]
}

// IKID is the identifier of an AES initial key, 16 digits (6.1); "" for a TDES KSN.
func (k KSN) IKID() string {
	if k.Scheme() != AES {
		return ""
	}
	return k.String()[:16]
}

// Fields explains the KSN from left to right; nil for the zero value.
func (k KSN) Fields() []Field {
	switch k.Scheme() {
	case TDES:
		return append(k.tdesFields(), k.counterField())
	case AES:
		return []Field{
			{"key_set_id", text.New("BDK id"), k.KeySetID(), text.New("names the base derivation key")},
			{"derivation_id", text.New("derivation id"), k.DeviceID(),
				text.New("names the device; with the BDK id it is the IKID %s", k.IKID())},
			k.counterField(),
		}
	}
	return nil
}

// tdesFields cut the KSN in the usual layout. The standard itself has one identifier of 59 bits.
func (k KSN) tdesFields() []Field {
	prefix := k.digits(0, 4)
	meaning := text.New("part of the identifier; most issuers have FFFF here")
	if prefix == "FFFF" {
		meaning = text.New("padding")
	}
	device := text.New("names the device; the last bit of the fifth digit belongs to the counter")
	if k.topBit() {
		device = text.New("names the device; the last bit of the fifth digit belongs to the counter and is set: "+
			"the KSN itself has %s here", k.digits(10, 15))
	}
	return []Field{
		{"prefix", text.New("prefix"), prefix, meaning},
		{"key_set_id", text.New("key set id (KSI)"), k.KeySetID(), text.New("names the base derivation key")},
		{"device_id", text.New("device id (TRSM)"), k.DeviceID(), device},
	}
}

func (k KSN) counterField() Field {
	digits := fmt.Sprintf("%08X", k.Counter())
	if k.Scheme() == TDES {
		digits = digits[2:] // 21 bits: the first digit is 0 or 1
	}
	meaning := text.New("transaction %d: %d of at most %d bits set", k.Counter(), k.BitsSet(), k.MaxBits())
	switch {
	case k.Counter() == 0:
		meaning = text.New("initial key, no transaction")
	case k.CheckCounter() != nil:
		meaning = text.New("no transaction: %d bits set, at most %d are allowed", k.BitsSet(), k.MaxBits())
	}
	return Field{"counter", text.New("counter"), digits, meaning}
}

// topBit reports the bit that counter and device field of the usual TDES layout share.
func (k KSN) topBit() bool { return k.Scheme() == TDES && k.Counter()&(1<<20) != 0 }

// Warning is something doubtful that gives a key all the same. The id is stable; Kind is what it becomes when a caller
// refuses it.
type Warning struct {
	ID   string
	Kind fault.Kind
	Text text.Text
}

// Err makes the warning an error.
func (w Warning) Err() error { return &fault.Error{Kind: w.Kind, Text: w.Text} }

// Warnings tells what is doubtful about the KSN of a transaction.
func (k KSN) Warnings() []Warning {
	if k.topBit() && k.Counter() == 1<<20 {
		return []Warning{k.oddDevice()}
	}
	return nil
}

// InitialWarnings tells what is doubtful about a KSN that an initial key is derived for. The counter does not count
// there, which hides two mistakes: the KSN of a transaction, and devices numbered one by one.
func (k KSN) InitialWarnings() []Warning {
	var all []Warning
	if k.topBit() {
		all = append(all, k.oddDevice())
	}
	if c := k.Counter(); c != 0 && !(k.topBit() && c == 1<<20) {
		all = append(all, Warning{"counter_not_zero", fault.CounterBits,
			text.New("the counter is %X, not 0: the initial key is that of %s", c, k.Initial())})
	}
	return all
}

// oddDevice: five digits of device and five of counter share a bit. A device digit that is odd means that devices were
// numbered one by one, or that a counter of six digits was added in; every second device then shares its initial key.
func (k KSN) oddDevice() Warning {
	return Warning{"odd_device", fault.Malformed, text.New("the device digits %s are odd: that bit is the counter's, "+
		"so this is device %s with a counter of %X, and the initial key is the same for both; "+
		"devices are numbered in even digits",
		k.digits(10, 15), k.DeviceID(), k.Counter())}
}

// JoinKSN puts a TDES KSN together from its parts as they stand in forms and in jPOS: key set (6 to 10 digits, filled
// up with F on the left), device (5), counter (up to 6). A counter of six digits reaches into the device field and is
// added there, with a warning; so is an odd device. A sum that leaves the device's 19 bits is refused.
func JoinKSN(keySet, device, counter string) (KSN, []Warning, error) {
	keySet, device, counter = strip(keySet), strip(device), strip(counter)
	if n := len(keySet); n < 6 || n > 10 {
		return KSN{}, nil, fault.New(fault.KSNLength, "the key set has %d hex digits, want 6 to 10", n)
	}
	if n := len(device); n != 5 {
		return KSN{}, nil, fault.New(fault.KSNLength, "the device has %d hex digits, want 5", n)
	}
	if n := len(counter); n < 1 || n > 6 {
		return KSN{}, nil, fault.New(fault.KSNLength, "the counter has %d hex digits, want 1 to 6", n)
	}
	if err := checkDigits(keySet + device + counter); err != nil {
		return KSN{}, nil, err
	}
	k, err := decode(strings.Repeat("F", 10-len(keySet)) + keySet + device + "00000")
	if err != nil {
		return KSN{}, nil, err
	}
	return k.addCounter(counter)
}

// addCounter adds a counter of up to six digits to a KSN with five zeros at the end.
func (k KSN) addCounter(digits string) (KSN, []Warning, error) {
	var c uint32
	if _, err := fmt.Sscanf(digits, "%x", &c); err != nil {
		return KSN{}, nil, fault.WrapAs(fault.Malformed, err, "the counter")
	}
	var all []Warning
	if k.topBit() {
		all = append(all, k.oddDevice())
	}
	if c > 0xFFFFF {
		all = append(all, Warning{"six_digit_counter", fault.Malformed,
			text.New("the counter %X has six digits: its first bit stands in the last device digit", c)})
	}
	sum := k.Counter() + c
	if sum > k.counterMask() {
		return KSN{}, nil, fault.New(fault.CounterBits,
			"device %s and counter %X do not fit into one KSN: the counter has 21 bits", k.digits(10, 15), c)
	}
	return k.withCounter(sum), all, nil
}

// WorkingWarnings tells of a working key that is stronger than the key it is derived from: it is as strong as that one
// at best. The test vectors of the standard never do it.
func WorkingWarnings(base Strength, as KeyType) []Warning {
	own := as.Algorithm().Strength(as.Len())
	if own <= base.Strength() {
		return nil
	}
	return []Warning{{"stronger_than_base", fault.WeakKey,
		text.New("a %s working key counts %d bits, the key it is derived from has %d", string(as), own, base.Strength())}}
}

// Strength is what has a strength in bits: a keys.Key, or the boundary's handle of one.
type Strength interface{ Strength() int }

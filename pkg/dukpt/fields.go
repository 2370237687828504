package dukpt

// A KSN explained field by field.

import (
	"fmt"

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

// IKID is the identifier of an AES initial key, 16 digits: BDK id and derivation id; "" for a TDES KSN.
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
	meaning := text.New("a transaction, %d in decimal: %d of at most %d bits set", k.Counter(), k.BitsSet(), k.MaxBits())
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

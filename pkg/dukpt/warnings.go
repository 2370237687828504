package dukpt

// What is doubtful and gives a key all the same.

import (
	"poskey/internal/fault"
	"poskey/internal/text"
)

// Warning is something doubtful about a KSN or about what is derived.
type Warning struct {
	ID   string     // stable
	Kind fault.Kind // what it becomes when a caller refuses it
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

// InitialWarnings tells what is doubtful about a KSN that an initial key is derived for. The counter is ignored there,
// which hides two mistakes: the KSN of a transaction, and devices numbered one by one.
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

// oddDevice: the fifth digit of the device field ends in the counter's highest bit. Odd digits there mean that devices
// were numbered one by one, so that every two of them share an initial key, or that a counter of six digits was added in.
func (k KSN) oddDevice() Warning {
	return Warning{"odd_device", fault.Malformed, text.New("the device digits %s are odd, but their last bit belongs to "+
		"the counter: this is device %s with counter %X, and the two share one initial key; number devices in steps of two",
		k.digits(10, 15), k.DeviceID(), k.Counter())}
}

// UpdateWarnings tells of an update key that is weaker than the initial keys it protects, which count ikBits bits like the
// one it is derived from.
func UpdateWarnings(ikBits int, as KeyType) []Warning {
	own := as.Algorithm().Strength(as.Len())
	if own >= ikBits {
		return nil
	}
	return []Warning{{"weaker_update_key", fault.WeakKey,
		text.New("the %s update key counts %d bits of strength, the initial key that it protects %d", string(as), own, ikBits)}}
}

// WorkingWarnings tells of a working key that is stronger than the BDK or IK it is derived from, which counts baseBits
// bits: it is as strong as that one at best. The test vectors of the standard never do it.
func WorkingWarnings(baseBits int, as KeyType) []Warning {
	own := as.Algorithm().Strength(as.Len())
	if own <= baseBits {
		return nil
	}
	return []Warning{{"stronger_than_base", fault.WeakKey,
		text.New("the %s working key counts %d bits of strength, the key it is derived from only %d", string(as), own, baseBits)}}
}

package hsm

// Labels: which key of a store a key is.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// MaxLabel is how many characters a label may have.
const MaxLabel = 80

// labelBlock is the optional block that holds a key's label (X9.143 6.3.6.10, table 18).
const labelBlock = "LB"

// CheckLabel refuses what no optional block LB can hold, and more than [MaxLabel] characters (kind header_malformed).
// No label is none to refuse.
func CheckLabel(label string) error {
	if len(label) > MaxLabel {
		return fault.New(fault.HeaderMalformed, "a label has at most %d characters, this one has %d", MaxLabel, len(label))
	}
	for i := range len(label) {
		if label[i] < 0x20 || label[i] > 0x7E {
			return fault.New(fault.HeaderMalformed, "label %q: character %d is not printable ASCII", text.Redact(label), i+1)
		}
	}
	return nil
}

// CheckKeep tells whether [Boundary.Keep] gives the key this label.
func (a Attributes) CheckKeep(label string) error {
	switch {
	case label == "":
		return fault.New(fault.Usage, "no label was given to keep the key under")
	case a.Label != "" && a.Label != label:
		return fault.New(fault.NotPermitted, "the key has the label %q, it cannot become %q", a.Label, text.Redact(label))
	}
	return CheckLabel(label)
}

// heldAttributes reads the attributes of a key in a block of this boundary's own, with its label.
func heldAttributes(b *keyblock.Block, k *keys.Key) Attributes {
	a := attributesOf(b, k)
	a.Label, _ = b.Opt(labelBlock)
	return a
}

func (s *soft) Keep(ctx context.Context, k Key, label string) (Key, error) {
	clear, err := s.open(ctx, k)
	if err != nil {
		return Key{}, err
	}
	defer clear.Wipe()
	if err := k.CheckKeep(label); err != nil {
		return Key{}, err
	}
	a := k.Attributes
	a.Label = label
	return s.keep(ctx, clear, a)
}

package hsm

// What DUKPT derives from a piece, for the questions of a diagnosis.

import (
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

// Derived is what DUKPT derives from a piece, by the scheme of the KSN. It is formed of keys given on the spot only: a
// [StrictProber] does not have it in its list.
type Derived struct {
	Of Expr
	Derivation
	// Uncleared leaves the counter's bits in the KSN that an initial key of TDES DUKPT is derived with: a mistake of
	// programs.
	Uncleared bool
}

func (Derived) isExpr() {}

// base is the algorithm of the piece as a key of the scheme.
func (e Derived) base(n int) keys.Algorithm {
	if e.KSN.Scheme() == dukpt.AES {
		return keys.AES128.ForLength(n)
	}
	return keys.TDES128.ForLength(n)
}

func derivedLength(material []*secret.Bytes, e Derived) (int, error) {
	n, err := length(material, e.Of)
	if err != nil {
		return 0, err
	}
	if e.From != FromBDK && e.From != FromIK {
		return 0, fault.New(fault.Malformed, "unknown base of a derivation %q", string(e.From))
	}
	alg := e.base(n)
	if err := e.checkWanted(alg); err != nil {
		return 0, err
	}
	switch e.Want {
	case WantWorking:
		t, err := dukpt.CheckWorking(alg, e.Use, e.Type)
		return t.Len(), err
	case WantUpdate:
		t, err := dukpt.CheckUpdate(alg, e.Type)
		return t.Len(), err
	}
	return n, nil
}

func formDerived(material []*secret.Bytes, e Derived) (*secret.Bytes, error) {
	piece, err := form(material, e.Of)
	if err != nil {
		return nil, err
	}
	base, err := keys.New(e.base(piece.Len()), piece)
	if err != nil {
		return nil, err
	}
	defer base.Wipe()
	ik, err := e.initial(base)
	if err != nil {
		return nil, err
	}
	defer ik.Wipe()
	if e.Want == WantIK {
		return ik.Key().Secret().Clone(), nil
	}
	k, err := e.under(ik)
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	return k.Secret().Clone(), nil
}

// initial gives the initial key; the caller wipes it.
func (e Derived) initial(base *keys.Key) (*dukpt.IK, error) {
	if e.From == FromIK {
		return dukpt.NewIK(e.KSN.Scheme(), base)
	}
	b, err := dukpt.NewBDK(e.KSN.Scheme(), base)
	if err != nil {
		return nil, err
	}
	defer b.Wipe()
	if e.Uncleared {
		return b.MistakenIK(e.KSN)
	}
	return b.IK(e.KSN)
}

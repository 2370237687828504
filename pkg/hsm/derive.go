package hsm

// DUKPT inside the boundary: what may be derived from what, and what the result is for.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Level says what the base of a derivation is.
type Level string

// The levels. The usage of the base must be that of its level: a BDK taken for an initial key gives keys that no device
// has.
const (
	FromBDK Level = "bdk" // usage B0
	FromIK  Level = "ik"  // usage B1
)

// usage is the only one that a base of the level may have.
func (l Level) usage() keys.Usage {
	switch l {
	case FromBDK:
		return keys.UsageBDK
	case FromIK:
		return keys.UsageIK
	}
	return ""
}

// Name is that of the usage.
func (l Level) Name() text.Text { return l.usage().Name() }

// Wanted says which key is derived.
type Wanted string

// What may be wanted.
const (
	WantIK          Wanted = "ik"      // from a BDK only; the KSN's counter is ignored
	WantTransaction Wanted = "txn"     // the key of the KSN's counter
	WantWorking     Wanted = "working" // by Use and Type
	WantUpdate      Wanted = "update"  // AES: the key that protects the next initial key; by Type
)

// Derivation is a key that DUKPT derives.
type Derivation struct {
	From Level
	KSN  dukpt.KSN
	Want Wanted
	Use  dukpt.Use     // of a working key, else ""
	Type dukpt.KeyType // of a working or update key; "" is that of the base
}

// UsageTransaction marks the key of a transaction. X9.143 has no usage for it, so this is a proprietary one. A boundary
// keeps such a key, gives its check value and, unless it is strict, reveals it, but puts it into no key block for
// somebody else, whatever usage the header names, and splits it into no components: what is exported is a working key.
const UsageTransaction keys.Usage = "99"

// isTransaction reports the attributes of a transaction key. A proprietary usage may be somebody else's too, so all
// three count.
func (a Attributes) isTransaction() bool {
	return a.Usage == UsageTransaction && a.Mode == 'X' && a.Exportability == 'N'
}

func errTransaction() error {
	return fault.New(fault.NotPermitted, "the key of a transaction goes into no key block and onto no sheets: "+
		"X9.143 has no usage for it; derive a working key and export that")
}

// CheckExport tells, before any key is there, that the key may not leave in a key block or in components (kind
// not_permitted).
func (w Wanted) CheckExport() error {
	if w == WantTransaction {
		return errTransaction()
	}
	return nil
}

// Check tells, before any key is there, what is wrong with the derivation; of the base it looks at the attributes alone.
// Kinds: not_permitted (another usage than the level's), mode_unfit, ksn_length, malformed (an algorithm that the KSN's
// scheme does not have), counter_bits, and usage for what the scheme does not derive.
func (d Derivation) Check(base Attributes) error {
	if d.From != FromBDK && d.From != FromIK {
		return fault.New(fault.Usage, "unknown base of a derivation %q", string(d.From))
	}
	if base.Usage != d.From.usage() {
		return fault.New(fault.NotPermitted, "a key with usage %s is no %s, which has usage %s",
			base.Usage, d.From.Name(), d.From.usage())
	}
	if !base.Usage.Allows(base.Mode) {
		return fault.New(fault.ModeUnfit, "mode of use %c does not fit usage %s; fitting modes: %s",
			base.Mode, base.Usage, base.Usage.Modes())
	}
	return d.checkWanted(base.Algorithm)
}

func (d Derivation) checkWanted(base keys.Algorithm) error {
	if d.KSN.IsZero() {
		return fault.New(fault.KSNLength, "the KSN is empty")
	}
	if err := dukpt.CheckBase(d.KSN.Scheme(), base); err != nil {
		return fault.Wrap(err, "%s", d.From.Name())
	}
	hasUse, hasType := d.Want == WantWorking, d.Want == WantWorking || d.Want == WantUpdate
	if d.Use != "" && !hasUse || d.Type != "" && !hasType {
		return fault.New(fault.Usage, "only working keys have a use, only working and update keys a type")
	}
	switch d.Want {
	case WantIK:
		if d.From != FromBDK {
			return fault.New(fault.Usage, "an initial key is derived from a BDK, not from an initial key")
		}
		return nil
	case WantTransaction:
		return d.KSN.CheckCounter()
	case WantWorking:
		if _, err := dukpt.CheckWorking(base, d.Use, d.Type); err != nil {
			return err
		}
		return d.KSN.CheckCounter()
	case WantUpdate:
		_, err := dukpt.CheckUpdate(base, d.Type)
		return err
	}
	return fault.New(fault.Usage, "unknown key %q is wanted", string(d.Want))
}

// attributes are those of the result. Modes are the terminal's: it encrypts PINs, generates MACs of requests and
// verifies those of responses, as AES DUKPT names its usages. Exportability is the base's, and never for a transaction
// key.
func (d Derivation) attributes(base Attributes, alg keys.Algorithm) Attributes {
	a := Attributes{Algorithm: alg, Exportability: base.Exportability}
	switch d.Want {
	case WantIK:
		a.Usage, a.Mode = keys.UsageIK, 'X'
	case WantTransaction:
		a.Usage, a.Mode, a.Exportability = UsageTransaction, 'X', 'N'
	case WantUpdate:
		a.Usage, a.Mode = keys.UsageKEK, 'B'
	case WantWorking:
		a.Usage, a.Mode = workingUsage(d.KSN.Scheme(), d.Use, alg), workingMode(d.Use)
	}
	return a
}

// workingUsage is that of X9.143 table 2. The MAC keys of TDES DUKPT are for the retail MAC, that of the annex. Under
// AES DUKPT block ciphers are for CMAC, TDEA too: the retail MAC takes keys of two halves only, which the 3-key ones
// are not.
func workingUsage(s dukpt.Scheme, u dukpt.Use, alg keys.Algorithm) keys.Usage {
	switch {
	case u == dukpt.PIN:
		return keys.UsagePIN
	case u.IsData():
		return keys.UsageData
	case !u.IsMAC():
		return keys.UsageKEK
	case alg.IsHMAC():
		return keys.UsageHMAC
	case s == dukpt.TDES:
		return keys.UsageRetail
	}
	return keys.UsageCMAC
}

func workingMode(u dukpt.Use) byte {
	switch u {
	case dukpt.PIN, dukpt.DataRequest:
		return 'E'
	case dukpt.DataResponse:
		return 'D'
	case dukpt.MACRequest:
		return 'G'
	case dukpt.MACResponse:
		return 'V'
	case dukpt.MAC:
		return 'C'
	}
	return 'B'
}

// KSNBlock gives the optional block by which the key block of an initial key says whose key it is: KS with the initial
// KSN for TDES, IK with the IKID for AES (X9.143 6.3.6). The KSN's counter is cleared.
func KSNBlock(ksn dukpt.KSN) keyblock.OptBlock {
	if ksn.Scheme() == dukpt.AES {
		return keyblock.OptBlock{ID: "IK", Data: ksn.IKID()}
	}
	return keyblock.OptBlock{ID: "KS", Data: ksn.Initial().String()}
}

// CheckNamed holds a KSN against what the header of a BDK's or an initial key's block says the key is for: BI, KS or IK
// (X9.143 6.3.6). Kind not_permitted when they differ: the derived key would be one that no device has. A block that is
// missing, or whose content is not of the scheme, says nothing.
func CheckNamed(h *keyblock.Header, ksn dukpt.KSN) error {
	for i := range h.Optional {
		o := &h.Optional[i]
		named, is := namedBy(o, h.Usage, ksn)
		if named == "" || strings.EqualFold(named, is) {
			continue
		}
		if h.Usage == keys.UsageBDK {
			return fault.New(fault.NotPermitted,
				"the key block is for the BDK %s (block BI), this KSN asks for the BDK %s", named, is)
		}
		return fault.New(fault.NotPermitted,
			"the key block is for the KSN %s (block %s), the KSN given is one of %s", named, o.ID, is)
	}
	return nil
}

// namedBy gives what an optional block names, and what the KSN has in that place; "" when the block names nothing that
// can be compared. Old blocks of AES initial keys have a KS with the IKID or the whole KSN.
func namedBy(o *keyblock.OptBlock, usage keys.Usage, ksn dukpt.KSN) (named, is string) {
	if _, known := o.Meaning(); !known && o.ID != "KS" {
		return "", ""
	}
	aes := ksn.Scheme() == dukpt.AES
	switch {
	case usage == keys.UsageBDK && o.ID == "BI" && aes && strings.HasPrefix(o.Data, "01"):
		return o.Data[2:], ksn.KeySetID()
	case usage == keys.UsageBDK && o.ID == "BI" && !aes && strings.HasPrefix(o.Data, "00"):
		return o.Data[2:], ksn.String()[:10]
	case usage != keys.UsageIK:
		return "", ""
	case o.ID == "IK" && aes:
		return o.Data, ksn.IKID()
	case o.ID == "KS" && aes && len(o.Data) == len(ksn.IKID()):
		return o.Data, ksn.IKID()
	case o.ID == "KS":
		named, err := dukpt.ParseKSN(o.Data)
		if err == nil && named.Scheme() == ksn.Scheme() {
			return named.Initial().String(), ksn.Initial().String()
		}
	}
	return "", ""
}

func (s *soft) Derive(ctx context.Context, base Key, d Derivation, p Policy) (Key, error) {
	if err := d.Check(base.Attributes); err != nil {
		return Key{}, err
	}
	k, err := s.derive(ctx, base, d)
	if err != nil {
		return Key{}, err
	}
	defer k.Wipe()
	if err := s.admit(k, p); err != nil {
		return Key{}, err
	}
	return s.keep(ctx, k, d.attributes(base.Attributes, k.Algorithm()))
}

func (s *soft) derive(ctx context.Context, base Key, d Derivation) (*keys.Key, error) {
	ik, err := s.initial(ctx, base, d)
	if err != nil {
		return nil, err
	}
	if d.Want == WantIK {
		return ik.Key(), nil
	}
	defer ik.Wipe()
	return d.under(ik)
}

// under gives the key that is wanted under an initial key; the caller wipes it.
func (d Derivation) under(ik *dukpt.IK) (*keys.Key, error) {
	if d.Want == WantUpdate {
		return ik.UpdateKey(d.KSN, d.Type)
	}
	txn, err := ik.Transaction(d.KSN)
	if err != nil {
		return nil, err
	}
	if d.Want == WantTransaction {
		return txn.Key(), nil
	}
	defer txn.Wipe()
	return txn.Working(d.Use, d.Type)
}

// initial gives the initial key: derived, or the base itself.
func (s *soft) initial(ctx context.Context, base Key, d Derivation) (*dukpt.IK, error) {
	if d.From == FromBDK {
		b, err := s.bdk(ctx, base, d.KSN.Scheme())
		if err != nil {
			return nil, err
		}
		return b.IK(d.KSN)
	}
	clear, err := s.open(ctx, base)
	if err != nil {
		return nil, err
	}
	defer clear.Wipe()
	return dukpt.NewIK(d.KSN.Scheme(), clear)
}

// bdkID tells prepared BDKs apart. All that open would compare is in it, so that a hit is as good as opening the key.
type bdkID struct {
	scheme dukpt.Scheme
	block  string
	attrs  Attributes
	len    int
}

// bdk gives a BDK with its ciphers made. They are kept ready, since making them costs ten times what an initial key
// does. Nobody wipes a BDK: when another call or Close lets it go, those that hold it still finish with it.
func (s *soft) bdk(ctx context.Context, base Key, scheme dukpt.Scheme) (*dukpt.BDK, error) {
	id := bdkID{scheme, base.Block, base.Attributes, base.Len}
	if b, err := s.takeBDK(id); b != nil || err != nil {
		return b, err
	}
	clear, err := s.open(ctx, base)
	if err != nil {
		return nil, err
	}
	defer clear.Wipe()
	b, err := dukpt.NewBDK(scheme, clear)
	if err != nil {
		return nil, err
	}
	return b, s.keepBDK(id, b)
}

func (s *soft) takeBDK(id bdkID) (*dukpt.BDK, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed()
	}
	return s.bdks[id], nil
}

// keepBDK makes room by letting any other go: a batch uses one BDK for all lines or a few.
func (s *soft) keepBDK(id bdkID, b *dukpt.BDK) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed()
	}
	for other := range s.bdks {
		if len(s.bdks) < maxIdle {
			break
		}
		delete(s.bdks, other)
	}
	s.bdks[id] = b
	return nil
}

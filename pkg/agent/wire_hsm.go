package agent

// Questions to the boundary on the wire and their answers. What can be written as it is has no form of its own here.

import (
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

type (
	generateArgs struct {
		Attributes hsm.Attributes
		Policy     hsm.Policy
	}
	formArgs struct {
		Parts        []wirePart // their values are the secrets of the frame, in this order
		Attributes   hsm.Attributes
		Policy       hsm.Policy
		PartExpected []kcv.Expected
		Expected     *kcv.Expected
	}
	splitArgs struct {
		Key  hsm.Key
		Spec component.Spec
	}
	deriveArgs struct {
		Base   hsm.Key
		From   hsm.Level
		KSN    string
		Want   hsm.Wanted
		Use    dukpt.Use
		Type   dukpt.KeyType
		Policy hsm.Policy
	}
	checkArgs struct {
		Key    hsm.Key
		Method kcv.Method
		Digits int
	}
	compareArgs struct {
		Key       hsm.Key
		Expected  kcv.Expected
		Method    kcv.Method     // of compare
		Algorithm keys.Algorithm // of identify
	}
	keyArgs  struct{ Key hsm.Key }
	keepArgs struct {
		Key   hsm.Key
		Label string
	}
	wrapArgs struct {
		Key, KBPK hsm.Key
		Header    wireHeader
		Options   keyblock.WrapOptions
	}
	blockArgs struct {
		Block    string
		KBPK, To hsm.Key
		Policy   hsm.Policy
		Change   hsm.Change
	}
	proberArgs struct{ Material []hsm.Key }
	probeArgs  struct {
		Prober    int
		Expr      wireExpr
		Algorithm keys.Algorithm
		Method    kcv.Method
		Expected  kcv.Expected
		Data      []byte // a public constant
	}
	searchArgs struct {
		Prober    int
		Pieces    []wirePiece
		Algorithm keys.Algorithm
		Method    kcv.Method
		Expected  kcv.Expected
		Digits    int
		OnOther   bool
	}
	wirePiece struct {
		Typed  wireExpr
		Digits int
		Others *wireExpr
	}
)

type (
	wrapped struct {
		Key      hsm.Key // of unwrap and translate
		Block    string  // of wrap and translate
		Warnings []wireWarning
	}
	wireWarning struct {
		ID   string
		Kind fault.Kind
		Text sentence
	}
	wireFinding struct {
		Cause, Certainty string
		Character        int
		Text             sentence
		Corrected        string
	}
	proberMade struct {
		Prober   int
		Searches bool
	}
	wireFound struct {
		Matches             []wireMatch
		Keys, Tried, Digits int
	}
	wireMatch struct {
		Piece int
		Slip  wireSlip
		Among int
	}
)

// wirePart is a component without its value.
type wirePart struct {
	Set       string
	Index, Of int
	Threshold int
	Scheme    component.Scheme
	Algorithm keys.Algorithm
	Check     kcv.Value
	KeyCheck  kcv.Value
}

// packComponents takes components apart; the values stay theirs.
func packComponents(parts []*component.Part) ([]wirePart, []*secret.Bytes, error) {
	var heads []wirePart
	var values []*secret.Bytes
	for i, p := range parts {
		if p == nil {
			return nil, nil, fault.New(fault.Usage, "part %d is not there", i+1)
		}
		heads = append(heads, wirePart{p.Set, p.Index, p.Of, p.Threshold, p.Scheme, p.Algorithm, p.Check, p.KeyCheck})
		values = append(values, p.Value)
	}
	return heads, values, nil
}

// joinParts puts components together; they take the values over.
func joinParts(heads []wirePart, values []*secret.Bytes) ([]*component.Part, error) {
	if len(heads) != len(values) {
		return nil, fault.New(fault.Malformed, "%d components with %d values", len(heads), len(values))
	}
	var parts []*component.Part
	for i, h := range heads {
		parts = append(parts, &component.Part{Set: h.Set, Index: h.Index, Of: h.Of, Threshold: h.Threshold,
			Scheme: h.Scheme, Algorithm: h.Algorithm, Check: h.Check, KeyCheck: h.KeyCheck, Value: values[i]})
	}
	return parts, nil
}

// wireHeader is the header of a key block whose optional blocks are made here.
type wireHeader struct {
	Version       byte
	Usage         keys.Usage
	Algorithm     byte
	Mode          byte
	KeyVersion    string
	Exportability byte
	Context       byte
	Reserved      byte
	Optional      []wireOption
}

type wireOption struct{ ID, Data string }

func packHeader(h keyblock.Header) wireHeader {
	w := wireHeader{h.Version, h.Usage, h.Algorithm, h.Mode, h.KeyVersion, h.Exportability, h.Context, h.Reserved, nil}
	for _, o := range h.Optional {
		w.Optional = append(w.Optional, wireOption{o.ID, o.Data})
	}
	return w
}

func (w wireHeader) unpack() keyblock.Header {
	h := keyblock.Header{Version: w.Version, Usage: w.Usage, Algorithm: w.Algorithm, Mode: w.Mode,
		KeyVersion: w.KeyVersion, Exportability: w.Exportability, Context: w.Context, Reserved: w.Reserved}
	for _, o := range w.Optional {
		h.Optional = append(h.Optional, keyblock.OptBlock{ID: o.ID, Data: o.Data})
	}
	return h
}

func packWarnings(all []keyblock.Warning) []wireWarning {
	var out []wireWarning
	for _, w := range all {
		out = append(out, wireWarning{w.ID, w.Kind, sentence{w.Text}})
	}
	return out
}

func unpackWarnings(all []wireWarning) []keyblock.Warning {
	var out []keyblock.Warning
	for _, w := range all {
		out = append(out, keyblock.Warning{ID: w.ID, Kind: w.Kind, Text: w.Text.Text})
	}
	return out
}

func packFindings(all []keyblock.Finding) []wireFinding {
	var out []wireFinding
	for _, f := range all {
		out = append(out, wireFinding{f.Cause, f.Certainty, f.Character, sentence{f.Text}, f.Corrected})
	}
	return out
}

func unpackFindings(all []wireFinding) []keyblock.Finding {
	var out []keyblock.Finding
	for _, f := range all {
		out = append(out, keyblock.Finding{Cause: f.Cause, Certainty: f.Certainty, Character: f.Character,
			Text: f.Text.Text, Corrected: f.Corrected})
	}
	return out
}

func (a deriveArgs) derivation() (hsm.Derivation, error) {
	d := hsm.Derivation{From: a.From, Want: a.Want, Use: a.Use, Type: a.Type}
	if a.KSN == "" {
		return d, nil // the boundary says that the KSN is empty
	}
	ksn, err := dukpt.ParseKSN(a.KSN)
	d.KSN = ksn
	return d, err
}

func packPieces(all []hsm.SearchPiece) []wirePiece {
	out := make([]wirePiece, len(all))
	for i, p := range all {
		out[i] = wirePiece{Typed: packExpr(p.Typed), Digits: p.Digits}
		if p.Others != nil {
			others := packExpr(p.Others)
			out[i].Others = &others
		}
	}
	return out
}

func unpackPieces(all []wirePiece) ([]hsm.SearchPiece, error) {
	out := make([]hsm.SearchPiece, len(all))
	for i, p := range all {
		typed, err := p.Typed.unpack()
		if err != nil {
			return nil, err
		}
		out[i] = hsm.SearchPiece{Typed: typed, Digits: p.Digits}
		if p.Others == nil {
			continue
		}
		if out[i].Others, err = p.Others.unpack(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func packFound(a slip.Answer) wireFound {
	w := wireFound{Keys: a.Keys, Tried: a.Tried, Digits: a.Digits}
	for _, m := range a.Matches {
		w.Matches = append(w.Matches, wireMatch{m.Piece, packSlip(m.Slip), m.Among})
	}
	return w
}

func (w wireFound) unpack() slip.Answer {
	a := slip.Answer{Keys: w.Keys, Tried: w.Tried, Digits: w.Digits}
	for _, m := range w.Matches {
		a.Matches = append(a.Matches, slip.Match{Piece: m.Piece, Slip: m.Slip.unpack(), Among: m.Among})
	}
	return a
}

package script

// Scripts to begin with.

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Template is a script to begin with.
type Template struct {
	Kind  Kind
	Says  text.Text // one line: what it is for
	Needs text.Text // who must be there
}

// Templates lists them, in the order of their use.
func Templates() []Template {
	needs := map[Kind]text.Text{
		ZMKExchange: text.New("leader, operator, two witnesses; a custodian and a backup for each component; a courier for each"),
		ZMKReceive:  text.New("leader, operator, two witnesses; a custodian and a backup for each component; the serials of the partner's bags"),
		TMK:         text.New("leader, operator, two witnesses; a custodian and a backup for each component"),
		Destruction: text.New("leader, operator, two witnesses who were never custodians; the custodian of each component"),
		StoreMaster: text.New("leader, operator, two witnesses; three officers or more, each with a card"),
		Reissue:     text.New("leader, operator, two witnesses; the former and the new custodian"),
		Injection:   text.New("leader, operator, two witnesses; the device, and its key in the store"),
		HSMScribe:   text.New("leader, operator, two witnesses; a custodian and a backup for each component; the HSM with its own printer"),
	}
	var all []Template
	for _, k := range Kinds() {
		if n, ok := needs[k.Kind]; ok {
			all = append(all, Template{k.Kind, k.Says, n})
		}
	}
	return all
}

// Wish is what a template is filled with. Zero values take what is usual.
type Wish struct {
	Environment  custody.Environment
	Algorithm    keys.Algorithm
	Parts        int // 2 to 9; usually 3 for AES and 2 for TDES
	Label        string
	Title        string
	Place        string
	Organisation string
	Chinese      bool // the texts that are read aloud, and the comments
}

// New writes a script of a kind, with comments that say what to fill in. What comes out parses, and its steps fit; what
// [Script.Rules] says of it is no error in test. In production what must be filled in is an error until it is. Errors:
// usage for a wish that cannot be.
func New(kind Kind, w Wish) ([]byte, error) {
	if !slices.ContainsFunc(Templates(), func(t Template) bool { return t.Kind == kind }) {
		return nil, fault.New(fault.Usage, "there is no template %q; known: %s", text.Redact(string(kind)), templateNames())
	}
	if err := w.complete(kind); err != nil {
		return nil, err
	}
	d := &draft{Wish: w, kind: kind}
	d.write()
	raw := d.Bytes()
	s, err := Parse(raw)
	if err != nil {
		return nil, fault.WrapAs(fault.Usage, err, "these wishes give no script")
	}
	if _, err := s.Program(); err != nil {
		return nil, fault.WrapAs(fault.Usage, err, "these wishes give no script")
	}
	return raw, nil
}

func templateNames() text.Text {
	var all []Kind
	for _, t := range Templates() {
		all = append(all, t.Kind)
	}
	return text.Raw(strings.Join(names(all), " "))
}

// complete puts in what is usual, and refuses what cannot be.
func (w *Wish) complete(kind Kind) error {
	if w.Environment == "" {
		w.Environment = custody.Test
	}
	if w.Algorithm == "" {
		w.Algorithm = keys.AES256
	}
	if w.Parts == 0 {
		w.Parts = 3
		if w.Algorithm.IsDES() {
			w.Parts = 2
		}
	}
	least := component.MinParts
	if kind == StoreMaster {
		least = 3 // the master key must be there when one officer is not
	}
	for _, v := range []string{w.Title, w.Place, w.Organisation} {
		if strings.Contains(v, "\n") {
			return fault.New(fault.Usage, "title, place and organisation have one line each")
		}
	}
	switch {
	case w.Environment != custody.Test && w.Environment != custody.Production:
		return fault.New(fault.Usage, "the environment is test or production")
	case w.Parts < least || w.Parts > component.MaxParts:
		return fault.New(fault.Usage, "a key of this ceremony has %d to %d parts, not %d", least, component.MaxParts, w.Parts)
	case kind == StoreMaster && w.Algorithm != keys.AES256:
		return fault.New(fault.Usage, "the master key of a store is an %s key, not %s", keys.AES256, w.Algorithm)
	case w.Algorithm == keys.DES:
		return fault.New(fault.Usage, "single DES protects nothing; take an AES or a TDES key")
	case w.Label == "":
	default:
		return store.CheckLabel(w.Label)
	}
	return nil
}

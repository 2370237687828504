package cli

// Keys of the inventory, as commands show them.

import (
	"strings"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// rowDoc is a key of the inventory in JSON.
type rowDoc struct {
	Label         string         `json:"label"`
	Version       int            `json:"version"`
	Usage         keys.Usage     `json:"usage"`
	Algorithm     keys.Algorithm `json:"algorithm"`
	Mode          string         `json:"mode"`
	Exportability string         `json:"exportability"`
	Length        int            `json:"length"`
	KCV           string         `json:"kcv,omitempty"`
	Method        kcv.Method     `json:"method,omitempty"`
	State         store.State    `json:"state"`
	Parent        string         `json:"parent,omitempty"`
	Origin        string         `json:"origin"`
	Purpose       string         `json:"purpose,omitempty"`
	Custodians    []string       `json:"custodians,omitempty"`
	Successor     string         `json:"successor,omitempty"`
	Created       *time.Time     `json:"created,omitempty"`
	Activated     *time.Time     `json:"activated,omitempty"`
	NotAfter      *time.Time     `json:"not_after,omitempty"`
	Suspended     *time.Time     `json:"suspended,omitempty"`
	Deactivated   *time.Time     `json:"deactivated,omitempty"`
	Compromised   *time.Time     `json:"compromised,omitempty"`
	Destroyed     *time.Time     `json:"destroyed,omitempty"`
}

func newRowDoc(k *store.Key) rowDoc {
	return rowDoc{
		Label: k.Label, Version: k.Version, Usage: k.Usage, Algorithm: k.Algorithm, Mode: string(rune(k.Mode)),
		Exportability: string(rune(k.Exportability)), Length: k.Len, KCV: k.Check.Digits, Method: k.Check.Method, State: k.State,
		Parent: k.Parent.String(), Origin: k.Origin, Purpose: k.Purpose, Custodians: k.Custodians, Successor: k.Successor.String(),
		Created: moment(k.Created), Activated: moment(k.Activated), NotAfter: moment(k.NotAfter), Suspended: moment(k.Suspended),
		Deactivated: moment(k.Deactivated), Compromised: moment(k.Compromised), Destroyed: moment(k.Destroyed),
	}
}

// stateText is a state in the reader's words, beside its name.
func stateText(s store.State) text.Text {
	switch s {
	case store.PreActivation:
		return text.New("pre-activation")
	case store.Active:
		return text.New("active")
	case store.Suspended:
		return text.New("suspended")
	case store.Deactivated:
		return text.New("deactivated")
	case store.Compromised:
		return text.New("compromised")
	case store.Destroyed:
		return text.New("destroyed")
	case store.DestroyedCompromised:
		return text.New("destroyed, compromised")
	}
	return text.Raw(string(s))
}

func originText(origin string) text.Text {
	switch origin {
	case store.Generated:
		return text.New("generated here")
	case store.Formed:
		return text.New("formed from components")
	case store.Imported:
		return text.New("imported in clear")
	case store.Unwrapped:
		return text.New("out of a key block")
	case store.Derived:
		return text.New("derived by DUKPT")
	}
	return text.Raw(origin)
}

func rowHead() []text.Text {
	return []text.Text{text.New("label"), text.New("usage"), text.New("algorithm"), text.New("check value"), text.New("state"), text.New("until"), text.New("parent")}
}

func rowCells(say *i18n.Printer, k *store.Key) []string {
	return []string{k.Ref().String(), string(k.Usage), string(k.Algorithm), k.Check.Digits, say.Text(stateText(k.State)), day(k.NotAfter), k.Parent.String()}
}

// rowPage shows all that the inventory says of a key, and more that the command knows.
func rowPage(p *render.Page, k *store.Key, more ...render.Field) {
	p.Fields(append([]render.Field{
		render.F(text.New("key"), k.Ref().String()),
		render.F(text.New("usage"), string(k.Usage)+"  "+p.T(k.Usage.Name())),
		render.F(text.New("algorithm"), p.T(text.New("%s, %d bytes", k.Algorithm, k.Len))),
		render.F(text.New("mode of use"), string(rune(k.Mode))),
		render.F(text.New("exportability"), string(rune(k.Exportability))),
		render.F(text.New("check value"), checkText(k.Check)),
		render.F(text.New("state"), p.T(stateText(k.State))),
		render.F(text.New("parent"), k.Parent.String()),
		render.F(text.New("successor"), k.Successor.String()),
		render.F(text.New("origin"), p.T(originText(k.Origin))),
		render.F(text.New("custodians"), strings.Join(k.Custodians, ", ")),
		render.F(text.New("purpose"), k.Purpose),
		render.F(text.New("made"), clock(k.Created)),
		render.F(text.New("active from"), clock(k.Activated)),
		render.F(text.New("cryptoperiod ends"), clock(k.NotAfter)),
		render.F(text.New("suspended"), suspendedText(k)),
		render.F(text.New("deactivated"), clock(k.Deactivated)),
		render.F(text.New("compromised"), clock(k.Compromised)),
		render.F(text.New("destroyed"), clock(k.Destroyed)),
	}, more...)...)
}

// suspendedText leaves a suspension out that is over: the history has it.
func suspendedText(k *store.Key) string {
	if k.State != store.Suspended {
		return ""
	}
	return clock(k.Suspended)
}

func checkText(v kcv.Value) string {
	if v.Digits == "" {
		return ""
	}
	return v.String()
}

// refOf reads the label of a key of the store, with or without store: in front.
func refOf(s string) (store.Ref, error) {
	return store.ParseRef(strings.TrimPrefix(s, string(source.Store)+":"))
}

// chance is the number of values that so many hex digits can have.
func chance(digits string) uint64 {
	if len(digits) >= 16 {
		return 1<<63 - 1
	}
	return 1 << (4 * len(digits))
}

package cli

// A key set as it is shown.

import (
	"strconv"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
)

type keysetDoc struct {
	Name    string       `json:"name"`
	BDK     string       `json:"bdk"`
	Scheme  dukpt.Scheme `json:"scheme"`
	KSI     string       `json:"ksi"`
	From    uint64       `json:"from"`
	To      uint64       `json:"to"` // the number after the last
	Next    uint64       `json:"next"`
	NextKSN string       `json:"next_ksn,omitempty"` // absent when the range is used up
	Left    uint64       `json:"left"`
	Frozen  bool         `json:"frozen"`
}

func newKeysetDoc(k *store.KeySet) keysetDoc {
	doc := keysetDoc{Name: k.ID, BDK: k.BDK.String(), Scheme: k.Scheme, KSI: k.KSI, From: k.From, To: k.To, Next: k.Next, Left: k.Left(), Frozen: k.Frozen}
	if ksn, err := k.KSN(k.Next); err == nil && k.Next < k.To {
		doc.NextKSN = ksn.String()
	}
	return doc
}

func keysetPage(p *render.Page, k *store.KeySet) {
	doc := newKeysetDoc(k)
	p.Fields(
		render.F(text.New("key set"), doc.Name),
		render.F(text.New("BDK"), doc.BDK),
		render.F(text.New("scheme"), string(doc.Scheme)),
		render.F(text.New("KSI"), doc.KSI),
		render.F(text.New("numbers"), strconv.FormatUint(doc.From, 10)+" - "+strconv.FormatUint(doc.To-1, 10)),
		render.F(text.New("next KSN"), doc.NextKSN),
		render.F(text.New("left"), strconv.FormatUint(doc.Left, 10)),
	)
}

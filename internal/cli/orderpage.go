package cli

// The record of an order, as it is shown.

import (
	"time"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
)

// orderDoc is the record of an order, for whoever keeps it.
type orderDoc struct {
	Serial      string          `json:"serial"`
	Model       string          `json:"model"`
	Firmware    string          `json:"firmware"`
	Order       device.Verb     `json:"order"`
	Lock        device.LockKind `json:"lock,omitempty"`
	LockedSince string          `json:"locked_since,omitempty"`
	Reason      string          `json:"reason"`
	Note        string          `json:"note,omitempty"`
	Login       string          `json:"login"`
	ApprovedBy  []string        `json:"approved_by"`
	Until       string          `json:"approval_until,omitempty"`
	Done        string          `json:"done"`
	KeysKept    bool            `json:"keys_kept"`
	SlotsBefore []slotDoc       `json:"slots_before"`
	SlotsAfter  []slotDoc       `json:"slots_after"`
	OpenBatch   int             `json:"open_batch_before"`
	LocksLeft   []lockDoc       `json:"locks_left"`
	Verified    bool            `json:"verified"` // by asking the device afterwards
}

func (d *ordering) doc(after *device.Status) orderDoc {
	was, is := newStatusDoc(&d.before), newStatusDoc(after)
	doc := orderDoc{Serial: was.Serial, Model: was.Model, Firmware: is.Firmware, Order: d.order.Verb, Lock: d.order.Lock, Reason: d.opts.reason, Note: d.opts.note,
		Login: d.opts.login, ApprovedBy: d.approved, Until: at(d.until), Done: at(d.app.Env.Now()), SlotsBefore: was.Slots, SlotsAfter: is.Slots,
		OpenBatch: was.OpenBatch, LocksLeft: is.Locks, KeysKept: len(is.Slots) == len(was.Slots), Verified: true}
	if doc.ApprovedBy == nil {
		doc.ApprovedBy = []string{}
	}
	if since, ok := lockSince(d.before, d.order.Lock); ok {
		doc.LockedSince = since.UTC().Format(time.RFC3339)
	}
	return doc
}

func orderPage(p *render.Page, doc *orderDoc, after *device.Status) {
	approved := ""
	for i, id := range doc.ApprovedBy {
		if i > 0 {
			approved += ", "
		}
		approved += id
	}
	p.Fields(
		render.F(text.New("device"), doc.Serial+"  "+doc.Model+"  "+doc.Firmware),
		render.F(text.New("locked since"), doc.LockedSince),
		render.F(text.New("reason"), doc.Reason),
		render.F(text.New("note"), doc.Note),
		render.F(text.New("logged in as"), doc.Login),
		render.F(text.New("approved by"), approved),
		render.F(text.New("screen"), after.Screen),
		render.F(text.New("lock"), lockLine(p, after)),
	)
	status := newStatusDoc(after)
	slotPage(p, &status)
}

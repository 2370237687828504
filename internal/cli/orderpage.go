package cli

// The record of an order, as it is shown.

import (
	"slices"
	"strings"

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
		OpenBatch: was.OpenBatch, LocksLeft: is.Locks, KeysKept: d.keptKeys(after), Verified: true}
	if doc.ApprovedBy == nil {
		doc.ApprovedBy = []string{}
	}
	if since, ok := lockSince(d.before, d.order.Lock); ok {
		doc.LockedSince = at(since)
	}
	return doc
}

// keptKeys reports whether an order left the keys. What erases them left none, also where there were none to be seen before.
func (d *ordering) keptKeys(after *device.Status) bool {
	return d.order.Verb != device.Reset && d.order.Lock != device.LockTamper && sameKeys(&d.before, after)
}

// sameKeys reports whether a device tells of the keys that it told of before. Serial numbers of DUKPT keys count on meanwhile.
func sameKeys(before, after *device.Status) bool {
	return slices.EqualFunc(before.Slots, after.Slots, func(a, b device.SlotReport) bool {
		return a.Slot == b.Slot && a.Usage == b.Usage && a.Check == b.Check && a.Damaged == b.Damaged
	}) && slices.EqualFunc(before.Initial, after.Initial, func(a, b device.InitialReport) bool {
		return a.Slot == b.Slot && a.Check == b.Check
	})
}

// answer shows the record of an order that was carried out. said is the news of it, which stands above.
func (d *ordering) answer(after *device.Status, said func(p *render.Page, doc *orderDoc)) error {
	doc := d.doc(after)
	return d.app.render.Answer("device."+string(d.order.Verb), doc, func(p *render.Page) {
		said(p, &doc)
		orderPage(p, &doc, after)
	})
}

func orderPage(p *render.Page, doc *orderDoc, after *device.Status) {
	p.Fields(
		render.F(text.New("device"), doc.Serial+"  "+doc.Model+"  "+doc.Firmware),
		render.F(text.New("locked since"), doc.LockedSince),
		render.F(text.New("reason"), doc.Reason),
		render.F(text.New("note"), doc.Note),
		render.F(text.New("logged in as"), doc.Login),
		render.F(text.New("approved by"), strings.Join(doc.ApprovedBy, ", ")),
		render.F(text.New("screen"), after.Screen),
		render.F(text.New("lock"), lockLine(p, after)),
	)
	status := newStatusDoc(after)
	slotPage(p, &status)
}

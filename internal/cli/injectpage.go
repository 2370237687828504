package cli

// What an injection answers.

import (
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

type injectDoc struct {
	Device       string          `json:"device,omitempty"`
	Dialect      string          `json:"dialect,omitempty"`
	Slot         device.Slot     `json:"slot"`
	Loaded       bool            `json:"loaded"`
	DryRun       bool            `json:"dry_run,omitempty"`
	Proof        device.Proof    `json:"proof,omitempty"`
	Clear        bool            `json:"clear"`
	BlockVersion string          `json:"block_version,omitempty"`
	Sent         *keyDoc         `json:"sent,omitempty"` // computed here
	CheckedBy    hsm.Witness     `json:"checked_by"`
	ReadBack     *slotStateDoc   `json:"read_back,omitempty"`
	State        store.LoadState `json:"state,omitempty"`
	KSN          string          `json:"ksn,omitempty"`
	Settled      bool            `json:"settled,omitempty"` // an earlier run had sent it; the device was asked
	Before       bool            `json:"done_before,omitempty"`
	Same         []string        `json:"same_check_value,omitempty"` // serial numbers of devices
	Error        string          `json:"error,omitempty"`
	Run          string          `json:"run,omitempty"`
	Serial       string          `json:"serial,omitempty"`
}

type slotStateDoc struct {
	Loaded    bool       `json:"loaded"`
	Usage     keys.Usage `json:"usage,omitempty"`
	Mode      string     `json:"mode,omitempty"`
	Algorithm string     `json:"algorithm,omitempty"`
	KCV       *string    `json:"kcv"` // null: the device does not tell it
	KSN       string     `json:"ksn,omitempty"`
}

type injectRunDoc struct {
	Device  string      `json:"device"`
	Dialect string      `json:"dialect"`
	Run     string      `json:"run,omitempty"`
	Serial  string      `json:"serial,omitempty"`
	DryRun  bool        `json:"dry_run,omitempty"`
	Began   string      `json:"began,omitempty"`
	Checks  []checkDoc  `json:"checks"`
	Loads   []injectDoc `json:"loads"`
}

type checkDoc struct {
	ID    inject.CheckID `json:"id"`
	Doubt bool           `json:"doubt"`
	Text  string         `json:"text"`
}

// answerInjection shows one load with its details, a plan as a table.
func (a *App) answerInjection(in *injection, c inject.Cleared, r inject.Report) error {
	var loads []injectDoc
	for i := range c.Loads() {
		loads = append(loads, newInjectDoc(&c.Loads()[i], outcomeOf(r, c.Loads()[i].Plan().Slot), in.opts.dryRun))
	}
	if in.opts.plan == "" {
		doc := loads[0]
		doc.Device, doc.Dialect, doc.Run, doc.Serial = in.doc.Device, in.device.Dialect(), r.Run, c.Serial()
		return a.render.Answer("inject", doc, func(p *render.Page) { injectPage(p, doc) })
	}
	doc := injectRunDoc{Device: in.doc.Device, Dialect: in.device.Dialect(), Run: r.Run, Serial: c.Serial(), DryRun: in.opts.dryRun, Loads: loads}
	if !r.Began.IsZero() {
		doc.Began = at(r.Began)
	}
	for _, check := range c.Checks() {
		doc.Checks = append(doc.Checks, checkDoc{check.ID, check.Doubt, check.Text.String()})
	}
	return a.render.Answer("inject.run", doc, func(p *render.Page) { injectRunPage(p, doc) })
}

func outcomeOf(r inject.Report, slot device.Slot) inject.Outcome {
	for _, o := range r.Loads {
		if o.Slot == slot {
			return o
		}
	}
	return inject.Outcome{}
}

func newInjectDoc(ready *inject.Ready, o inject.Outcome, dry bool) injectDoc {
	plan := ready.Plan()
	doc := injectDoc{Slot: plan.Slot, DryRun: dry, Clear: plan.Clear, CheckedBy: plan.Key.By(), State: o.State, KSN: o.Load.KSN,
		Loaded: o.State == store.LoadConfirmed && o.Err == nil, Proof: o.Result.Proof, Settled: o.Settled, Before: o.Done, Same: o.Same}
	if ready.Version() != 0 {
		doc.BlockVersion = string(rune(ready.Version()))
	}
	sent := o.Result.Key
	if plan.KeySet == "" {
		sent = plan.Key.Key()
	}
	if sent.Algorithm != "" {
		key := newKeyDoc(sent)
		doc.Sent = &key
	}
	if doc.Loaded && !o.Done && !o.Settled {
		doc.ReadBack = newSlotStateDoc(o.Result.State)
	}
	if o.Err != nil {
		doc.Error = o.Err.Error()
	}
	return doc
}

func newSlotStateDoc(s device.SlotState) *slotStateDoc {
	doc := &slotStateDoc{Loaded: s.Loaded, Usage: s.Usage, KSN: s.KSN}
	if s.HasAttributes {
		doc.Mode, doc.Algorithm = string(rune(s.Mode)), string(rune(s.Algorithm))
	}
	if s.Check.Digits != "" {
		doc.KCV = &s.Check.Digits
	}
	return doc
}

func injectPage(p *render.Page, doc injectDoc) {
	if doc.Loaded {
		p.Good(text.New("loaded into slot %s", string(doc.Slot)))
	} else {
		p.Line(text.New("dry run: nothing was loaded"))
	}
	key := ""
	if doc.Sent != nil {
		key = p.T(text.New("%s, check value %s (computed here)", doc.Sent.Algorithm, shownCheck(doc.Sent)))
	}
	p.Fields(
		render.F(text.New("device"), doc.Device),
		render.F(text.New("serial"), doc.Serial),
		render.F(text.New("run"), doc.Run),
		render.F(text.New("key"), key),
		render.F(text.New("KSN"), doc.KSN),
		render.F(text.New("check value compared"), p.T(witnessText(doc.CheckedBy))),
		render.F(text.New("protection"), p.T(protectionText(&doc))),
		render.F(text.New("proof"), p.T(proofText(doc.Proof))),
		render.F(text.New("read back"), p.T(readBackText(&doc))),
	)
}

func protectionText(doc *injectDoc) text.Text {
	switch {
	case doc.Clear:
		return text.New("none, the key went in clear")
	case doc.BlockVersion == "":
		return text.New("bare cryptogram")
	}
	return text.New("key block, version %s", doc.BlockVersion)
}

func readBackText(doc *injectDoc) text.Text {
	r := doc.ReadBack
	switch {
	case r == nil || !r.Loaded:
		return text.Text{}
	case r.KCV != nil:
		return text.New("check value %s, computed by the terminal", *r.KCV)
	case r.Mode == "":
		return text.Text{}
	}
	return text.New("usage %s, mode %s, algorithm %s; no check value (this dialect has none)", r.Usage, r.Mode, r.Algorithm)
}

func injectRunPage(p *render.Page, doc injectRunDoc) {
	var rows [][]string
	for i := range doc.Loads {
		l := &doc.Loads[i]
		kcv := ""
		if l.Sent != nil {
			kcv = shownCheck(l.Sent)
		}
		what := p.T(loadText(l))
		if l.Error != "" {
			what += ": " + l.Error
		}
		rows = append(rows, []string{string(l.Slot), kcv, l.KSN, string(l.Proof), what})
	}
	p.Fields(
		render.F(text.New("device"), doc.Device),
		render.F(text.New("serial"), doc.Serial),
		render.F(text.New("run"), doc.Run),
	)
	p.Blank()
	p.Grid([]text.Text{text.New("slot"), text.New("check value"), text.New("KSN"), text.New("proof"), text.New("outcome")}, rows)
}

func loadText(l *injectDoc) text.Text {
	switch {
	case l.DryRun:
		return text.New("dry run: nothing was loaded")
	case l.Before:
		return text.New("done by an earlier run")
	case l.Settled && l.State == store.LoadConfirmed:
		return text.New("settled: the terminal has it")
	}
	switch l.State {
	case store.LoadConfirmed:
		return text.New("confirmed")
	case store.LoadFailed:
		return text.New("failed, not in the terminal")
	case store.LoadUnknown:
		return text.New("not known; the number is out of use")
	case store.LoadSent:
		return text.New("sent; the journal could not be told more")
	}
	return text.New("not begun")
}

func witnessText(w hsm.Witness) text.Text {
	switch w {
	case hsm.ByExpected:
		return text.New("with the expected one")
	case hsm.BySheet:
		return text.New("with the one on the sheet")
	case hsm.ByBlock:
		return text.New("with the KC of its key block")
	case hsm.ByStore:
		return text.New("with the one in the store")
	case hsm.ByOperator:
		return text.New("by the operator")
	}
	return text.New("no, with nothing")
}

func proofText(proof device.Proof) text.Text {
	switch proof {
	case device.ProofCommitAttributes:
		return text.New("commit+attributes: the terminal repeated the key, was told to store it, and reports its attributes")
	case device.ProofCommit:
		return text.New("commit: the terminal repeated the key, was told to store it, and reports the slot as loaded")
	case device.ProofAnswer:
		return text.New("answer: the terminal answered that it stored the key; it has no question by which to ask again")
	case device.ProofCheckValue:
		return text.New("check-value: the terminal tells the check value of what it stored, and it is the key's")
	case device.ProofMAC:
		return text.New("mac: the terminal made a MAC with the key over a message drawn for it, and all of it is right")
	}
	return text.Text{}
}

func shownCheck(k *keyDoc) string { return kcv.Value{Digits: k.KCV, Method: k.Method}.String() }

func (a *App) tellChecks(all []inject.Check) {
	for _, c := range all {
		if c.Doubt {
			a.render.Note(c.Text)
		}
	}
}

// tellSame raises the alarm about equal check values in other devices (PCI PIN 20-1).
func (a *App) tellSame(r inject.Report) {
	for _, o := range r.Loads {
		for _, place := range o.Same {
			a.render.Warn(text.New("slot %s: %s (device and slot) holds a key with the same check value; every device has keys of its own (PCI PIN 20-1)",
				string(o.Slot), place))
		}
	}
}

package cli

// A KSN with digits missing: what it may mean, and which key each reading gives.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// shortKSN is the refusal of a KSN that nobody can complete without being told how, with all that it may mean.
type shortKSN struct {
	error
	readings []readingDoc
}

func (e *shortKSN) Unwrap() error { return e.error }

// readingDoc is one of these.
type readingDoc struct {
	Padding dukpt.Padding `json:"padding"`
	Scheme  dukpt.Scheme  `json:"scheme"`
	KSN     string        `json:"ksn"`
	KCV     string        `json:"kcv,omitempty"` // of the key that it leads to
	Method  kcv.Method    `json:"method,omitempty"`
	Match   *bool         `json:"match,omitempty"`  // with the expected check value, when there is one
	Reason  string        `json:"reason,omitempty"` // why it leads to none
}

func (r readingDoc) matches() bool { return r.Match != nil && *r.Match }

func readingDocs(readings []dukpt.Reading) []readingDoc {
	docs := make([]readingDoc, len(readings))
	for i, r := range readings {
		docs[i] = readingDoc{Padding: r.Padding, Scheme: r.KSN.Scheme(), KSN: r.KSN.String()}
	}
	return docs
}

// keysTold makes the refusal say which key each reading gives. The error may end in a log, so it names paddings and check
// values, and not the digits: those of a DES key may be given by mistake.
func (e *shortKSN) keysTold() *shortKSN {
	values := make([]string, len(e.readings))
	var matching []string
	for i, r := range e.readings {
		values[i] = string(r.Padding) + " -"
		if r.KCV != "" {
			values[i] = string(r.Padding) + " " + r.KCV
		}
		if r.matches() {
			matching = append(matching, string(r.Padding))
		}
	}
	kind, short := fault.KindOf(e.error), e.error
	e.error = fault.New(kind, "%s; check values of the keys: %s", short, strings.Join(values, ", "))
	if matching != nil {
		e.error = fault.New(kind, "%s; check values of the keys: %s; the expected one is that of %s", short,
			strings.Join(values, ", "), strings.Join(matching, ", "))
	}
	return e
}

// readShort derives the key of everything that a short KSN may mean, and gives the refusal.
func (in *intake) readShort(ctx context.Context, w derivedWish, expected kcv.Expected, short error) error {
	readings := dukpt.ShortReadings(w.ksn)
	if err := w.checkReadings(readings); err != nil {
		return err
	}
	bases, err := in.basesOf(ctx, w.base, readings)
	if err != nil {
		return err
	}
	e := &shortKSN{error: short, readings: readingDocs(readings)}
	for i, r := range readings {
		from := bases[r.KSN.Scheme()]
		if err := in.readOne(ctx, from, w.derivation(from.level, r.KSN), expected, &e.readings[i]); err != nil {
			return err
		}
	}
	return e.keysTold()
}

// checkReadings refuses what no reading can give, before a key is asked for: a use that the scheme does not have.
func (w derivedWish) checkReadings(readings []dukpt.Reading) error {
	var usage error
	for _, r := range readings {
		err := w.check(w.derivation(w.base.level(), r.KSN))
		if err == nil {
			return nil
		}
		if usage == nil && fault.Is(err, fault.Usage) {
			usage = err
		}
	}
	return usage
}

// schemeBase is what is derived from under a scheme, or why the key given cannot be that.
type schemeBase struct {
	base
	err error
}

// basesOf takes in the key given, under each scheme of the readings: 16 bytes may be a key of either. It is asked for once.
func (in *intake) basesOf(ctx context.Context, w baseWish, readings []dukpt.Reading) (map[dukpt.Scheme]schemeBase, error) {
	first := in.keepFirst(true)
	defer first.wipe()
	b, err := in.dukptBase(ctx, dukpt.TDES, w)
	bases := map[dukpt.Scheme]schemeBase{dukpt.TDES: {b, err}}
	aes := readings[len(readings)-1].KSN.Scheme() == dukpt.AES
	switch {
	case err != nil && !(aes && fault.Is(err, fault.MalformedLength)):
		return nil, err
	case !aes:
		return bases, nil
	case b.header != nil: // a block says itself what its key is
		bases[dukpt.AES] = schemeBase{b, nil}
		return bases, nil
	}
	again := in
	if first != nil {
		again, w = first.again(in.app), w.fromKept()
	}
	b, aesErr := again.dukptBase(ctx, dukpt.AES, w)
	bases[dukpt.AES] = schemeBase{b, aesErr}
	if err != nil && aesErr != nil {
		return nil, err
	}
	return bases, nil
}

// readOne tells which key a reading gives, or why none.
func (in *intake) readOne(ctx context.Context, from schemeBase, d hsm.Derivation, expected kcv.Expected, doc *readingDoc) error {
	k, err := hsm.Key{}, from.err
	if err == nil {
		k, err = in.derive(ctx, from.base, d)
	}
	if err != nil {
		doc.Reason = err.Error()
		return nil
	}
	doc.KCV, doc.Method = k.Check.Digits, k.Check.Method
	if expected.Digits == "" {
		return nil
	}
	b, err := in.app.hsm(ctx)
	if err != nil {
		return err
	}
	c, err := b.Compare(ctx, k, expected, "")
	doc.Match = &c.Match
	return err
}

// answerReadings shows what a short KSN may mean, in the place of an answer that nobody can give, and gives the error.
func (a *App) answerReadings(e *shortKSN) error {
	doc := struct {
		Readings []readingDoc `json:"readings"`
	}{e.readings}
	if err := a.render.Answer("dukpt.readings", doc, func(p *render.Page) { readingsPage(p, e.readings) }); err != nil {
		return err
	}
	return e.error
}

func readingsPage(p *render.Page, readings []readingDoc) {
	head := []text.Text{text.New("PADDING"), text.New("KSN"), text.New("CHECK VALUE"), text.New("AS EXPECTED")}
	columns := 2
	rows := make([][]string, len(readings))
	for i, r := range readings {
		value := r.Reason
		if r.KCV != "" {
			value = kcv.Value{Method: r.Method, Digits: r.KCV}.String()
		}
		if value != "" {
			columns = max(columns, 3)
		}
		if r.Match != nil {
			columns = 4
		}
		rows[i] = []string{string(r.Padding), r.KSN, value, mark(p, r.matches())}
	}
	for i := range rows {
		rows[i] = rows[i][:columns]
	}
	p.Grid(head[:columns], rows)
}

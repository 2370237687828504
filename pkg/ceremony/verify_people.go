package ceremony

// The people of a record: who sat where, who logged in, who signed, and whose word was given.

import (
	"slices"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// people takes in what a line says of people.
func (w *walker) people(r transcript.Record) {
	w.known(r)
	switch r.Kind {
	case transcript.KindConfirmed:
		if r.Details["what"] == transcript.SaidLogIn {
			w.in[r.Who] = true
		}
	case transcript.KindAttended:
		w.attended(r)
	case transcript.KindSigned:
		w.loggedIn(r.Who, r.N)
	case transcript.KindFinding:
		w.told[r.Details["id"]+" "+r.Details["where"]] = true
		if r.Details["level"] == string(script.Error) {
			w.wrong("began-with-errors", text.New("the check before found %s, which keeps a ceremony from being run",
				r.Details["id"]))
		}
	case transcript.KindClosing:
		w.gathered(r)
	case transcript.KindNote:
		for _, who := range w.v.Signers {
			w.loggedIn(who, r.N)
		}
	}
}

// known wants people of the script, and among those who stand around only such as took a seat.
func (w *walker) known(r transcript.Record) {
	if _, ok := w.v.Script.Person(r.Who); r.Who != "" && !ok {
		w.wrong("unknown-person", text.New("line %d: %s is not in the script", r.N, r.Who))
	}
	for _, who := range r.People {
		if !w.came[who] {
			w.wrong("unknown-person", text.New("line %d: %s is named, and took no seat", r.N, who))
		}
	}
}

// gathered wants everybody who took a seat among those who close the record.
func (w *walker) gathered(r transcript.Record) {
	for who := range w.came {
		if !slices.Contains(r.People, who) && !w.aborted {
			w.wrong("not-gathered", text.New("line %d: %s took a seat and is not among those who close the record", r.N, who))
		}
	}
}

// loggedIn wants somebody to have opened their identity since the step began: nobody signs otherwise.
func (w *walker) loggedIn(who string, n int) {
	if !w.in[who] {
		w.wrong("not-logged-in", text.New("line %d: %s acts, and has not logged in for it", n, who))
	}
}

func (w *walker) attended(r transcript.Record) {
	w.came[r.Who] = true
	w.card(r)
	w.loggedIn(r.Who, r.N)
	for _, p := range places(w.v.Program) {
		if p.role != r.Details["role"] || p.key != r.Key || p.part != r.Part {
			continue
		}
		w.seats[p.name()] = true
		switch seat := r.Details["seat"]; {
		case !sits(r.Who, p.seat):
			w.wrong("seat-attended", text.New("%s took a seat that the script gives to others", r.Who))
		case (seat == seatPrimary) != (r.Who == p.seat.Primary) || seat != seatPrimary && seat != seatBackup:
			w.wrong("seat-attended", text.New("line %d: %s is called %s, and has the other place of the seat", r.N, r.Who, seat))
		}
		return
	}
	w.wrong("unknown-seat", text.New("%s took a seat that is not in the script", r.Who))
}

func (p place) name() string { return p.role + "/" + p.key + "/" + itoa(p.part) }

func sits(who string, s script.Seat) bool { return who != "" && (who == s.Primary || who == s.Backup) }

// actors holds those who did a step against those whose step it is.
func (w *walker) actors(r transcript.Record) {
	w.seat(r.Who, w.at.Actor, "seat-actor")
	if !w.signed(r.Who) {
		w.wrong("not-signed", text.New("step %d: %s did not sign it", r.Step, r.Who))
	}
	if s := w.at.Seconder; s != (script.Seat{}) && !w.confirmed(r.Who, s) {
		w.wrong("not-confirmed", text.New("step %d: nobody confirmed it", r.Step))
	}
	if w.at.Step.Do == script.Attend {
		w.scriptConfirmed()
	}
	for _, line := range slices.Backward(w.lines) {
		if isResult(w.at, line) && line.Kind != transcript.KindAttended {
			if line.Who != r.Who {
				w.wrong("other-person", text.New("step %d is that of %s, and line %d says that %s did it", r.Step, r.Who, line.N,
					line.Who))
			}
			return
		}
	}
}

// seat finds somebody who has no seat in a step.
func (w *walker) seat(who string, s script.Seat, id string) {
	if !sits(who, s) {
		w.wrong(id, text.New("step %d was done by %s, who has no seat in it", w.at.Number, who))
		return
	}
	if !w.came[who] {
		w.wrong("not-attended", text.New("step %d: %s never logged in at the beginning", w.at.Number, who))
	}
}

// signed reports whether somebody signed what came of a step: a signature under a deviation in it, or one from before
// the result, says nothing about that.
func (w *walker) signed(who string) bool {
	found, vouching := false, 0
	for _, r := range w.lines {
		switch {
		case r.Kind == transcript.KindDeviation:
			vouching = 2 // leader and witness
		case r.Kind != transcript.KindSigned:
			vouching = 0
			if isResult(w.at, r) {
				found = false
			}
		case vouching > 0:
			vouching--
		case r.Who == who:
			found = true
		}
	}
	return found
}

// confirmed reports whether somebody else of a seat said that the step was done, and signed that.
func (w *walker) confirmed(actor string, s script.Seat) bool {
	for i, r := range w.lines {
		if i+1 == len(w.lines) || r.Kind != transcript.KindConfirmed || r.Details["what"] != transcript.SaidStep {
			continue
		}
		if next := w.lines[i+1]; r.Who != actor && sits(r.Who, s) && next.Kind == transcript.KindSigned && next.Who == r.Who {
			return true
		}
	}
	return false
}

// scriptConfirmed wants leader and witness to have typed the fingerprint of the script.
func (w *walker) scriptConfirmed() {
	for _, role := range []script.Role{script.Leader, script.Witness} {
		if !slices.ContainsFunc(w.lines, func(r transcript.Record) bool {
			return r.Kind == transcript.KindConfirmed && r.Details["what"] == transcript.SaidScript &&
				sits(r.Who, w.v.Script.Roles[role])
		}) {
			w.wrong("script-unconfirmed", text.New("the %s did not confirm the script", role.Text()))
		}
	}
}

// stop wants the leader's phrase, signed, before what cannot be taken back.
func (w *walker) stop(r transcript.Record) {
	if w.at == nil || !isResult(w.at, r) || !w.at.Irreversible && !verbs()[w.at.Step.Do].stops {
		return
	}
	phrase := stopPhrase(&turn{Planned: *w.at})
	for i, said := range w.lines {
		if isStop(said) && said.Details["phrase"] == phrase && i+1 < len(w.lines) && w.ledBy(said, w.lines[i+1]) {
			return
		}
	}
	w.wrong("without-stop", text.New("step %d cannot be taken back, and the leader did not say that it is right", r.Step))
}

func isStop(r transcript.Record) bool {
	return r.Kind == transcript.KindConfirmed && r.Details["what"] == transcript.SaidStop
}

// ledBy reports whether the leader said something and signed it in the line behind.
func (w *walker) ledBy(said, next transcript.Record) bool {
	return next.Kind == transcript.KindSigned && next.Who == said.Who && sits(said.Who, w.v.Script.Roles[script.Leader])
}

// stopSigned wants the leader's signature under each stop, also where nothing came of it. A break between the two
// leaves a stop that counts for nothing: the step begins again.
func (w *walker) stopSigned(r transcript.Record) {
	if said := w.stopped; said != nil && r.Kind != transcript.KindResumed && !w.ledBy(*said, r) {
		w.wrong("stop-unsigned", text.New("line %d: the leader's word at a stop is not signed by the leader", said.N))
	}
	w.stopped = nil
	if isStop(r) {
		w.stopped = &r
	}
}

// card holds the card of somebody who took a seat against the script. A rehearsal has cards of its own.
func (w *walker) card(r transcript.Record) {
	c, err := custody.ParseCard(r.Card)
	p, _ := w.v.Script.Person(r.Who)
	switch {
	case err != nil || w.v.Head.Mode == transcript.Rehearsal: // the first is a problem of the line
	case p.Card == "" && w.v.Script.Environment == custody.Production:
		w.wrong("card-unknown", text.New("the script does not say which card %s has", r.Who))
	case p.Card != "" && c.Fingerprint().String() != p.Card:
		w.wrong("other-card", text.New("%s came with another card than the script says", r.Who))
	case c.CheckTime(r.Time) != nil:
		w.wrong("card-time", text.New("%s came with a card that was not good then: %s", r.Who, c.CheckTime(r.Time)))
	}
}

// vouched wants the signatures of leader and witness under each deviation.
func (w *walker) vouched(r transcript.Record) {
	if r.Kind == transcript.KindSigned {
		w.vouchers = append(w.vouchers, r.Who)
		return
	}
	if d := w.deviation; d != nil && r.Kind != transcript.KindResumed { // a break between the two: it excuses nothing then
		for _, role := range []script.Role{script.Leader, script.Witness} {
			if !slices.ContainsFunc(w.vouchers, func(who string) bool { return sits(who, w.v.Script.Roles[role]) }) {
				w.wrong("deviation-unsigned", text.New("line %d: a deviation without the signature of the %s", d.N, role.Text()))
			}
		}
	}
	w.deviation, w.vouchers = nil, nil
	if r.Kind == transcript.KindDeviation {
		w.deviation = &r
	}
}

// abandoned tells who did not sign that the ceremony was given up. What nobody signed, anybody can have written: it may
// be a record that was closed, cut off. Where a key went out of it, leader and witness both have signed.
func (w *walker) abandoned() {
	if len(w.v.Signers) == 0 {
		w.wrong("abort-unsigned", text.New("it was given up, and nobody signed that: it counts as a record without an end"))
		return
	}
	vouched := false
	var missing []script.Finding
	for _, role := range []script.Role{script.Leader, script.Witness} {
		seat := w.v.Script.Roles[role]
		if slices.ContainsFunc(w.v.Signers, func(who string) bool { return sits(who, seat) }) {
			vouched = true
			continue
		}
		f := finding("end-not-signed", script.InRecord, text.New("the %s did not sign that it was given up", role.Text()))
		if w.came[seat.Primary] || w.came[seat.Backup] || len(w.gone) > 0 {
			missing = append(missing, f)
		}
	}
	if !vouched {
		w.wrong("abort-unsigned", text.New("it was given up, and neither leader nor witness signed that"))
	}
	for _, f := range missing {
		if len(w.gone) == 0 { // nothing left it: one of the two may have gone before
			f.Level = script.Warning
		}
		w.v.add(f)
	}
}

package minutes

// A line of the record as a sentence.

import (
	"maps"
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// details are those of a line; what no sentence took is told at its end.
type details struct {
	values map[string]string
	taken  map[string]bool
}

func (d *details) take(name string) string {
	d.taken[name] = true
	return d.values[name]
}

// rest is what no sentence took, each value with its name.
func (c *cast) rest(d *details) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(d.values)) {
		if v := d.values[name]; !d.taken[name] && v != "" {
			out = append(out, c.lang.words(text.New("%s: %s", detailName(name), detailValue(name, v))))
		}
	}
	return strings.Join(out, "; ")
}

// sentence says what a line of the record says.
func (c *cast) sentence(r transcript.Record) cell {
	d := &details{values: r.Details, taken: map[string]bool{}}
	said, tone := c.saying(r, d)
	parts := []string{c.lang.words(said)}
	if r.Who != "" && !c.namesWho(r) {
		parts = append(parts, c.lang.words(text.New("by %s", c.who(r.Who))))
	}
	if len(r.People) > 0 && (r.Kind != transcript.KindDeviation || r.Who != "") {
		parts = append(parts, c.lang.words(text.New("people: %s", c.all(r.People))))
	}
	if r.Key != "" && !namesKey(r.Kind) {
		parts = append(parts, partOf(c.key(r.Key), r.Key, r.Part))
	}
	if v := valueText(r.Check); v != "" && !namesCheck(r.Kind) {
		parts = append(parts, c.lang.words(text.New("check value %s", v)))
	}
	if v := valueText(r.Expected); v != "" && r.Kind != transcript.KindChecked {
		parts = append(parts, c.lang.words(text.New("expected %s", v)))
	}
	if r.Verdict != "" {
		verdict, vt := verdictName(r.Verdict)
		parts = append(parts, c.lang.words(verdict))
		if tone == plain && vt == bad {
			tone = bad
		}
	}
	if rest := c.rest(d); rest != "" {
		parts = append(parts, rest)
	}
	return cell{Text: strings.Join(parts, " · "), Tone: tone, Bold: tone == bad}
}

// namesWho: the sentence of the line says who it was.
func (c *cast) namesWho(r transcript.Record) bool {
	switch r.Kind {
	case transcript.KindAttended, transcript.KindConfirmed, transcript.KindPrinted, transcript.KindEntered,
		transcript.KindSigned, transcript.KindDeviation:
		return true
	case transcript.KindBegun:
		return r.Who != ""
	}
	return false
}

func namesKey(k transcript.Kind) bool {
	switch k {
	case transcript.KindChecked, transcript.KindMade, transcript.KindPrinted, transcript.KindEntered, transcript.KindVoid,
		transcript.KindKept, transcript.KindExported, transcript.KindLoaded, transcript.KindDestroyed, transcript.KindBag,
		transcript.KindAttended, transcript.KindBegun, transcript.KindDone: // the name of the step says it
		return true
	}
	return false
}

func namesCheck(k transcript.Kind) bool {
	switch k {
	case transcript.KindChecked, transcript.KindMade, transcript.KindEntered:
		return true
	}
	return false
}

// saying is the sentence itself.
func (c *cast) saying(r transcript.Record, d *details) (text.Text, tone) {
	key := partOf(c.key(r.Key), r.Key, r.Part)
	switch r.Kind {
	case transcript.KindAttended:
		t := text.New("%s took the seat: %s", c.who(r.Who), c.tookSeat(d.take("role"), d.take("seat"), r))
		if len(r.Card) > 0 {
			t = text.New("%s; card %s", t, cardWords(r.Card))
		}
		return t, plain
	case transcript.KindBegun:
		d.take("verb") // the name of the step
		if r.Who == "" {
			return text.New("the step begins"), quiet
		}
		return text.New("the step begins; %s does it", c.who(r.Who)), quiet
	case transcript.KindSaid:
		return text.New("read aloud: %s", d.take("text")), plain
	case transcript.KindConfirmed:
		return text.New("%s confirmed: %s", c.who(r.Who), word(d.take("what"))), plain
	case transcript.KindObserved:
		return c.observed(d), plain
	case transcript.KindChecked:
		return c.checked(r, key), plain
	case transcript.KindMade:
		return text.New("the key %s came into being; check value %s", key, valueText(r.Check)), plain
	case transcript.KindPrinted:
		return text.New("the sheet of %s was printed for %s", key, c.who(r.Who)), plain
	case transcript.KindEntered:
		return text.New("%s typed the component %s; its check value is %s", c.who(r.Who), key, valueText(r.Check)), plain
	case transcript.KindVoid:
		return text.New("%s is void: nothing of it is used", key), bad
	case transcript.KindBag:
		return c.bag(d, key), plain
	}
	return c.sayingOfKeys(r, d, key)
}

func (c *cast) sayingOfKeys(r transcript.Record, d *details, key string) (text.Text, tone) {
	switch r.Kind {
	case transcript.KindKept:
		return text.New("the key %s is in the store, for use, as %s", key, d.take("label")), plain
	case transcript.KindExported:
		return text.New("key block of %s written to %s; SHA-256 %s; header %s", key, d.take("file"), d.take("sha256"),
			d.take("header")), plain
	case transcript.KindLoaded:
		return text.New("the key %s was loaded into device %s, slot %s; proof: %s", key, d.take("device"), d.take("slot"),
			text.Known(d.take("proof"))), plain
	case transcript.KindDestroyed:
		return text.New("%s was destroyed: %s", key, word(d.take("how"))), plain
	case transcript.KindFinding:
		level, t := levelName(script.Level(d.take("level")))
		return text.New("finding of the check, %s: %s (%s; %s)", level, text.Known(d.take("what")), d.take("id"),
			orDash(d.take("requirement"))), t
	case transcript.KindDeviation:
		return text.New("DEVIATION\nexpected: %s\nhappened: %s\ndecided: %s\nby: %s", d.take("expected"), d.take("happened"),
			d.take("decided"), orDash(c.all(deviators(r)))), bad
	}
	return c.sayingOfTheRecord(r, d)
}

func (c *cast) sayingOfTheRecord(r transcript.Record, d *details) (text.Text, tone) {
	switch r.Kind {
	case transcript.KindOpen:
		return text.New("the record begins"), quiet
	case transcript.KindSigned:
		return text.New("%s signed the line before", c.who(r.Who)), quiet
	case transcript.KindDone:
		return text.New("the step is over"), quiet
	case transcript.KindAborted:
		return text.New("THE CEREMONY WAS GIVEN UP: %s", word(d.take("why"))), bad
	case transcript.KindResumed:
		if torn := d.take("torn"); torn != "" && torn != "0" {
			return text.New("the ceremony goes on after a break; %s bytes of a line that was not whole were taken off",
				torn), bad
		}
		return text.New("the ceremony goes on after a break"), bad
	case transcript.KindClosing:
		return text.New("nothing more happens; what follows are signatures"), quiet
	case transcript.KindNote:
		return text.New("the signatures of all are under the record"), quiet
	}
	return text.Raw(string(r.Kind)), plain
}

func (c *cast) observed(d *details) text.Text {
	item, seen, expected := d.take("item"), d.take("seen"), d.take("expected")
	if expected == "" {
		return text.New("%s: seen %s", word(item), text.Known(seen))
	}
	return text.New("%s: seen %s, expected %s", word(item), text.Known(seen), expected)
}

func (c *cast) checked(r transcript.Record, key string) text.Text {
	expected := valueText(r.Expected)
	if expected == "" {
		return text.New("check value of %s: %s", key, valueText(r.Check))
	}
	return text.New("check value of %s: seen %s, expected %s", key, valueText(r.Check), expected)
}

func (c *cast) bag(d *details, key string) text.Text {
	event := ceremony.EventName(d.take("event"))
	t := text.New("bag %s with %s: %s", d.take("serial"), key, event)
	if outer := d.take("outer"); outer != "" {
		t = text.New("%s; outer bag %s", t, outer)
	}
	if channel := d.take("channel"); channel != "" {
		t = text.New("%s; channel: %s", t, channel)
	}
	if state := d.take("state"); state != "" {
		t = text.New("%s; state: %s", t, word(state))
	}
	return t
}

// deviators are those by whom a deviation was decided.
func deviators(r transcript.Record) []string {
	if r.Who != "" {
		return []string{r.Who}
	}
	return r.People
}

// cardWords is a card in a line of the record, by its fingerprint.
func cardWords(raw []byte) string {
	card, err := custody.ParseCard(raw)
	if err != nil {
		return "?"
	}
	return card.Fingerprint().Hex()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

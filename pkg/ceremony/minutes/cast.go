package minutes

// Who was there: people by their ids, the seats they had, the cards they showed.

import (
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// cast is what is known about people, from the script and, where there is one, the record.
type cast struct {
	lang Language
	s    *script.Script
	v    *ceremony.Verified // nil without a record
	void map[int]int        // lines whose content is void, with the line that says so
}

// newCast reads what is void once.
func newCast(l Language, s *script.Script, v *ceremony.Verified) cast {
	c := cast{lang: l, s: s, v: v}
	if v != nil {
		c.void = voided(v.Records)
	}
	return c
}

// person is somebody by id; somebody whom the script does not know has no name.
func (c *cast) person(id string) script.Person {
	for _, p := range c.s.People {
		if p.ID == id {
			return p
		}
	}
	return script.Person{ID: id}
}

// who is somebody on paper: name and id.
func (c *cast) who(id string) string {
	p := c.person(id)
	if p.Name == "" || p.Name == id {
		return id
	}
	return p.Name + " (" + id + ")"
}

func (c *cast) all(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = c.who(id)
	}
	return strings.Join(names, "; ")
}

// seat is who has it and who stands in.
func (c *cast) seat(s script.Seat) string {
	switch {
	case s.Primary == "":
		return ""
	case s.Backup == "":
		return c.who(s.Primary)
	}
	return c.lang.words(text.New("%s; backup: %s", c.who(s.Primary), c.who(s.Backup)))
}

// seats are those of somebody in the script, in words.
func (c *cast) seats(id string) []string {
	var out []string
	add := func(s script.Seat, name text.Text) {
		switch id {
		case s.Primary:
			out = append(out, c.lang.words(name))
		case s.Backup:
			out = append(out, c.lang.words(text.New("backup: %s", name)))
		}
	}
	for _, r := range roleOrder(c.s.Roles) {
		add(c.s.Roles[r], r.Text())
	}
	for i := range c.s.Keys {
		k := &c.s.Keys[i]
		for _, p := range k.Parts {
			add(p.Custodian, text.New("custodian of %s", partOf(k, k.ID, p.Number)))
			add(p.Former, text.New("custodian until now of %s", partOf(k, k.ID, p.Number)))
		}
	}
	return out
}

// taken are the seats that somebody took, as the record has them: role and seat.
func (c *cast) taken(id string) []string {
	var out []string
	if c.v == nil {
		return nil
	}
	for _, r := range c.v.Records {
		if r.Kind != transcript.KindAttended || r.Who != id {
			continue
		}
		took := c.tookSeat(r.Details["role"], r.Details["seat"], r)
		if took != "" && !slices.Contains(out, took) {
			out = append(out, took)
		}
	}
	return out
}

// tookSeat is a seat as a line of the record has it: a role, or a component that is held.
func (c *cast) tookSeat(role, seat string, r transcript.Record) string {
	name := script.Role(role).Text()
	switch {
	case r.Key != "" && role == "custodian":
		name = text.New("custodian of %s", partOf(c.key(r.Key), r.Key, r.Part))
	case r.Key != "":
		name = text.Raw(role + " " + partOf(c.key(r.Key), r.Key, r.Part))
	}
	switch seat {
	case "backup":
		return c.lang.words(text.New("backup: %s", name))
	case "", "primary":
		return c.lang.words(name)
	}
	return joined(" ", c.lang.words(name), seat)
}

// card is the fingerprint of somebody's card, all digits: that of the record, else that of the script.
func (c *cast) card(id string) string {
	if c.v != nil {
		for _, card := range c.v.Cards {
			if card.ID() == id {
				return card.Fingerprint().Hex()
			}
		}
	}
	f, err := custody.ParseFingerprint(c.person(id).Card)
	if err != nil {
		return c.person(id).Card
	}
	return f.Hex()
}

// ids are all people: those of the script in its order, then those whom only the record knows.
func (c *cast) ids() []string {
	var out []string
	for _, p := range c.s.People {
		out = append(out, p.ID)
	}
	for _, id := range c.attended() {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// attended are those who came, in that order.
func (c *cast) attended() []string {
	var out []string
	if c.v == nil {
		return nil
	}
	for _, r := range c.v.Records {
		if r.Kind == transcript.KindAttended && !slices.Contains(out, r.Who) {
			out = append(out, r.Who)
		}
	}
	return out
}

// key is one of the script's by id; nil when there is none.
func (c *cast) key(id string) *script.Key {
	for i := range c.s.Keys {
		if c.s.Keys[i].ID == id {
			return &c.s.Keys[i]
		}
	}
	return nil
}

// part is one of a key's by number; nil when there is none.
func (c *cast) part(key string, number int) *script.Part {
	k := c.key(key)
	if k == nil {
		return nil
	}
	for i := range k.Parts {
		if k.Parts[i].Number == number {
			return &k.Parts[i]
		}
	}
	return nil
}

package script

// Rules about who holds which parts, and how these travel.

import (
	"fmt"
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/component"
)

// holders counts the parts of a key that each person holds or would stand in for.
func (c *court) holders(k *Key, at string) {
	for _, p := range c.s.People {
		now := c.held(k, p.ID)
		if len(now) == 0 {
			continue
		}
		where := fmt.Sprintf("%s.parts.%d", at, now[len(now)-1])
		sure := union(now, c.heldBefore(k, p.ID, sureOf))
		if c.tooMany(k, p.ID, where, now, sure) {
			continue
		}
		if maybe := union(sure, c.heldBefore(k, p.ID, unsure)); len(maybe) > len(sure) && len(maybe) > 1 {
			c.add("past-other-check-value", Warning, "21-2.4", where,
				text.New("%s has parts %s of %s, some of them from ceremonies before in which its label had another check value", p.ID, list(maybe), k.ID),
				text.New("find out which check value is right; if it is the same key, name another custodian"))
		}
		c.namesake(k, &p, where, now)
	}
}

// tooMany judges what somebody certainly has had.
func (c *court) tooMany(k *Key, id, where string, now, all []int) bool {
	if len(all) < 2 {
		return false
	}
	earlier := len(all) > len(now) || len(now) < 2
	what := text.New("%s has parts %s of %s", id, list(all), k.ID)
	if earlier {
		what = text.New("%s has parts %s of %s, some of them from ceremonies before", id, list(all), k.ID)
	}
	fix := text.New("name another custodian, one who never held a part of this key")
	switch {
	case len(all) >= k.Needed():
		c.add(prefixed(earlier, "one-person-enough-parts"), Error, "21-2.4", where, what, fix)
	case k.Scheme == string(component.XOR):
		c.add(prefixed(earlier, "one-person-two-parts"), Error, "8-2", where, what, fix)
	default:
		c.add(prefixed(earlier, "one-person-two-shares"), Note, "8-2", where, what, fix)
	}
	return true
}

// namesake finds somebody who held another part before, under another id and another card, and is called the same.
func (c *court) namesake(k *Key, p *Person, where string, now []int) {
	for _, past := range c.pastOf(k) {
		if past.how == unrelated || past.Name == "" || folded(past.Name) != folded(p.Name) || c.isPast(p.ID, past.Past) ||
			past.Part < 1 || slices.Contains(now, past.Part) {
			continue
		}
		c.add("past-same-name", Warning, "21-2.4", where,
			text.New("%s has the name of %s, who held part %d of %s before", p.ID, past.Person, past.Part, k.ID),
			text.New("find out whether they are one person; if so, name another custodian"))
		return
	}
}

func prefixed(earlier bool, id string) string {
	if earlier {
		return "past-" + id
	}
	return id
}

// held are the numbers of the parts that a person holds by this script.
func (c *court) held(k *Key, id string) []int {
	var parts []int
	for _, p := range k.Parts {
		if p.Custodian.has(id) || p.Former.has(id) {
			parts = append(parts, p.Number)
		}
	}
	return parts
}

func (c *court) heldBefore(k *Key, id string, how relation) []int {
	var parts []int
	for _, past := range c.pastOf(k) {
		if past.how == how && past.Part > 0 && c.isPast(id, past.Past) {
			parts = append(parts, past.Part)
		}
	}
	return parts
}

func union(a, b []int) []int {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func list(n []int) string {
	words := make([]string, len(n))
	for i, v := range n {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

// isPast reports whether a person of the script is the one who held a part before: by id, or by their card.
func (c *court) isPast(id string, past Past) bool {
	p, ok := c.s.Person(id)
	return ok && (past.Person == id || past.Card != "" && strings.EqualFold(past.Card, p.Card))
}

// relation is how a line of the past is about a key.
type relation int

const (
	unrelated relation = iota
	unsure             // its label, with another check value than the script says
	sureOf
)

// related is a line of the past with what it has to do with a key.
type related struct {
	Past
	how relation
}

// pastOf is what is known of a key: by its version and check value in the store, else by its label or by its check value, and
// by the sets of sheets of these. A key that is drawn here was never held.
func (c *court) pastOf(k *Key) []related {
	if k.Source == Generate {
		return nil
	}
	all := make([]related, len(c.known.Past))
	sets := map[string]relation{}
	for i, p := range c.known.Past {
		all[i] = related{p, c.relation(k, p)}
		sets[p.Set] = max(sets[p.Set], all[i].how)
	}
	for i := range all {
		if p := &all[i]; p.Set != "" {
			p.how = sets[p.Set]
		}
	}
	return slices.DeleteFunc(all, func(p related) bool { return p.how == unrelated })
}

// relation: what the store says of its key decides. What the script alone says clears nobody: a wrong check value there must not
// make prior knowledge go away.
func (c *court) relation(k *Key, p Past) relation {
	label := isCalled(k, p.Label)
	if k.Source == Stored && c.known.Stored != nil {
		if row, ok := c.known.Stored(k.Label); ok {
			return inStore(row, p, label)
		}
	}
	switch {
	case k.Check != nil && sameCheck(k.Check.Digits, p.Check):
		return sureOf
	case !label:
		return unrelated
	case k.Check != nil && telling(k.Check.Digits, p.Check):
		return unsure
	}
	return sureOf
}

func inStore(row StoredKey, p Past, label bool) relation {
	switch {
	case sameCheck(row.Check, p.Check):
		return sureOf
	case !label:
		return unrelated
	case p.Number > 0 && row.Version > 0:
		if p.Number != row.Version {
			return unrelated
		}
	case telling(row.Check, p.Check):
		return unrelated
	}
	return sureOf
}

// isCalled reports whether a key has a label in the store, or is to have it.
func isCalled(k *Key, label string) bool {
	name, _, _ := strings.Cut(k.Label, "#")
	return label != "" && (label == name || slices.ContainsFunc(k.Outputs, func(o Output) bool { return o.Label == label }))
}

// telling reports whether two check values have digits enough to tell keys apart.
func telling(a, b string) bool { return min(len(a), len(b)) >= leastDigits }

// leastDigits of a check value say something about a key.
const leastDigits = 4

// sameCheck compares on the shorter length, as check values are compared everywhere.
func sameCheck(a, b string) bool {
	a, b = strings.ToUpper(a), strings.ToUpper(b)
	n := min(len(a), len(b))
	return n >= leastDigits && a[:n] == b[:n]
}

// seats looks at primary and backup of every part.
func (c *court) seats(k *Key, at string) {
	for _, p := range k.Parts {
		where := fmt.Sprintf("%s.parts.%d", at, p.Number)
		switch {
		case p.Custodian.Primary == p.Custodian.Backup:
			c.ownBackup(where, p.Custodian.Primary)
		case p.Custodian.Backup == "" && k.Needed() == len(k.Parts):
			c.add("backup-missing", c.strict(), "25-1", where,
				text.New("part %d of %s has no backup custodian, and the key cannot be formed without it", p.Number, k.ID),
				text.New("name a backup custodian"))
		}
	}
}

// travels reports a part that leaves or comes into the house: it is sent, or a partner sent it.
func (c *court) travels(k *Key, p Part) bool {
	return c.does(SendPart, k, p.Number) || c.s.Kind == ZMKReceive && c.does(ReceivePart, k, p.Number)
}

// handedOn: a part that is handed on goes to somebody else.
func (c *court) handedOn(k *Key, at string) {
	for _, p := range k.Parts {
		for _, id := range p.Former.ids() {
			if p.Custodian.has(id) {
				c.add("same-custodian", Warning, "25-1", fmt.Sprintf("%s.parts.%d", at, p.Number),
					text.New("part %d of %s goes from %s to %s", p.Number, k.ID, id, id), text.New("name the new custodian"))
			}
		}
	}
}

// channels: parts that travel take different ways, and their serials go another way than the bags.
func (c *court) channels(k *Key, at string) {
	taken := map[string]int{}
	for _, p := range k.Parts {
		where, way := fmt.Sprintf("%s.parts.%d", at, p.Number), folded(p.Channel)
		travels := c.travels(k, p)
		if way == "" && travels {
			c.add("channel-missing", Error, "8-1", where, text.New("part %d of %s travels, and it is not said how", p.Number,
				k.ID),
				text.New("write the courier as channel"))
		}
		if other := taken[way]; way != "" && other > 0 {
			c.add("channel-twice", Error, "8-1", where, text.New("parts %d and %d of %s travel by the same channel", other,
				p.Number, k.ID),
				text.New("send each part by another courier; another day with the same one does not count"))
		}
		if way != "" && taken[way] == 0 {
			taken[way] = p.Number
		}
		c.serialBy(k, p, where, travels)
	}
}

func (c *court) serialBy(k *Key, p Part, where string, travels bool) {
	by := folded(p.SerialBy)
	person, _ := c.s.Person(p.SerialBy)
	switch {
	case by == "" && travels:
		c.add("serial-by-missing", c.strict(), "8-1", where,
			text.New("it is not said who tells the serial of the bag of part %d of %s to the other side", p.Number, k.ID),
			text.New("write as serial_by who tells it, apart from the bag"))
	case by != "" && p.Channel != "" && carries(folded(p.Channel), by, folded(person.Name)):
		c.add("serial-with-bag", Error, "8-1", where, text.New("%s carries the bag of part %d of %s and tells its serial",
			p.SerialBy, p.Number, k.ID),
			text.New("let the serial be told by somebody who does not carry the bag"))
	}
}

// carries reports whether the channel names one of the names.
func carries(channel string, names ...string) bool {
	for _, n := range names {
		if n != "" && strings.Contains(channel, n) {
			return true
		}
	}
	return false
}

// bags have serials that are known, each once.
func (c *court) bags() {
	seen := map[string]string{}
	for i := range c.s.Keys {
		k := &c.s.Keys[i]
		for _, p := range k.Parts {
			where := fmt.Sprintf("keys.%s.parts.%d", k.ID, p.Number)
			if p.Bag == "" && c.does(ReceivePart, k, p.Number) {
				c.add("bag-missing", c.strict(), "8-1", where,
					text.New("part %d of %s comes in a bag whose serial is not known before", p.Number, k.ID),
					text.New("write the serial that was told apart from the bag as bag"))
			}
			for _, bag := range []string{p.Bag, p.Outer} {
				if other := seen[folded(bag)]; bag != "" && other != "" {
					c.add("bag-twice", Error, "8-1", where, text.New("the bag %s is there twice, also in %s", bag, other),
						text.New("every bag has its own serial; read it again"))
				}
				seen[folded(bag)] = where
			}
		}
	}
}

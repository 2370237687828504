package script

// Rules about who is there.

import (
	"fmt"
	"slices"

	"poskey/internal/text"
)

func (c *court) people() {
	cards, staff, called := map[string]string{}, map[string]string{}, map[string]string{}
	for _, p := range c.s.People {
		at := "people." + p.ID
		if p.Card == "" && c.production() {
			c.add("card-missing", Error, "6-1", at, text.New("the fingerprint of the card of %s is missing", p.ID),
				text.New("compare the card with its officer and write its 64 digits as card"))
		}
		c.same("same-card", Error, at, p.ID, p.Card, cards)
		c.same("same-employee", Error, at, p.ID, folded(p.Employee), staff)
		c.same("same-name", Warning, at, p.ID, folded(p.Name), called)
		if !c.seated(p.ID) {
			c.add("without-seat", Note, "7-1", at, text.New("%s has no role and no part", p.ID),
				text.New("give a role, or leave out who only watches and let the witness write it down"))
		}
	}
}

// same finds one person under two ids: who has two could hold two parts.
func (c *court) same(id string, l Level, at, person, value string, seen map[string]string) {
	if value == "" {
		return
	}
	if other := seen[value]; other != "" {
		c.add(id, l, "21-2.4", at, text.New("%s and %s look like one person", other, person),
			text.New("give each person one id; if these are two, let them be told apart"))
		return
	}
	seen[value] = person
}

func (c *court) seated(id string) bool {
	for _, seat := range c.s.Roles {
		if seat.has(id) {
			return true
		}
	}
	for _, k := range c.s.Keys {
		for _, p := range k.Parts {
			if p.Custodian.has(id) || p.Former.has(id) {
				return true
			}
		}
	}
	return false
}

func (s Seat) has(id string) bool { return id != "" && (s.Primary == id || s.Backup == id) }

// ids are those of a seat who are named.
func (s Seat) ids() []string {
	var ids []string
	for _, id := range []string{s.Primary, s.Backup} {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (c *court) roles() {
	for _, role := range Roles() {
		if seat := c.s.Roles[role]; seat.Primary != "" && seat.Primary == seat.Backup {
			c.ownBackup("roles."+string(role), seat.Primary)
		}
	}
	if _, ok := c.s.Roles[SecondWitness]; !ok && c.production() {
		c.add("second-witness-missing", Error, "6-2", "roles.second-witness",
			text.New("in production two people declare what the room is like, and there is one witness"),
			text.New("name a second witness"))
	}
	c.neutral()
	for _, role := range []Role{Witness, SecondWitness} {
		for _, id := range c.s.Roles[role].ids() {
			c.witness(role, id)
		}
	}
	if l, o := c.s.Roles[Leader].Primary, c.s.Roles[Operator].Primary; l == o {
		c.add("leader-is-operator", Warning, "12-1", "roles.operator", text.New("%s reads the script and sits at the keyboard",
			l),
			text.New("let another person operate, so that somebody reads while somebody types"))
	}
}

// neutral: who leads or operates has no part of a key in hand, in production.
func (c *court) neutral() {
	if !c.production() {
		return
	}
	for _, role := range []Role{Leader, Operator} {
		for _, id := range c.s.Roles[role].ids() {
			for i := range c.s.Keys {
				if held := c.held(&c.s.Keys[i], id); len(held) > 0 {
					c.add(string(role)+"-is-custodian", Warning, "12-1", "roles."+string(role),
						text.New("%s is %s, and custodian of part %d of %s", id, role.Text(), held[0], c.s.Keys[i].ID),
						text.New("name somebody who holds no part"))
					break
				}
			}
		}
	}
}

// named is who is meant by the name, the id or the employee number of somebody of the script, else the name as it is compared.
func (c *court) named(s string) string {
	s = folded(s)
	for _, p := range c.s.People {
		if s != "" && (s == folded(p.ID) || s == folded(p.Name) || s == folded(p.Employee)) {
			return "id " + p.ID
		}
	}
	return s
}

func (c *court) ownBackup(at, id string) {
	c.add("own-backup", Error, "25-1", at, text.New("%s stands in for %s", id, id),
		text.New("name another person as backup"))
}

// witness holds that who watches does none of what is watched.
func (c *court) witness(role Role, id string) {
	at := "roles." + string(role)
	for _, other := range []Role{Leader, Operator, Witness} {
		switch {
		case role == Witness && other == Witness || !c.s.Roles[other].has(id):
		case other == Witness:
			c.add("witness-twice", Error, "6-2", at, text.New("%s is both witnesses", id), text.New("name two people"))
		case other == Operator:
			c.add("witness-is-operator", Error, "12-1", at, text.New("%s is witness and operator", id),
				text.New("name a witness who only watches"))
		default:
			c.add("witness-is-leader", Error, "12-1", at, text.New("%s is witness and leader", id),
				text.New("name a witness who only watches"))
		}
	}
	for i := range c.s.Keys {
		if k := &c.s.Keys[i]; c.witnessHolds(at, id, k) {
			return
		}
	}
}

// witnessHolds finds a witness who is a custodian of the key, or was one of a key that is destroyed.
func (c *court) witnessHolds(at, id string, k *Key) bool {
	destroyed, requirement := c.does(DestroyPart, k, 0) || c.does(DestroyKey, k, 0), "12-1"
	if destroyed {
		requirement = "24-2.2"
	}
	for _, p := range k.Parts {
		if p.Custodian.has(id) || p.Former.has(id) {
			c.add("witness-is-custodian", Error, requirement, at, text.New("%s is witness, and custodian of part %d of %s", id,
				p.Number, k.ID),
				text.New("name a witness who holds no part"))
			return true
		}
	}
	if !destroyed {
		return false
	}
	for _, past := range c.pastOf(k) {
		if past.how == sureOf && c.isPast(id, past.Past) {
			c.add("witness-was-custodian", Error, requirement, at, text.New("%s is witness, and held part %d of %s before", id,
				past.Part, k.ID),
				text.New("name a witness who never held a part"))
			return true
		}
	}
	return false
}

// managers: people who report to one person, and that person, do not hold enough parts to form the key.
func (c *court) managers(k *Key, at string) {
	parts, order := map[string]map[int]bool{}, []string{}
	put := func(manager string, part int) {
		if manager == "" {
			return
		}
		if parts[manager] == nil {
			parts[manager] = map[int]bool{}
			order = append(order, manager)
		}
		parts[manager][part] = true
	}
	for _, p := range k.Parts {
		for _, id := range p.Custodian.ids() {
			person, _ := c.s.Person(id)
			put(c.named(person.Manager), p.Number)
			put(c.named(person.ID), p.Number)
			if person.Manager == "" {
				c.add("manager-missing", c.strict(), "25-1", fmt.Sprintf("%s.parts.%d", at, p.Number),
					text.New("it is not said to whom %s reports", id), text.New("write whom they report to as manager"))
			}
		}
	}
	for _, m := range order {
		if len(parts[m]) >= max(k.Needed(), 2) && c.reports(k, m) {
			c.add("one-manager", c.strict(), "25-1", at,
				text.New("those who report to one manager hold %d parts, enough to form %s", len(parts[m]), k.ID),
				text.New("spread the parts and their backups over people of several managers"))
			return
		}
	}
}

// reports tells whether anybody among the custodians reports to m: a name alone is no manager.
func (c *court) reports(k *Key, m string) bool {
	for _, p := range k.Parts {
		for _, id := range p.Custodian.ids() {
			if person, _ := c.s.Person(id); c.named(person.Manager) == m {
				return true
			}
		}
	}
	return false
}

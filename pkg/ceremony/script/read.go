package script

// What the fields of a script say.

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Bounds of a script.
const (
	maxPeople = 32 // as many as a line of the record names
	maxKeys   = 32
	maxSteps  = 500
)

func (r *reader) script(n *yaml.Node) *Script {
	o := r.object(n, "", "schema", "kind", "environment", "title", "purpose", "organisation", "place", "starts", "people",
		"roles", "keys", "steps")
	o.markFields("")
	if r.err == nil && o.line("schema") != Schema {
		r.schema(o)
		return nil
	}
	for _, name := range []string{"kind", "environment", "title", "organisation", "place", "people", "roles", "steps"} {
		o.need(name)
	}
	s := &Script{
		Kind:         Kind(o.word("kind", kindNames()...)),
		Title:        o.line("title"),
		Purpose:      o.lines("purpose"),
		Organisation: o.line("organisation"),
		Place:        o.line("place"),
		Starts:       o.time("starts"),
		Environment:  custody.Environment(o.word("environment", string(custody.Test), string(custody.Production))),
		Roles:        map[Role]Seat{},
	}
	o.list("people", func(i int, n *yaml.Node) { s.People = append(s.People, r.person(i, n)) })
	if o.has("roles") {
		r.roles(s, o.fields["roles"])
	}
	o.list("keys", func(i int, n *yaml.Node) { s.Keys = append(s.Keys, r.key(i, n)) })
	o.list("steps", func(i int, n *yaml.Node) { s.Steps = append(s.Steps, r.step(i, n)) })
	r.bound(o, "people", len(s.People), maxPeople)
	r.bound(o, "keys", len(s.Keys), maxKeys)
	r.bound(o, "steps", len(s.Steps), maxSteps)
	return s
}

// schema tells a newer script from what is none.
func (r *reader) schema(o object) {
	v := o.line("schema")
	switch family, _, _ := strings.Cut(Schema, "/"); {
	case r.err != nil || !o.need("schema"):
	case strings.HasPrefix(v, family+"/"):
		r.err = fault.New(fault.VersionUnsupported, "schema is %q; this poskey reads %q", text.Redact(v), Schema)
	default:
		o.wrong("schema", fault.New(fault.Malformed, "%q is not known here; known: %s", text.Redact(v), Schema))
	}
}

func (r *reader) bound(o object, name string, n, most int) {
	if n > most {
		o.wrong(name, fault.New(fault.Malformed, "%d are too many; a script has at most %d", n, most))
	}
}

func (r *reader) person(i int, n *yaml.Node) Person {
	at := fmt.Sprintf("people.%d", i+1)
	o := r.object(n, at, "id", "name", "employee", "manager", "card", "partner")
	o.need("id")
	o.need("name")
	p := Person{ID: o.id("id"), Name: o.line("name"), Employee: o.serial("employee"), Manager: o.line("manager"),
		Partner: o.truth("partner")}
	if o.has("card") {
		f, err := custody.ParseFingerprint(o.scalar("card"))
		if err == nil && strings.ReplaceAll(o.scalar("card"), " ", "") != f.String() {
			err = fault.New(fault.Malformed, "the digits are written in capitals")
		}
		if err != nil {
			o.wrong("card", err)
		} else {
			p.Card = f.String()
		}
	}
	r.mark("people."+p.ID, n)
	o.markFields("people." + p.ID)
	return p
}

// id gives an officer's id, in the shape in which officers' cards have it.
func (o object) id(name string) string {
	v := o.line(name)
	if v != "" && !isPersonID(v) {
		o.wrong(name, fault.New(fault.Malformed,
			"%q is no id of a person: 2 to %d small letters, digits, dots and dashes, a letter first",
			text.Redact(v), maxID))
		return ""
	}
	return v
}

func isPersonID(s string) bool {
	small := func(c rune) bool { return c >= 'a' && c <= 'z' }
	other := func(c rune) bool { return !small(c) && (c < '0' || c > '9') && c != '.' && c != '-' }
	return len(s) >= 2 && len(s) <= maxID && small(rune(s[0])) && !strings.ContainsFunc(s, other)
}

// Roles lists the roles.
func Roles() []Role { return []Role{Leader, Operator, Witness, SecondWitness} }

func roleNames() []string { return names(Roles()) }

func names[T ~string](all []T) []string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return words
}

func (r *reader) roles(s *Script, n *yaml.Node) {
	o := r.object(n, "roles", roleNames()...)
	for _, role := range []Role{Leader, Operator, Witness} {
		o.need(string(role))
	}
	for _, role := range Roles() {
		if o.has(string(role)) {
			s.Roles[role] = o.seat(string(role))
		}
	}
}

// seat reads who does it and who stands in.
func (o object) seat(name string) Seat {
	n := o.fields[name]
	if n == nil || o.r.err != nil {
		return Seat{}
	}
	at := o.path(name)
	seat := o.r.object(n, at, "primary", "backup")
	seat.need("primary")
	o.r.mark(at, n)
	return Seat{Primary: seat.id("primary"), Backup: seat.id("backup")}
}

func (r *reader) key(i int, n *yaml.Node) Key {
	o := r.object(n, fmt.Sprintf("keys.%d", i+1), "id", "algorithm", "usage", "mode", "exportability", "source", "label",
		"check", "scheme", "threshold", "parts", "outputs")
	for _, name := range []string{"id", "algorithm", "usage", "source"} {
		o.need(name)
	}
	k := Key{ID: o.line("id"), Source: Source(o.word("source", names(sources())...)),
		Scheme:    o.word("scheme", string(component.XOR), string(component.Shamir)),
		Threshold: o.number("threshold", component.MaxParts)}
	if r.err == nil && store.CheckLabel(k.ID) != nil {
		o.wrong("id", fault.New(fault.Malformed,
			"%q is no id of a key: letters, digits, dots, dashes and low lines, at most %d",
			text.Redact(k.ID), maxID))
	}
	if len(k.ID) > maxID {
		o.wrong("id", fault.New(fault.Malformed, "more than %d characters", maxID))
	}
	o.at = "keys." + k.ID
	r.mark(o.at, n)
	o.markFields(o.at)
	k.Algorithm = keys.Algorithm(o.word("algorithm", names(keys.Named())...))
	r.purpose(o, &k)
	k.Label = o.ref("label")
	k.Check, k.CheckText = o.check("check")
	o.list("parts", func(i int, n *yaml.Node) { k.Parts = append(k.Parts, r.part(o.at, i, n)) })
	o.list("outputs", func(i int, n *yaml.Node) { k.Outputs = append(k.Outputs, r.output(o.at, i, n)) })
	r.checkKey(o, &k)
	return k
}

func sources() []Source { return []Source{Generate, Components, Stored, InHSM} }

// purpose reads what the key may be used for.
func (r *reader) purpose(o object, k *Key) {
	if v := o.line("usage"); v != "" {
		u, err := keys.ParseUsage(v)
		if err == nil && string(u) != v {
			err = fault.New(fault.Malformed, "it is written in capitals")
		}
		if err != nil {
			o.wrong("usage", err)
			return
		}
		k.Usage = u
	}
	if v := o.line("mode"); v != "" {
		if len(v) != 1 || !isCapitalOrDigit(v[0]) {
			o.wrong("mode", fault.New(fault.Malformed, "a mode of use is one character"))
			return
		}
		if k.Mode = v[0]; !k.Usage.Allows(k.Mode) {
			o.wrong("mode", fault.New(fault.Malformed, "mode of use %c does not fit usage %s; fitting modes: %s", k.Mode,
				k.Usage, k.Usage.Modes()))
		}
	}
	if v := o.word("exportability", "E", "N", "S"); v != "" {
		k.Exportability = v[0]
	}
}

func isCapitalOrDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }

// ref reads a label of the store, with or without a version.
func (o object) ref(name string) string {
	v := o.line(name)
	if v == "" {
		return ""
	}
	if _, err := store.ParseRef(v); err != nil {
		o.wrong(name, err)
		return ""
	}
	return v
}

// longestCheck is more than any rule lets show and less than a DES key.
const longestCheck = 15

// check reads an expected check value.
func (o object) check(name string) (*kcv.Expected, string) {
	v := o.scalar(name)
	if v == "" {
		return nil, ""
	}
	e, err := kcv.Parse(v)
	if err == nil && len(e.Digits) > longestCheck {
		err = fault.New(fault.Malformed, "%d digits are no check value that may be shown; give its first 6", len(e.Digits))
	}
	if err != nil {
		o.wrong(name, err)
		return nil, ""
	}
	return &e, v
}

func (r *reader) part(key string, i int, n *yaml.Node) Part {
	at := fmt.Sprintf("%s.parts.%d", key, i+1)
	o := r.object(n, at, "number", "custodian", "former", "bag", "outer", "channel", "serial_by", "check")
	o.markFields(at)
	o.need("number")
	o.need("custodian")
	p := Part{Number: o.number("number", component.MaxParts), Custodian: o.seat("custodian"), Former: o.seat("former"),
		Bag: o.serial("bag"), Outer: o.serial("outer"), Channel: o.line("channel"), SerialBy: o.line("serial_by")}
	p.Check, p.CheckText = o.check("check")
	if r.err == nil && p.Number != i+1 {
		o.wrong("number", fault.New(fault.Malformed, "part %d stands in place %d; parts are numbered from 1 in their order",
			p.Number, i+1))
	}
	for _, name := range []string{"bag", "outer"} {
		if v := o.serial(name); v != "" && !isToken(v) {
			o.wrong(name, fault.New(fault.Malformed, "the serial of a bag is 1 to 64 characters of ASCII without blanks"))
		}
	}
	if p.Outer != "" && p.Bag == "" {
		o.wrong("outer", fault.New(fault.Malformed, "there is an outer bag and no inner one"))
	}
	return p
}

// isToken reports printable ASCII without blanks: serials of bags and devices.
func isToken(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7F }) < 0
}

// outputFields are the fields that an output of a kind needs and may have.
func outputFields(to OutputKind) (need, may []string) {
	switch to {
	case ToStore:
		return []string{"label"}, nil
	case ToBlock:
		return []string{"file", "kbpk"}, []string{"version"}
	case ToDevice:
		return []string{"device", "slot"}, []string{"kbpk", "version"}
	}
	return nil, nil
}

func (r *reader) output(key string, i int, n *yaml.Node) Output {
	at := fmt.Sprintf("%s.outputs.%d", key, i+1)
	o := r.object(n, at, "to", "label", "file", "kbpk", "version", "device", "slot")
	o.markFields(at)
	o.need("to")
	out := Output{To: OutputKind(o.word("to", string(ToStore), string(ToBlock), string(ToSheets), string(ToDevice)))}
	if r.err != nil {
		return out
	}
	need, may := outputFields(out.To)
	for _, name := range need {
		o.need(name)
	}
	o.only(string(out.To), append(append([]string{"to"}, need...), may...))
	out.Label, out.KBPK = o.label("label"), o.ref("kbpk")
	out.File, out.Device, out.Slot = o.line("file"), o.serial("device"), o.serial("slot")
	if v := o.word("version", "A", "B", "C", "D", "E"); v != "" {
		out.Version = v[0]
	}
	if out.File != "" && !isFileName(out.File) {
		o.wrong("file", fault.New(fault.Malformed,
			"a name without folders is expected here: letters, digits, dots, dashes and low lines"))
	}
	for _, name := range []string{"device", "slot"} {
		if v := o.serial(name); v != "" && !isToken(v) {
			o.wrong(name, fault.New(fault.Malformed, "1 to 64 characters of ASCII without blanks are expected here"))
		}
	}
	return out
}

// only refuses fields that would be read and not obeyed.
func (o object) only(what string, known []string) {
	for _, name := range sortedFields(o.fields) {
		if !slices.Contains(known, name) {
			o.wrong(name, fault.New(fault.Malformed, "%s has no such field; it has: %s", what, strings.Join(known, " ")))
			return
		}
	}
}

func sortedFields(m map[string]*yaml.Node) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// label reads a label of the store without a version.
func (o object) label(name string) string {
	v := o.line(name)
	if v == "" {
		return ""
	}
	if err := store.CheckLabel(v); err != nil {
		o.wrong(name, err)
		return ""
	}
	return v
}

// isFileName: a label's characters, so that it means the same on every system. It lies with the record, whose own files
// it must not take the name of.
func isFileName(s string) bool {
	return store.CheckLabel(s) == nil && !strings.HasSuffix(s, ".") && !slices.Contains(ownFiles(), strings.ToLower(s))
}

// Names of what lies in a ceremony's folder: the script as it was reviewed, and the record.
const (
	ScriptName = "script.yaml"
	RecordName = "transcript.jsonl"
)

// ownFiles are the names of what lies in a ceremony's folder anyway.
func ownFiles() []string { return []string{ScriptName, RecordName} }

func (r *reader) step(i int, n *yaml.Node) Step {
	at := fmt.Sprintf("steps.%d", i+1)
	o := r.object(n, at, "do", "by", "key", "part", "output", "text", "item", "expect", "method", "minutes")
	r.mark(at, n)
	o.markFields(at)
	o.need("do")
	st := Step{Do: Verb(o.word("do", verbNames()...))}
	if r.err != nil {
		return st
	}
	v := verbOf(st.Do)
	for _, name := range v.Needs {
		o.need(name)
	}
	o.only(string(st.Do), slices.Concat([]string{"do", "text", "minutes"}, v.Needs, v.May))
	st.By, st.Key = o.word("by", roleNames()...), o.line("key")
	st.Part, st.Output, st.Text = o.number("part", component.MaxParts), o.single("output"), o.lines("text")
	st.Item, st.Expect, st.Method = o.line("item"), o.serial("expect"), o.line("method")
	st.Minutes = time.Duration(o.number("minutes", maxMinutes)) * time.Minute
	return st
}

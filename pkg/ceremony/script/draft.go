package script

// Writing a script as people would: fields in their order, comments, one sentence on a line.

import (
	"bytes"
	"fmt"
	"strings"

	"poskey/pkg/custody"
)

// draft is a template that is being written.
type draft struct {
	Wish
	bytes.Buffer
	kind  Kind
	steps int
}

// said is a sentence in both languages.
type said struct{ en, zh string }

func (d *draft) say(t said) string {
	if d.Chinese {
		return t.zh
	}
	return t.en
}

func (d *draft) production() bool { return d.Environment == custody.Production }

// print writes a line.
func (d *draft) print(format string, args ...any) { _, _ = fmt.Fprintf(d, format+"\n", args...) }

// note writes a comment.
func (d *draft) note(indent string, lines ...said) {
	for _, l := range lines {
		d.print("%s# %s", indent, d.say(l))
	}
}

// quoted is a value as it stands in YAML between single quotes.
func quoted(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

// sample is a value that is good for trying out, or must be filled in for production.
func (d *draft) sample(test, fill said) string {
	if d.production() {
		return quoted(d.say(said{"FILL IN: " + fill.en, "待填：" + fill.zh}))
	}
	return quoted(d.say(test))
}

// token is a sample that is no sentence: a serial, a label.
func (d *draft) token(test, fill string) string {
	if d.production() {
		return "FILL-IN-" + fill
	}
	return test
}

// wished is what was asked for, or a sample.
func (d *draft) wished(wish string, test, fill said) string {
	if wish != "" {
		return quoted(wish)
	}
	return d.sample(test, fill)
}

// label is that of the key in the store.
func (d *draft) label(id string) string {
	if d.Label != "" {
		return d.Label
	}
	return d.token("TEST-"+id, id)
}

// letter numbers people and parts: a, A, 甲.
func letter(i int) (small, capital, zh string) {
	all := []rune("甲乙丙丁戊己庚辛壬")
	return string(rune('a' + i)), string(rune('A' + i)), string(all[i])
}

// field is a field of a step.
type field struct{ name, value string }

// step writes a step: what is done, its fields, what is read aloud, and the minutes that are planned.
func (d *draft) step(do Verb, minutes int, fields []field, aloud ...said) {
	d.steps++
	d.print("")
	d.note("  ", said{fmt.Sprintf("step %d", d.steps), fmt.Sprintf("第 %d 步", d.steps)})
	d.print("  - do: %s", do)
	for _, f := range fields {
		d.print("    %s: %s", f.name, f.value)
	}
	if len(aloud) > 0 {
		d.print("    text: |-")
		for _, l := range aloud {
			d.print("      %s", d.say(l))
		}
	}
	d.print("    minutes: %d", minutes)
}

// keyField and partField are the fields of steps with a key and with a part of it.
func keyField(id string) []field { return []field{{"key", id}} }

func partField(id string, part int) []field {
	return []field{{"key", id}, {"part", fmt.Sprint(part)}}
}

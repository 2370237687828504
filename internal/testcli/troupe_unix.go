//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package testcli

// A troupe: people who know the script of a ceremony and answer as it says, in every language of poskey.

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"poskey/internal/i18n"
	"poskey/pkg/ceremony/script"
)

// troupe plays one script.
type troupe struct {
	script *script.Script
	seats  map[string]string // who has a seat, by its name without blanks
	acts   []act
}

// act is what the troupe answers to one question of poskey.
type act struct {
	question *regexp.Regexp
	args     []int // which argument of the question a group is
	reply    reply
}

// reply makes an answer of a question's arguments; ok is false for a question that is not for the troupe.
type reply func(p *player, args []string) (answer string, ok bool)

// chinese are poskey's sentences by their English ones.
var chinese = sync.OnceValue(func() map[string]string { //nolint:gochecknoglobals // read once
	entries, err := i18n.ParsePO(i18n.ZH())
	if err != nil {
		panic(err)
	}
	return entries
})

// spoken are all forms of a sentence.
func spoken(english string) []string {
	if zh, ok := chinese()[english]; ok {
		return []string{english, zh}
	}
	return []string{english}
}

// tight takes blanks away: a terminal breaks lines where it likes.
func tight(s string) string { return strings.Join(strings.Fields(s), "") }

// verb is a directive of a sentence.
var verb = regexp.MustCompile(`%(?:\[(\d+)\])?([sd])`) //nolint:gochecknoglobals // compiled once

// matcher makes an expression of a sentence: each of its arguments is a group.
func matcher(sentence string) (*regexp.Regexp, []int) {
	sentence = tight(sentence)
	var pattern strings.Builder
	var args []int
	rest, next := sentence, 0
	for m := verb.FindStringSubmatchIndex(rest); m != nil; m = verb.FindStringSubmatchIndex(rest) {
		pattern.WriteString(regexp.QuoteMeta(rest[:m[0]]))
		at := next
		if m[2] >= 0 {
			n, _ := strconv.Atoi(rest[m[2]:m[3]])
			at = n - 1
		}
		next = at + 1
		args = append(args, at)
		if rest[m[4]:m[5]] == "d" {
			pattern.WriteString(`(\d+)`)
		} else {
			pattern.WriteString(`(.+?)`)
		}
		rest = rest[m[1]:]
	}
	pattern.WriteString(regexp.QuoteMeta(rest))
	return regexp.MustCompile(`^` + pattern.String() + `[:：?？]?$`), args
}

// newTroupe learns a script.
func newTroupe(s *script.Script) *troupe {
	t := &troupe{script: s, seats: map[string]string{}}
	for role, name := range map[script.Role]string{script.Leader: "leader", script.Operator: "operator", script.Witness: "witness",
		script.SecondWitness: "second witness"} {
		t.sits(s.Roles[role].Primary, name)
	}
	for _, k := range s.Keys {
		for _, p := range k.Parts {
			t.sits(p.Custodian.Primary, "custodian of part %d of %s", strconv.Itoa(p.Number), k.ID)
			t.sits(p.Former.Primary, "former custodian of part %d of %s", strconv.Itoa(p.Number), k.ID)
		}
	}
	t.learn()
	return t
}

// sits notes who has a seat, under its name in each language.
func (t *troupe) sits(id, name string, args ...string) {
	for _, form := range spoken(name) {
		next := 0
		form = verb.ReplaceAllStringFunc(form, func(v string) string {
			at := next
			if m := verb.FindStringSubmatch(v); m[1] != "" {
				n, _ := strconv.Atoi(m[1])
				at = n - 1
			}
			next = at + 1
			return args[at]
		})
		if id != "" {
			t.seats[tight(form)] = id
		}
	}
}

// on adds what is answered to a question.
func (t *troupe) on(question string, r reply) {
	for _, form := range spoken(question) {
		pattern, args := matcher(form)
		t.acts = append(t.acts, act{pattern, args, r})
	}
}

// always is the same answer whatever is asked about.
func always(answer string) reply {
	return func(*player, []string) (string, bool) { return answer, true }
}

func (t *troupe) learn() {
	own := func(_ *player, args []string) (string, bool) { return args[0], true }
	t.on("%s: type your id to log in", func(_ *player, args []string) (string, bool) {
		id, ok := t.seats[args[0]]
		return id, ok
	})
	t.on(`%s: type your id to sign the record, or "-" when you have gone`, own)
	t.on(`%s: type your id to sign that it was given up, or "-" to leave without`, own)
	t.on("TEST REHEARSAL: passphrase of %s (for practice: %s)", always("test rehearsal"))
	passphrase := func(_ *player, args []string) (string, bool) { return "TEST " + CanaryWords + " of " + args[0], true }
	t.on("passphrase of %s (hidden)", passphrase)
	t.on("%s, when you are alone at the keyboard, press Enter", always(""))
	t.on("%s: from your own copy of the script, type the first two and the last two words, or all digits", always(t.script.Fingerprint().Digits()))
	t.on("%s: %s, as you read it off", t.item)
	t.on("%s: serial of the bag (hidden)", t.bag(false))
	t.on("%s: serial of the bag once more (hidden)", t.bag(true))
	t.on(`%s: the bag and its seal, from all sides: type "intact" or "damaged"`, always("intact"))
	t.on(`%s: you alone stand at the printer; type "print"`, func(p *player, _ []string) (string, bool) {
		p.had = len(sheetsIn(stateOf(p.ts).printed()))
		return "print", true
	})
	t.on("%s: from the paper, the part check (hidden)", func(p *player, _ []string) (string, bool) { return p.lastSheet().check, true })
	t.on("%s: from the paper, the check of row %d (hidden)", func(p *player, args []string) (string, bool) {
		n, _ := strconv.Atoi(args[1])
		_, check, _ := strings.Cut(p.lastSheet().rows[n], " check ")
		return check, check != ""
	})
	t.typing()
	t.on("%s: check value of %s as the other side tells it", func(p *player, args []string) (string, bool) { return p.told(args[1]), true })
	t.on(`%s: check value of the key as the other side told it, or "-" when there is none`, always("-"))
	t.on(`%s: nothing compares this part; when its check value is written on the sheet, type "seen"`, always("seen"))
	t.on("%s: the check value that the HSM shows (hidden)", func(p *player, _ []string) (string, bool) {
		step, ok := p.step(t.script)
		return fmt.Sprintf("08D7B%d", step.Part), ok // each part has another one, and the key too
	})
	t.on("%s: why the key is destroyed", always("it is replaced"))
	t.on("%s: how it is destroyed", always("burnt"))
	t.on(`leader: if all of this is right, type "%s"`, t.phrase)
	t.on("deviation: what happened", always("the power failed"))
	t.on("deviation: what was decided, and how it goes on", always("it goes on"))
	for question, word := range map[string]string{
		`%s: what was read is true of this room; type "declare"`:                                "declare",
		`%s: when it was read aloud and everybody has heard it, type "read"`:                    "read",
		`%s: when the bag is given to %s, type "sent"`:                                          "sent",
		`%s: when nothing is left of it, type "destroyed"`:                                      "destroyed",
		`%s: everything is put away; type "close"`:                                              "close",
		`%s: when it is done on the HSM, type "done"`:                                           "done",
		`pause; when everybody is back, type "back"`:                                            "back",
		`%s: the bag was opened before, and the sheet never left your hands since; type "held"`: "held",
		`%s: destroy what is on the paper of it before everybody's eyes, then type "destroyed"`: "destroyed",
		`%s: check value of the part as it stands on the sheet, or "-" when there is none`:      "-",
	} {
		t.on(question, always(word))
	}
}

// typing is how custodians type a component from its sheet.
func (t *troupe) typing() {
	t.on(`%s: the set on the sheet of part %d of %s, or "-" when it has none`, func(p *player, args []string) (string, bool) {
		part, _ := strconv.Atoi(args[1])
		p.typing = p.sheetOf(part)
		return p.typing.set, p.typing.set != ""
	})
	t.on("%s: the number of the part on the sheet", func(p *player, _ []string) (string, bool) { return strconv.Itoa(p.typing.part), true })
	t.on("%s: the part check on the sheet", func(p *player, _ []string) (string, bool) { return p.typing.check, true })
	t.on("%s: the key check on the sheet", func(p *player, _ []string) (string, bool) { return p.typing.keyCheck, true })
	t.on("row %d of %d with its check (hidden)", func(p *player, args []string) (string, bool) {
		n, _ := strconv.Atoi(args[0])
		return strings.Replace(p.typing.rows[n], " check", "", 1), p.typing.rows[n] != ""
	})
}

// item is what stands on a thing: what the script expects, or a number.
func (t *troupe) item(_ *player, args []string) (string, bool) {
	for _, s := range t.script.Steps {
		if s.Do == script.Inspect && tight(s.Item) == args[1] && s.Expect != "" {
			return s.Expect, true
		}
	}
	return "BAG-0001", true
}

// bag is the serial of the bag of the part in the step that is on the screen: as the script says, or a new one whenever a
// part is sealed.
func (t *troupe) bag(again bool) reply {
	return func(p *player, _ []string) (string, bool) {
		step, ok := p.step(t.script)
		if !ok {
			return "", false
		}
		k, ok := t.script.Key(step.Key)
		if !ok {
			return "", false
		}
		bags, id := stateOf(p.ts).bags, fmt.Sprint(k.ID, " ", step.Part)
		for _, part := range k.Parts {
			switch sealed := step.Do == script.SealPart; {
			case part.Number != step.Part:
			case part.Bag != "" && (!sealed || part.Former.Primary == ""):
				bags[id] = part.Bag
			case sealed && !again:
				stateOf(p.ts).sealed++
				bags[id] = fmt.Sprintf("NEW-%04d", stateOf(p.ts).sealed)
			}
		}
		return bags[id], bags[id] != ""
	}
}

// phrase is the word behind which a stop goes on; the screen says it.
func (t *troupe) phrase(p *player, _ []string) (string, bool) {
	step, ok := p.step(t.script)
	if !ok {
		return "", false
	}
	words := []string{string(step.Do)}
	if step.Key != "" {
		words = append(words, step.Key)
	}
	if step.Part != 0 {
		words = append(words, strconv.Itoa(step.Part))
	}
	return strings.Join(words, " "), true
}

// answer is what the troupe says to a question.
func (t *troupe) answer(p *player, question string) (string, bool) {
	q := tight(question)
	for _, a := range t.acts {
		m := a.question.FindStringSubmatch(q)
		if m == nil {
			continue
		}
		args := make([]string, len(a.args))
		for i, at := range a.args {
			args[at] = m[i+1]
		}
		if answer, ok := a.reply(p, args); ok {
			return answer, true
		}
	}
	return "", false
}

// typedSheet is a component sheet as people read it.
type typedSheet struct {
	set, check, keyCheck string
	part, last           int            // last is the number of its last row
	rows                 map[int]string // with the check
}

var ( //nolint:gochecknoglobals // compiled once
	stepShown = []*regexp.Regexp{regexp.MustCompile(`[\n ]step (\d+) of \d+: `), regexp.MustCompile(`第 (\d+) 步（共`)}
	otherSide = regexp.MustCompile(`(?:the other side would say|对方会告知)\s*([0-9A-F]{6})`)
	sheetSet  = regexp.MustCompile(`set: (\S+)`)
	sheetPart = regexp.MustCompile(`part: (\d+) of \d+`)
	partCheck = regexp.MustCompile(`part check: ([0-9A-F]+)`)
	keyCheck  = regexp.MustCompile(`key check: ([0-9A-F]+)`)
	sheetRow  = regexp.MustCompile(`row (\d+) of (\d+): ([0-9A-F ]+ check [0-9A-F]{4})`)
)

// sheets are those that people have: on paper, or on the screen for practice.
func (p *player) sheets() []typedSheet { return sheetsIn(p.plain() + stateOf(p.ts).printed()) }

func sheetsIn(text string) []typedSheet {
	var all []typedSheet
	parts := strings.Split(text, "poskey component sheet 1")
	first := func(r *regexp.Regexp, s string) string {
		if m := r.FindStringSubmatch(s); m != nil {
			return m[1]
		}
		return ""
	}
	for _, s := range parts[1:] {
		sheet := typedSheet{set: first(sheetSet, s), check: first(partCheck, s), keyCheck: first(keyCheck, s), rows: map[int]string{}}
		sheet.part, _ = strconv.Atoi(first(sheetPart, s))
		for _, m := range sheetRow.FindAllStringSubmatch(s, -1) {
			n, _ := strconv.Atoi(m[1])
			sheet.last, _ = strconv.Atoi(m[2])
			sheet.rows[n] = m[3]
		}
		all = append(all, sheet)
	}
	return all
}

// lastSheet is the one that came out of the printer last; without a printer it is on the screen.
func (p *player) lastSheet() typedSheet {
	for limit := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
		paper := sheetsIn(stateOf(p.ts).printed())
		if len(paper) > p.had && paper[len(paper)-1].whole() {
			return paper[len(paper)-1]
		}
		if shown := sheetsIn(p.plain()); len(shown) > 0 {
			return shown[len(shown)-1]
		}
		if time.Now().After(limit) {
			p.ts.Fatalf("there is no sheet\nscreen: %s", p.shown.String())
		}
	}
}

// whole: the printer has come to the last row.
func (s *typedSheet) whole() bool { return s.last > 0 && len(s.rows) == s.last }

// sheetOf is the last sheet of a part.
func (p *player) sheetOf(part int) typedSheet {
	all := p.sheets()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].part == part {
			return all[i]
		}
	}
	return typedSheet{}
}

// told is the check value of a key as somebody on the telephone tells it.
func (p *player) told(string) string {
	if all := otherSide.FindAllStringSubmatch(p.plain(), -1); len(all) > 0 {
		return all[len(all)-1][1]
	}
	all := p.sheets()
	return all[len(all)-1].keyCheck
}

// plain is the screen without its colours.
func (p *player) plain() string {
	return control.ReplaceAllString(strings.ReplaceAll(p.shown.String(), "\r", ""), "")
}

// step is the one that is on the screen.
func (p *player) step(s *script.Script) (script.Step, bool) {
	at, last := -1, ""
	for _, r := range stepShown {
		if all := r.FindAllStringSubmatchIndex(p.plain(), -1); len(all) > 0 {
			m := all[len(all)-1]
			if m[0] > at {
				at, last = m[0], p.plain()[m[2]:m[3]]
			}
		}
	}
	n, err := strconv.Atoi(last)
	if err != nil || n < 1 || n > len(s.Steps) {
		return script.Step{}, false
	}
	return s.Steps[n-1], true
}

package diagnose

// How a text is heard: folded, and looked through for patterns of words.

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/pkg/errorcode"
)

// heard is a text as sayings are looked for in it.
type heard struct {
	spaced string // lower case, one width, a blank between words
	dense  string // the same without blanks and signs: Chinese is said with and without
	han    bool   // it has Chinese in it
	gates  *gates // how its words begin
}

// gates are the beginnings of a text's words: most phrases are not in most texts, and one look tells.
type gates struct{ latin, wide [gateBits / 64]uint64 }

const gateBits = 4096

func (g *gates) of(dense bool) *[gateBits / 64]uint64 {
	if dense {
		return &g.wide
	}
	return &g.latin
}

// gateOfWord is made of the first two characters of a Latin word.
func gateOfWord(first, second byte) uint16 { return (uint16(first)*67 + uint16(second)) % gateBits }

// gateOfThree is made of the first three characters of a Latin word or of words.
func gateOfThree(w string) uint16 {
	return (gateOfWord(w[0], w[1])*31 + uint16(w[2])*7 + 1) % gateBits
}

func gateOfRune(r rune) uint16 { return uint16(r % gateBits) }

// gatesOf looks at how the words of a text begin.
func gatesOf(spaced, dense string) *gates {
	g := &gates{}
	for i := 0; i+2 < len(spaced); i++ {
		if spaced[i] == ' ' {
			n := gateOfWord(spaced[i+1], spaced[i+2])
			g.latin[n/64] |= 1 << (n % 64)
			if i+3 < len(spaced) {
				n = gateOfThree(spaced[i+1:])
				g.latin[n/64] |= 1 << (n % 64)
			}
		}
	}
	for _, r := range dense {
		n := gateOfRune(r)
		g.wide[n/64] |= 1 << (n % 64)
	}
	return g
}

func hear(s string) heard {
	var spaced, dense strings.Builder
	small, han, any := false, false, false
	s = errorcode.Plain(s)
	for _, r := range s {
		r = narrow(r)
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		wide := unicode.Is(unicode.Han, r)
		if unicode.IsUpper(r) && small || wide != han { // camelCase, and Latin words in Chinese
			spaced.WriteByte(' ')
		}
		small, han, any = unicode.IsLower(r), wide, any || wide
		r = unicode.ToLower(r)
		switch {
		case word:
			spaced.WriteRune(r)
			if r != particle {
				dense.WriteRune(r)
			}
		default:
			spaced.WriteByte(' ')
		}
	}
	plain := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	all := " " + strings.Join(strings.Fields(spaced.String()), " ") + " . " + strings.Join(plain, " ") + "  "
	return heard{all, dense.String(), any, gatesOf(all, dense.String())}
}

// particle comes and goes in what people say: 所有的卡, 所有卡.
const particle = '的'

// pattern is alternatives of elements, ready to be looked for.
type pattern [][]element

// element is phrases of which one has to be there; near says that it stands right beside the element before it.
type element struct {
	any  []phrase
	near bool
}

type phrase struct {
	text  string
	dense bool // Chinese, or with Chinese in it
	gate  uint16
}

func phraseOf(w string) phrase {
	if strings.IndexFunc(w, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		w = strings.ReplaceAll(w, string(particle), "")
		first, _ := utf8.DecodeRuneInString(w)
		return phrase{w, true, gateOfRune(first)}
	}
	if len(w) > 2 {
		return phrase{" " + w, false, gateOfThree(w)}
	}
	second := byte(' ')
	if len(w) > 1 {
		second = w[1]
	}
	return phrase{" " + w, false, gateOfWord(w[0], second)}
}

func patternOf(words string) pattern {
	var all pattern
	for alternative := range strings.SplitSeq(words, "|") {
		var elements []element
		for part := range strings.SplitSeq(alternative, "+") {
			for n, e := range strings.Split(part, "~") {
				if phrases := phrasesOf(e); len(phrases) > 0 {
					elements = append(elements, element{phrases, n > 0})
				}
			}
		}
		if len(elements) > 0 {
			all = append(all, elements)
		}
	}
	return all
}

// phrasesOf gives the phrases of an element: itself, or all of its class.
func phrasesOf(e string) []phrase {
	words := e
	if strings.HasPrefix(e, "{") {
		words = classOf(e)
	}
	var all []phrase
	for w := range strings.SplitSeq(words, "|") {
		if w != "" {
			all = append(all, phraseOf(w))
		}
	}
	return all
}

// in reports whether an alternative is in a text.
func (p pattern) in(h heard) bool {
	for _, elements := range p {
		all := true
		for i := range elements {
			if all = h.element(elements, i); !all {
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

// element reports whether an element is in a text, and beside the one before it where it should be.
func (h heard) element(all []element, i int) bool {
	if all[i].near {
		return h.beside(&all[i-1], &all[i])
	}
	for k := range all[i].any {
		if h.phrase(&all[i].any[k]) {
			return true
		}
	}
	return false
}

func (h heard) phrase(p *phrase) bool {
	if !h.mayHave(p) {
		return false
	}
	if p.dense {
		return h.han && strings.Contains(h.dense, p.text)
	}
	return strings.Contains(h.spaced, p.text)
}

// mayHave reports whether a word of the text begins as the phrase does.
func (h heard) mayHave(p *phrase) bool { return h.gates.of(p.dense)[p.gate/64]&(1<<(p.gate%64)) != 0 }

// besideBytes is how far apart two words are that belong together: some English words, or ten Chinese characters.
const besideBytes = 30

// beside reports whether phrases of two elements stand near each other, in any order.
func (h heard) beside(one, other *element) bool {
	for i := range one.any {
		for _, from := range h.places(&one.any[i]) {
			around := h.spaced[max(0, from-besideBytes):min(len(h.spaced), from+len(one.any[i].text)+besideBytes)]
			for k := range other.any {
				if strings.Contains(around, other.any[k].text) {
					return true
				}
			}
		}
	}
	return false
}

// mostPlaces bounds how often a phrase is looked at in a text.
const mostPlaces = 8

// places lists where a phrase stands in the spaced text.
func (h heard) places(p *phrase) []int {
	var all []int
	if !h.mayHave(p) {
		return nil
	}
	for from := 0; len(all) < mostPlaces; {
		i := strings.Index(h.spaced[from:], p.text)
		if i < 0 {
			break
		}
		all = append(all, from+i)
		from += i + len(p.text)
	}
	return all
}

// topic is a group of sayings. Of some groups the first that is heard speaks for all: the particular stands first in it.
type topic struct {
	sayings []saying
	words   []pattern
	nots    []pattern
	first   bool
}

func topicOf(sayings []saying, first bool) topic {
	t := topic{sayings: sayings, first: first}
	for i := range sayings {
		t.words, t.nots = append(t.words, patternOf(sayings[i].words)), append(t.nots, patternOf(sayings[i].not))
	}
	return t
}

func topics() []topic {
	return []topic{topicOf(sayingsOfDevices(), false), topicOf(sayingsOfHosts(), true), topicOf(sayingsOfKeys(), false),
		topicOf(sayingsOfChecks(), true), topicOf(sayingsOfPlaces(), false), topicOf(sayingsOfLocks(), true)}
}

// heardIn lists the sayings of a text, in the order of the table.
func heardIn(s string, in []topic) []saying { return heardWith(hear(s), in) }

func heardWith(h heard, in []topic) []saying {
	var found []saying
	for _, t := range in {
		for i := range t.sayings {
			if !t.words[i].in(h) || t.nots[i].in(h) {
				continue
			}
			found = append(found, t.sayings[i])
			if t.first {
				break
			}
		}
	}
	return found
}

package diagnose

// Regular expressions behind the words of which every match has some: most lines have none of them, and looking for
// words is a hundred times faster than looking for a pattern.

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sieve is a pattern with what every match of it has. The words are taken out of the pattern itself, so that nothing is
// found or missed that the pattern alone would not find or miss.
type sieve struct {
	re   *regexp.Regexp
	must needs
}

// newSieve makes a sieve of a pattern that is written here, and panics as regexp.MustCompile does.
func newSieve(expr string) *sieve {
	s, err := sieveOf(expr)
	if err != nil {
		return &sieve{re: regexp.MustCompile(expr)}
	}
	return s
}

func sieveOf(expr string) (*sieve, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	w := wordingOf(tree)
	return &sieve{re: re, must: w.needs()}, nil
}

// may reports whether a line can match.
func (s *sieve) may(l *sifted) bool { return s.must.in(l) }

func (s *sieve) match(l *sifted) bool { return s.may(l) && s.re.MatchString(l.text) }

func (s *sieve) submatch(l *sifted) []string {
	if !s.may(l) {
		return nil
	}
	return s.re.FindStringSubmatch(l.text)
}

// sifted is a text ready for sieves: in one case, with the pairs of bytes that are in it.
type sifted struct {
	text string
	low  string // one case of each letter, as caseless gives it
	has  [gateBits / 64]uint64
}

func sift(s string) *sifted {
	l := &sifted{text: s, low: caseless(s)}
	for i := 0; i+1 < len(l.low); i++ {
		n := gateOfWord(l.low[i], l.low[i+1])
		l.has[n/64] |= 1 << (n % 64)
	}
	return l
}

// word reports whether a word is in the text.
func (l *sifted) word(w string, gate uint16) bool {
	return (len(w) < 2 || l.has[gate/64]&(1<<(gate%64)) != 0) && strings.Contains(l.low, w)
}

// caseless gives the same text for texts that differ only in the case of letters, as patterns see it: the long s is an s,
// and the sign of kelvin is a k.
func caseless(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] < utf8.RuneSelf && (s[i] < 'A' || s[i] > 'Z')
	}
	if plain {
		return s
	}
	return strings.Map(firstCase, s)
}

// The scripts without cases: Chinese and its neighbours.
const firstWide, lastWide = 0x2E80, 0xA63F

func firstCase(r rune) rune {
	if r >= firstWide && r <= lastWide {
		return r
	}
	if r >= utf8.RuneSelf {
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if other < r {
				return firstCase(other)
			}
		}
	}
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// needs is what a text has to have: one of some words, all of some needs, or one of some needs. Zero needs nothing.
type needs struct {
	words []string
	gates []uint16
	all   []needs
	one   []needs
}

func (n *needs) in(l *sifted) bool {
	for i, w := range n.words {
		if l.word(w, n.gates[i]) {
			return true
		}
	}
	for i := range n.one {
		if n.one[i].in(l) {
			return true
		}
	}
	if len(n.words) > 0 || len(n.one) > 0 {
		return false
	}
	for i := range n.all {
		if !n.all[i].in(l) {
			return false
		}
	}
	return true
}

func (n *needs) nothing() bool { return len(n.words) == 0 && len(n.one) == 0 && len(n.all) == 0 }

func needWords(words []string) needs {
	if len(words) == 0 || slices.Contains(words, "") {
		return needs{}
	}
	n := needs{words: words}
	for _, w := range words {
		gate := uint16(0)
		if len(w) > 1 {
			gate = gateOfWord(w[0], w[1])
		}
		n.gates = append(n.gates, gate)
	}
	return n
}

func needAll(all []needs) needs {
	all = slices.DeleteFunc(all, func(n needs) bool { return n.nothing() })
	if len(all) == 1 {
		return all[0]
	}
	return needs{all: all}
}

func needOne(one []needs) needs {
	if slices.ContainsFunc(one, func(n needs) bool { return n.nothing() }) {
		return needs{}
	}
	return needs{one: one}
}

// wording is what a part of a pattern matches: these words and nothing else, or more than can be listed, and then what
// each match has.
type wording struct {
	words []string // nil where there are too many
	must  needs    // where words is nil
}

// So many words of a part are listed, and so many characters of a class.
const (
	mostWordings = 128
	mostOfClass  = 6
)

func (w *wording) needs() needs {
	if w.words != nil {
		return needWords(w.words)
	}
	return w.must
}

func wordingOf(re *syntax.Regexp) wording {
	switch re.Op {
	case syntax.OpLiteral:
		return wording{words: []string{caseless(string(re.Rune))}}
	case syntax.OpCharClass:
		return wordingOfClass(re.Rune)
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return wording{words: []string{""}}
	case syntax.OpCapture:
		return wordingOf(re.Sub[0])
	case syntax.OpPlus:
		return repeated(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return repeated(re.Sub[0])
		}
	case syntax.OpQuest:
		if w := wordingOf(re.Sub[0]); w.words != nil {
			return wording{words: append(slices.Clone(w.words), "")}
		}
	case syntax.OpConcat:
		return inARow(re.Sub)
	case syntax.OpAlternate:
		return oneOf(re.Sub)
	}
	return wording{}
}

func wordingOfClass(pairs []rune) wording {
	var words []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if int(pairs[i+1]-pairs[i])+len(words) >= mostOfClass {
			return wording{}
		}
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			if w := caseless(string(r)); !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	return wording{words: words}
}

// repeated is a part that is there once or more often.
func repeated(re *syntax.Regexp) wording {
	w := wordingOf(re)
	return wording{must: w.needs()}
}

// inARow puts parts behind each other: words that follow each other are one word.
func inARow(parts []*syntax.Regexp) wording {
	run, whole := []string{""}, true
	var all []needs
	for _, part := range parts {
		goesOn := part.Op == syntax.OpPlus
		if goesOn {
			part = part.Sub[0] // the first time it is there
		}
		w := wordingOf(part)
		if w.words != nil && len(w.words)*len(run) <= mostWordings {
			run = crossed(run, w.words)
		} else {
			all = append(all, needWords(run))
			run, whole = w.words, false
			if w.words == nil {
				all = append(all, w.must)
			}
		}
		if goesOn || run == nil {
			all = append(all, needWords(run))
			run, whole = []string{""}, false
		}
	}
	if whole {
		return wording{words: run}
	}
	return wording{must: needAll(append(all, needWords(run)))}
}

func crossed(heads, tails []string) []string {
	all := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			all = append(all, h+t)
		}
	}
	return all
}

func oneOf(parts []*syntax.Regexp) wording {
	var words []string
	var one []needs
	listed := true
	for _, part := range parts {
		w := wordingOf(part)
		listed = listed && w.words != nil && len(words)+len(w.words) <= mostWordings
		words = append(words, w.words...)
		one = append(one, w.needs())
	}
	if listed && words != nil {
		return wording{words: words}
	}
	return wording{must: needOne(one)}
}

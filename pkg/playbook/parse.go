package playbook

// The parser of a page: strict, because a page that is read in another way than it was meant sends people astray.

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/internal/fault"
)

// Parse reads one page in a language of the book. An error names the line.
func Parse(lang, raw string) (Page, error) {
	words, err := wordsOf(lang)
	if err != nil {
		return Page{}, err
	}
	return parse(words, raw)
}

func parse(words headings, raw string) (Page, error) {
	if err := plain(raw); err != nil {
		return Page{}, err
	}
	r := &reader{lines: strings.Split(strings.TrimSuffix(raw, "\n"), "\n")}
	page, err := r.page(words)
	if err != nil {
		return Page{}, fault.Wrap(err, "line %d", min(r.at+1, len(r.lines)))
	}
	return page, nil
}

// plain holds the whole text against what no page has.
func plain(raw string) error {
	switch {
	case !utf8.ValidString(raw):
		return fault.New(fault.Malformed, "the page is not UTF-8")
	case !strings.HasSuffix(raw, "\n") || strings.HasSuffix(raw, "\n\n"):
		return fault.New(fault.Malformed, "the page does not end with one line feed")
	case strings.Contains(raw, " \n"):
		return fault.New(fault.Malformed, "a line of the page ends with a blank")
	}
	for _, c := range raw {
		if c != '\n' && c != ' ' && !unicode.IsGraphic(c) || c != ' ' && unicode.Is(unicode.Zs, c) {
			return fault.New(fault.Malformed, "the page has the character %U, which cannot be seen", c)
		}
	}
	return nil
}

// reader walks through the lines of a page.
type reader struct {
	lines []string
	next  int
	at    int // the line that was looked at last, for errors
}

// line is the line at hand; "" at an empty line and at the end.
func (r *reader) line() string {
	r.at = r.next
	if r.next >= len(r.lines) {
		return ""
	}
	return r.lines[r.next]
}

// take takes a line with this beginning and gives the rest of it.
func (r *reader) take(beginning string) (string, error) {
	rest, ok := strings.CutPrefix(r.line(), beginning)
	if !ok || rest == "" {
		return "", fault.New(fault.Malformed, "want a line that begins with %q", beginning)
	}
	r.next++
	return rest, nil
}

// gap takes the one empty line between blocks.
func (r *reader) gap() error {
	if r.next >= len(r.lines) || r.line() != "" {
		return fault.New(fault.Malformed, "want an empty line")
	}
	r.next++
	return nil
}

// page reads everything, in the one order that there is.
func (r *reader) page(words headings) (Page, error) {
	var p Page
	if err := r.head(&p); err != nil {
		return Page{}, err
	}
	for _, section := range []struct {
		heading string
		read    func() error
	}{
		{words.means, into(&p.Means, r.paragraphs)},
		{words.technical, into(&p.Technical, r.list)},
		{words.operational, into(&p.Operational, r.list)},
		{words.management, into(&p.Management, r.list)},
		{words.checks, into(&p.Checks, r.steps)},
		{words.fix, into(&p.Fix, r.steps)},
		{words.prevention, into(&p.Prevention, r.list)},
		{words.impact, func() error { return r.impact(words, &p) }},
		{words.stop, into(&p.Stop, r.list)},
		{words.record, into(&p.Record, r.list)},
	} {
		if err := r.section(section.heading, section.read); err != nil {
			return Page{}, err
		}
	}
	if r.next < len(r.lines) {
		return Page{}, fault.New(fault.Malformed, "want the end of the page")
	}
	return p, nil
}

func into[T any](where *T, read func() (T, error)) func() error {
	return func() error {
		got, err := read()
		*where = got
		return err
	}
}

// head reads title, id and kind.
func (r *reader) head(p *Page) error {
	title, err := r.take("# ")
	if err != nil {
		return err
	}
	if err := proper(title); err != nil {
		return err
	}
	p.Title = title
	if err := r.gap(); err != nil {
		return err
	}
	if p.ID, err = r.take("- id: "); err != nil {
		return err
	}
	if !isID(p.ID) {
		return fault.New(fault.Malformed, "%q is no id of a page", p.ID)
	}
	kind, err := r.take("- kind: ")
	if err != nil {
		return err
	}
	p.Kind = Kind(kind)
	if p.Kind != KindCause && p.Kind != KindSituation {
		return fault.New(fault.Malformed, "%q is no kind of a page", kind)
	}
	return nil
}

// section reads a heading, and what is under it by read.
func (r *reader) section(heading string, read func() error) error {
	if err := r.gap(); err != nil {
		return err
	}
	if r.line() != "## "+heading {
		return fault.New(fault.Malformed, "want the heading %q", heading)
	}
	r.next++
	if err := r.gap(); err != nil {
		return err
	}
	return fault.Wrap(read(), "section %q", heading)
}

// paragraphs reads paragraphs up to the next heading.
func (r *reader) paragraphs() ([]string, error) {
	all := []string{}
	for {
		first, err := r.take("")
		if err != nil {
			return nil, err
		}
		paragraph, err := r.text(first, "")
		if err != nil {
			return nil, err
		}
		all = append(all, paragraph)
		if r.next+1 >= len(r.lines) || strings.HasPrefix(r.lines[r.next+1], "#") {
			return all, nil
		}
		if err := r.gap(); err != nil {
			return nil, err
		}
	}
}

// list reads a list up to the next empty line.
func (r *reader) list() ([]string, error) {
	all := []string{}
	for {
		first, err := r.take("- ")
		if err != nil {
			return nil, err
		}
		item, err := r.text(first, "  ")
		if err != nil {
			return nil, err
		}
		all = append(all, item)
		if r.line() == "" {
			return all, nil
		}
	}
}

// impact reads the list whose lines say what they are about: trade first, then risk.
func (r *reader) impact(words headings, p *Page) error {
	lines, err := r.list()
	if err != nil {
		return err
	}
	for _, line := range lines {
		trade, isTrade := strings.CutPrefix(line, words.trade)
		risk, isRisk := strings.CutPrefix(line, words.risk)
		switch {
		case isTrade && trade != "" && len(p.Risk) == 0:
			p.Trade = append(p.Trade, trade)
		case isRisk && risk != "" && len(p.Trade) > 0:
			p.Risk = append(p.Risk, risk)
		default:
			return fault.New(fault.Malformed, "want lines with %q, then lines with %q", words.trade, words.risk)
		}
	}
	if len(p.Risk) == 0 {
		return fault.New(fault.Malformed, "want lines with %q, then lines with %q", words.trade, words.risk)
	}
	return nil
}

const mostSteps = 9 // their numbers have one digit, so that all of them are indented alike

// steps reads numbered steps up to the next empty line.
func (r *reader) steps() ([]Step, error) {
	all := []Step{}
	for {
		if len(all) == mostSteps {
			return nil, fault.New(fault.Malformed, "there are more than %d steps", mostSteps)
		}
		step, err := r.step(len(all) + 1)
		if err != nil {
			return nil, err
		}
		all = append(all, step)
		if r.line() == "" {
			return all, nil
		}
	}
}

const stepIndent, fence = "   ", "```"

func (r *reader) step(number int) (Step, error) {
	first, err := r.take(strconv.Itoa(number) + ". ")
	if err != nil {
		return Step{}, err
	}
	words, err := r.text(first, stepIndent)
	if err != nil {
		return Step{}, err
	}
	if r.line() != stepIndent+fence+"sh" {
		return Step{Text: words}, nil
	}
	r.next++
	line, err := r.take(stepIndent)
	if err != nil {
		return Step{}, err
	}
	s, err := parseCommand(line)
	if err != nil {
		return Step{}, err
	}
	if r.line() != stepIndent+fence {
		return Step{}, fault.New(fault.Malformed, "a block of commands has one line, and is closed after it")
	}
	r.next++
	s.Text = words
	return s, nil
}

// text takes the lines that a text goes on in, after its first one, and joins them.
func (r *reader) text(first, indent string) (string, error) {
	if err := proper(first); err != nil {
		return "", err
	}
	joined := first
	for r.goesOn(indent) {
		more := r.line()[len(indent):]
		if err := proper(more); err != nil {
			return "", err
		}
		joined = join(joined, more)
		r.next++
	}
	return joined, nil
}

// goesOn reports whether the line at hand belongs to the text before it.
func (r *reader) goesOn(indent string) bool {
	rest, ok := strings.CutPrefix(r.line(), indent)
	return ok && rest != "" && !strings.HasPrefix(rest, fence)
}

// proper refuses a line of text that Markdown, or this parser, would read as something else.
func proper(line string) error {
	digits := strings.TrimLeft(line, "0123456789")
	switch {
	case strings.HasPrefix(line, " ") || strings.Contains(line, "  "):
		return fault.New(fault.Malformed, "two blanks stand together, or a line is indented too far")
	case line == "-" || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "#"),
		digits != line && (digits == "." || strings.HasPrefix(digits, ". ")):
		return fault.New(fault.Malformed, "a line of text begins like a list or a heading")
	case strings.ContainsAny(line, "{}<>*|\\"):
		return fault.New(fault.Malformed, "a text has a character that is markup; placeholders stand in commands alone")
	}
	return backquotes(line)
}

// backquotes holds what stands in backquotes against what may: ids of pages.
func backquotes(words string) error {
	if strings.Count(words, "`")%2 == 1 {
		return fault.New(fault.Malformed, "a backquote is not closed")
	}
	for _, id := range quoted(words) {
		if !isID(id) {
			return fault.New(fault.Malformed, "%q stands in backquotes and is no id of a page", id)
		}
	}
	return nil
}

// join puts two lines of a text together, with a blank unless both sides are Chinese.
func join(a, b string) string {
	last, _ := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	if isWide(last) && isWide(first) {
		return a + b
	}
	return a + " " + b
}

// isWide reports whether a character is Chinese, or punctuation that goes with it.
func isWide(c rune) bool {
	return unicode.Is(unicode.Han, c) ||
		c >= 0x3000 && c <= 0x303F || c >= 0xFF00 && c <= 0xFFEF || c >= 0x2010 && c <= 0x201F
}

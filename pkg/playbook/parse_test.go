package playbook

// Tests of the parser, with pages made for them.

import (
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"poskey/docs/playbooks"
	"poskey/internal/fault"
)

// sample is a page with a bit of everything.
const sample = `# A page

- id: a-page
- kind: cause

## What it means

One paragraph
in two lines.

Another one.

## Technical causes

- One that goes on
  in a second line.
- Another.

## Operational causes

- One.

## Management causes

- One.

## Checks

1. Look, and go on
   to ` + "`other-page`" + `.
   ` + "```sh" + `
   poskey code {text} --vendor 'two words'
   ` + "```" + `
2. Ask.

## Fix

1. Do it.

## Prevention

- One.

## Impact

- Trade: none.
- Risk: none.

## Stop and call

- One.

## Record

- One.
`

func TestAPageIsRead(t *testing.T) {
	got, err := Parse(English, sample)
	if err != nil {
		t.Fatal(err)
	}
	want := Page{
		ID: "a-page", Kind: KindCause, Title: "A page",
		Means:       []string{"One paragraph in two lines.", "Another one."},
		Technical:   []string{"One that goes on in a second line.", "Another."},
		Operational: []string{"One."}, Management: []string{"One."},
		Checks: []Step{
			{
				Text: "Look, and go on to `other-page`.", Command: "poskey code {text} --vendor 'two words'",
				Args: []string{"code", "{text}", "--vendor", "two words"}, Holes: []string{"text"},
			},
			{Text: "Ask."},
		},
		Fix:        []Step{{Text: "Do it."}},
		Prevention: []string{"One."}, Trade: []string{"none."}, Risk: []string{"none."},
		Stop: []string{"One."}, Record: []string{"One."},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if leads := leads(got); !slices.Equal(leads, []string{"other-page"}) {
		t.Errorf("leads to %v", leads)
	}
}

func TestChineseLinesAreJoinedWithoutABlank(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"校验值，", "位数", "校验值，位数"},
		{"校验值", "KCV", "校验值 KCV"},
		{"KCV", "校验值", "KCV 校验值"},
		{"check", "value", "check value"},
		{"“错误”", "提示", "“错误”提示"},
	} {
		if got := join(c.a, c.b); got != c.want {
			t.Errorf("%q and %q join to %q, want %q", c.a, c.b, got, c.want)
		}
	}
}

func TestAPageThatIsNotAsItShouldBeIsRefused(t *testing.T) {
	nine := "1. Do it.\n2. A\n3. A\n4. A\n5. A\n6. A\n7. A\n8. A\n9. A"
	for name, c := range map[string]struct{ old, new, says string }{
		"no title":               {"# A page\n", "A page\n", "line 1"},
		"title in two lines":     {"# A page\n", "# A page\nand more\n", "line 2"},
		"no id":                  {"- id: a-page\n", "", "line 3"},
		"id in capitals":         {"- id: a-page", "- id: A-page", "line 3"},
		"id that leaves":         {"- id: a-page", "- id: ../a", "line 3"},
		"empty id":               {"- id: a-page", "- id:", "line 3"},
		"unknown kind":           {"- kind: cause", "- kind: story", "line 4"},
		"heading missing":        {"## Checks\n\n", "", "Checks"},
		"heading of another":     {"## Fix", "## Solution", "Fix"},
		"heading in Chinese":     {"## Fix", "## 处理", "Fix"},
		"heading deeper":         {"## Fix", "### Fix", "Fix"},
		"sections exchanged":     {"## Operational causes", "## Management causes", "Operational causes"},
		"section empty":          {"## Fix\n\n1. Do it.\n", "## Fix\n", "Fix"},
		"paragraphs missing":     {"One paragraph\nin two lines.\n\nAnother one.\n\n", "", "What it means"},
		"two empty lines":        {"## Fix\n", "## Fix\n\n", "Fix"},
		"no empty line":          {"1. Do it.\n\n## Prevention", "1. Do it.\n## Prevention", "Fix"},
		"a blank at the end":     {"Do it.", "Do it. ", "ends with a blank"},
		"a tab":                  {"Do it.", "Do\tit.", "U+0009"},
		"carriage returns":       {"Do it.\n", "Do it.\r\n", "U+000D"},
		"a hidden character":     {"Do it.", "Do\u202eit.", "U+202E"},
		"a wide blank":           {"Do it.", "Do\u3000it.", "U+3000"},
		"not UTF-8":              {"Do it.", "Do \xff it.", "UTF-8"},
		"no line feed":           {"## Record\n\n- One.\n", "## Record\n\n- One.", "line feed"},
		"more after the end":     {"## Record\n\n- One.\n", "## Record\n\n- One.\n\n## More\n\n- One.\n", "end of the page"},
		"step numbered wrongly":  {"2. Ask.", "3. Ask.", "2. "},
		"step without text":      {"2. Ask.", "2. ", "ends with a blank"},
		"ten steps":              {"1. Do it.", nine + "\n10. A", "more than 9"},
		"list in a list":         {"- Another.", "  - Another.", "list"},
		"item without text":      {"- Another.", "-", "begins with"},
		"indented too far":       {"  in a second", "   in a second", "indented"},
		"numbered item":          {"- Another.", "- 1. Another.", "list"},
		"impact without trade":   {"- Trade: none.\n", "", "Trade: "},
		"impact without risk":    {"- Risk: none.\n", "", "Risk: "},
		"impact of nothing":      {"- Risk: none.", "- Risk: none.\n- none.", "Risk: "},
		"risk before trade":      {"- Trade: none.\n- Risk: none.", "- Risk: none.\n- Trade: none.", "Trade: "},
		"two commands":           {"'two words'\n", "'two words'\n   poskey version\n", "one line"},
		"no command in block":    {"   poskey code {text} --vendor 'two words'\n", "", "Checks"},
		"block not closed":       {"'two words'\n   ```\n", "'two words'\n", "one line"},
		"block of another kind":  {"```sh", "```bash", "Checks"},
		"another program":        {"poskey code", "curl code", "poskey"},
		"program alone":          {"poskey code {text} --vendor 'two words'", "poskey", "names what to do"},
		"placeholder unknown":    {"{text}", "{password}", "{password}"},
		"placeholder open":       {"{text}", "{text", "brace"},
		"placeholder closed":     {"{text}", "text}", "brace"},
		"placeholder in a text":  {"Do it.", "Do {text}.", "markup"},
		"a link":                 {"Do it.", "Do <it>.", "markup"},
		"backquote open":         {"Do it.", "Do `it.", "backquote"},
		"backquotes over lines":  {"go on\n   to `other-page`", "go on `other-\n   page`", "backquote"},
		"no id in backquotes":    {"`other-page`", "`Other page`", "Other page"},
		"shell: pipe":            {"'two words'", "a | sh", "shell"},
		"shell: list":            {"'two words'", "a; sh", "shell"},
		"shell: substitution":    {"'two words'", "$(sh)", "shell"},
		"shell: in double quote": {"'two words'", `"$HOME"`, "shell"},
		"shell: comment":         {"'two words'", "a # b", "shell"},
		"quote open":             {"'two words'", "'two words", "quote"},
		"two blanks":             {"--vendor 'two", "--vendor  'two", "blank"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Count(sample, c.old) == 0 {
				t.Fatal("the sample does not have what is replaced")
			}
			page, err := Parse(English, strings.Replace(sample, c.old, c.new, 1))
			if !fault.Is(err, fault.Malformed) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want a word of %q", err, c.says)
			}
			if !reflect.DeepEqual(page, Page{}) {
				t.Errorf("an error and a page: %+v", page)
			}
		})
	}
}

func TestALanguageThatThereIsNotIsRefused(t *testing.T) {
	if _, err := Open("fr"); !fault.Is(err, fault.Usage) {
		t.Errorf("got %v", err)
	}
	if _, err := Parse("", sample); !fault.Is(err, fault.Usage) {
		t.Errorf("got %v", err)
	}
}

func TestOnePageIsReadWithoutTheOthers(t *testing.T) {
	b, err := open(fstest.MapFS{
		"a-page.md":       {Data: []byte(sample)},
		"broken.md":       {Data: []byte("nothing")},
		"named-wrong.md":  {Data: []byte(sample)},
		"a-page.zh.md":    {Data: []byte(sample)},
		"embed.go":        {Data: []byte("package x")},
		"folder/other.md": {Data: []byte(sample)},
	}, English)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := b.Page("a-page"); !ok || p.Title != "A page" {
		t.Errorf("got %v, %+v", ok, p)
	}
	for _, id := range []string{"broken", "named-wrong", "a-page.zh", "missing", "", "../a-page", "folder/other", "A-PAGE"} {
		if p, ok := b.Page(id); ok || !reflect.DeepEqual(p, Page{}) {
			t.Errorf("there is a page %q: %+v", id, p)
		}
	}
	if pages := b.Pages(); len(pages) != 1 || pages[0].ID != "a-page" {
		t.Errorf("the pages are %+v", pages)
	}
}

// write writes a page as Parse reads it, each text in one line.
func write(p Page, words headings) string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	section := func(heading string, lines []string, before string) {
		line("\n## ", heading, "\n")
		for _, l := range lines {
			line(before, l)
		}
	}
	steps := func(heading string, all []Step) {
		section(heading, nil, "")
		for i, s := range all {
			line(strconv.Itoa(i+1), ". ", s.Text)
			if s.Command != "" {
				line("   ```sh\n   ", s.Command, "\n   ```")
			}
		}
	}
	line("# ", p.Title, "\n\n- id: ", p.ID, "\n- kind: ", string(p.Kind))
	section(words.means, []string{strings.Join(p.Means, "\n\n")}, "")
	section(words.technical, p.Technical, "- ")
	section(words.operational, p.Operational, "- ")
	section(words.management, p.Management, "- ")
	steps(words.checks, p.Checks)
	steps(words.fix, p.Fix)
	section(words.prevention, p.Prevention, "- ")
	section(words.impact, p.Trade, "- "+words.trade)
	for _, risk := range p.Risk {
		line("- ", words.risk, risk)
	}
	section(words.stop, p.Stop, "- ")
	section(words.record, p.Record, "- ")
	return b.String()
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// FuzzParse: a page that is read holds all that stands in it and nothing else, and what is not read gives nothing.
func FuzzParse(f *testing.F) {
	names, err := fs.Glob(playbooks.Pages, "*.md")
	if err != nil || len(names) == 0 {
		f.Fatal("no pages", err)
	}
	for _, name := range names {
		raw, err := playbooks.Pages.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw), strings.HasSuffix(name, ".zh.md"))
	}
	f.Add(sample, false)
	f.Fuzz(func(t *testing.T, raw string, inChinese bool) {
		lang := English
		if inChinese {
			lang = Chinese
		}
		page, err := Parse(lang, raw)
		if err != nil {
			if !reflect.DeepEqual(page, Page{}) {
				t.Fatalf("an error and a page: %v, %+v", err, page)
			}
			return
		}
		words, err := wordsOf(lang)
		if err != nil {
			t.Fatal(err)
		}
		written := write(page, words)
		if squeezed(written) != squeezed(raw) {
			t.Fatalf("the page holds something else than its file:\n%s", written)
		}
		again, err := Parse(lang, written)
		if err != nil || !reflect.DeepEqual(again, page) {
			t.Fatalf("the page is read otherwise when it is written again: %v\n%+v\n%+v", err, page, again)
		}
	})
}

package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/text"
)

func newRenderer(format Format) (r *Renderer, out, errs *bytes.Buffer) {
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	return &Renderer{Out: out, Err: errs, Format: format, Say: i18n.New(i18n.English)}, out, errs
}

func page(t *testing.T, change func(*Renderer), lay func(*Page)) string {
	t.Helper()
	r, out, errs := newRenderer(Table)
	if change != nil {
		change(r)
	}
	if err := r.Answer("x", struct{}{}, lay); err != nil {
		t.Fatal(err)
	}
	if errs.Len() != 0 {
		t.Errorf("the answer went to stderr: %q", errs)
	}
	return out.String()
}

func TestFormatsAreParsed(t *testing.T) {
	for in, want := range map[string]Format{"table": Table, "JSON": JSON, "json": JSON} {
		if got, err := ParseFormat(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "yaml", "jsonl", " json"} {
		if got, err := ParseFormat(in); got != "" || !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestDocumentBeginsWithItsSchema(t *testing.T) {
	for _, c := range []struct {
		doc  any
		want string
	}{
		{struct{}{}, `{"schema":"poskey.kcv.compute/v1"}`},
		{struct {
			KCV  string `json:"kcv"`
			Note string `json:"note,omitempty"`
		}{KCV: "08D7B4"}, `{"schema":"poskey.kcv.compute/v1","kcv":"08D7B4"}`},
		{map[string]any{"a": []int{1, 2}}, `{"schema":"poskey.kcv.compute/v1","a":[1,2]}`},
		{map[string]string{"label": "<a & b>", "zh": "密钥"}, `{"schema":"poskey.kcv.compute/v1","label":"<a & b>","zh":"密钥"}`},
	} {
		got, err := Document("kcv.compute", c.doc)
		if err != nil || string(got) != c.want || !json.Valid(got) {
			t.Errorf("got %s, %v, want %s", got, err, c.want)
		}
	}
	if got, err := Document("x", map[string]any{"a": make(chan int)}); got != nil || !fault.Is(err, fault.Failure) {
		t.Errorf("what JSON cannot hold: %s, %v", got, err)
	}
}

func TestJSONAnswerIsOneLineAndLaysNoPage(t *testing.T) {
	r, out, errs := newRenderer(JSON)
	r.Color = true
	err := r.Answer("x", map[string]string{"a": "one\ntwo"}, func(*Page) { t.Error("a page was laid out") })
	if err != nil || out.String() != `{"schema":"poskey.x/v1","a":"one\ntwo"}`+"\n" || errs.Len() != 0 {
		t.Errorf("got %q, %q, %v", out, errs, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")

func TestAnswerThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, format := range []Format{Table, JSON} {
		r, _, _ := newRenderer(format)
		r.Out = full{}
		if err := r.Answer("x", struct{}{}, func(p *Page) { p.Raw("a") }); !errors.Is(err, errFull) || !fault.Is(err, fault.Failure) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestNotesAreForPeopleAndWarningsForAll(t *testing.T) {
	for _, c := range []struct {
		format Format
		quiet  bool
		note   bool
	}{{Table, false, true}, {Table, true, false}, {JSON, false, false}, {JSON, true, false}} {
		r, out, errs := newRenderer(c.format)
		r.Quiet = c.quiet
		r.Note(text.New("a note of %d", 1))
		r.Warn(text.New("a warning of %d", 2))
		want := "poskey: warning: a warning of 2\n"
		if c.note {
			want = "a note of 1\n" + want
		}
		if out.Len() != 0 || errs.String() != want {
			t.Errorf("%+v: stdout %q, stderr %q", c, out, errs)
		}
	}
	r, _, errs := newRenderer(Table)
	r.ErrColor = true
	r.Warn(text.New("x"))
	if errs.String() != "poskey: \x1b[33mwarning\x1b[0m: x\n" {
		t.Errorf("in colour: %q", errs)
	}
}

func TestPageIsPlainUnlessColorIsAskedFor(t *testing.T) {
	lay := func(p *Page) {
		p.Heading(text.New("head"))
		p.Good(text.New("good"))
		p.Bad(text.New("bad"))
		p.Blank()
		p.Line(text.New("line %s", "a"))
		p.Raw("D0112P0AE00E0000")
		p.Grid([]text.Text{text.New("COLUMN")}, [][]string{{"cell"}})
	}
	if got, want := page(t, nil, lay), "head\ngood\nbad\n\nline a\nD0112P0AE00E0000\nCOLUMN\ncell\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	colored := page(t, func(r *Renderer) { r.Color = true }, lay)
	for _, want := range []string{"\x1b[1mhead\x1b[0m", "\x1b[32mgood\x1b[0m", "\x1b[31mbad\x1b[0m", "\x1b[1mCOLUMN\x1b[0m"} {
		if !strings.Contains(colored, want) {
			t.Errorf("%q is not in %q", want, colored)
		}
	}
}

func TestPageSpeaksTheReadersLanguage(t *testing.T) {
	entry := "warning"
	zh := i18n.New(i18n.Chinese)
	if zh.T(entry) == entry {
		t.Fatal("the catalogue has no entry to try with")
	}
	got := page(t, func(r *Renderer) { r.Say = zh }, func(p *Page) { p.Line(text.New("%s", text.New("warning"))) })
	if got != zh.T(entry)+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestValuesOfFieldsStandBelowEachOther(t *testing.T) {
	got := page(t, nil, func(p *Page) {
		p.Fields(F(text.New("kcv"), "08D7B4"), F(text.New("left out"), ""), F(text.New("algorithm"), "tdes-128"), F(text.Raw("密钥用途"), "P0"))
	})
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if len(lines) != 3 || strings.Contains(got, "left out") {
		t.Fatalf("got %q", got)
	}
	column := map[int]bool{}
	for i, value := range []string{"08D7B4", "tdes-128", "P0"} {
		before, _, ok := strings.Cut(lines[i], value)
		if !ok {
			t.Fatalf("%q is not in %q", value, lines[i])
		}
		column[twwidth.Width(before)] = true
	}
	if len(column) != 1 {
		t.Errorf("values begin in columns %v:\n%s", column, got)
	}
}

func TestNoLineEndsInBlanks(t *testing.T) {
	got := page(t, nil, func(p *Page) {
		p.Grid([]text.Text{text.New("A"), text.New("LONGER")}, [][]string{{"x", ""}, {"yyyyyyy", "z"}})
		p.Fields(F(text.New("a"), "b"))
		p.Raw("raw  ")
	})
	for line := range strings.Lines(got) {
		if strings.HasSuffix(strings.TrimSuffix(line, "\n"), " ") {
			t.Errorf("%q", line)
		}
	}
	if len(strings.Split(got, "\n")) != 6 {
		t.Errorf("got %q", got)
	}
}

func TestGridKeepsItsCellsAsTheyAre(t *testing.T) {
	cells := []string{"kcv_mismatch", "a  b", "08D7B4", "camelCase", "1.50", "密钥"}
	got := page(t, nil, func(p *Page) {
		head := make([]text.Text, len(cells))
		for i := range head {
			head[i] = text.Raw("head_" + string(rune('a'+i)))
		}
		p.Grid(head, [][]string{cells})
	})
	for i, cell := range cells {
		if !strings.Contains(got, cell) || !strings.Contains(got, "head_"+string(rune('a'+i))) {
			t.Errorf("%q or its head is not in %q", cell, got)
		}
	}
}

// TestLastColumnBreaksAtTheEdgeOfTheTerminal: titles and notes stand last; where nobody counts columns they stay whole.
func TestLastColumnBreaksAtTheEdgeOfTheTerminal(t *testing.T) {
	for name, sentence := range map[string]string{
		"English": "the courier brought the bag a day late and its seal had another number than the sheet in the envelope",
		"Chinese": strings.Repeat("信使迟到一天，封条编号不符。", 5),
	} {
		lay := func(p *Page) {
			head := []text.Text{text.New("INCIDENT"), text.Raw("状态"), text.New("TITLE")}
			p.Grid(head, [][]string{{"2026-0001", "未控制", sentence}, {"2", "open", "short"}})
		}
		if got := page(t, nil, lay); !strings.Contains(got, sentence) {
			t.Errorf("%s without a width: %q", name, got)
		}
		for _, width := range []int{38, 45, 60, 80} {
			got := page(t, func(r *Renderer) { r.Width, r.Color = width, true }, lay)
			for line := range strings.Lines(got) {
				if n := twwidth.Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s at %d: %q has %d columns", name, width, line, n)
				}
			}
			if bare := strings.Join(strings.Fields(got), ""); !strings.Contains(bare, strings.ReplaceAll(sentence, " ", "")) {
				t.Errorf("%s at %d: the words were changed: %q", name, width, got)
			}
		}
	}
}

func TestSentencesAreWrappedToTheWidth(t *testing.T) {
	english := "the payload decrypts to a well-formed key, so the KBPK is right: the header or the MAC was changed in more than one place"
	chinese := strings.Repeat("密钥块的报文鉴别码不正确，", 6)
	mixed := "the KBPK 的校验值是 08D7B4 " + chinese + "D0112P0AE00E0000"
	for name, s := range map[string]string{"English": english, "Chinese": chinese, "both": mixed, "Chinese behind a blank": "a " + chinese} {
		for _, width := range []int{20, 31, 40, 79} {
			got := wrap(s, width)
			if strings.ReplaceAll(got, "\n", "") != s {
				t.Errorf("%s at %d: the words were changed: %q", name, width, got)
			}
			lines := strings.Split(got, "\n")
			for _, line := range lines {
				if twwidth.Width(strings.TrimRight(line, " ")) > width || line == "" {
					t.Errorf("%s at %d: %q has %d columns", name, width, line, twwidth.Width(line))
				}
			}
			if few := twwidth.Width(s)/width + 1; len(lines) > 2*few {
				t.Errorf("%s at %d: %d lines, %d would do", name, width, len(lines), few)
			}
		}
		for _, width := range []int{-5, 0, 19, twwidth.Width(s)} {
			if got := wrap(s, width); got != s {
				t.Errorf("%s at %d: wrapped to %q", name, width, got)
			}
		}
	}
}

func TestLongWordsStayWholeToBeCopied(t *testing.T) {
	block := "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34"
	if got := wrap(block, 40); got != block {
		t.Errorf("a block alone: %q", got)
	}
	if got := wrap("the block "+block+" is good", 40); got != "the block \n"+block+" \nis good" {
		t.Errorf("a block in a sentence: %q", got)
	}
	got := page(t, func(r *Renderer) { r.Width = 40 }, func(p *Page) { p.Fields(F(text.New("block"), block)) })
	if !strings.Contains(got, block) {
		t.Errorf("a block in a field: %q", got)
	}
}

// TestLinesAreDocumentsBelowEachOther: what is added for a batch is what Document makes, and what fails leaves nothing.
func TestLinesAreDocumentsBelowEachOther(t *testing.T) {
	var l Lines
	want := ""
	for _, doc := range []any{
		struct {
			A string `json:"a"`
		}{"<&>\n\"é"},
		struct{}{},
		map[string]any{},
		map[string]any{"n": 1, "list": []int{}},
	} {
		one, err := Document("test.lines", doc)
		if err != nil {
			t.Fatal(err)
		}
		want += string(one) + "\n"
		if err := l.Add("test.lines", doc); err != nil {
			t.Fatal(err)
		}
		if err := l.Add("test.lines", map[string]any{"a": "b", "c": func() {}}); !fault.Is(err, fault.Failure) {
			t.Errorf("what cannot be written gives %v", err)
		}
	}
	if l.String() != want {
		t.Errorf("got %s, want %s", l.String(), want)
	}
}

package minutes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// factsOf are all facts of a record that must be on paper.
func factsOf(v *ceremony.Verified, l Language) []string {
	f := v.Script.Fingerprint()
	out := []string{v.Head.Ceremony, v.Head.Tool, v.Head.Station, v.Script.Organisation, v.Script.Place, v.Script.Title, v.Script.Purpose,
		f.Hex(), f.Words(), f.Digits(), custody.Fingerprint(v.Records[len(v.Records)-1].Hash).Hex()}
	for _, p := range v.Script.People {
		card, _ := custody.ParseFingerprint(p.Card)
		out = append(out, p.ID, p.Name, p.Employee, p.Manager, card.Hex())
	}
	for _, k := range v.Script.Keys {
		out = append(out, k.ID, k.Label, k.CheckText, string(k.Algorithm))
		for _, p := range k.Parts {
			out = append(out, p.Bag, p.Outer, p.Channel, p.CheckText)
		}
	}
	for _, p := range v.Program.Steps {
		out = append(out, p.Requirements...)
		out = append(out, p.Step.Text, p.Step.Expect, p.Step.Method, p.Step.Item)
	}
	for _, f := range v.Findings {
		out = append(out, f.ID, f.Requirement, f.Where, f.What.String(), f.Fix.String())
	}
	for _, r := range v.Records {
		out = append(out, factsOfLine(r, l)...)
	}
	return out
}

func factsOfLine(r transcript.Record, l Language) []string {
	out := []string{fmt.Sprintf("%d%s", r.N, clock(r.Time)), r.Who, r.Key}
	if r.Kind != transcript.KindBegun { // its verb is the name of the step
		for name, value := range r.Details {
			if name != "event" && name != "role" && name != "seat" && name != "level" { // words that are translated
				said := word(value)
				if name == "by" {
					said = detailValue(name, value)
				}
				out = append(out, l.Say(said))
			}
		}
	}
	for _, c := range []kcv.Value{r.Check, r.Expected} {
		out = append(out, c.Digits, string(c.Method))
	}
	return append(out, r.People...)
}

func TestMinutesHoldEachFactOfTheRecord(t *testing.T) {
	v := richRecord()
	// A line that is the first of a day has its day between number and time.
	days := regexp.MustCompile(`2026-12-0[12]`)
	for _, l := range languages() {
		pdf := days.ReplaceAllString(said(readPDF(t, written(t, func(b *bytes.Buffer) error { return PDF(b, v, l) }))), "")
		page := days.ReplaceAllString(pageText(written(t, func(b *bytes.Buffer) error { return HTML(b, v, l) })), "")
		facts := factsOf(v, l)
		if len(facts) < 1000 {
			t.Fatalf("only %d facts", len(facts))
		}
		missing := 0
		for _, fact := range facts {
			want := days.ReplaceAllString(squeezed(fact), "")
			if !strings.Contains(pdf, want) || !strings.Contains(page, want) {
				missing++
				t.Errorf("%s: %q is not on paper (PDF %v, page %v)", l.Code, fact, strings.Contains(pdf, want), strings.Contains(page, want))
			}
			if missing > 5 {
				t.FailNow()
			}
		}
	}
}

func TestMinutesSayWhatIsWrong(t *testing.T) {
	v := richRecord()
	v.State, v.Torn = transcript.Open, 31
	v.Problems = []transcript.Problem{{Line: 17, Error: fault.New(fault.LogBroken, "the hash of the line before is another")}}
	l := english()
	got := said(readPDF(t, written(t, func(b *bytes.Buffer) error { return PDF(b, v, l) })))
	for _, want := range []string{"open: it broke off", "NOT INTACT; problems: 1", "17the hash of the line before is another", "31 bytes at the end",
		"missing: Custodian Ünïcøde C primary (custodian-c1)", "findings: 1", "DIFFERS", "59. ", "MISSING", "NOT FINISHED HERE", "ZMK 2/3 is void"} {
		if !strings.Contains(got, squeezed(want)) {
			t.Errorf("%q is not said", want)
		}
	}
	whole := richRecord()
	whole.Findings, whole.Missing = nil, nil
	got = said(readPDF(t, written(t, func(b *bytes.Buffer) error { return PDF(b, whole, l) })))
	for _, want := range []string{"intact: every line", "every step was done as the script has it", "all 5 who took part signed"} {
		if !strings.Contains(got, squeezed(want)) {
			t.Errorf("%q is not said", want)
		}
	}
}

func TestChineseMinutesAreChinese(t *testing.T) {
	// Every word that the paper itself brings is translated: only what people wrote may stay in Latin letters.
	asked, verbs := map[string]int{}, map[string]bool{}
	for _, v := range script.Verbs() { // words of another package
		verbs[v.Says.Format] = true
	}
	zh := chinese()
	l := Language{Code: "zh", Say: func(x text.Text) string {
		said := zh.Say(x)
		if regexp.MustCompile(`[a-z]{3,}`).MatchString(x.Format) && said == x.String() && !verbs[x.Format] {
			asked[x.Format]++
		}
		return said
	}}
	v := richRecord()
	papers := []func(*bytes.Buffer) error{func(b *bytes.Buffer) error { return PDF(b, v, l) }}
	for _, f := range Forms() {
		papers = append(papers, func(b *bytes.Buffer) error { return FormPDF(b, f, nil, v, l) })
	}
	for _, p := range papers {
		written(t, p)
	}
	for format := range asked {
		t.Errorf("%q is not translated", format)
	}
}

func TestSameRecordGivesTheSameBytes(t *testing.T) {
	for _, l := range languages() {
		once, again := richRecord(), richRecord()
		for name, write := range map[string]func(*bytes.Buffer, *ceremony.Verified) error{
			"html": func(b *bytes.Buffer, v *ceremony.Verified) error { return HTML(b, v, l) },
			"pdf":  func(b *bytes.Buffer, v *ceremony.Verified) error { return PDF(b, v, l) },
			"form": func(b *bytes.Buffer, v *ceremony.Verified) error { return FormPDF(b, LoadingLog, nil, v, l) },
			"empty form": func(b *bytes.Buffer, v *ceremony.Verified) error {
				return FormPDF(b, Acceptance, v.Script, nil, l)
			},
		} {
			a := written(t, func(b *bytes.Buffer) error { return write(b, once) })
			b := written(t, func(b *bytes.Buffer) error { return write(b, again) })
			if !bytes.Equal(a, b) {
				t.Errorf("%s, %s: two runs differ", l.Code, name)
			}
			if strings.HasSuffix(name, "pdf") && !bytes.Contains(a, []byte("D:20261202")) {
				t.Errorf("%s, %s: the date is not that of the record", l.Code, name)
			}
		}
	}
}

func TestEveryPageHasItsNumberAndTheCeremony(t *testing.T) {
	v := richRecord()
	runs := readPDF(t, written(t, func(b *bytes.Buffer) error { return PDF(b, v, english()) }))
	pages := pagesOf(runs)
	if pages < 10 {
		t.Fatalf("only %d pages", pages)
	}
	short := strings.Join(strings.Fields(v.Script.Fingerprint().Hex())[:4], "")
	for n := 1; n <= pages; n++ {
		var on []textRun
		for _, r := range runs {
			if r.page == n {
				on = append(on, r)
			}
		}
		got := said(on)
		for _, want := range []string{fmt.Sprintf("page%dof%d", n, pages), v.Head.Ceremony, short} {
			if !strings.Contains(got, want) {
				t.Errorf("page %d does not say %q", n, want)
			}
		}
	}
	mustFit(t, runs)
}

func TestWhatIsNotRealIsMarkedOnEveryPage(t *testing.T) {
	for _, c := range []struct {
		environment custody.Environment
		mode        transcript.Mode
		mark        string
	}{
		{custody.Production, transcript.Run, ""}, {custody.Production, transcript.Rehearsal, "TEST REHEARSAL"},
		{custody.Test, transcript.Run, "TEST"}, {custody.Test, transcript.Rehearsal, "TEST REHEARSAL"},
	} {
		v := richRecord()
		sound(v)
		v.Head.Environment, v.Script.Environment, v.Head.Mode = c.environment, c.environment, c.mode
		l := chinese()
		papers := [][]byte{written(t, func(b *bytes.Buffer) error { return PDF(b, v, l) })}
		for _, f := range []Form{LoadingLog, Envelope} {
			papers = append(papers, written(t, func(b *bytes.Buffer) error { return FormPDF(b, f, nil, v, l) }))
		}
		for i, raw := range papers {
			mustBeMarked(t, readPDF(t, raw), c.mark, fmt.Sprintf("%s %s, paper %d", c.environment, c.mode, i))
		}
		page := written(t, func(b *bytes.Buffer) error { return HTML(b, v, l) })
		if got := bytes.Contains(page, []byte(`<div class="mark">`+c.mark+`<`)); got != (c.mark != "") {
			t.Errorf("%s %s: the page is marked: %v", c.environment, c.mode, got)
		}
	}
}

// sound takes away what is wrong with a record.
func sound(v *ceremony.Verified) {
	v.State, v.Problems, v.Findings, v.Missing = transcript.Closed, nil, nil, nil
}

// TestNoPageOfAnUnsoundRecordLooksFinal: pages are copied and filed one by one.
func TestNoPageOfAnUnsoundRecordLooksFinal(t *testing.T) {
	for _, c := range []struct {
		mark string
		spot func(*ceremony.Verified)
	}{
		{"NOT FINAL", func(v *ceremony.Verified) { v.State = transcript.Open }},
		{"GIVEN UP", func(v *ceremony.Verified) { v.State = transcript.Aborted }},
		{"NOT VERIFIED", func(v *ceremony.Verified) { v.Missing = []string{"witness.a"} }},
		{"NOT VERIFIED", func(v *ceremony.Verified) { v.Findings = []script.Finding{{ID: "other-card", Level: script.Error}} }},
		{"NOT VERIFIED", func(v *ceremony.Verified) {
			v.State, v.Problems = transcript.Open, []transcript.Problem{{Line: 3, Error: io.ErrUnexpectedEOF}}
		}},
	} {
		v := richRecord()
		sound(v)
		v.Head.Environment, v.Script.Environment, v.Head.Mode = custody.Production, custody.Production, transcript.Run
		c.spot(v)
		mustBeMarked(t, readPDF(t, written(t, func(b *bytes.Buffer) error { return PDF(b, v, english()) })), c.mark, c.mark)
		page := written(t, func(b *bytes.Buffer) error { return HTML(b, v, english()) })
		if !bytes.Contains(page, []byte(`<div class="mark">`+c.mark+`<`)) || bytes.Contains(page, []byte("not for production")) {
			t.Errorf("%s: the page is not marked so", c.mark)
		}
	}
}

// mustBeMarked wants the mark on top of each page and across it, or nowhere.
func mustBeMarked(t *testing.T, runs []textRun, mark, what string) {
	t.Helper()
	topMark, across := map[int]bool{}, map[int]bool{}
	for _, r := range runs {
		switch {
		case r.text == mark && mark != "" && r.size > 30:
			across[r.page] = true
		case r.text == mark && mark != "" && r.y < top:
			topMark[r.page] = true
		case mark == "" && (r.size > 30 || strings.Contains(r.text, transcript.MarkTest)):
			t.Fatalf("%s: %q stands on page %d of what is real", what, r.text, r.page)
		}
	}
	if n := pagesOf(runs); mark != "" && (len(topMark) != n || len(across) != n) {
		t.Errorf("%s: of %d pages %d are marked on top and %d across", what, n, len(topMark), len(across))
	}
}

func TestCodeSaysTheFingerprint(t *testing.T) {
	v := richRecord()
	page := string(written(t, func(b *bytes.Buffer) error { return HTML(b, v, english()) }))
	c, err := qr.Encode(v.Script.Fingerprint().String(), qr.M)
	if err != nil {
		t.Fatal(err)
	}
	black := 0
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				black++
				if !strings.Contains(page, fmt.Sprintf("M%d %dh1v1h-1z", x+4, y+4)) {
					t.Fatalf("the square at %d, %d is not black", x, y)
				}
			}
		}
	}
	if got := strings.Count(page, "h1v1h-1z"); got != black {
		t.Errorf("%d squares are black, want %d", got, black)
	}
}

func TestPageBringsNothingFromElsewhere(t *testing.T) {
	v := richRecord()
	v.Script.Title = `<script>alert("x")</script><img src=http://example.test/a.png>`
	v.Script.People[0].Name = `"><b onmouseover=x>`
	v.Records[2].Details = map[string]string{"text": "</table><iframe>"}
	page := string(written(t, func(b *bytes.Buffer) error { return HTML(b, v, english()) }))
	if tag := regexp.MustCompile(`<(script|img|iframe|link|object|embed|b )[^>]*`).FindString(page); tag != "" {
		t.Errorf("the page has %q in it", tag)
	}
	style, _, _ := strings.Cut(page, "</style>")
	for _, bad := range []string{"@import", "url(", "http:", "https:"} {
		if strings.Contains(style, bad) {
			t.Errorf("the style has %q in it", bad)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert") {
		t.Error("what people wrote is not shown")
	}
	if !strings.Contains(page, "default-src 'none'") {
		t.Error("the page may load things")
	}
}

func TestWithoutARecordThereAreNoMinutes(t *testing.T) {
	for _, v := range []*ceremony.Verified{nil, {}, {Document: &transcript.Document{}}} {
		var b bytes.Buffer
		for _, err := range []error{PDF(&b, v, english()), HTML(&b, v, english())} {
			if !fault.Is(err, fault.Usage) || b.Len() > 0 {
				t.Errorf("%v, %d bytes", err, b.Len())
			}
		}
	}
	// A record that holds nothing yet is one.
	v := &ceremony.Verified{Document: &transcript.Document{}, Script: &script.Script{}}
	var b bytes.Buffer
	if err := errors.Join(PDF(&b, v, english()), HTML(&b, v, chinese())); err != nil {
		t.Error(err)
	}
}

// failing fails at once.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestWritersErrorsAreTold(t *testing.T) {
	v := richRecord()
	for name, err := range map[string]error{"pdf": PDF(failing{}, v, english()), "html": HTML(failing{}, v, english()),
		"form": FormPDF(failing{}, Envelope, nil, v, english())} {
		if err == nil || !strings.Contains(err.Error(), "disk is full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

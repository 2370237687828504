package minutes

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// resumedRecord is a key whose first set of sheets a break made void, and which was drawn and cut again.
func resumedRecord() *ceremony.Verified {
	s := richScript()
	s.Steps = []script.Step{{Do: script.MakeKey, Key: "TMK"}, {Do: script.PrintPart, Key: "TMK", Part: 1},
		{Do: script.SealPart, Key: "TMK", Part: 1}, {Do: script.Close}}
	s.Keys[1].Parts = []script.Part{{Number: 1, Custodian: script.Seat{Primary: "custodian-a1"}}}
	r := &recorder{now: at(0, 0)}
	head := transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: transcript.Run, Environment: s.Environment, Script: []byte("x\n")}
	r.add(transcript.Entry{Kind: transcript.KindOpen, Head: &head})
	set := func(key, part, bag string) {
		r.step = 1
		r.add(transcript.Entry{Kind: transcript.KindMade, Key: "TMK", Check: cmacOf(key), Details: map[string]string{"how": "drawn"}})
		r.step = 2
		r.add(transcript.Entry{Kind: transcript.KindPrinted, Who: "custodian-a1", Key: "TMK", Part: 1, Check: cmacOf(part),
			Details: map[string]string{"set": "1A2B"}})
		r.step = 3
		r.add(transcript.Entry{Kind: transcript.KindBag, Who: "custodian-a1", Key: "TMK", Part: 1, Details: map[string]string{
			"event": "sealed", "serial": bag}})
		r.step = 0
	}
	set("111111", "222222", "BAG-VOID")
	r.add(transcript.Entry{Kind: transcript.KindResumed, Details: map[string]string{"torn": "0", "again": "1, 2, 3"}})
	r.add(transcript.Entry{Kind: transcript.KindVoid, Key: "TMK", Part: 1, Details: map[string]string{
		"why": "printed before the break; the sheet is destroyed"}})
	set("333333", "444444", "BAG-VALID")
	return &ceremony.Verified{Document: &transcript.Document{Head: head, Records: r.records, State: transcript.Closed}, Script: s,
		Program: programOf(s)}
}

// TestWhatABreakMadeVoidIsStruckThrough: nobody takes a check value or a bag of the first set for a valid one.
func TestWhatABreakMadeVoidIsStruckThrough(t *testing.T) {
	p, err := tell(resumedRecord(), english())
	if err != nil {
		t.Fatal(err)
	}
	void, valid := 0, 0
	for _, b := range p.Blocks {
		if b.Table == nil || !b.Table.Headed {
			continue
		}
		for _, row := range b.Table.Rows {
			struck := map[string]bool{}
			says := ""
			for _, c := range row {
				struck[c.Text] = c.Struck
				says += c.Text + " "
			}
			for _, s := range []string{"111111", "222222", "BAG-VOID"} {
				if strings.Contains(says, s) && struck[s] && strings.Contains(says, "VOID, see line ") {
					void++
				}
			}
			for _, s := range []string{"333333", "444444", "BAG-VALID"} {
				if is, there := struck[s]; there && !is && !strings.Contains(says, "VOID, see") {
					valid++
				}
			}
		}
	}
	if void != 3 || valid != 3 {
		t.Errorf("%d of 3 are void, %d of 3 valid", void, valid)
	}
	page := string(written(t, func(b *bytes.Buffer) error { return writeHTML(b, p) }))
	if n := len(regexp.MustCompile(`struck"[^>]*>(111111|BAG-VOID)<`).FindAllString(page, -1)); n != 2 {
		t.Errorf("the page strikes %d of 2 through", n)
	}
	readPDF(t, written(t, func(b *bytes.Buffer) error { return printPDF(b, p) }))
}

// TestAFormIsNotFilledFromWhatIsVoid: the label goes on the bag that is there.
func TestAFormIsNotFilledFromWhatIsVoid(t *testing.T) {
	v := resumedRecord()
	v.Records = v.Records[:6] // it broke, and was not cut again
	p, err := form(Envelope, nil, v, english())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(paperText(p), "BAG-VOID") {
		t.Error("the label has the serial of a bag that is void")
	}
}

// TestOnlyWhatFallsWithAPartIsVoid: what was typed wrong is void, and not the bag that it came in; of a damaged bag
// the bag.
func TestOnlyWhatFallsWithAPartIsVoid(t *testing.T) {
	for _, c := range []struct{ state, want string }{{"intact", "3"}, {"damaged", "1 2 3"}} {
		r := &recorder{}
		r.step = 4
		for _, event := range []string{"received", "opened"} {
			r.add(transcript.Entry{Kind: transcript.KindBag, Key: "K", Part: 1, Details: map[string]string{"event": event, "serial": "B",
				"state": "intact"}})
		}
		r.add(transcript.Entry{Kind: transcript.KindEntered, Key: "K", Part: 1})
		r.add(transcript.Entry{Kind: transcript.KindEntered, Key: "K", Part: 2})
		r.records[1].Details["state"] = c.state
		r.add(transcript.Entry{Kind: transcript.KindVoid, Key: "K", Part: 1})
		r.add(transcript.Entry{Kind: transcript.KindEntered, Key: "K", Part: 1})
		void := voided(r.records)
		var got []string
		for n := range 7 {
			if void[n] == 5 {
				got = append(got, fmt.Sprint(n))
			}
		}
		if strings.Join(got, " ") != c.want || len(void) != len(got) {
			t.Errorf("%s: lines %v are void, want %s", c.state, void, c.want)
		}
	}
}

// TestTextsOfTheScriptAreNotPrintedTwice: what was read aloud stands in the record, on one line.
func TestTextsOfTheScriptAreNotPrintedTwice(t *testing.T) {
	v := resumedRecord()
	v.Script.Steps[0].Text = "The key is drawn now.\n  Nobody sees it.\n"
	v.Program = programOf(v.Script)
	s := &story{cast: newCast(english(), v.Script, v), p: &paper{}}
	if s.scriptText(); !strings.Contains(paperText(s.p), "Nobody sees it") {
		t.Fatal("what nobody read aloud is left out")
	}
	v.Records[1].Entry = transcript.Entry{Kind: transcript.KindSaid, Step: 1, Details: map[string]string{
		"text": "The key is drawn now. Nobody sees it."}}
	s.p = &paper{}
	if s.scriptText(); strings.Contains(paperText(s.p), "Nobody sees it") {
		t.Error("what was read aloud is printed again")
	}
}

// TestANoteTakesNothingFromARecord: every rehearsal has one.
func TestANoteTakesNothingFromARecord(t *testing.T) {
	v := richRecord()
	sound(v)
	v.Findings = []script.Finding{{ID: "rehearsal", Level: script.Note, What: text.Raw("x")}}
	s := &story{cast: newCast(english(), v.Script, v), p: &paper{}}
	if c := s.byScriptCell(); c.Tone != good {
		t.Errorf("%q is %q", c.Text, c.Tone)
	}
	p, err := form(LoadingLog, nil, v, english())
	if err != nil || !strings.Contains(paperText(p), "differ from the script: 0") {
		t.Errorf("the log counts the note: %v", err)
	}
}

// TestNoWordOfTheProgramStaysEnglish: the details of lines are called by words of the reader's language.
func TestNoWordOfTheProgramStaysEnglish(t *testing.T) {
	c := newCast(chinese(), richScript(), nil)
	d := map[string]string{"by": "digits", "algorithm": "aes-256", "label": "TMK#1", "set": "1A2B", "row": "2", "again": "3, 4",
		"why": "printed before the break; the sheet is destroyed", "how": "drawn", "what": "legible", "parity": "odd", "under": "TPK",
		"reason": "2026", "bag": "B-7", "because": "interrupted", "step": "4", "where": "7", "id": "7", "phrase": "7", "serial-by": "7"}
	said := c.rest(&details{values: d, taken: map[string]bool{}})
	for _, own := range []string{"aes-256", "TMK#1", "1A2B", "TPK", "B-7", "SHA-256"} {
		said = strings.ReplaceAll(said, own, "")
	}
	if i := strings.IndexFunc(said, func(r rune) bool { return r >= 'A' && r <= 'z' }); i >= 0 {
		t.Errorf("%q", said)
	}
}

// TestALabelIsOnOnePage: it is cut out, also with the longest names.
func TestALabelIsOnOnePage(t *testing.T) {
	v := richRecord()
	for i := range v.Script.People {
		v.Script.People[i].Name = longChinese + " " + longWord
	}
	for _, l := range languages() {
		runs := readPDF(t, written(t, func(b *bytes.Buffer) error { return FormPDF(b, Envelope, v.Script, nil, l) }))
		seal := squeezed(l.Say(text.New("signature over the seal")))
		titles, seals, seen := map[int]int{}, map[int]int{}, map[string]bool{}
		for _, r := range runs {
			if line := fmt.Sprintf("%d %.1f", r.page, r.y); r.size == 13 && !seen[line] {
				seen[line] = true
				titles[r.page]++
			}
			if squeezed(r.text) == seal {
				seals[r.page]++
			}
		}
		if len(titles) == 0 || fmt.Sprint(titles) != fmt.Sprint(seals) {
			t.Errorf("%s: labels begin on pages %v, end on %v", l.Code, titles, seals)
		}
	}
}

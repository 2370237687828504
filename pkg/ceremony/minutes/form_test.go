package minutes

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// formFields are the fields that a form must have, by the list for PCI PIN, in the words of the forms.
func formFields(f Form) []string {
	switch f {
	case Acceptance:
		return []string{"name", "employee number", "role", "component", "reports to (manager)", "management, which authorises", "signature",
			"in force from (date, time)", "in force until (date, time)", "Duties", "History of this component's custodians", "date of training",
			"handed over by", "taken over by"}
	case LoadingLog:
		return []string{"ceremony", "script, SHA-256", "script, in words", "begun (UTC)", "ended (UTC)", "place of the ceremony", "Access to the room",
			"Items inspected", "make, model", "serial number", "firmware", "POI version", "key in the store", "slot", "usage", "component, custodian",
			"bag out", "state of the bag", "opened at", "entered at", "check value: expected, seen, match", "bag in, or destruction",
			"method of combination", "check value, expected", "check value, seen by the tool", "check value, seen by the device",
			"key block, header", "key block, SHA-256", "result", "deviations", "Signatures", "operator", "witness", "tool, version and build",
			"number of devices loaded", "kept until (two years after the key's destruction at least)"}
	case Destruction:
		return []string{"affidavit", "key", "of it", "form", "paper", "smart card", "token", "content of a secure device", "check value, method", "bag number",
			"state of the bag", "reason", "loaded and confirmed", "end of its period", "compromise", "made by mistake",
			"proof that the key works (device's check value, line of the log)", "method", "date, time (UTC)", "place of the ceremony", "destroyed by",
			"witness, not a custodian of this key", "statement", "No copy of it remains", "Signatures", "inventory",
			"kept until (two years after the key's destruction at least)"}
	case Envelope:
		return []string{"custodian", "backup custodian", "bag, inner", "bag, outer", "channel", "who sends the serial, apart", "key in the store",
			"ceremony", "sealed (date, time)", "signature over the seal"}
	case Conveyance:
		return []string{"component", "sender", "receiver", "bag, inner", "bag, outer", "channel or courier", "out (date, time)", "in (date, time)",
			"by whom", "how", "when", "serial read", "state of the bag", "match", "channels of the other components", "this one differs"}
	}
	return nil
}

func TestFormsHaveAllTheirFields(t *testing.T) {
	v := richRecord()
	for _, kind := range Forms() {
		for _, l := range languages() {
			for name, rec := range map[string]*ceremony.Verified{"before": nil, "after": v} {
				p, err := form(kind, v.Script, rec, l)
				if err != nil {
					t.Fatalf("%s %s: %v", kind, name, err)
				}
				labels := paperText(p)
				fields := formFields(kind)
				if len(fields) == 0 {
					t.Fatalf("%s has no fields", kind)
				}
				for _, want := range fields {
					if l.Code == "en" && !strings.Contains(labels, want) {
						t.Errorf("%s, %s: the field %q is missing", kind, name, want)
					}
				}
				raw := written(t, func(b *bytes.Buffer) error { return FormPDF(b, kind, v.Script, rec, l) })
				runs := readPDF(t, raw)
				mustFit(t, runs)
				// What stands in the paper stands in the PDF.
				got := said(runs)
				for _, line := range strings.Split(labels, "\x00") {
					if !strings.Contains(got, squeezed(line)) {
						t.Errorf("%s, %s, %s: %q is not in the PDF", kind, name, l.Code, line)
					}
				}
			}
		}
	}
}

// paperText are all texts of a paper, NUL between them.
func paperText(p *paper) string {
	var out []string
	for _, b := range p.Blocks {
		out = append(out, b.Text)
		for _, c := range b.Lines {
			out = append(out, c.Text)
		}
		if b.Table == nil {
			continue
		}
		for _, c := range b.Table.Columns {
			if b.Table.Headed {
				out = append(out, c.Title)
			}
		}
		for _, row := range b.Table.Rows {
			for _, c := range row {
				out = append(out, c.Text)
			}
		}
	}
	return strings.Join(out, "\x00")
}

func TestFormsAreFilledFromScriptAndRecord(t *testing.T) {
	v := richRecord()
	for kind, want := range map[Form][]string{
		Acceptance: {"Custodian A primary", "保管人乙 backup", "E-121", "manager-3", "1 of 3 of key ZMK", "BAG-770002"},
		LoadingLog: {"20261201-7F3A91C2", "A1B2C3D4E5 (cmac)", "SN-99001122", "D0144K0AB00E0000", cardOfLower("block"), "intact", "2026-12-01 09:07:56",
			"destroyed 2026-12-02 05:23:14", "poskey 1.5.0 (build 0123abcd)", "two digits were exchanged", longChinese, "DIFFERS"},
		Destruction: {"20261201-7F3A91C2-D3", "component 3 of 3", "cross-cut and pulped", "line 78: device SN-99001122", "102030 (cmac)", "intact"},
		Envelope:    {"component 3 of 3", "OUT-880003", "信使乙", "Leader One (leader-1)"},
		Conveyance:  {"ZMK 2/3: 信使乙", "BAG-770003", "intact", "match", "2026-12-01 09:07:39"},
	} {
		got := said(readPDF(t, written(t, func(b *bytes.Buffer) error { return FormPDF(b, kind, nil, v, english()) })))
		for _, w := range want {
			if !strings.Contains(got, squeezed(w)) {
				t.Errorf("%s does not say %q", kind, w)
			}
		}
		before := said(readPDF(t, written(t, func(b *bytes.Buffer) error { return FormPDF(b, kind, v.Script, nil, english()) })))
		if strings.Contains(before, v.Head.Ceremony) {
			t.Errorf("%s: an empty form knows the ceremony", kind)
		}
	}
}

func cardOfLower(name string) string { return strings.ToLower(cardOf(name)) }

func TestFormsHaveTheirPages(t *testing.T) {
	v := richRecord()
	for kind, want := range map[Form]int{Acceptance: 6, Destruction: 3, Conveyance: 3, Envelope: 1} {
		for _, l := range languages() {
			runs := readPDF(t, written(t, func(b *bytes.Buffer) error { return FormPDF(b, kind, v.Script, nil, l) }))
			if got := pagesOf(runs); got != want {
				t.Errorf("%s, %s: %d pages, want %d", kind, l.Code, got, want)
			}
		}
	}
}

func TestFormsAreMadeOfEveryTemplate(t *testing.T) {
	made := map[Form]int{}
	for n, tpl := range script.Templates() {
		l := languages()[n%2]
		raw, err := script.New(tpl.Kind, script.Wish{Chinese: l.Code == "zh"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := script.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		for i, kind := range Forms() {
			if (n+i)%3 == 0 {
				continue // enough: each form comes with six templates
			}
			var b bytes.Buffer
			if err := FormPDF(&b, kind, s, nil, l); err != nil {
				if !fault.Is(err, fault.Usage) || b.Len() > 0 {
					t.Errorf("%s of %s: %v", kind, tpl.Kind, err)
				}
				continue
			}
			made[kind]++
			runs := readPDF(t, b.Bytes())
			mustFit(t, runs)
			mustBeMarked(t, runs, transcript.MarkTest, string(kind))
		}
	}
	for _, kind := range Forms() {
		if made[kind] == 0 {
			t.Errorf("no template has a form %s", kind)
		}
	}
}

func TestOneChannelForTwoComponentsIsNamed(t *testing.T) {
	v := richRecord()
	s := v.Script
	s.Keys[0].Parts[2].Channel = s.Keys[0].Parts[0].Channel
	got := said(readPDF(t, written(t, func(b *bytes.Buffer) error { return FormPDF(b, Conveyance, s, nil, english()) })))
	if n := strings.Count(got, squeezed("THE SAME CHANNEL IS USED TWICE")); n != 2 {
		t.Errorf("named %d times, want on both pages", n)
	}
}

func TestFormsThatHaveNothingToSayAreRefused(t *testing.T) {
	s := &script.Script{Keys: []script.Key{{ID: "K"}}}
	for _, c := range []struct {
		form Form
		s    *script.Script
	}{{Acceptance, s}, {Envelope, s}, {Conveyance, s}, {"receipt", s}, {LoadingLog, nil}} {
		var b bytes.Buffer
		if err := FormPDF(&b, c.form, c.s, nil, english()); !fault.Is(err, fault.Usage) || b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", c.form, err, b.Len())
		}
	}
	var b bytes.Buffer
	if err := FormPDF(&b, Destruction, s, &ceremony.Verified{}, english()); err != nil { // the whole key may be destroyed
		t.Error(err)
	}
}

func TestWhoDestroyedIsNotTheOneWhoWasPlanned(t *testing.T) {
	v := richRecord()
	for i := range v.Records {
		if v.Records[i].Kind == transcript.KindDestroyed {
			v.Records[i].Who = "witness-2"
		}
	}
	p, err := form(Destruction, nil, v, english())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(paperText(p), "destroyed by\x00Witness Łukasz Ωmega (witness-2)"); n != 6 { // field and signature of three pages
		t.Errorf("named %d times", n)
	}
}

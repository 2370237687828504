package ceremony

import (
	"io"
	"reflect"
	"testing"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
)

// TestSheetsSayWhatIsKnown: of what the script and the room tell, nothing is left to be written by hand. What drew
// the key is known to nobody here, and new bags are taken off the roll.
func TestSheetsSayWhatIsKnown(t *testing.T) {
	s := newStage(t, template(t, script.ZMKExchange), transcript.Rehearsal)
	var all []SheetAbout
	o := s.options()
	write := o.Sheet
	o.Sheet = func(w io.Writer, p *component.Part, about SheetAbout) error {
		all = append(all, about)
		return write(w, p, about)
	}
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
		Environment: s.program.Script.Environment, Script: s.program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		t.Fatal(err)
	}
	o.Log = log
	if _, err := Lead(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, s.desk.seen.String())
	}
	k, ok := s.program.Script.Key("ZMK")
	if !ok || len(all) != len(k.Parts) {
		t.Fatalf("%d sheets", len(all))
	}
	unknown := map[string]bool{"Generator": true, "Bag": true, "Outer": true}
	for i, about := range all {
		v := reflect.ValueOf(about)
		for n := range v.NumField() {
			if name := v.Type().Field(n).Name; v.Field(n).IsZero() != unknown[name] {
				t.Errorf("sheet %d: %s is %v", i+1, name, v.Field(n))
			}
		}
		fp := s.program.Script.Fingerprint()
		if about.Script != fp.String() || about.Fingerprint != fp.Words() || about.SerialBy != k.Parts[i].SerialBy ||
			about.Channel != k.Parts[i].Channel || about.Witness != "Witness A (witness.a)" || about.Custodian != "Custodian "+string(rune('A'+i))+" (custodian."+string(rune('a'+i))+")" {
			t.Errorf("sheet %d: %+v", i+1, about)
		}
	}
}

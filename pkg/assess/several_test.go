package assess

import (
	"testing"

	"poskey/internal/text"
)

func TestOfSeveralTerminalsTheWorstVerdictHolds(t *testing.T) {
	report := func(serial string, verdicts ...Verdict) Report {
		r := Report{Of: Subject{Device: serial}}
		for i, v := range verdicts {
			r.Results = append(r.Results, Result{Control: Control{ID: string(rune('A' + i)), Dimension: Hardware, Weight: 2},
				Finding: Finding{Verdict: v, Origin: FromDevice, Found: text.Raw(serial)}})
		}
		r.tally()
		return r
	}
	one := report("T1", Met, Met, Met, NotApplicable, NotMet)
	two := report("T2", Met, NotMet, NoEvidence, Met, NotMet)
	two.Results[4].Finding.Items = []string{"slot 5"}
	all := Several([]Report{one, two})
	for i, want := range []Verdict{Met, NotMet, NoEvidence, Met, NotMet} {
		if got := all.Results[i].Finding.Verdict; got != want {
			t.Errorf("control %d is %s, want %s", i, got, want)
		}
	}
	if got := all.Results[4].Finding.Items; len(got) != 2 || got[0] != "T1" || got[1] != "T2: slot 5" {
		t.Errorf("both terminals are to be named: %q", got)
	}
	if all.Of.Device != "T1, T2" || all.Total.Met != 4 || all.Total.Known != 8 || all.Total.Applies != 10 || all.Scores[0].Met != 4 {
		t.Errorf("of %q, total %+v", all.Of.Device, all.Total)
	}
	if one.Results[1].Finding.Verdict != Met || one.Total.Met != 6 {
		t.Error("the report of one terminal was changed")
	}
	if alone := Several([]Report{one}); alone.Of.Device != "T1" || len(Several(nil).Results) != 0 {
		t.Error("one report stays as it is")
	}
}

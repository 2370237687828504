package diagnose

// The form that the answer takes in JSON. Sentences are English there.

import (
	"encoding/json"

	"poskey/internal/text"
	"poskey/pkg/errorcode"
	"poskey/pkg/keys"
)

// MarshalJSON gives the finding as `diagnose` prints it; sentences are English there.
func (f Finding) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Cause      Cause     `json:"cause"`
		Also       Cause     `json:"also,omitempty"`
		Certainty  Certainty `json:"certainty"`
		Odds       float64   `json:"odds"`
		Evidence   Evidence  `json:"evidence"`
		Summary    string    `json:"summary"`
		NextTest   string    `json:"next_test"`
		Fix        string    `json:"fix"`
		Prevention string    `json:"prevention"`
		Impact     string    `json:"impact"`
	}{f.Cause, f.Also, f.Certainty, f.Odds, f.Evidence,
		f.Summary.String(), f.NextTest.String(), f.Fix.String(), f.Prevention.String(), f.Impact.String()})
}

// MarshalJSON gives the report without schema, which is the caller's.
func (r Report) MarshalJSON() ([]byte, error) {
	findings := r.Findings
	if findings == nil {
		findings = []Finding{}
	}
	return json.Marshal(struct {
		Verdict  Verdict     `json:"verdict"`
		Findings []Finding   `json:"findings"`
		NextStep string      `json:"next_step,omitempty"`
		Searched Searched    `json:"searched"`
		RuledOut []Ruling    `json:"ruled_out,omitempty"`
		Notes    []string    `json:"notes,omitempty"`
		Keys     []KeyResult `json:"keys,omitempty"`
		Variants []Variant   `json:"variants,omitempty"`
		Readings []Reading   `json:"readings,omitempty"`
	}{r.Verdict, findings, r.NextStep.String(), r.Searched, r.RuledOut, inEnglish(r.Notes), r.Keys, r.Variants, r.Readings})
}

func inEnglish(all []text.Text) []string {
	var out []string
	for _, t := range all {
		out = append(out, t.String())
	}
	return out
}

// MarshalJSON gives the ruling with its reason in English.
func (r Ruling) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Cause  Cause  `json:"cause"`
		Reason string `json:"reason"`
	}{r.Cause, r.Reason.String()})
}

// MarshalJSON gives what was seen in English.
func (s Seen) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		What     string `json:"what"`
		Expected string `json:"expected,omitempty"`
		Observed string `json:"observed,omitempty"`
	}{s.What.String(), s.Expected.String(), s.Observed.String()})
}

// MarshalJSON gives the time in milliseconds.
func (s Searched) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Candidates            int     `json:"candidates"`
		ExpectedChanceMatches float64 `json:"expected_chance_matches"`
		WrongDigits           int     `json:"wrong_digits,omitempty"`
		Matches               int     `json:"matches,omitempty"`
		Milliseconds          int64   `json:"ms"`
	}{s.Candidates, s.ExpectedChanceMatches, s.WrongDigits, s.Matches, s.Elapsed.Milliseconds()})
}

// MarshalJSON gives the result of a key as `diagnose signin` prints it.
func (k KeyResult) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Key       string         `json:"key"`
		Layout    string         `json:"layout"`
		TMK       string         `json:"tmk,omitempty"`
		Algorithm keys.Algorithm `json:"algorithm"`
		Check     string         `json:"check"`
		Computed  string         `json:"computed,omitempty"`
		Match     bool           `json:"match"`
		Shown     string         `json:"shown,omitempty"`
	}{string(k.Key), k.Layout, k.TMK, k.Alg, k.Check, k.Computed, k.Match, k.Shown})
}

// MarshalJSON gives the variant with its sentence in English.
func (v Variant) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Key   string `json:"key"`
		Cause Cause  `json:"cause"`
		Value string `json:"value"`
		Says  string `json:"says"`
	}{string(v.Key), v.Cause, v.Value, v.Says.String()})
}

// MarshalJSON gives the reading as `diagnose` prints it; the meaning is English there.
func (r Reading) MarshalJSON() ([]byte, error) {
	causes := r.Causes
	if causes == nil {
		causes = []Cause{}
	}
	return json.Marshal(struct {
		Vendor    string              `json:"vendor"`
		Table     string              `json:"table"`
		Code      string              `json:"code"`
		Symbol    string              `json:"symbol,omitempty"`
		Meaning   string              `json:"meaning"`
		Kind      errorcode.Kind      `json:"kind"`
		Certainty errorcode.Certainty `json:"certainty"`
		Weight    errorcode.Weight    `json:"weight"`
		Why       string              `json:"why,omitempty"`
		Playbook  string              `json:"playbook,omitempty"`
		Causes    []Cause             `json:"causes"`
		Where     string              `json:"where,omitempty"`
	}{r.Vendor, r.Table, r.Code, r.Symbol, r.Meaning.String(), r.Kind, r.Certainty, r.Weight, r.Why.String(),
		r.Playbook, causes, r.Where})
}

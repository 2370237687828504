package assess

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"

	"poskey/internal/fault"
)

// printed is a report as a command prints it.
func printed(t testing.TB, r *Report) []byte {
	t.Helper()
	raw, err := json.Marshal(struct {
		Schema string `json:"schema"`
		Document
	}{DocumentSchema, r.Document()})
	must(t, err)
	return raw
}

func TestAReportIsReadBackForTheNextOne(t *testing.T) {
	e := good()
	worse()["HW-01"](e)
	r := Assess(e, someAnswers())
	r.Compare(map[string]Verdict{"HW-01": Met}, daysAgo(30))
	d, err := ParseDocument(printed(t, &r))
	must(t, err)
	if !reflect.DeepEqual(d, r.Document()) {
		t.Error("it is read as another one")
	}
	want := map[string]Verdict{}
	for i := range r.Results {
		want[r.Results[i].Control.ID] = r.Results[i].Finding.Verdict
	}
	if !maps.Equal(d.Verdicts(), want) || !d.Time().Equal(now()) {
		t.Errorf("at %s", d.Time())
	}
	next := Assess(e, someAnswers())
	next.Compare(d.Verdicts(), d.Time())
	if len(next.Changes) != 0 {
		t.Errorf("nothing changed, and %d changes are told", len(next.Changes))
	}
}

func TestNoKeyAndNoNullStandsInADocument(t *testing.T) {
	r := Assess(good(), Answers{})
	raw := printed(t, &r)
	if bytes.Contains(bytes.ReplaceAll(raw, []byte(`"percent":null`), nil), []byte("null")) {
		t.Error("a list is null")
	}
	for _, member := range []string{`"at":"2026-09-01T09:00:00Z"`, `"of":{"device":"T-0001","store":"STORE-1","environment":"production"}`,
		`"verdict":"no-evidence"`, `"percent":`, `"coverage":`, `"references":[{"standard":"PCI PTS POI","confirmed":false}`} {
		if !bytes.Contains(raw, []byte(member)) {
			t.Errorf("there is no %s", member)
		}
	}
}

func TestWhatIsNoReportIsRefused(t *testing.T) {
	r := Assess(good(), Answers{})
	whole := string(printed(t, &r))
	for name, raw := range map[string]string{
		"empty":           "",
		"no JSON":         "poskey",
		"another schema":  strings.Replace(whole, DocumentSchema, "poskey.fleet-report/v1", 1),
		"no schema":       strings.Replace(whole, `"schema":"poskey.assess/v1",`, "", 1),
		"no time":         strings.Replace(whole, `"at":"2026-09-01T09:00:00Z"`, `"at":"today"`, 1),
		"no controls":     `{"schema":"poskey.assess/v1","at":"2026-09-01T09:00:00Z"}`,
		"a verdict":       strings.Replace(whole, `"verdict":"not-met"`, `"verdict":"perhaps"`, 1),
		"an id":           strings.Replace(whole, `"id":"HW-01"`, `"id":"hw 01"`, 1),
		"a control twice": strings.Replace(whole, `"id":"HW-02"`, `"id":"HW-01"`, 1),
		"more":            whole + "{}",
		"cut off":         whole[:len(whole)/2],
	} {
		d, err := ParseDocument([]byte(raw))
		if !fault.Is(err, fault.Malformed) || len(d.Controls) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseDocument(bytes.Repeat([]byte(" "), MaxDocument+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzDocument(f *testing.F) {
	r := Assess(good(), someAnswers())
	r.Results, r.Scores = r.Results[:2], r.Scores[:1]
	f.Add(printed(f, &r))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := ParseDocument(raw)
		if err != nil && !reflect.DeepEqual(d, Document{}) {
			t.Fatal("with an error there is a document")
		}
		if err == nil && (d.Time().IsZero() && !strings.HasPrefix(d.At, "0001") || len(d.Verdicts()) != len(d.Controls)) {
			t.Fatalf("%q, %d controls", d.At, len(d.Controls))
		}
	})
}

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// begunIn makes the folder of a ceremony that broke at its beginning, and gives its script.
func begunIn(t *testing.T, dir string, change func(string) string) []byte {
	t.Helper()
	raw, err := script.New(script.Reissue, script.Wish{Environment: custody.Test})
	if err != nil {
		t.Fatal(err)
	}
	raw = []byte(change(string(raw)))
	log, err := transcript.Create(filepath.Join(dir, ceremonyRecord), transcript.Head{Ceremony: "20261201-7F3A91",
		Mode: transcript.Run, Environment: custody.Test, Script: raw, Language: "en"},
		transcript.Options{Now: time.Now, Sync: func(*os.File) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Abandon(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ceremonyScript), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return raw
}

func same(s string) string { return s }

// TestARecordOfAnotherVersionIsRefusedByAll: its bytes hold, and its script cannot be read.
func TestARecordOfAnotherVersionIsRefusedByAll(t *testing.T) {
	dir := t.TempDir()
	begunIn(t, dir, func(s string) string { return strings.Replace(s, script.Schema, "poskey.ceremony/v9", 1) })
	if v, err := verifyRecord(dir); err == nil || v != nil && v.Script != nil {
		t.Errorf("%+v, %v", v, err)
	}
	if past, err := pastIn(filepath.Join(dir, ceremonyRecord), ""); err == nil || past != nil {
		t.Errorf("it tells %+v, %v", past, err)
	}
	if _, err := readReported(t.Context(), dir); err == nil {
		t.Error("minutes are written of it")
	}
	v, err := readVerified(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := ceremonyVerifyOpts{script: filepath.Join(dir, ceremonyScript)}
	if bad, err := o.problems(t.Context(), v, dir); !fault.Is(bad, fault.LogBroken) || err != nil {
		t.Errorf("%v, %v", bad, err)
	}
}

// TestAReportSaysThatItsRecordDoesNotHold as verify does.
func TestAReportSaysThatItsRecordDoesNotHold(t *testing.T) {
	dir := t.TempDir()
	begunIn(t, dir, same)
	r, err := readReported(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if doc := r.doc(ceremonyReportOpts{format: reportJSON}); doc.Verified || verdictOf(r.record, dir) == nil {
		t.Error("a record without an end is called verified")
	}
}

// TestAnotherScriptBesideTheRecordIsTold where people name the folder; nobody is told to go on with it.
func TestAnotherScriptBesideTheRecordIsTold(t *testing.T) {
	dir := t.TempDir()
	raw := begunIn(t, dir, same)
	d, err := readRecord(dir)
	if err != nil {
		t.Fatal(err)
	}
	if found := besideRecord(dir, d); found != nil || !goesOn(dir, d) {
		t.Errorf("the script of the record: %+v", found)
	}
	for _, c := range []struct {
		want  string
		leave func(path string) error
	}{
		{"script-file-other", func(path string) error { return os.WriteFile(path, append(raw, '\n'), 0o600) }},
		{"script-file-missing", os.Remove},
	} {
		if err := c.leave(filepath.Join(dir, ceremonyScript)); err != nil {
			t.Fatal(err)
		}
		found := besideRecord(dir, d)
		if len(found) != 1 || found[0].ID != c.want || found[0].Level != script.Warning || goesOn(dir, d) {
			t.Errorf("%s: found %+v", c.want, found)
		}
		if found := besideRecord(filepath.Join(dir, ceremonyRecord), d); found != nil {
			t.Errorf("a record alone: found %+v", found)
		}
		r, err := readReported(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		doc := r.doc(ceremonyReportOpts{format: reportJSON})
		if n := len(doc.Findings); n == 0 || doc.Findings[n-1].ID != c.want {
			t.Errorf("the report has %+v", doc.Findings)
		}
	}
}

package assess

// Every sentence that an assessment can show has its Chinese form.

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"poskey/internal/i18n"
	"poskey/internal/text"
)

// TestEverySentenceIsChineseInChinese: over good evidence and every way in which it can be worse, empty or odd, nothing that
// is read by people is left in English. Names, numbers and commands stay as they are.
func TestEverySentenceIsChineseInChinese(t *testing.T) {
	say, told := i18n.New(i18n.Chinese), map[string]bool{}
	han := regexp.MustCompile(`\p{Han}`)
	commands := regexp.MustCompile(`^(poskey [a-z -]+[A-Z#0-9a-z .:-]*|chmod .*)$`)
	look := func(where string, s text.Text) {
		if s.IsZero() {
			return
		}
		shown := say.Text(s)
		if !han.MatchString(shown) && !commands.MatchString(shown) {
			t.Errorf("%s: %q", where, shown)
		}
		told[s.Format] = true
	}
	var changes []change
	for _, rows := range []map[string]change{worse(), nothing(), outside(), better()} {
		for _, id := range slices.Sorted(maps.Keys(rows)) {
			changes = append(changes, rows[id])
		}
	}
	changes = append(changes, func(*Evidence) {})
	for _, by := range changes {
		e := good()
		by(e)
		r := Assess(e, Answers{})
		for i := range r.Results {
			c := &r.Results[i].Control
			look(c.ID+" asks", c.Ask)
			look(c.ID+" fix", c.Fix)
			if e.Log == nil || e.Log.Broken == nil { // fixtures break it with an error of their own words
				look(c.ID+" found", r.Results[i].Finding.Found)
			}
		}
		for _, w := range r.Warnings {
			if w.ID != "log-broken" && w.ID != "incident-broken" {
				look(w.ID, w.What)
			}
			look(w.ID+" fix", w.Fix)
		}
	}
	if len(told) < 100 {
		t.Errorf("only %d sentences were seen", len(told))
	}
}

package diagnose

// Tests of the catalogue of causes: what stands beside each of them.

import (
	"testing"

	"poskey/internal/text"
	"poskey/pkg/playbook"
)

// allCauses is the catalogue; one that is empty is fatal.
func allCauses(t *testing.T) []Cause {
	t.Helper()
	all := Causes()
	if len(all) != 52 {
		t.Fatalf("the catalogue has %d causes, want 52", len(all))
	}
	return all
}

func TestEveryCauseStandsInTheCatalogueOnce(t *testing.T) {
	seen := map[Cause]bool{}
	for _, c := range allCauses(t) {
		if seen[c] || c == "" {
			t.Errorf("%q stands twice, or is no id", c)
		}
		seen[c] = true
		if c.Title().Format == "%s" || c.Title().IsZero() {
			t.Errorf("%s has no title", c)
		}
	}
}

// TestEveryCauseHasItsOwnAdvice holds all texts against each other: what fits two causes tells neither of them apart.
func TestEveryCauseHasItsOwnAdvice(t *testing.T) {
	owner := map[string]Cause{}
	for _, c := range allCauses(t) {
		a := c.advice()
		for what, words := range map[string]text.Text{
			"title": c.Title(), "next test": a.nextTest, "fix": a.fix, "prevention": a.prevention, "impact": a.impact,
		} {
			if words.IsZero() {
				t.Errorf("%s has no %s", c, what)
				continue
			}
			if other, taken := owner[words.Format]; taken {
				t.Errorf("%s and %s share a text: %s", other, c, words.Format)
			}
			owner[words.Format] = c
		}
	}
}

func TestAdviceIsGivenOnce(t *testing.T) {
	given := map[Cause]bool{}
	for _, family := range adviceByFamily() {
		for _, a := range family() {
			if given[a.cause] {
				t.Errorf("%s has two advices", a.cause)
			}
			given[a.cause] = true
		}
	}
	if len(given) != len(allCauses(t)) {
		t.Errorf("advice is given about %d causes of %d", len(given), len(allCauses(t)))
	}
}

func TestUnknownCausesHaveNoAdvice(t *testing.T) {
	c := Cause("nothing")
	if a := c.advice(); a.nextTest.Format+a.fix.Format+a.prevention.Format+a.impact.Format != "" {
		t.Errorf("got %+v", a)
	}
}

// TestEveryCauseHasAPage holds the catalogue against docs/playbooks: who learns a cause has to find what to do, in both
// languages.
func TestEveryCauseHasAPage(t *testing.T) {
	for _, lang := range playbook.Languages() {
		book, err := playbook.Open(lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range allCauses(t) {
			page, ok := book.Page(string(c))
			if !ok || page.Kind != playbook.KindCause {
				t.Errorf("%s has no page in the language %s", c, lang)
			}
		}
		for _, page := range book.Pages() {
			if page.Kind == playbook.KindCause && Cause(page.ID).rank() == len(allCauses(t)) {
				t.Errorf("there is a page about %q, which is no cause", page.ID)
			}
		}
	}
}

package custody

import (
	"slices"
	"testing"

	"poskey/internal/fault"
)

func TestEveryActivityHasOneRule(t *testing.T) {
	seen := map[Activity]bool{}
	for _, r := range Rules() {
		if seen[r.Activity] {
			t.Errorf("%s has two rules", r.Activity)
		}
		seen[r.Activity] = true
		if got, err := ParseActivity(" " + string(r.Activity)); err != nil || got != r.Activity {
			t.Errorf("%s is read as %q, %v", r.Activity, got, err)
		}
		for _, terms := range []Terms{r.Test, r.Production} {
			for _, n := range terms.Needs {
				if n.Persons < 1 || len(n.AnyOf) == 0 {
					t.Errorf("%s asks for %d of %v", r.Activity, n.Persons, n.AnyOf)
				}
			}
			if terms.Standing && terms.Apart {
				t.Errorf("%s stands for a time and asks who requests it", r.Activity)
			}
		}
	}
	if len(seen) < 25 {
		t.Fatalf("only %d rules", len(seen))
	}
	_, err := RuleOf("key.steal")
	mustFail(t, err, fault.Usage, `unknown activity "key.steal"`, "key.reveal")
}

func persons(needs []Need) (n int) {
	for _, need := range needs {
		n += need.Persons
	}
	return n
}

// TestClearKeysTakeTwoInProduction is the point of the table: what brings a clear key in or out, what shows one and
// what ends one is approved each time, by two different people; so is what changes who the officers are.
func TestClearKeysTakeTwoInProduction(t *testing.T) {
	for _, a := range []Activity{KeyForm, KeyImport, KeySplit, KeyReveal, KeyDestroy, KeyProbe, StoreRestore,
		OfficerAdmit, OfficerRevoke} {
		rule, err := RuleOf(a)
		must(t, err)
		if rule.Production.Standing || persons(rule.Production.Needs) < 2 {
			t.Errorf("%s in production: standing %v, %d persons", a, rule.Production.Standing, persons(rule.Production.Needs))
		}
	}
	for _, r := range Rules() {
		if persons(r.Production.Needs) < persons(r.Test.Needs) || r.Production.Standing && !r.Test.Standing {
			t.Errorf("%s is easier in production than in test", r.Activity)
		}
	}
}

func TestDestructionTakesAWitnessWhoIsNoCustodian(t *testing.T) {
	rule, err := RuleOf(KeyDestroy)
	must(t, err)
	a := newIn(t, Production, "a1", Custodian, Operator, Administrator).Card()
	b := newIn(t, Production, "b1", Custodian).Card()
	witness := newIn(t, Production, "w1", Auditor).Card()
	if rule.Production.metBy([]Card{a, b}) {
		t.Error("two custodians suffice")
	}
	if rule.Production.metBy([]Card{witness}) || !rule.Production.metBy([]Card{witness, a}) {
		t.Error("a custodian and an auditor do not suffice, or the auditor alone does")
	}
}

func TestAnOfficerIsCountedOnce(t *testing.T) {
	both := newTest(t, "both", Custodian, Operator).Card()
	custodian := newTest(t, "custodian", Custodian).Card()
	operator := newTest(t, "operator", Operator).Card()
	one := Terms{Needs: []Need{{1, []Role{Custodian, Operator}}, {1, []Role{Custodian}}}}
	cases := []struct {
		officers []Card
		met      bool
	}{
		{nil, false},
		{[]Card{both}, false},
		{[]Card{custodian}, false},
		{[]Card{both, custodian}, true},
		{[]Card{custodian, both}, true},
		{[]Card{custodian, operator}, true}, // the custodian must be placed in the second need
		{[]Card{operator, operator}, false},
		{[]Card{operator, both}, true},
	}
	for i, c := range cases {
		if got := one.metBy(c.officers); got != c.met {
			t.Errorf("case %d: met is %v", i, got)
		}
	}
	if got := one.Text().String(); got != "1 custodian|operator + 1 custodian" {
		t.Errorf("the terms read %q", got)
	}
	if !(Terms{}).metBy(nil) || (Terms{}).Text().String() != "nobody's approval" {
		t.Error("what needs nobody needs somebody")
	}
}

func TestStandingActivitiesAreThoseOfTheTable(t *testing.T) {
	test, production := StandingActivities(Test), StandingActivities(Production)
	if !slices.Contains(test, KeyForm) || slices.Contains(production, KeyForm) || slices.Contains(test, KeyReveal) {
		t.Errorf("standing in test: %v\nin production: %v", test, production)
	}
	for _, a := range production {
		if !slices.Contains(test, a) {
			t.Errorf("%s stands in production only", a)
		}
	}
}

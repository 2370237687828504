package custody

import (
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
)

func TestAuditorHoldsNoOtherRole(t *testing.T) {
	for _, others := range [][]Role{{Custodian}, {Operator}, {Administrator}, {Administrator, Custodian, Operator}} {
		_, err := orderRoles(append(others, Auditor))
		mustFail(t, err, fault.NotPermitted, "an auditor holds no other role")
	}
	got, err := orderRoles([]Role{Auditor})
	if err != nil || !slices.Equal(got, []Role{Auditor}) {
		t.Errorf("an auditor alone: %v, %v", got, err)
	}
}

func TestRolesAreOrderedAndKnown(t *testing.T) {
	got, err := orderRoles([]Role{Operator, Administrator, Operator, Custodian})
	if err != nil || roleNames(got) != "administrator custodian operator" {
		t.Errorf("ordered as %v, %v", got, err)
	}
	_, err = orderRoles([]Role{Custodian, "janitor"})
	mustFail(t, err, fault.Usage, `unknown role "janitor"`)
	_, err = orderRoles(nil)
	mustFail(t, err, fault.Usage, "at least one role")
	for _, r := range AllRoles() {
		if got, err := ParseRole(" " + strings.ToUpper(string(r))); err != nil || got != r {
			t.Errorf("%s is read as %q, %v", r, got, err)
		}
		if r.Text().String() != string(r) {
			t.Errorf("%s is named %s in English", r, r.Text())
		}
	}
	_, err = ParseRole("0123456789ABCDEF0123456789ABCDEF")
	mustFail(t, err, fault.Usage, "(32 characters)")
}

func TestEnvironmentsAreTwo(t *testing.T) {
	for _, e := range []Environment{Test, Production} {
		if got, err := ParseEnvironment(strings.ToUpper(string(e))); err != nil || got != e {
			t.Errorf("%s is read as %q, %v", e, got, err)
		}
	}
	_, err := ParseEnvironment("staging")
	mustFail(t, err, fault.Usage, `unknown environment "staging"`)
	mustFail(t, Environment("").check(), fault.Usage)
}

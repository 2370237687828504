package custody

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Role is what an officer may do. Rules says which activity asks for which.
type Role string

// The roles, in the order in which documents list them.
const (
	Administrator Role = "administrator" // admits and revokes officers, restores a store
	Custodian     Role = "custodian"     // holds a share of the master key, approves what touches clear keys
	Operator      Role = "operator"      // daily work: derives, wraps, loads devices
	Auditor       Role = "auditor"       // reads the log and witnesses destruction; holds no other role
)

// AllRoles lists the roles in their order.
func AllRoles() []Role { return []Role{Administrator, Custodian, Operator, Auditor} }

// Text names the role for people.
func (r Role) Text() text.Text {
	switch r {
	case Administrator:
		return text.New("administrator")
	case Custodian:
		return text.New("custodian")
	case Operator:
		return text.New("operator")
	case Auditor:
		return text.New("auditor")
	}
	return text.Raw(string(r))
}

// ParseRole reads a role's name in either case.
func ParseRole(s string) (Role, error) {
	r := Role(strings.ToLower(strings.TrimSpace(s)))
	if !slices.Contains(AllRoles(), r) {
		return "", fault.New(fault.Usage, "unknown role %q; known: %s", text.Redact(s), roleNames(AllRoles()))
	}
	return r, nil
}

func roleNames(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, " ")
}

// orderRoles gives the roles in their order, each once. It refuses none at all, unknown ones, and an auditor with
// another role: who looks over the others' shoulders has nothing of their own to look at.
func orderRoles(roles []Role) ([]Role, error) {
	var ordered []Role
	for _, r := range AllRoles() {
		if slices.Contains(roles, r) {
			ordered = append(ordered, r)
		}
	}
	for _, r := range roles {
		if !slices.Contains(AllRoles(), r) {
			return nil, fault.New(fault.Usage, "unknown role %q; known: %s", text.Redact(string(r)), roleNames(AllRoles()))
		}
	}
	switch {
	case len(ordered) == 0:
		return nil, fault.New(fault.Usage, "an officer has at least one role: %s", roleNames(AllRoles()))
	case len(ordered) > 1 && slices.Contains(ordered, Auditor):
		return nil, fault.New(fault.NotPermitted, "an auditor holds no other role, and here stand %s", roleNames(ordered))
	}
	return ordered, nil
}

// readRoles reads the line of a document: names with one blank between them.
func readRoles(r *reader) (roles []Role) {
	for name := range strings.SplitSeq(r.field(labelRoles), " ") {
		roles = append(roles, Role(name))
	}
	r.check(func() (err error) {
		roles, err = orderRoles(roles)
		return err
	})
	return roles
}

package cli

// Who approves what a ceremony does with the store: officers who sit in the room.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// approvers are those of --approver, or else, where an activity takes approvals each time, people of the room whose
// roles fit, in the order of the script. What the officers allowed for a time asks nobody.
func (o *sitting) approvers(
	ctx context.Context, a *App, activity custody.Activity,
) (agent.Approvers, func(), error) {
	none := func() {}
	if len(a.flags.approval.approvers) > 0 {
		return a.approvers(ctx)
	}
	_, id, err := a.openIdentified(ctx)
	if err != nil {
		return agent.Approvers{}, none, err
	}
	rule, err := custody.RuleOf(activity)
	if err != nil || id.Master.Kind == store.ByToken { // of a store on a token nobody is asked
		return agent.Approvers{}, none, err
	}
	terms := rule.Terms(o.program.Script.Environment)
	if terms.Standing {
		return agent.Approvers{}, none, nil
	}
	free := o.inRoom()
	out := agent.Approvers{Language: string(a.Say.Lang())}
	if terms.Apart {
		operator, _ := o.program.Script.Person(o.program.Script.Roles[script.Operator].Primary)
		f, ok := identityOf(free, operator)
		if !ok {
			return agent.Approvers{}, none, fault.New(fault.NotPermitted,
				"%s takes somebody who asks and does not approve: the operator, whose identity file is not here", string(activity))
		}
		out.Requester, free = f.raw, without(free, f)
	}
	for _, need := range terms.Needs {
		for range need.Persons {
			f, ok := ofRole(free, need.AnyOf)
			if !ok {
				return agent.Approvers{}, none, fault.New(fault.NotPermitted,
					"%s takes %s, and not enough of them are in the room; name others with --approver",
					string(activity), a.Say.Text(terms.Text()))
			}
			out.Identities, free = append(out.Identities, f.raw), without(free, f)
		}
	}
	if len(out.Identities) == 0 {
		return agent.Approvers{}, none, nil
	}
	tty, fds, done, err := a.passphrases(nil)
	out.Terminal, out.Passphrases = tty, fds
	return out, done, err
}

// inRoom are the identity files of the script's people, in its order.
func (o *sitting) inRoom() []officerFile {
	var all []officerFile
	for _, p := range o.program.Script.People {
		if f, ok := identityOf(o.identities, p); ok {
			all = append(all, f)
		}
	}
	return all
}

func ofRole(all []officerFile, roles []custody.Role) (officerFile, bool) {
	for _, f := range all {
		if f.card.Has(roles...) {
			return f, true
		}
	}
	return officerFile{}, false
}

func without(all []officerFile, gone officerFile) []officerFile {
	var left []officerFile
	for _, f := range all {
		if f.card.ID() != gone.card.ID() {
			left = append(left, f)
		}
	}
	return left
}

package cli

// The operation of a command on the store: admitted before it begins, recorded before anything is shown.

import (
	"context"
	"maps"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// begin admits what the command is about to do, and records it.
func (a *App) begin(ctx context.Context, activity custody.Activity, label string, details audit.Details) (*vault.Work, error) {
	h := &a.holding
	if h.work != nil {
		return nil, fault.New(fault.Bug, "a command does one operation on the store")
	}
	v, err := a.openVault(ctx)
	if err != nil {
		return nil, err
	}
	approvers, done, err := a.approvers(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	check, err := a.checkOf(ctx, label)
	if err != nil {
		return nil, err
	}
	if check == (kcv.Value{}) {
		check = h.expected()
	}
	if details, err = a.withSame(ctx, label, check, details); err != nil {
		return nil, err
	}
	attributes, err := h.attributes(activity)
	if err != nil {
		return nil, err
	}
	work, err := v.Begin(ctx, agent.Intent{Activity: activity, Label: label, Check: check, Attributes: attributes, Request: h.digest(), Details: h.said(details),
		Who: whoAmI(), Approvers: approvers})
	if err != nil {
		return nil, err
	}
	h.work, h.activity = work, activity
	a.boundary = work
	a.render.Before = func() error { return a.record(ctx, nil) }
	return work, nil
}

// checkOf is the check value of a key that is in the inventory: officers approve what has this label and this value, and
// the boundary holds the block against both.
func (a *App) checkOf(ctx context.Context, label string) (kcv.Value, error) {
	ref, err := store.ParseRef(label)
	if err != nil || ref.Version == 0 { // of the store, or of many keys
		return kcv.Value{}, nil //nolint:nilerr // it names no key
	}
	row, err := a.holding.db.Get(ctx, ref)
	if fault.Is(err, fault.NotFound) {
		return kcv.Value{}, nil
	}
	return row.Check, err
}

// fieldSame names keys of the store that have the check value of the key in question.
const fieldSame audit.Field = "same-check-value"

// mostSame bounds how many of them are named.
const mostSame = 5

// withSame adds which other keys of the store have the check value that an operation names. Who approves a key under a
// new label must see that it may be one that is there under another.
func (a *App) withSame(ctx context.Context, label string, check kcv.Value, details audit.Details) (audit.Details, error) {
	if check == (kcv.Value{}) {
		return details, nil
	}
	var same []string
	for k, err := range a.holding.db.List(ctx, store.Filter{Check: check, Limit: mostSame + 2}) {
		switch {
		case err != nil:
			return nil, err
		case k.Ref().String() == label:
		case len(same) == mostSame:
			same = append(same, "...")
		case len(same) < mostSame:
			same = append(same, string(source.Store)+":"+k.Ref().String())
		}
	}
	if len(same) == 0 {
		return details, nil
	}
	all := audit.Details{fieldSame: audit.Clean(strings.Join(same, " "))}
	maps.Copy(all, details)
	return all, nil
}

// record writes the outcome, once: before the answer is shown, or when the command has failed. When that fails after
// something was changed, the error is outcome_unknown, whatever kept the record from being written: that the store is
// sealed by now is no reason to do the same once more.
func (a *App) record(ctx context.Context, err error) error {
	h := &a.holding
	if h.work == nil || h.recorded {
		return nil
	}
	h.recorded = true
	o := h.outcome
	o.Outcome = audit.OutcomeOf(err)
	failed := h.work.Done(context.WithoutCancel(ctx), o)
	switch {
	case failed == nil || !h.changes():
		return fault.Wrap(failed, "the outcome could not be recorded")
	case err == nil:
		return fault.WrapAs(fault.OutcomeUnknown, failed, "it was done, but the log does not have its outcome")
	}
	return fault.WrapAs(fault.OutcomeUnknown, failed, "some of it may have been done (%s), and the log does not have the outcome", err)
}

// changes reports whether the command has changed something that outlives it, when it got to its end: a row of the store, a
// file, a device. What would only have been shown is held back when it cannot be recorded, so nothing has happened.
func (h *holding) changes() bool {
	switch h.activity {
	case custody.KeyCheck, custody.KeyProbe, custody.KeyReveal:
		return false
	case custody.KeyGenerate, custody.KeyForm, custody.KeyImport, custody.KeyUnwrap, custody.KeyWrap, custody.KeyTranslate, custody.KeyDerive:
		return h.outcome.Label != "" || h.flag("to") != "" || h.flag("to-dir") != ""
	}
	return h.flag("dry-run") != "true"
}

// finish records what is left to record at the end of a command, and gives the error of the command.
func (a *App) finish(ctx context.Context, err error) error {
	if a.holding.work == nil {
		return err
	}
	failed := a.record(ctx, err)
	if failed != nil && (err == nil || fault.Is(err, fault.Partial)) {
		return failed // a batch has shown its answers; that their record is missing is what the user must know
	}
	return err
}

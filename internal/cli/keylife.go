package cli

// Steps in the life of a key, as several commands take them.

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// lifeStep is a command that moves a key from one state to another.
type lifeStep struct {
	spec     cmdSpec
	schema   string
	activity custody.Activity
	to       store.State
}

type lifeDoc struct {
	rowDoc
	From store.State `json:"from"`
}

// lifeCmd makes the command of a step.
func (a *App) lifeCmd(s lifeStep) *cobra.Command {
	reason := ""
	s.spec.args = cobra.ExactArgs(1)
	s.spec.exits = []int{3, 4, 6, 7, 8, 9}
	cmd := a.command(s.spec)
	cmd.Flags().StringVar(&reason, "reason", "", a.Say.T("why, a line for the record"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runLifeStep(cmd.Context(), s, args[0], reason) }
	return cmd
}

func (a *App) runLifeStep(ctx context.Context, s lifeStep, label, reason string) error {
	was, err := a.anyKey(ctx, label)
	if err != nil {
		return err
	}
	is, err := a.moveKey(ctx, s.activity, was, s.to, reason)
	if err != nil {
		return err
	}
	return a.render.Answer(s.schema, lifeDoc{newRowDoc(&is), was.State}, func(p *render.Page) {
		p.Good(text.New("Key %s is %s; it was %s.", is.Ref(), stateText(is.State), stateText(was.State)))
		rowPage(p, &is)
	})
}

// moveKey admits, records and makes a step.
func (a *App) moveKey(ctx context.Context, activity custody.Activity, was store.Key, to store.State, reason string) (store.Key, error) {
	if err := vault.CheckMove(&was, to); err != nil { // nobody is asked for an approval in vain
		return store.Key{}, err
	}
	details := audit.Details{audit.FieldState: string(to)}
	if reason != "" {
		details[audit.FieldReason] = audit.Clean(reason)
	}
	work, err := a.begin(ctx, activity, was.Ref().String(), details)
	if err != nil {
		return store.Key{}, err
	}
	a.holding.outcome.Check = was.Check
	return work.Move(ctx, was, to, reason)
}

// endOf is the end of a cryptoperiod that begins now; zero for the usage's own.
func (a *App) endOf(period string) (time.Time, error) {
	if period == "" {
		return time.Time{}, nil
	}
	span, err := parseSpan(period)
	if err == nil && span == 0 {
		err = fault.New(fault.Usage, "a key is used for some time")
	}
	if err != nil {
		return time.Time{}, fault.Wrap(err, "--cryptoperiod")
	}
	return a.Env.Now().Add(span).Truncate(time.Second), nil
}

// anyKey reads a key in whatever state it is: without a version the newest active one, or else the newest.
func (a *App) anyKey(ctx context.Context, label string) (store.Key, error) {
	ref, err := refOf(label)
	if err != nil {
		return store.Key{}, err
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return store.Key{}, err
	}
	k, err := db.Get(ctx, ref)
	if ref.Version != 0 || !fault.Is(err, fault.NotPermitted) {
		return k, err
	}
	for row, rowErr := range db.List(ctx, store.Filter{Label: ref.Label}) {
		if rowErr != nil {
			return store.Key{}, rowErr
		}
		k, err = row, nil
	}
	return k, err
}

// warnSame raises the duplicate alarm.
func (a *App) warnSame(k store.Key, same []store.Ref) {
	for _, other := range same {
		a.render.Warn(text.New("keys %s and %s have the same check value %s: the same key twice, or chance (1 in %d)",
			k.Ref(), other, k.Check, chance(k.Check.Digits)))
	}
}

// warnBlocks says what is doubtful about blocks that were made under keys of the store.
func (a *App) warnBlocks(warnings []keyblock.Warning) {
	for _, w := range warnings {
		a.render.Warn(w.Text)
	}
}

package cli

// The store behind a command: opened when a source or a destination names it, recorded before anything is shown.

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// holding is the store as far as a command has opened it.
type holding struct {
	ctx      context.Context // of the command, for the boundary that is opened when it is first asked for
	words    string          // of the command line: the command without its flags
	flags    *pflag.FlagSet
	named    bool // a source or a destination is a key of the store
	label    string
	db       *store.Store
	auth     agent.Authority
	vault    *vault.Vault
	work     *vault.Work
	activity custody.Activity // that work was begun for
	instead  custody.Activity // of the command's usual one, where its flags make it another
	outcome  agent.Outcome    // what the command adds to the record of its work
	recorded bool
	closers  []func() error // of what lies behind the authority, to be closed after it
}

// later closes something after the authority, the last opened first.
func (h *holding) later(close func() error) { h.closers = append(h.closers, close) }

// activities says what a command does to keys of the store.
func activities() map[string]custody.Activity {
	return map[string]custody.Activity{
		"generate": custody.KeyGenerate, "combine": custody.KeyForm, "split": custody.KeySplit,
		"kcv compute": custody.KeyCheck, "kcv check": custody.KeyCheck, "kcv identify": custody.KeyCheck,
		"keyblock wrap": custody.KeyWrap, "keyblock unwrap": custody.KeyUnwrap, "keyblock verify": custody.KeyUnwrap,
		"keyblock translate": custody.KeyTranslate, "dukpt ik": custody.KeyDerive, "dukpt key": custody.KeyDerive,
		"inject": custody.DeviceInject, "fleet run": custody.DeviceInject, "diagnose kcv": custody.KeyProbe,
	}
}

// notice takes down what a command line says of the store, before the command runs.
func (a *App) notice(cmd *cobra.Command) error {
	h := &a.holding
	h.ctx, h.flags = cmd.Context(), cmd.Flags()
	h.words = strings.TrimPrefix(cmd.CommandPath(), "poskey ")
	if hasPassword(a.flags.store) && !a.sources().AllowArgv {
		return fault.New(fault.ArgvSecret, "--store has a password in it, and every user of this machine can read the command line; "+
			"put the URL into POSKEY_STORE, or the password into a pgpass file")
	}
	for _, name := range []string{"reason", "purpose"} {
		if text.Redact(h.flag(name)) != h.flag(name) {
			return fault.New(fault.Usage, "--%s has what looks like the digits of a key in it; it would stand in the store and in its log for good", name)
		}
	}
	for _, name := range keyPlaces() { // the label of the first one is the record's
		if f := h.flags.Lookup(name); f != nil {
			h.note(f.Value)
		}
	}
	if batch := h.flags.Lookup("batch"); batch != nil && batch.Changed && a.flags.store != "" {
		h.named = true // its lines may name keys
	}
	return nil
}

// note looks at the places that a flag names.
func (h *holding) note(value pflag.Value) {
	places := []string{value.String()}
	if list, ok := value.(pflag.SliceValue); ok {
		places = list.GetSlice()
	}
	for _, place := range places {
		label, ok := strings.CutPrefix(place, string(source.Store)+":")
		if !ok {
			continue
		}
		h.named = true
		if h.label == "" {
			h.label = label
		}
	}
}

// openStore opens the inventory, once a run.
func (a *App) openStore(ctx context.Context) (*store.Store, error) {
	if a.holding.db != nil {
		return a.holding.db, nil
	}
	url, err := a.storeURL()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, url, store.Options{Now: a.Env.Now})
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no store at %s; make one with poskey store init, or name another place with --store", url.Redacted())
	}
	if err != nil {
		return nil, err
	}
	a.holding.db = db
	return db, nil
}

// openVault joins the store with the authority over its master key, once a run.
func (a *App) openVault(ctx context.Context) (*vault.Vault, error) {
	h := &a.holding
	if h.vault != nil {
		return h.vault, nil
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	id, err := db.Identity(ctx)
	if err != nil {
		return nil, err
	}
	if h.auth, err = a.authority(ctx, db.URL(), id); err != nil {
		return nil, err
	}
	log, err := a.auditPath(db.URL(), id.ID)
	if err != nil {
		return nil, err
	}
	if h.vault, err = vault.Open(ctx, db, h.auth); err != nil {
		return nil, err
	}
	h.vault.HoldAgainst(log)
	return h.vault, nil
}

// authority is the agent of a store, or this process for one whose master key is in a token.
func (a *App) authority(ctx context.Context, url store.URL, id store.Identity) (agent.Authority, error) {
	if id.Master.Kind == store.ByToken {
		return a.tokenAuthority(ctx, url, id)
	}
	return agent.Dial(ctx, a.socketPath(id.ID), id.ID)
}

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

// attributes are those of a key that is to come, as the command line says them: officers who approve see them, and the
// boundary takes no other key. Without an algorithm they are not known.
func (h *holding) attributes(activity custody.Activity) (custody.Attributes, error) {
	if makes := []custody.Activity{custody.KeyGenerate, custody.KeyForm, custody.KeyImport}; !slices.Contains(makes, activity) ||
		h.flag("alg") == "" {
		return custody.Attributes{}, nil
	}
	a, err := parseAttributes(h.flag("alg"), h.flag("usage"), h.flag("mode"), h.flag("exportability"))
	return custody.Attributes{Algorithm: a.Algorithm, Usage: a.Usage, Mode: a.Mode, Exportability: a.Exportability}, err
}

// expected is the check value that a key which is to come shall have, as the command line says it: officers who approve see
// it, and the boundary takes no other key.
func (h *holding) expected() kcv.Value {
	expect, alg := h.flag("expect"), keys.Algorithm("")
	if a, err := keys.ParseAlgorithm(h.flag("alg")); err == nil {
		alg = a
	}
	v, err := kcv.Parse(expect)
	method := kcv.Default(alg)
	if err != nil || method == "" || len(v.Digits) != defaultDigits {
		return kcv.Value{}
	}
	return kcv.Value{Digits: v.Digits, Method: method}
}

// defaultDigits is how many digits of a check value a key has by default.
const defaultDigits = 6

// said adds what the command line says of the key: officers see it before they approve, and the log keeps it.
func (h *holding) said(details audit.Details) audit.Details {
	all := audit.Details{}
	maps.Copy(all, details)
	for name, field := range map[string]audit.Field{"usage": audit.FieldUsage, "alg": audit.FieldAlgorithm, "parent": audit.FieldParent} {
		if v := h.flag(name); v != "" {
			all[field] = audit.Clean(v)
		}
	}
	return all
}

// flag is the value of a flag that was given, or "".
func (h *holding) flag(name string) string {
	if f := h.flags.Lookup(name); f != nil && f.Changed {
		return f.Value.String()
	}
	return ""
}

// storeBoundary is the boundary of a command whose sources or destination name a key of the store.
func (a *App) storeBoundary() (hsm.Boundary, error) {
	h := &a.holding
	activity, ok := activities()[h.words]
	if !ok {
		return nil, fault.New(fault.Usage, "this command takes no key of the store")
	}
	if h.instead != "" {
		activity = h.instead
	}
	if f := h.flags.Lookup("reveal"); f != nil && f.Changed {
		return nil, fault.New(fault.NotPermitted, "a key that comes from the store or goes into it is not shown here; see: poskey key show --reveal")
	}
	label := ""
	if h.label != "" {
		var err error
		if label, err = a.fullLabel(h.ctx, h.label); err != nil {
			return nil, err
		}
	}
	work, err := a.begin(h.ctx, activity, label, nil)
	if err != nil {
		return nil, err
	}
	return work, nil
}

// fullLabel is the label with the version that is meant: that of the key that is there, or the first.
func (a *App) fullLabel(ctx context.Context, label string) (string, error) {
	ref, err := store.ParseRef(label)
	if err != nil || ref.Version != 0 {
		return ref.String(), err
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return "", err
	}
	row, err := db.Get(ctx, ref)
	switch {
	case err == nil:
		return row.Ref().String(), nil
	case fault.Is(err, fault.NotFound):
		return store.Ref{Label: ref.Label, Version: 1}.String(), nil
	}
	return "", err
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

func (h *holding) close() {
	if h.work != nil {
		_ = h.work.Close()
	}
	if h.auth != nil {
		_ = h.auth.Close()
	}
	for _, c := range slices.Backward(h.closers) {
		_ = c()
	}
	if h.db != nil {
		_ = h.db.Close()
	}
}

// digest stands for all that was asked for: the command and its flags. What a hex: source holds is left out, since a
// digest of a key would be one.
func (h *holding) digest() audit.Digest {
	lines := []string{h.words}
	h.flags.Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if strings.Contains(value, string(source.Hex)+":") {
			value = string(source.Hex) + ":"
		}
		lines = append(lines, f.Name+"="+value)
	})
	slices.Sort(lines[1:])
	for _, arg := range h.flags.Args() {
		if _, err := keyblock.Parse(arg); err == nil || text.Redact(arg) == arg { // what may be a clear key is left out
			lines = append(lines, arg)
		}
	}
	return audit.DigestOf([]byte(strings.Join(lines, "\n")))
}

// held takes a key of the store for a use.
func (a *App) held(ctx context.Context, spec source.Spec, use vault.Use) (vault.Held, error) {
	if spec.Kind == source.Token {
		return vault.Held{}, fault.New(fault.Usage, "hsm: sources are not in this version; keys of a token are used through a store on it (poskey store init --hsm)")
	}
	ref, err := store.ParseRef(spec.Arg)
	if err != nil {
		return vault.Held{}, err
	}
	if _, err := a.hsm(); err != nil { // the operation is admitted and recorded before any key of the store is touched
		return vault.Held{}, err
	}
	if a.holding.vault == nil { // a batch whose command line says nothing of the store
		return vault.Held{}, fault.New(fault.Usage, "a line names a key of the store; say --store on the command line, so that the run is admitted and recorded")
	}
	held, err := a.holding.vault.Find(ctx, ref, use)
	if err != nil {
		return vault.Held{}, err
	}
	return held, a.holding.work.Prove(ctx, held)
}

// keepInStore puts a key into the inventory and says what is doubtful about it.
func (a *App) keepInStore(ctx context.Context, k hsm.Key, n vault.New) (vault.Kept, error) {
	if _, err := a.hsm(); err != nil {
		return vault.Kept{}, err
	}
	h := &a.holding
	kept, err := h.work.Enter(ctx, k, n)
	if err != nil {
		return vault.Kept{}, err
	}
	h.outcome.Label, h.outcome.Check = kept.Row.Ref().String(), kept.Row.Check
	h.outcome.Details = audit.Details{vault.FieldKept: h.outcome.Label}
	a.warnSame(kept.Row, kept.Same)
	a.warnBlocks(kept.Warnings)
	return kept, nil
}

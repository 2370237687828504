package tools

// Keys of the store.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// fieldCeremony names the ceremony in the log.
const fieldCeremony audit.Field = "ceremony"

// begin admits one operation of the ceremony.
func (t *Tools) begin(ctx context.Context, in agent.Intent) (*vault.Work, error) {
	if t.o.Vault == nil {
		return nil, fault.New(fault.NotFound, "this ceremony has no store; name one with --store")
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return nil, err
	}
	if string(t.o.Script.Environment) != v.Identity().Environment {
		return nil, fault.New(fault.NotPermitted, "the script is for %s, the store is for %s",
			string(t.o.Script.Environment), v.Identity().Environment)
	}
	approvers, done, err := t.o.Approvers(ctx, in.Activity)
	if err != nil {
		return nil, err
	}
	defer done()
	in.Who, in.Approvers = t.o.Who, approvers
	if in.Details == nil {
		in.Details = audit.Details{}
	}
	in.Details[fieldCeremony] = t.o.Ceremony
	in.Request = t.request(in)
	return v.Begin(ctx, in)
}

// request stands for all that is asked for: the script that was reviewed says it.
func (t *Tools) request(in agent.Intent) audit.Digest {
	return audit.DigestOf([]byte(strings.Join([]string{"poskey ceremony", t.o.Ceremony, t.o.Script.Fingerprint().String(),
		string(in.Activity), in.Label, in.Check.Digits}, "\n")))
}

// finish records how an operation ended, and gives its error. Where the record fails, the result is not to be shown.
func finish(ctx context.Context, work *vault.Work, o agent.Outcome, err error) error {
	o.Outcome = audit.OutcomeOf(err)
	recorded := work.Done(context.WithoutCancel(ctx), o)
	if closed := work.Close(); err == nil && recorded == nil {
		recorded = closed
	}
	switch {
	case err != nil:
		return err
	case recorded != nil:
		return fault.WrapAs(fault.OutcomeUnknown, recorded, "it was done, but the log does not have its outcome")
	}
	return nil
}

// expected is what the script knows of a key's check value, where it is by the default method.
func expected(k *script.Key) kcv.Value {
	if k.Check == nil || len(k.Check.Digits) != 6 {
		return kcv.Value{}
	}
	return kcv.Value{Method: kcv.Default(k.Algorithm), Digits: k.Check.Digits}
}

// madeInStore lets a key come into being in the store, not active yet.
func (t *Tools) madeInStore(ctx context.Context, k *script.Key, label string, a custody.Activity, origin string,
	make func(context.Context, hsm.Boundary) (hsm.Key, error)) (ceremony.Made, error) {
	ref, err := t.newRef(ctx, label)
	if err != nil {
		return ceremony.Made{}, err
	}
	attrs := ceremony.AttributesOf(k)
	work, err := t.begin(ctx, agent.Intent{Activity: a, Label: ref.String(), Check: expected(k),
		Attributes: custody.Attributes{Algorithm: attrs.Algorithm, Usage: attrs.Usage, Mode: attrs.Mode,
			Exportability: attrs.Exportability}})
	if err != nil {
		return ceremony.Made{}, err
	}
	var kept vault.Kept
	key, err := make(ctx, work)
	if err == nil {
		kept, err = work.Enter(ctx, key, vault.New{Ref: ref, Origin: origin, Purpose: t.purpose(), Custodians: custodians(k),
			Dormant: true})
	}
	outcome := agent.Outcome{Label: ref.String(), Check: kept.Row.Check}
	if err == nil {
		outcome.Details = audit.Details{vault.FieldKept: ref.String()}
	}
	if err = finish(ctx, work, outcome, err); err != nil {
		return ceremony.Made{}, err
	}
	t.refs[k.ID], t.dormant[ref] = ref, true
	return ceremony.Made{Check: kept.Row.Check, Label: ref.String()}, nil
}

const maxPurpose = 256

func (t *Tools) purpose() string {
	s := t.mine()
	if why := audit.Clean(t.o.Script.Purpose); why != "" {
		s += ": " + why
	}
	if len(s) > maxPurpose {
		s = strings.ToValidUTF8(s[:maxPurpose], "")
	}
	return s
}

// custodians are those who are to hold a part, in the order of the parts.
func custodians(k *script.Key) []string {
	var all []string
	for i := range k.Parts {
		all = append(all, k.Parts[i].Custodian.Primary)
	}
	return all
}

// newRef names a new key. A label under which this ceremony made keys before it broke is taken again: of those nothing
// went out, since the record does not know that they were kept, and they are destroyed in the end.
func (t *Tools) newRef(ctx context.Context, label string) (store.Ref, error) {
	if t.o.Vault == nil {
		return store.Ref{}, fault.New(fault.NotFound, "this ceremony has no store; name one with --store")
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return store.Ref{}, err
	}
	for row, err := range v.Store().List(ctx, store.Filter{Label: label}) {
		if err != nil {
			return store.Ref{}, err
		}
		switch {
		case row.Label != label || row.State.Gone():
		case !t.isMine(&row) || t.kept[row.Ref()]:
			return store.Ref{}, fault.New(fault.FileExists, "the store has a key %s already", row.Ref())
		default:
			t.leave(row.Ref(), true)
		}
	}
	next, err := v.Store().NextVersion(ctx, label)
	return store.Ref{Label: label, Version: next}, err
}

// MadeIn begins the purpose of every key that a ceremony made for the store.
func MadeIn(ceremony string) string { return "ceremony " + ceremony }

func (t *Tools) mine() string { return MadeIn(t.o.Ceremony) }

// isMine reports whether this ceremony made a key.
func (t *Tools) isMine(row *store.Key) bool {
	return row.Purpose == t.mine() || strings.HasPrefix(row.Purpose, t.mine()+":")
}

// leave notes whether a key lies in the store without having been kept.
func (t *Tools) leave(ref store.Ref, dormant bool) {
	if dormant {
		t.dormant[ref] = true
	} else {
		delete(t.dormant, ref)
	}
}

// ref is where a key lies in the store. One that is named with its version is that one.
func (t *Tools) ref(ctx context.Context, k *script.Key) (store.Ref, error) {
	if ref, err := store.ParseRef(k.Label); err == nil && ref.Version > 0 {
		t.refs[k.ID] = ref
		return ref, nil
	}
	ref, has := t.refs[k.ID]
	if has {
		return ref, nil
	}
	label, keeps := stored(k)
	if !keeps {
		return store.Ref{}, fault.New(fault.NotFound, "key %s is in no store", k.ID)
	}
	row, err := t.newest(ctx, label)
	if err != nil {
		return store.Ref{}, err
	}
	t.refs[k.ID] = row.Ref()
	return row.Ref(), nil
}

// newest finds a key that lies in the store, whatever state it is in.
func (t *Tools) newest(ctx context.Context, label string) (store.Key, error) {
	if t.o.Vault == nil {
		return store.Key{}, fault.New(fault.NotFound, "this ceremony has no store; name one with --store")
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return store.Key{}, err
	}
	ref, err := store.ParseRef(label)
	if err != nil {
		return store.Key{}, err
	}
	if ref.Version != 0 {
		return v.Store().Get(ctx, ref)
	}
	found := store.Key{}
	for row, err := range v.Store().List(ctx, store.Filter{Label: ref.Label}) {
		if err != nil {
			return store.Key{}, err
		}
		if row.Label == ref.Label && !row.State.Gone() && row.Version > found.Version {
			found = row
		}
	}
	if found.Version == 0 {
		return store.Key{}, fault.New(fault.NotFound, "the store has no key %s", ref)
	}
	return found, nil
}

// onRow does one operation on a key of the store.
func (t *Tools) onRow(ctx context.Context, ref store.Ref, a custody.Activity, use vault.Use, details audit.Details,
	act func(work *vault.Work, h vault.Held) error) error {
	v, err := t.o.Vault(ctx)
	if err != nil {
		return err
	}
	held, err := v.Find(ctx, ref, use)
	if err != nil {
		return err
	}
	work, err := t.begin(ctx, agent.Intent{Activity: a, Label: ref.String(), Check: held.Row.Check, Details: details})
	if err != nil {
		return err
	}
	return finish(ctx, work, agent.Outcome{Label: ref.String(), Check: held.Row.Check}, act(work, held))
}

// Find looks a key of the store up, and lets the boundary prove that it is what its row says.
func (t *Tools) Find(ctx context.Context, k *script.Key) (ceremony.Made, error) {
	var made ceremony.Made
	ref, err := t.ref(ctx, k)
	if err != nil {
		return made, err
	}
	if row, gone, err := t.goneBefore(ctx, ref); err != nil || gone {
		return ceremony.Made{Check: row.Check, Label: ref.String(), Gone: gone}, err
	}
	err = t.onRow(ctx, ref, custody.KeyCheck, vault.ToCheck, nil, func(work *vault.Work, h vault.Held) error {
		made = ceremony.Made{Check: h.Row.Check, Label: h.Row.Ref().String(), Idle: h.Row.State == store.PreActivation}
		if h.Row.Algorithm != k.Algorithm || k.Usage != "" && h.Row.Usage != k.Usage {
			return fault.New(fault.NotPermitted, "key %s is %s of usage %s, the script says %s of usage %s", h.Row.Ref(),
				string(h.Row.Algorithm), string(h.Row.Usage), string(k.Algorithm), string(k.Usage))
		}
		return work.Prove(ctx, h)
	})
	return made, err
}

// most is as many digits of a check value as the boundary of a store compares.
func most(ctx context.Context, b hsm.Boundary, key hsm.Key, e kcv.Expected) (c kcv.Comparison, err error) {
	for {
		c, err = b.Compare(ctx, key, e, "")
		if !fault.Is(err, fault.MalformedLength) || len(e.Digits) <= leastCompared {
			return c, err
		}
		e.Digits = e.Digits[:len(e.Digits)-1]
	}
}

// leastCompared is as many digits as every boundary compares.
const leastCompared = 6

// Compare compares what was told with a key, inside the boundary, in as many digits as that does.
func (t *Tools) Compare(ctx context.Context, k *script.Key, e kcv.Expected) (c kcv.Comparison, err error) {
	if _, keeps := stored(k); !keeps {
		key, err := t.key(k)
		if err != nil {
			return kcv.Comparison{}, err
		}
		return most(ctx, t.session, key, e)
	}
	ref, err := t.ref(ctx, k)
	if err != nil {
		return kcv.Comparison{}, err
	}
	err = t.onRow(ctx, ref, custody.KeyCheck, vault.ToCheck, nil, func(work *vault.Work, h vault.Held) (err error) {
		c, err = most(ctx, work, h.Key, e)
		return err
	})
	return c, err
}

// goneBefore looks whether a key was destroyed, and the ceremony broke before a line said so.
func (t *Tools) goneBefore(ctx context.Context, ref store.Ref) (row store.Key, gone bool, err error) {
	if !t.o.Resumed {
		return row, false, nil
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return row, false, err
	}
	row, err = v.Store().Get(ctx, ref)
	return row, err == nil && row.State.Gone(), err
}

// Keep makes a key of the store active.
func (t *Tools) Keep(ctx context.Context, k *script.Key, _ *script.Output) (ceremony.Made, error) {
	ref, err := t.ref(ctx, k)
	if err != nil {
		return ceremony.Made{}, err
	}
	row, err := t.moved(ctx, ref, custody.KeyState, store.Active, "kept in ceremony "+t.o.Ceremony)
	if err != nil {
		return ceremony.Made{}, err
	}
	t.leave(ref, false)
	t.kept[ref] = true
	return ceremony.Made{Check: row.Check, Label: row.Ref().String()}, nil
}

// DestroyKey destroys a key of the store.
func (t *Tools) DestroyKey(ctx context.Context, k *script.Key, reason string) error {
	ref, err := t.ref(ctx, k)
	if err != nil {
		return err
	}
	return t.destroy(ctx, ref, reason)
}

func (t *Tools) destroy(ctx context.Context, ref store.Ref, reason string) error {
	v, err := t.o.Vault(ctx)
	if err != nil {
		return err
	}
	row, err := v.Store().Get(ctx, ref)
	if err != nil {
		return err
	}
	if t.o.Resumed && row.State.Gone() { // before it broke; the line that says so was not written any more
		return nil
	}
	if err := t.outOfUse(ctx, &row, reason); err != nil { // the reviewed script says that its use ends
		return err
	}
	_, err = t.moved(ctx, ref, custody.KeyDestroy, vault.Destruction(row.State), reason)
	return err
}

// outOfUse takes a key that is in use out of use.
func (t *Tools) outOfUse(ctx context.Context, row *store.Key, reason string) (err error) {
	if row.State == store.Active || row.State == store.Suspended {
		*row, err = t.moved(ctx, row.Ref(), custody.KeyState, store.Deactivated, reason)
	}
	return err
}

func (t *Tools) moved(ctx context.Context, ref store.Ref, a custody.Activity, to store.State, reason string) (store.Key,
	error) {
	var row store.Key
	details := audit.Details{audit.FieldState: string(to), audit.FieldReason: audit.Clean(reason)}
	err := t.onRow(ctx, ref, a, vault.ToCheck, details, func(work *vault.Work, h vault.Held) (err error) {
		if err = vault.CheckMove(&h.Row, to); err != nil {
			return err
		}
		row, err = work.Move(ctx, h.Row, to, reason)
		return err
	})
	return row, err
}

// export wraps a key of the store under another one.
func (t *Tools) export(ctx context.Context, k *script.Key, o *script.Output) (ceremony.Exported, error) {
	kbpkRow, err := t.newest(ctx, o.KBPK)
	if err != nil {
		return ceremony.Exported{}, fault.Wrap(err, "the KBPK")
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return ceremony.Exported{}, err
	}
	kbpk, err := v.Find(ctx, kbpkRow.Ref(), vault.ToProtect)
	if err != nil {
		return ceremony.Exported{}, fault.Wrap(err, "the KBPK")
	}
	ref, err := t.ref(ctx, k)
	if err != nil {
		return ceremony.Exported{}, err
	}
	var out ceremony.Exported
	details := audit.Details{audit.FieldParent: kbpkRow.Ref().String()}
	err = t.onRow(ctx, ref, custody.KeyWrap, vault.ToProtect, details, func(work *vault.Work, h vault.Held) error {
		for _, one := range []vault.Held{kbpk, h} {
			if err := work.Prove(ctx, one); err != nil {
				return err
			}
		}
		w, err := work.Wrap(ctx, h.Key, kbpk.Key, t.header(ctx, work, h.Key, kbpk.Key, o),
			keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(h.Key.Algorithm)})
		if err != nil {
			return err
		}
		content, err := t.written(o.File, []byte(w.Block+"\n"))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		out = ceremony.Exported{File: o.File, Header: w.Block[:fixedHeader],
			SHA256: strings.ToUpper(hex.EncodeToString(sum[:])),
			Check:  h.Row.Check}
		return nil
	})
	if err != nil {
		return ceremony.Exported{}, err
	}
	return out, nil
}

// written writes a key block, and gives what lies there: of a ceremony that broke after the block was written, and before a
// line said so, that is the block of before. Its header is the same, with the check value of the key, or it is another one.
func (t *Tools) written(name string, content []byte) ([]byte, error) {
	err := t.o.WriteBlock(name, content)
	if !t.o.Resumed || t.o.ReadBlock == nil || !fault.Is(err, fault.FileExists) {
		return content, err
	}
	before, failed := t.o.ReadBlock(name)
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	was, failed := keyblock.Parse(strings.TrimSuffix(string(before), "\n"))
	if failed != nil {
		return nil, fault.Wrap(err, "what lies there is no key block of this ceremony: move it away")
	}
	now, failed := keyblock.Parse(strings.TrimSuffix(string(content), "\n"))
	if failed != nil {
		return nil, failed
	}
	if !reflect.DeepEqual(was.Header, now.Header) {
		return nil, fault.Wrap(err, "the key block that lies there is another one: move it away")
	}
	return before, nil
}

// fixedHeader is the part of a block's header that all blocks have.
const fixedHeader = 16

// header is that of a block for a partner. Under a TDES key it is of version B unless the script says otherwise.
func (t *Tools) header(ctx context.Context, work *vault.Work, k, kbpk hsm.Key, o *script.Output) keyblock.Header {
	version := o.Version
	switch {
	case version != 0:
	case kbpk.Algorithm.IsDES():
		version = 'B'
	default:
		version = 'D'
	}
	h := k.Header(version)
	if data, err := work.CheckData(ctx, k); err == nil && k.Algorithm.IsBlockCipher() {
		h.SetOpt("KC", data)
	}
	return h
}

package tools

// The tools of a ceremony.

import (
	"context"
	"errors"
	"io"
	"strconv"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// Options are what the tools take from outside.
type Options struct {
	Env      keys.Env
	Ceremony string // id
	Script   *script.Script
	Who      audit.Actor
	Resumed  bool // it broke before: what it left in the store is destroyed at its end
	// Kept are the keys that the record of a resumed ceremony knows as kept, NAME#VERSION. Whatever else of this ceremony
	// lies in the store went into use without a line about it.
	Kept []string

	// Vault opens the store; nil without one.
	Vault func(ctx context.Context) (*vault.Vault, error)
	// Approvers are those who approve an activity, where it takes approvals each time.
	Approvers func(ctx context.Context, a custody.Activity) (agent.Approvers, func(), error)
	// Identity finds the identity file of somebody.
	Identity func(ctx context.Context, p script.Person) (*custody.Locked, error)
	// Print sends a sheet straight to the printer.
	Print func(ctx context.Context, write func(io.Writer) error) error
	// WriteBlock writes a key block into the folder of the ceremony; never over another file.
	WriteBlock func(name string, content []byte) error
	// ReadBlock reads a key block in the folder of a ceremony that was resumed.
	ReadBlock func(name string) ([]byte, error)
	// Load loads a key of the store into a device.
	Load func(ctx context.Context, ref store.Ref, o *script.Output) (ceremony.Loaded, error)
	// InitStore makes a store for the officers of the cards.
	InitStore func(ctx context.Context, k *script.Key, cards []custody.Card) (ceremony.Made, error)
}

// Tools work for real. They are for one goroutine.
type Tools struct {
	o       Options
	session hsm.Boundary // for keys that no store keeps
	keys    map[string]hsm.Key
	refs    map[string]store.Ref // of keys that lie in the store
	dormant map[store.Ref]bool   // that lie there and were not kept: of this ceremony, or of one that broke
	kept    map[store.Ref]bool   // that are in use: by the record, or since
	ledger  *vault.Work
}

// New gives the tools of one ceremony. The caller ends them with End or Close.
func New(o Options) *Tools {
	t := &Tools{o: o, keys: map[string]hsm.Key{}, refs: map[string]store.Ref{}, dormant: map[store.Ref]bool{},
		kept: map[store.Ref]bool{}}
	for _, name := range o.Kept {
		if ref, err := store.ParseRef(name); err == nil {
			t.kept[ref] = true
		}
	}
	return t
}

// Identity is the locked identity file of somebody.
func (t *Tools) Identity(ctx context.Context, p script.Person) (*custody.Locked, error) {
	return t.o.Identity(ctx, p)
}

// Print sends a sheet straight to the printer.
func (t *Tools) Print(ctx context.Context, write func(io.Writer) error) error {
	return t.o.Print(ctx, write)
}

// Practice has nothing: this is no rehearsal.
func (t *Tools) Practice(context.Context, *script.Key, int) (*component.Part, bool, error) {
	return nil, false, nil
}

// stored is where the store is to keep a key; ok is false for one that it does not keep.
func stored(k *script.Key) (label string, ok bool) {
	if k.Source == script.Stored {
		return k.Label, true
	}
	for i := range k.Outputs {
		if k.Outputs[i].To == script.ToStore {
			return k.Outputs[i].Label, true
		}
	}
	return "", false
}

// Generate draws a key inside the boundary.
func (t *Tools) Generate(ctx context.Context, k *script.Key) (ceremony.Made, error) {
	make := func(ctx context.Context, b hsm.Boundary) (hsm.Key, error) {
		return b.Generate(ctx, ceremony.AttributesOf(k), hsm.Policy{})
	}
	return t.made(ctx, k, custody.KeyGenerate, store.Generated, make)
}

// Form puts parts together.
func (t *Tools) Form(ctx context.Context, k *script.Key, f hsm.Forming) (ceremony.Made, error) {
	f.Attributes = ceremony.AttributesOf(k)
	taken := false
	defer func() {
		if !taken {
			component.WipeAll(f.Parts)
		}
	}()
	make := func(ctx context.Context, b hsm.Boundary) (hsm.Key, error) {
		taken = true
		return b.Form(ctx, f)
	}
	return t.made(ctx, k, custody.KeyForm, store.Formed, make)
}

// made lets a key come into being where it belongs.
func (t *Tools) made(ctx context.Context, k *script.Key, a custody.Activity, origin string,
	make func(context.Context, hsm.Boundary) (hsm.Key, error)) (ceremony.Made, error) {
	label, keeps := stored(k)
	if keeps {
		return t.madeInStore(ctx, k, label, a, origin, make)
	}
	b, err := t.own()
	if err != nil {
		return ceremony.Made{}, err
	}
	made, err := make(ctx, b)
	if err != nil {
		return ceremony.Made{}, err
	}
	t.keys[k.ID] = made
	return ceremony.Made{Check: made.Check}, nil
}

// own is the boundary of keys that no store keeps.
func (t *Tools) own() (hsm.Boundary, error) {
	if t.session == nil {
		b, err := hsm.NewSoft(t.o.Env)
		if err != nil {
			return nil, err
		}
		t.session = b
	}
	return t.session, nil
}

// Split cuts a key into its parts.
func (t *Tools) Split(ctx context.Context, k *script.Key) ([]*component.Part, error) {
	spec := ceremony.SpecOf(k)
	if _, keeps := stored(k); !keeps {
		b, err := t.own()
		if err != nil {
			return nil, err
		}
		key, err := t.key(k)
		if err != nil {
			return nil, err
		}
		return b.Split(ctx, key, spec)
	}
	var parts []*component.Part
	ref, err := t.ref(ctx, k)
	if err != nil {
		return nil, err
	}
	err = t.onRow(ctx, ref, custody.KeySplit, vault.ToCheck, audit.Details{"parts": strconv.Itoa(len(k.Parts))},
		func(work *vault.Work, h vault.Held) (err error) {
			parts, err = work.Split(ctx, h.Key, spec)
			return err
		})
	if err != nil {
		component.WipeAll(parts)
		return nil, err
	}
	return parts, nil
}

func (t *Tools) key(k *script.Key) (hsm.Key, error) {
	key, has := t.keys[k.ID]
	if !has {
		return hsm.Key{}, fault.New(fault.NotFound, "key %s is not there", k.ID)
	}
	return key, nil
}

// Export writes a key block under a key of the store.
func (t *Tools) Export(ctx context.Context, k *script.Key, o *script.Output) (ceremony.Exported, error) {
	if _, keeps := stored(k); !keeps {
		return ceremony.Exported{}, fault.New(fault.NotPermitted,
			"key %s is in no store: a block under key %s of the store takes an output to the store first", k.ID, o.KBPK)
	}
	return t.export(ctx, k, o)
}

// Load loads a key of the store into a device.
func (t *Tools) Load(ctx context.Context, k *script.Key, o *script.Output) (ceremony.Loaded, error) {
	if t.o.Load == nil {
		return ceremony.Loaded{}, fault.New(fault.Usage, "there is no device to load key %s into", k.ID)
	}
	ref, err := t.ref(ctx, k)
	if err != nil {
		return ceremony.Loaded{}, err
	}
	return t.o.Load(ctx, ref, o)
}

// InitStore makes a store.
func (t *Tools) InitStore(ctx context.Context, k *script.Key, cards []custody.Card) (ceremony.Made, error) {
	if t.o.InitStore == nil {
		return ceremony.Made{}, fault.New(fault.Usage, "there is no place for a store; name one with --store")
	}
	return t.o.InitStore(ctx, k, cards)
}

// Forget wipes every key that was not kept. What lies in the store without being active is destroyed, where those who
// approve it are there; else the error names it: nothing can be protected with it.
func (t *Tools) Forget(ctx context.Context) error {
	return errors.Join(t.forgetSession(), t.forgetDormant(ctx))
}

func (t *Tools) forgetSession() error {
	session := t.session
	t.session, t.keys = nil, map[string]hsm.Key{}
	if session == nil {
		return nil
	}
	return session.Close()
}

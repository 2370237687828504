package cli

// What a ceremony works with: for real, or for practice.

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/agent"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/tools"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// toolsEnd lets the tools of a ceremony go, when its record is at its last line.
type toolsEnd func(state transcript.State, head transcript.Digest) error

// ceremonyTools gives the tools of a ceremony, and what ends them.
func (a *App) ceremonyTools(ctx context.Context, o *sitting) (ceremony.Tools, toolsEnd, error) {
	if o.mode == transcript.Rehearsal {
		t, err := a.practiceTools(ctx, o)
		if err != nil {
			return nil, nil, err
		}
		return t, func(transcript.State, transcript.Digest) error { return t.Close() }, nil
	}
	own := tools.Options{Env: a.Env, Ceremony: o.ceremony, Script: o.program.Script, Who: whoAmI(), Resumed: o.there, Kept: o.kept,
		Identity:   func(_ context.Context, p script.Person) (*custody.Locked, error) { return lockedOf(o.identities, p) },
		Print:      func(ctx context.Context, write func(io.Writer) error) error { return o.print(ctx, a, write) },
		WriteBlock: func(name string, content []byte) error { return writeBlockFile(o.dir, name, content) },
		ReadBlock:  func(name string) ([]byte, error) { return readRegular(filepath.Join(o.dir, name), maxBlockFile) },
		InitStore: func(ctx context.Context, k *script.Key, cards []custody.Card) (ceremony.Made, error) {
			return o.initStore(ctx, a, k, cards)
		},
	}
	if o.store != noStore {
		own.Vault = a.openVault
		own.Approvers = func(ctx context.Context, activity custody.Activity) (agent.Approvers, func(), error) {
			return o.approvers(ctx, a, activity)
		}
		own.Load = func(ctx context.Context, ref store.Ref, out *script.Output) (ceremony.Loaded, error) {
			return o.load(ctx, a, ref, out)
		}
	}
	t := tools.New(own)
	return t, func(state transcript.State, head transcript.Digest) error {
		return endTools(context.WithoutCancel(ctx), t, state, head)
	}, nil
}

// endTools closes the ledger of a ceremony that is over. One that broke goes on later, with what lies in the store.
func endTools(ctx context.Context, t *tools.Tools, state transcript.State, head transcript.Digest) error {
	var failed error
	switch state {
	case transcript.Closed:
		failed = t.End(ctx, store.CeremonyClosed, head.String())
	case transcript.Aborted:
		failed = t.End(ctx, store.CeremonyAborted, head.String())
	}
	return errors.Join(failed, t.Close(ctx))
}

// initStore makes a store for the officers who sit for the parts of its master key.
func (o *sitting) initStore(ctx context.Context, a *App, k *script.Key, cards []custody.Card) (ceremony.Made,
	error) {
	url, err := a.storeURL()
	if err != nil {
		return ceremony.Made{}, err
	}
	id, err := a.createStore(ctx, url, o.program.Script.Environment, cards, nil, k.Needed())
	if o.there && fault.Is(err, fault.FileExists) {
		id, err = o.bornHere(ctx, a, cards, k.Needed(), err)
	}
	if err != nil {
		return ceremony.Made{}, err
	}
	return ceremony.Made{Check: id.Master.Check, Label: id.ID}, nil
}

// bornHere finds the store that this ceremony made before it broke, and before a line said so: born since the ceremony
// began, of its environment, and its master key cut to these officers and no others, by the same threshold.
func (o *sitting) bornHere(ctx context.Context, a *App, cards []custody.Card, threshold int,
	there error) (store.Identity, error) {
	_, id, err := a.openIdentified(ctx)
	if err != nil {
		return store.Identity{}, errors.Join(there, err)
	}
	both, err := custody.ParseSealedStore(id.Master.Sealed)
	if err != nil {
		return store.Identity{}, errors.Join(there, err)
	}
	sealed := both.Master
	others := func(h custody.Holder) bool {
		return !slices.ContainsFunc(cards, func(c custody.Card) bool { return c.Fingerprint() == h.Fingerprint })
	}
	if id.Environment != string(o.program.Script.Environment) || id.Created.Before(o.began().Truncate(time.Second)) ||
		sealed.Generation() != 1 || sealed.Threshold() != threshold || len(sealed.Officers()) != len(cards) ||
		slices.ContainsFunc(sealed.Officers(), others) {
		return store.Identity{}, there
	}
	return id, nil
}

// lockedOf finds the identity file of somebody.
func lockedOf(files []officerFile, p script.Person) (*custody.Locked, error) {
	f, ok := identityOf(files, p)
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no identity file of %s; name it with --identity", p.ID)
	}
	return f.locked, nil
}

// print sends a sheet straight to a device: no spooler, no file. In a test without a printer the screen is one: the
// engine clears it before anybody else comes.
func (o *sitting) print(ctx context.Context, a *App, write func(io.Writer) error) error {
	switch {
	case o.paper == nil && testPrefix(o.mode, o.program.Script.Environment) != "":
		return write(screenPaper{a})
	case o.paper == nil:
		return fault.New(fault.Usage, "there is no printer; name it with --printer")
	}
	return o.paper.print(ctx, write)
}

// screenPaper prints on the screen.
type screenPaper struct{ a *App }

func (s screenPaper) Write(sheet []byte) (int, error) {
	return len(sheet), s.a.Console.Show(string(bytes.ReplaceAll(sheet, []byte{'\f'}, nil)))
}

// practiceTools are throw-away tools for a rehearsal.
func (a *App) practiceTools(ctx context.Context, o *sitting) (*ceremony.Practice, error) {
	file := func(person string) string { return filepath.Join(o.dir, testPrefix(o.mode, "")+person+".identity") }
	return ceremony.NewPractice(ceremony.PracticeOptions{
		Env:   a.Env,
		Paper: practicePaper{ctx, a, o},
		Write: func(name string, block []byte) error { return o.writePractice(name, block) },
		Load: func(person string) ([]byte, error) {
			raw, err := readRegular(file(person), maxOfficerFile)
			if fault.Is(err, fault.NotFound) {
				return nil, nil
			}
			return raw, err
		},
		Save: func(person string, raw []byte) error { return source.WriteNew(file(person), raw) },
	})
}

// writePractice writes a key block of a throw-away key. After a break the one of before is of a key that is gone.
func (o *sitting) writePractice(name string, block []byte) error {
	err := writeBlockFile(o.dir, name, block)
	if !o.there || !fault.Is(err, fault.FileExists) {
		return err
	}
	if err := os.Remove(filepath.Join(o.dir, name)); err != nil {
		return fault.WrapAs(fault.FileExists, err, "the key block of before the break")
	}
	return writeBlockFile(o.dir, name, block)
}

// practicePaper prints sheets of a rehearsal where those of the ceremony would be.
type practicePaper struct {
	ctx context.Context //nolint:containedctx // an io.Writer that lasts as long as the rehearsal
	a   *App
	o   *sitting
}

func (p practicePaper) Write(sheet []byte) (int, error) {
	return len(sheet), p.o.print(p.ctx, p.a, func(w io.Writer) error {
		_, err := w.Write(sheet)
		return err
	})
}

package cli

// What a ceremony works with: for real, or for practice.

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/minutes"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/tools"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/custody"
)

// ceremonyTools gives the tools of a ceremony, and what closes them.
func (a *App) ceremonyTools(ctx context.Context, o ceremonySetup) (ceremony.Tools, func() error, error) {
	if o.mode == transcript.Rehearsal {
		return a.practiceTools(o)
	}
	t := tools.New(tools.Options{Env: a.Env, Ceremony: o.ceremony, Script: o.program.Script, Who: whoAmI(),
		Identity:   func(_ context.Context, p script.Person) (*custody.Locked, error) { return lockedOf(o.identities, p) },
		Print:      func(_ context.Context, write func(io.Writer) error) error { return o.print(a, write) },
		WriteBlock: func(name string, content []byte) error { return writeBlockFile(o.dir, name, content) },
	})
	return t, func() error { return t.Close(context.WithoutCancel(ctx)) }, nil
}

// lockedOf finds the identity file of somebody.
func lockedOf(files []officerFile, p script.Person) (*custody.Locked, error) {
	f, ok := identityOf(files, p)
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no identity file of %s; name it with --identity", p.ID)
	}
	return f.locked, nil
}

// print sends a sheet straight to a device: no spooler, no file. In a test without a printer the screen is one: the engine
// clears it before anybody else comes.
func (o *ceremonySetup) print(a *App, write func(io.Writer) error) (err error) {
	switch {
	case o.printer == "" && testPrefix(o.mode, o.program.Script.Environment) != "":
		return write(screenPaper{a})
	case o.printer == "":
		return fault.New(fault.Usage, "there is no printer; name it with --printer")
	}
	f, err := os.OpenFile(o.printer, os.O_WRONLY|openPatiently, 0)
	if err != nil {
		return fault.WrapAs(fault.DeviceFailed, err, "the printer")
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fault.WrapAs(fault.DeviceFailed, cerr, "the printer")
		}
	}()
	return fault.WrapAs(fault.DeviceFailed, write(f), "the printer")
}

// screenPaper prints on the screen.
type screenPaper struct{ a *App }

func (s screenPaper) Write(sheet []byte) (int, error) {
	return len(sheet), s.a.Console.Show(string(bytes.ReplaceAll(sheet, []byte{'\f'}, nil)))
}

// writeCeremonySheet writes the sheet of a part for the printer.
func writeCeremonySheet(w io.Writer, p *component.Part, about ceremony.SheetAbout) error {
	return minutes.Sheet(w, p, minutes.SheetInfo{Test: about.Test, Rehearsal: about.Rehearsal, Organisation: about.Organisation, Place: about.Place, Ceremony: about.Ceremony,
		Fingerprint: about.Fingerprint, KeyID: about.KeyID, Label: about.Label, Purpose: about.Purpose, Custodian: about.Custodian,
		Backup: about.Backup, Bag: about.Bag, Outer: about.Outer, Channel: about.Channel, Time: about.Time.UTC().Format(time.RFC3339)})
}

// practiceTools are throw-away tools for a rehearsal.
func (a *App) practiceTools(o ceremonySetup) (ceremony.Tools, func() error, error) {
	file := func(person string) string { return filepath.Join(o.dir, testPrefix(o.mode, "")+person+".identity") }
	t, err := ceremony.NewPractice(ceremony.PracticeOptions{
		Env:   a.Env,
		Paper: practicePaper{a, o},
		Write: func(name string, block []byte) error { return writeBlockFile(o.dir, name, block) },
		Load: func(person string) ([]byte, error) {
			raw, err := readWhole(file(person), maxOfficerFile)
			if fault.Is(err, fault.NotFound) {
				return nil, nil
			}
			return raw, err
		},
		Save: func(person string, raw []byte) error { return source.WriteNew(file(person), raw) },
	})
	if err != nil {
		return nil, nil, err
	}
	return t, t.Close, nil
}

// practicePaper prints sheets of a rehearsal where those of the ceremony would be.
type practicePaper struct {
	a *App
	o ceremonySetup
}

func (p practicePaper) Write(sheet []byte) (int, error) {
	return len(sheet), p.o.print(p.a, func(w io.Writer) error {
		_, err := w.Write(sheet)
		return err
	})
}

package cli

// The report of a run in files, signed by an officer.

import (
	"bytes"
	"context"
	"io"

	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/fleet"
)

// reportFile is a file that was asked for, with what it shall hold.
type reportFile struct {
	path    string
	content []byte
}

// writeReport writes the files that were asked for, when all of them can be made; none is overwritten.
func (a *App) writeReport(o fleetReconcileOpts, r *fleet.Report, signer *custody.Identity) ([]string, error) {
	all, err := a.reportFiles(o, r, signer)
	if err != nil {
		return nil, err
	}
	written := []string{}
	for _, f := range all {
		if err := source.Fill(f.path, func(w io.Writer) error { _, err := w.Write(f.content); return err }); err != nil {
			return nil, err
		}
		written = append(written, f.path)
	}
	return written, nil
}

// reportFiles makes what the files shall hold.
func (a *App) reportFiles(o fleetReconcileOpts, r *fleet.Report, signer *custody.Identity) (all []reportFile, err error) {
	raw, err := r.JSON()
	if err != nil {
		return nil, err
	}
	if o.json != "" {
		all = append(all, reportFile{o.json, raw})
	}
	if o.html != "" {
		var page bytes.Buffer
		if err := fleetReportPage(&page, a.Say, buildVersion().Version, r); err != nil {
			return nil, err
		}
		all = append(all, reportFile{o.html, page.Bytes()})
	}
	if signer == nil {
		return all, nil
	}
	note, err := fleet.Sign(raw, a.Env.Now(), func(said string) ([]byte, error) { return custody.SignNote(said, signer) })
	return append(all, reportFile{o.note(), note}), err
}

// note is where the signature goes.
func (o *fleetReconcileOpts) note() string { return o.json + ".note" }

// files are the paths of what was asked for.
func (o *fleetReconcileOpts) files() []string {
	var all []string
	for _, path := range []string{o.json, o.html} {
		if path != "" {
			all = append(all, path)
		}
	}
	if o.sign != "" {
		all = append(all, o.note())
	}
	return all
}

// reportSigner opens the identity of the officer who signs, nil where nobody does, before anything is done. One identity
// alone is open here, and only for the signature: it opens no store. An officer of the store signs, in office: a
// signature of anybody else is worth nothing to who verifies it.
func (a *App) reportSigner(ctx context.Context, o fleetReconcileOpts) (*custody.Identity, error) {
	if o.sign == "" {
		return nil, nil //nolint:nilnil // nobody is no error
	}
	f, err := readIdentityFile(ctx, o.sign)
	if err != nil {
		return nil, err
	}
	_, id, err := a.openIdentified(ctx)
	if err != nil {
		return nil, err
	}
	place := logPlace{identity: audit.Identity{Store: id.ID, Environment: audit.Environment(id.Environment)}}
	if place.officers, err = a.storeOfficers(ctx); err != nil {
		return nil, err
	}
	if err := place.inOffice(f.card); err != nil {
		return nil, err
	}
	if err := f.card.CheckTime(a.Env.Now()); err != nil {
		return nil, err
	}
	pass, err := a.sources().ReadPassphrase(ctx, o.passphrase, text.New("passphrase of %s", f.card.ID()))
	if err != nil {
		return nil, err
	}
	defer pass.Wipe()
	return f.locked.Unlock(a.Env, pass, unrecorded())
}

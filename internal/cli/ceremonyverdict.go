package cli

// Whether the record of a ceremony holds, said the same way by everything that reads one.

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// readVerified reads a record against its own script, whatever it is worth.
func readVerified(place string) (*ceremony.Verified, error) {
	f, err := openRecord(place)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read
	return ceremony.Verify(f)
}

// verifyRecord is readVerified for those who need the script in it: a record of another version is refused as such.
func verifyRecord(place string) (*ceremony.Verified, error) {
	v, err := readVerified(place)
	if err != nil || v.Script != nil {
		return v, err
	}
	if bad := flawed(v.Problems, place); bad != nil {
		return nil, bad
	}
	return nil, fault.Wrap(v.Unread, "the script in the record")
}

// verdictOf is the first reason why a record does not hold: a byte, a line, or that it has no end which somebody signed.
func verdictOf(v *ceremony.Verified, place string) error {
	if bad := flawed(v.Problems, place); bad != nil {
		return bad
	}
	for _, f := range v.Findings {
		if f.Level == script.Error {
			return fault.New(fault.LogBroken, "%s: %s", f.Where, f.What)
		}
	}
	switch {
	case v.State == transcript.Open:
		return fault.New(fault.LogBroken, "the record has no end; the ceremony broke, or goes on")
	case len(v.Missing) > 0 && v.State == transcript.Closed:
		return fault.New(fault.LogBroken, "not signed at the end by %s", strings.Join(v.Missing, " "))
	}
	return nil
}

// besideRecord holds the script that lies in the folder of a ceremony against the one in its record, which counts. place
// is what people named: a record alone has nothing beside it.
func besideRecord(place string, d *transcript.Document) []script.Finding {
	if info, err := os.Stat(place); err != nil || !info.IsDir() || len(d.Head.Script) == 0 {
		return nil
	}
	raw, err := readRegular(filepath.Join(place, ceremonyScript), script.MaxFile)
	f := script.Finding{ID: "script-file-other", Level: script.Warning, Requirement: pinRecord, Where: ceremonyScript}
	switch {
	case err == nil && bytes.Equal(raw, d.Head.Script):
		return nil
	case errors.Is(err, fs.ErrNotExist) || err != nil && fault.Is(err, fault.NotFound):
		f.ID, f.What = "script-file-missing", text.New("the script that lay beside the record is gone; the one in the record counts")
	case err != nil:
		f.What = text.New("the script beside the record cannot be read: %s", err)
	default:
		f.What = text.New("it is not the script of this record; the one in the record counts, and with this one nobody goes on")
	}
	return []script.Finding{f}
}

// goesOn reports whether a ceremony can be resumed as it lies there.
func goesOn(place string, d *transcript.Document) bool {
	path := recordPath(place)
	return d.State == transcript.Open && len(d.Problems) == 0 && filepath.Base(path) == ceremonyRecord &&
		len(besideRecord(filepath.Dir(path), d)) == 0
}

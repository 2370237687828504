package cli

// The folder of a ceremony: the script as it was reviewed, the record, key blocks, and nothing secret.

import (
	"context"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// Files of a ceremony's folder.
const (
	ceremonyScript = script.ScriptName
	ceremonyRecord = script.RecordName
)

// maxBlockFile bounds what is read of a key block beside a record.
const maxBlockFile = 64 << 10

// readCeremonyScript reads a script that was written by people.
func readCeremonyScript(ctx context.Context, path string) (*script.Script, error) {
	raw, err := readWhole(ctx, path, script.MaxFile)
	if err != nil {
		return nil, err
	}
	return parseCeremonyScript(raw, path)
}

func parseCeremonyScript(raw []byte, path string) (*script.Script, error) {
	s, err := script.Parse(raw)
	return s, fault.Wrap(err, "%s", pathWord(path))
}

// drawCeremony names a ceremony: the day, and so much chance that no two have the same name. Sixteen hex digits in a
// row would look like a key to the audit log.
func (a *App) drawCeremony() (string, error) {
	var chance [3]byte
	if _, err := io.ReadFull(a.Env.Rand, chance[:]); err != nil {
		return "", fault.WrapAs(fault.Failure, err, "draw the name of the ceremony")
	}
	return a.Env.Now().UTC().Format("20060102") + "-" + strings.ToUpper(hex.EncodeToString(chance[:])), nil
}

// testPrefix keeps what belongs to a rehearsal or a test from being taken for the real thing, by its name.
func testPrefix(mode transcript.Mode, env custody.Environment) string {
	mark := transcript.Mark(env, mode)
	if mark == "" {
		return ""
	}
	return strings.ReplaceAll(mark, " ", "-") + "-"
}

// ceremonyDirName is the folder of a ceremony where nobody names one.
func ceremonyDirName(scriptPath, prefix, ceremony string) string {
	base := strings.TrimSuffix(filepath.Base(scriptPath), filepath.Ext(scriptPath))
	return prefix + base + "-" + ceremony
}

// makeCeremonyDir makes the folder with the script in it; undo takes it away again. One that is there must be empty.
func makeCeremonyDir(dir string, s *script.Script) (undo func(), err error) {
	made, err := source.MakeDir(dir)
	if err != nil {
		return nil, err
	}
	undo = func() {
		_ = os.Remove(filepath.Join(dir, ceremonyScript))
		if made {
			_ = os.Remove(dir)
		}
	}
	if !made {
		if err := fitCeremonyDir(dir); err != nil {
			return nil, err
		}
	}
	if err := source.WriteNew(filepath.Join(dir, ceremonyScript), s.Raw()); err != nil {
		if made {
			_ = os.Remove(dir)
		}
		return nil, err
	}
	return undo, nil
}

// fitCeremonyDir looks at a folder that is there already.
func fitCeremonyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fault.WrapAs(fault.NotPermitted, err, "folder %s", pathWord(dir))
	}
	if len(entries) > 0 {
		return fault.New(fault.FileExists, "folder %s is not empty; a ceremony has one of its own", pathWord(dir))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fault.WrapAs(fault.NotPermitted, err, "folder %s", pathWord(dir))
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fault.New(fault.FileExposed, "others can enter folder %s", pathWord(dir))
	}
	return nil
}

// recordPath is the record in a folder, or the record itself.
func recordPath(place string) string {
	if info, err := os.Stat(place); err == nil && info.IsDir() {
		return filepath.Join(place, ceremonyRecord)
	}
	return place
}

// openRecord opens a record for reading.
func openRecord(place string) (*os.File, error) {
	path := recordPath(place)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fault.Wrap(source.OpenError(err, path), "the record of the ceremony")
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Malformed, "%s is no record", pathWord(path))
	case info.Size() > transcript.MaxFile:
		return nil, fault.New(fault.TooLarge, "%s is larger than %d bytes", pathWord(path), transcript.MaxFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(source.OpenError(err, path), "the record of the ceremony")
	}
	return f, nil
}

// readRecord reads a record as it stands, verified or not.
func readRecord(place string) (*transcript.Document, error) {
	f, err := openRecord(place)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read
	return transcript.Read(f)
}

package cli

// Officers' files: cards and identities, read, found in folders and proven.

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

// maxOfficerFile is more than a card or an identity ever has, and bounds what a wrong path can lead to.
const maxOfficerFile = 16 << 10

// officerFile is a card or an identity as it lies in a file.
type officerFile struct {
	path    string
	raw     []byte
	card    custody.Card
	locked  *custody.Locked // of an identity
	exposed bool            // others than its owner can read it
}

// What an officer's file is, by its first words.
const (
	identityStart = "poskey officer identity "
	cardStart     = "poskey officer card "
)

// readOfficerFile reads a card or an identity and verifies all that can be verified without a passphrase.
func readOfficerFile(ctx context.Context, path string) (officerFile, error) {
	raw, exposed, err := readShort(ctx, path, maxOfficerFile)
	if err != nil {
		return officerFile{}, err
	}
	o := officerFile{path: path, raw: raw}
	switch {
	case bytes.HasPrefix(raw, []byte(identityStart)):
		o.exposed = exposed
		if o.locked, err = custody.ParseIdentity(raw); err == nil {
			o.card = o.locked.Card()
		}
	case bytes.HasPrefix(raw, []byte(cardStart)):
		o.card, err = custody.ParseCard(raw)
	default:
		err = fault.New(fault.Malformed, "it is neither an officer's identity nor a card")
	}
	if err != nil {
		return officerFile{}, fault.Wrap(err, "%s", pathWord(path))
	}
	return o, nil
}

// readIdentityFile reads an identity, and no card.
func readIdentityFile(ctx context.Context, path string) (officerFile, error) {
	o, err := readOfficerFile(ctx, path)
	if err == nil && o.locked == nil {
		return officerFile{}, fault.New(fault.Usage, "%s is an officer's card; the identity file is needed", pathWord(path))
	}
	return o, err
}

// readShort reads a file that has no more than limit bytes, and tells whether others than its owner can read it.
func readShort(ctx context.Context, path string, limit int64) (raw []byte, exposed bool, err error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }() // it was read
	info, err := f.Stat()
	if err != nil {
		return nil, false, fault.WrapAs(fault.Failure, err, "read %s", pathWord(path))
	}
	raw, err = io.ReadAll(io.LimitReader(source.Abortable(ctx, f), limit+1))
	switch {
	case err != nil:
		return nil, false, fault.WrapAs(fault.KindOf(err), err, "read %s", pathWord(path))
	case int64(len(raw)) > limit:
		return nil, false, fault.New(fault.TooLarge, "%s has more than %d bytes; that is not the file that is meant", pathWord(path), limit)
	}
	return raw, source.Exposed(info), nil
}

// pathWord is a file's name for people. Names come from other people's media: what cannot be printed is escaped.
func pathWord(path string) string {
	word := text.Redact(path)
	if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(word)
	}
	return word
}

// provenOfficerFile reads a file that was just written as the next reader will.
func provenOfficerFile(ctx context.Context, path string, want custody.Card) error {
	back, err := readOfficerFile(ctx, path)
	if err == nil && back.card.Fingerprint() != want.Fingerprint() {
		err = fault.New(fault.Failure, "%s does not hold what was written to it", path)
	}
	return err
}

// listed is an officer's file found in a folder, or why it cannot be taken.
type listed struct {
	officerFile
	err error
}

// listCards reads the cards and identities among files and in folders. In a folder everything else is passed over, and so
// is what lies there a second time, such as the card beside its identity. A file that is named must be one.
func listCards(ctx context.Context, paths []string) ([]listed, error) {
	var all []listed
	seen := map[custody.Fingerprint]bool{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			found, err := listFolder(ctx, path, seen)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
			continue
		}
		o, err := readOfficerFile(ctx, path)
		if err != nil {
			return nil, err
		}
		if !seen[o.card.Fingerprint()] {
			seen[o.card.Fingerprint()] = true
			all = append(all, listed{officerFile: o})
		}
	}
	return all, nil
}

func listFolder(ctx context.Context, dir string, seen map[custody.Fingerprint]bool) ([]listed, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.WrapAs(fault.NotPermitted, err, "folder %s", pathWord(dir))
	}
	var all []listed
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !isOfficerFile(path) {
			continue
		}
		o, err := readOfficerFile(ctx, path)
		if err != nil {
			all = append(all, listed{officerFile{path: path}, err})
			continue
		}
		if !seen[o.card.Fingerprint()] {
			seen[o.card.Fingerprint()] = true
			all = append(all, listed{officerFile: o})
		}
	}
	return all, nil
}

// isOfficerFile looks at the first words of a regular file.
func isOfficerFile(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was read
	start := make([]byte, len(identityStart))
	n, _ := io.ReadFull(f, start)
	return string(start[:n]) == identityStart || strings.HasPrefix(string(start[:n]), cardStart)
}

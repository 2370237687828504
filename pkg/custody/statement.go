package custody

// Texts of other packages that officers sign as notes: reports of runs.

import (
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"poskey/internal/fault"
)

// maxNoteText bounds what is read as a signed note, in bytes.
const maxNoteText = 256 << 10

// SignNote makes a signed note of a text, which begins with "poskey/" and ends with a line feed. Errors: usage without
// officers, not_permitted for another text.
func SignNote(text string, officers ...*Identity) ([]byte, error) {
	if len(officers) == 0 {
		return nil, fault.New(fault.Usage, "at least one officer signs")
	}
	signed, err := note.Sign(&note.Note{Text: text}, NoteSigners(officers)...)
	return signed, fault.Wrap(err, "sign a note")
}

// OpenNote verifies a signed note and gives its text and who signed it, by the names of their verifiers. Two keys of one
// officer are one officer, and signatures of unknown officers do not count. Error: log_broken for a wrong signature by a
// known officer, or fewer officers than asked for (at least one); malformed for what is no note.
func OpenNote(signed []byte, officers []Card, quorum int) (text string, who []string, err error) {
	if len(signed) > maxNoteText {
		return "", nil, fault.New(fault.TooLarge, "a signed note has at most %d bytes, got %d", maxNoteText, len(signed))
	}
	known := NoteVerifiers(officers)
	if known == nil {
		known = note.VerifierList()
	}
	n, err := note.Open(signed, known)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		return "", nil, fault.New(fault.LogBroken, "no officer who is known here signed the note")
	case errors.As(err, &invalid):
		return "", nil, fault.WrapAs(fault.LogBroken, err, "the note was changed, or a signature is wrong")
	case err != nil:
		return "", nil, fault.New(fault.Malformed, "not a signed note")
	}
	seen := map[string]bool{}
	for _, s := range n.Sigs {
		person, _, _ := strings.Cut(s.Name, "/")
		if !seen[person] {
			who = append(who, s.Name)
		}
		seen[person] = true
	}
	if len(who) < quorum {
		return "", nil, fault.New(fault.LogBroken, "the note is signed by %d known officers, %d are asked for", len(who), quorum)
	}
	return n.Text, who, nil
}

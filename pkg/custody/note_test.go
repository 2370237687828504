package custody

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"poskey/internal/fault"
)

const testNote = "poskey/audit/v1/test/" + testStore + "\n12\nroot\n"

func signNote(t *testing.T, text string, officers ...*Identity) []byte {
	t.Helper()
	var signers []note.Signer
	for _, o := range officers {
		signers = append(signers, o.NoteSigner())
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	must(t, err)
	return signed
}

func TestNotesOfOfficersAreNotesOfEverybody(t *testing.T) {
	noLeaks(t)
	li, wang := newTest(t, "li.na", Custodian), newTest(t, "wang", Auditor)
	signed := signNote(t, testNote, li, wang)
	n, err := note.Open(signed, note.VerifierList(li.Card().NoteVerifier(), wang.Card().NoteVerifier()))
	must(t, err)
	if n.Text != testNote || len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 {
		t.Errorf("got %q with %d signatures, %d unverified", n.Text, len(n.Sigs), len(n.UnverifiedSigs))
	}
	// the library's own verifier, from the key as tools read it
	other, err := note.NewVerifier(li.Card().NoteKey())
	must(t, err)
	n, err = note.Open(signed, note.VerifierList(other))
	must(t, err)
	want := "li.na/" + li.Card().Fingerprint().String()[:8]
	if len(n.Sigs) != 1 || n.Sigs[0].Name != want || other.KeyHash() != li.Card().NoteVerifier().KeyHash() {
		t.Errorf("signed by %+v, want %s", n.Sigs, want)
	}
}

func TestNoteChangedAfterSigningDoesNotOpen(t *testing.T) {
	li := newTest(t, "li.na", Custodian)
	signed := strings.Replace(string(signNote(t, testNote, li)), "\n12\n", "\n13\n", 1)
	var wrong *note.InvalidSignatureError
	if _, err := note.Open([]byte(signed), note.VerifierList(li.Card().NoteVerifier())); !errors.As(err, &wrong) {
		t.Errorf("a changed note: %v", err)
	}
}

func TestNoteOfAnotherOfficerDoesNotCount(t *testing.T) {
	li, wang := newTest(t, "li.na", Custodian), newTest(t, "wang", Auditor)
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(signNote(t, testNote, wang), note.VerifierList(li.Card().NoteVerifier())); !errors.As(err, &unverified) {
		t.Errorf("another's note: %v", err)
	}
	if (Card{}).NoteVerifier().Verify([]byte(testNote), make([]byte, 64)) {
		t.Error("no card at all verifies a note")
	}
}

// TestNoNoteIsTakenForAnotherSignature: what an officer signs as a note is never what they sign for a domain, in either
// direction, whoever writes the text.
func TestNoNoteIsTakenForAnotherSignature(t *testing.T) {
	li := newTest(t, "li.na", Custodian)
	card, signer, verifier := li.Card(), li.NoteSigner(), li.Card().NoteVerifier()
	for _, body := range [][]byte{card.body(), []byte(testNote), nil} {
		for _, domain := range []string{domainCard, domainApproval, "agent-hello"} {
			text := signed(domain, body)
			_, err := signer.Sign(text)
			mustFail(t, err, fault.NotPermitted, "poskey/")
			if s := li.sign(domain, body); verifier.Verify(text, s[:]) || verifier.Verify(body, s[:]) {
				t.Errorf("a signature for the domain %q is taken for a note's", domain)
			}
		}
	}
	s, err := signer.Sign([]byte(testNote))
	must(t, err)
	if !verifier.Verify([]byte(testNote), s) || verifier.Verify([]byte(testNote), s[:63]) {
		t.Error("the note's own signature")
	}
	rest, _ := strings.CutPrefix(testNote, noteOrigin)
	for _, message := range []string{testNote, rest, ""} {
		if card.Verify("agent-hello", []byte(message), s) || verify(card.signingKey, domainCard, []byte(message), s) {
			t.Errorf("a note's signature is taken for one of a domain over %q", message)
		}
	}
	if strings.HasPrefix(string(signed("any", nil)), noteOrigin) {
		t.Error("the messages of domains begin as notes do")
	}
}

func TestWipedIdentitySignsNoNote(t *testing.T) {
	li, err := NewOfficer(testEnv("wiped"), Officer{ID: "li.na", Name: "TEST", Roles: []Role{Operator}, Environment: Test})
	must(t, err)
	signer := li.NoteSigner()
	li.Wipe()
	_, err = signer.Sign([]byte(testNote))
	mustFail(t, err, fault.Bug, "wiped")
}

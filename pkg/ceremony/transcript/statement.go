package transcript

// What people sign: a line, and at the end the whole.

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// Domain is what signatures of lines are made for.
const Domain = "ceremony"

// DigestOf hashes a script, or another document that may be known.
func DigestOf(content []byte) Digest { return sha256.Sum256(content) }

// signedMessage is what somebody signs who signs the last line.
func (c *chain) signedMessage() []byte {
	return []byte(Format + "/signed\n" + c.head.Ceremony + "\n" + strconv.Itoa(c.step) + "\n" + c.hash.String() + "\n")
}

// checkSigned verifies a signature over the last line.
func (c *chain) checkSigned(r *Record) error {
	if c.head == nil {
		return nil // the first line could not be read, which was said
	}
	card, err := c.cardOf(r.Who)
	if err != nil {
		return err
	}
	if r.Step != c.step {
		return fault.New(fault.LogBroken, "the line above is of step %d, not %d", c.step, r.Step)
	}
	if !card.Verify(Domain, c.signedMessage(), r.Signature) {
		return fault.New(fault.MACMismatch, "the signature of %s does not belong to the line above, or the line was changed",
			r.Who)
	}
	return nil
}

// statement is the text that people sign at the end. The last line is the one that closes.
func (c *chain) statement() string {
	state := string(Closed)
	if c.aborted {
		state = string(Aborted)
	}
	return "poskey/transcript/v1/" + string(c.head.Environment) + "/" + string(c.head.Mode) + "/" + c.head.Ceremony +
		"\n" +
		"state: " + state + "\n" +
		"lines: " + strconv.Itoa(c.n) + "\n" +
		"head: " + c.hash.String() + "\n" +
		"script: " + c.scriptFingerprint().String() + "\n" +
		"time: " + timeText(c.time) + "\n"
}

// openNote verifies the note at the end, and gives the ids of those who signed it in the order in which they attended.
// Every signature under it is by somebody who attended.
func (c *chain) openNote(signed []byte) ([]string, error) {
	if c.head == nil {
		return nil, nil // the first line could not be read, which was said
	}
	text, names, err := custody.OpenNote(signed, c.cards, 1)
	if err != nil {
		return nil, err
	}
	if text != c.statement() {
		return nil, fault.New(fault.LogBroken, "the note says something else than this record")
	}
	if lines := bytes.Count(signed[len(text):], []byte("\n— ")); lines != len(names) {
		return nil, fault.New(fault.LogBroken, "the note has %d signatures, and %d are of people who attended", lines,
			len(names))
	}
	var ids []string
	for _, card := range c.cards {
		for _, name := range names {
			if id, _, _ := strings.Cut(name, "/"); id == card.ID() {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

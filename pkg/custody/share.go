package custody

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/keys"
)

const (
	titleShare  = "poskey master share 1\n"
	headerWord  = "header: "
	blindWord   = "blind: "
	blindBytes  = 32
	maxPayload  = 2048 // the longest has some 800 bytes
	commitTitle = "poskey master share commitment 1\n"
	purposeMAC  = "poskey sealed master 1 master check"
)

// payload is what an officer's key decrypts: the share with what binds it to its document.
type payload struct {
	header [sha256.Size]byte // digest of the document's head
	blind  *secret.Bytes
	part   *component.Part
}

func (p *payload) wipe() {
	p.blind.Wipe()
	p.part.Wipe()
}

// marshal writes the payload into locked memory.
func (p *payload) marshal() (*secret.Bytes, error) {
	pad := newPad(maxPayload)
	defer pad.wipe()
	pad.print(titleShare + headerWord + upperHex(p.header[:]) + "\n" + blindWord)
	if err := keys.WriteHex(pad, p.blind); err != nil {
		return nil, fault.WrapAs(fault.Bug, err, "write a share")
	}
	pad.print("\n")
	if err := p.part.WriteSheet(pad); err != nil {
		return nil, fault.WrapAs(fault.Bug, err, "write a share")
	}
	return secret.Copy(pad.text()), nil
}

// parsePayload reads what marshal wrote. Its errors say nothing of the content.
func parsePayload(raw *secret.Bytes) (*payload, error) {
	rest, isShare := bytes.CutPrefix(raw.Expose(), []byte(titleShare+headerWord))
	header, rest, _ := bytes.Cut(rest, []byte("\n"+blindWord))
	blind, sheet, _ := bytes.Cut(rest, []byte("\n"))
	if !isShare || len(header) != 2*sha256.Size || len(blind) != 2*blindBytes {
		return nil, notShare()
	}
	var p payload
	if _, err := hex.Decode(p.header[:], header); err != nil {
		return nil, notShare()
	}
	var err error
	if p.blind, err = keys.ParseHex(blind); err != nil {
		return nil, notShare()
	}
	if p.part, err = component.ParseSheet(sheet); err != nil {
		p.blind.Wipe()
		return nil, notShare()
	}
	return &p, nil
}

func notShare() error {
	return fault.New(fault.Malformed, "what was encrypted is no share of a master key")
}

// commit fixes a share without telling it: a hash over 32 bytes drawn for it, its number and its value.
func commit(blind *secret.Bytes, index int, value *secret.Bytes) [sha256.Size]byte {
	pad := newPad(maxPayload)
	defer pad.wipe()
	pad.print(commitTitle)
	_, _ = pad.Write(blind.Expose())
	_, _ = pad.Write([]byte{byte(index)})
	_, _ = pad.Write(value.Expose())
	return sha256.Sum256(pad.text())
}

// vouch is the master key's own check over a document. Only who has the master key can make it.
func vouch(master *keys.Key, m *SealedMaster) (sum [sha256.Size]byte, err error) {
	key, err := derive(master.Secret(), purposeMAC, sha256.Size)
	if err != nil {
		return sum, err
	}
	defer key.Wipe()
	mac := hmac.New(sha256.New, key.Expose())
	mac.Write(m.body())
	return [sha256.Size]byte(mac.Sum(nil)), nil
}

// pad is locked memory to write a text with secrets into.
type pad struct {
	sec *secret.Bytes
	n   int
}

func newPad(size int) *pad { return &pad{sec: secret.New(size)} }

func (p *pad) wipe() { p.sec.Wipe() }

func (p *pad) text() []byte { return p.sec.Expose()[:p.n] }

// Write appends, or fails when the pad is full.
func (p *pad) Write(b []byte) (int, error) {
	n := copy(p.sec.Expose()[p.n:], b)
	p.n += n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// print is for public words.
func (p *pad) print(words string) { _, _ = p.Write([]byte(words)) }

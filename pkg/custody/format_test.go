package custody

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/argon2"

	"poskey/pkg/component"
	"poskey/pkg/keys"
)

// outsider reads documents by the package comment alone, with the primitives and nothing of this package's code.
type outsider struct {
	t   *testing.T
	raw string
}

// value gives what stands behind a label.
func (o outsider) value(label string) string {
	o.t.Helper()
	_, rest, ok := strings.Cut(o.raw, "\n"+label+": ")
	if !ok {
		o.t.Fatalf("no %q", label)
	}
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

func (o outsider) hex(label string) []byte {
	o.t.Helper()
	b, err := hex.DecodeString(o.value(label))
	must(o.t, err)
	return b
}

func (o outsider) number(label string) int {
	o.t.Helper()
	n, err := strconv.Atoi(o.value(label))
	must(o.t, err)
	return n
}

// above gives the lines before the one with the label.
func (o outsider) above(label string) string {
	o.t.Helper()
	at := strings.Index(o.raw, "\n"+label+": ")
	if at < 0 {
		o.t.Fatalf("no %q", label)
	}
	return o.raw[:at+1]
}

func expand(t *testing.T, prk []byte, info string, n int) []byte {
	t.Helper()
	out, err := hkdf.Expand(sha256.New, prk, info, n)
	must(t, err)
	return out
}

// private opens an identity file: 32 bytes of seed, 32 of scalar.
func (o outsider) private(passphrase string) []byte {
	t := o.t
	t.Helper()
	root := argon2.IDKey([]byte(passphrase), o.hex("salt"), uint32(o.number("passes")), uint32(o.number("memory KiB")),
		uint8(o.number("lanes")), 32)
	_, derivation, _ := strings.Cut(o.above("passphrase check"), "\nkdf: ")
	mac := hmac.New(sha256.New, expand(t, root, "poskey officer identity 1 passphrase check", 32))
	mac.Write([]byte("kdf: " + derivation))
	if !bytes.Equal(mac.Sum(nil), o.hex("passphrase check")) {
		t.Fatal("the passphrase check is not the one that the package comment says")
	}
	block, err := aes.NewCipher(expand(t, root, "poskey officer identity 1 seal", 32))
	must(t, err)
	gcm, err := cipher.NewGCM(block)
	must(t, err)
	nonce := expand(t, root, "poskey officer identity 1 nonce", 12)
	private, err := gcm.Open(nil, nonce, o.hex("sealed"), []byte(o.above("sealed")))
	must(t, err)
	sum := sha256.Sum256([]byte(o.above("document check")))
	if !bytes.Equal(sum[:], o.hex("document check")) {
		t.Error("the document check is not the one that the package comment says")
	}
	return private
}

func TestIdentityFileIsAsItIsDescribed(t *testing.T) {
	raw := golden(t, "officer-1.identity", lockFile(t, goldenOfficer(t, 1)))
	o := outsider{t, string(raw)}
	private := o.private(goodPhrase)
	key := ed25519.NewKeyFromSeed(private[:32])
	if !bytes.Equal(key[32:], o.hex("signing key")) {
		t.Error("the seed is not that of the signing key")
	}
	card := strings.TrimPrefix(o.above("signature"), "poskey officer identity 1\n")
	if !ed25519.Verify(o.hex("signing key"), []byte("poskey officer signature 1\ncard\n"+card), o.hex("signature")) {
		t.Error("the card's signature is not the one that the package comment says")
	}
}

// TestSealedMasterIsAsItIsDescribed opens the golden document with age, hashes and pkg/component.
func TestSealedMasterIsAsItIsDescribed(t *testing.T) {
	noLeaks(t)
	raw, err := readGolden("store.master")
	must(t, err)
	doc := outsider{t, string(raw)}
	header := sha256.Sum256([]byte(doc.above("share 1")))
	var parts []*component.Part
	defer func() { component.WipeAll(parts) }()
	for _, n := range []string{"1", "3"} {
		file, err := readGolden("officer-" + n + ".identity")
		must(t, err)
		private := outsider{t, string(file)}.private(goodPhrase)
		plain := []byte(decryptOutside(t, private[32:], doc.value("share "+n)))
		share := outsider{t, string(plain)}
		if !bytes.Equal(share.hex("header"), header[:]) {
			t.Errorf("share %s is bound to something else than the head", n)
		}
		_, sheet, _ := bytes.Cut(plain, []byte("blind: "))
		_, sheet, _ = bytes.Cut(sheet, []byte("\n"))
		part, err := component.ParseSheet(sheet)
		must(t, err)
		parts = append(parts, part)
		index, err := strconv.Atoi(n)
		must(t, err)
		committed := append([]byte("poskey master share commitment 1\n"), share.hex("blind")...)
		committed = append(append(committed, byte(index)), part.Value.Expose()...)
		sum := sha256.Sum256(committed)
		if !bytes.Equal(sum[:], doc.hex("commitment "+n)) {
			t.Errorf("the commitment of share %s is not the one that the package comment says", n)
		}
	}
	master, err := component.Combine(keys.AES256, parts)
	must(t, err)
	defer master.Wipe()
	mac := hmac.New(sha256.New, expand(t, master.Secret().Expose(), "poskey sealed master 1 master check", 32))
	mac.Write([]byte(doc.above("master check")))
	if !bytes.Equal(mac.Sum(nil), doc.hex("master check")) {
		t.Error("the master check is not the one that the package comment says")
	}
}

func decryptOutside(t *testing.T, scalar []byte, share string) string {
	t.Helper()
	id := &Identity{scalar: phrase(string(scalar))}
	defer id.scalar.Wipe()
	own, err := id.age()
	must(t, err)
	sealed, err := base64.StdEncoding.DecodeString(share)
	must(t, err)
	plain, err := age.Decrypt(bytes.NewReader(sealed), own)
	must(t, err)
	text, err := io.ReadAll(plain)
	must(t, err)
	return string(text)
}

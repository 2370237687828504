package custody

// Known answers of what officers, shares and sealed files are made with.

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/selftest"
	"poskey/internal/text"
)

// SelfTests lists the tests of this package's algorithms. The answers are those of the standards; the file that is opened
// was sealed once, to the key of age's own examples.
func SelfTests() []selftest.Test {
	return []selftest.Test{
		answer("argon2id", text.New("argon2id, one lane and two"),
			"test of the reference implementation of Argon2: version 19, 2 passes, 256 KiB",
			"9DFEB910E80BAD0311FEE20F9C0E2B12C17987B4CAC90C2EF54D5B3021C68BFE"+
				"6D093C501FD5999645E0EA3BF620D7B8BE7FD2DB59C20D9FFF9539DA2BF57037", knownArgon2),
		answer("hkdf-sha256", text.New("HKDF-Expand with SHA-256"), "RFC 5869, A.1",
			"3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865", knownHKDF),
		answer("aes-256-gcm", text.New("AES-256-GCM"), "The Galois/Counter Mode of Operation, test case 14",
			"CEA7403D4D606B6E074EC5D3BAF39D18D0D1C8A799996BF0265B98B5D48AB919", knownGCM),
		answer("ed25519", text.New("Ed25519, key and signature"), "RFC 8032, 7.1, test 1",
			"D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A"+
				"E5564300C360AC729086E2CC806E828A84877F1EB8E5D974D873E065224901555FB8821590A33BACC61E39701CF9B46B"+
				"D25BF5F0595BBE24655141438E7A100B", knownSignature),
		refused("ed25519-changed", text.New("a changed signature is refused"), changedSignature),
		answer("x25519", text.New("X25519"), "RFC 7748, 5.2",
			"C3DA55379DE9C6908E94EA4DF28D084F32ECCF03491C71F754B4075577A28552", knownX25519),
		ofKeys(answer("bech32", text.New("the text form of an age key"), "BIP 173; test key of age",
			"AGE-SECRET-"+"KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX", knownBech32)),
		answer("age", text.New("a file sealed with age opens"), "age-encryption.org/v1, sealed once to the test key of age",
			strings.ToUpper(hex.EncodeToString([]byte("poskey self-test"))), func() (string, error) { return openKnown(knownSealed) }),
		refused("age-changed", text.New("a changed file sealed with age is refused"), changedFile),
	}
}

func answer(name string, what text.Text, source, want string, f func() (string, error)) selftest.Test {
	return selftest.Test{Name: name, Group: selftest.Custody, Kind: selftest.KnownAnswer, What: what, Source: source,
		Want: want, Compute: func(context.Context) (string, error) { return f() }}
}

// refused makes a test of what must be refused; it is told whether to change anything.
func refused(name string, what text.Text, f func(change bool) error) selftest.Test {
	told := func(change bool) func(context.Context) (string, error) {
		return func(context.Context) (string, error) {
			if err := f(change); err != nil {
				return string(fault.KindOf(err)), nil
			}
			return "accepted", nil
		}
	}
	return selftest.Test{Name: name, Group: selftest.Custody, Kind: selftest.Refusal, What: what, Source: "refused by rule",
		Want: string(fault.MACMismatch), Compute: told(true), Faulty: told(false)}
}

func ofKeys(t selftest.Test) selftest.Test {
	t.Secret = true
	return t
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func knownArgon2() (string, error) {
	password, salt := []byte("password"), []byte("somesalt")
	return upper(argon2.IDKey(password, salt, 2, 256, 1, 32)) + upper(argon2.IDKey(password, salt, 2, 256, 2, 32)), nil
}

func knownHKDF() (string, error) {
	key, err := hex.DecodeString("077709362C2E32DF0DDC3F0DC47BBA6390B6C73BB50F9C3122EC844AD7C2B3E5")
	if err != nil {
		return "", err
	}
	root := secret.Take(key)
	defer root.Wipe()
	out, err := derive(root, "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", 42)
	if err != nil {
		return "", err
	}
	defer out.Wipe()
	return upper(out.Expose()), nil
}

func knownGCM() (string, error) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return "", err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", err
	}
	nonce, plain := make([]byte, gcm.NonceSize()), make([]byte, 16)
	sealed := gcm.Seal(nil, nonce, plain, nil) //nolint:gosec // G407: the example's nonce
	if back, err := gcm.Open(nil, nonce, sealed, nil); err != nil || !bytes.Equal(back, plain) {
		return "", fault.New(fault.SelftestFailed, "deciphering does not give the plain text back")
	}
	return upper(sealed), nil
}

// knownSeed is the secret key of RFC 8032, 7.1, test 1, which signs the empty message.
const knownSeed = "9D61B19DEFFD5A60BA844AF492EC2CC44449C5697B326919703BAC031CAE7F60"

func knownSignature() (string, error) {
	seed, err := hex.DecodeString(knownSeed)
	if err != nil {
		return "", err
	}
	key := ed25519.NewKeyFromSeed(seed)
	public, signature := key[ed25519.SeedSize:], ed25519.Sign(key, nil)
	if !ed25519.Verify(ed25519.PublicKey(public), nil, signature) {
		return "", fault.New(fault.SelftestFailed, "a good signature does not verify")
	}
	return upper(public) + upper(signature), nil
}

func changedSignature(change bool) error {
	seed, err := hex.DecodeString(knownSeed)
	if err != nil {
		return err
	}
	key := ed25519.NewKeyFromSeed(seed)
	signature := ed25519.Sign(key, nil)
	if change {
		signature[0] ^= 1
	}
	if !ed25519.Verify(ed25519.PublicKey(key[ed25519.SeedSize:]), nil, signature) {
		return fault.New(fault.MACMismatch, "the signature does not verify")
	}
	return nil
}

func knownX25519() (string, error) {
	scalar, err := hex.DecodeString("A546E36BF0527C9D3B16154B82465EDD62144C0AC1FC5A18506A2244BA449AC4")
	if err != nil {
		return "", err
	}
	point, err := hex.DecodeString("E6DB6867583030DB3594C1A424B15F7C726624EC26B3353B10A903A6D0AB1C4C")
	if err != nil {
		return "", err
	}
	own, err := ecdh.X25519().NewPrivateKey(scalar)
	if err != nil {
		return "", err
	}
	other, err := ecdh.X25519().NewPublicKey(point)
	if err != nil {
		return "", err
	}
	shared, err := own.ECDH(other)
	return upper(shared), err
}

// exampleScalar is the secret key of age's own tests: 32 bytes 42.
func exampleScalar() *secret.Bytes { return secret.Take(bytes.Repeat([]byte{0x42}, 32)) }

func knownBech32() (string, error) {
	scalar := exampleScalar()
	defer scalar.Wipe()
	form := ageSecret(scalar)
	defer form.Wipe()
	return string(form.Expose()), nil
}

// knownSealed is "poskey self-test", sealed to age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj.
const knownSealed = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBMeE03YjZYd1RqOEVxbC94T0x6TDBjYm5SN1JnWUs3Y3Q2S1BlZW56WWdn" +
	"CkdCM3ZMOUhYaEtVSmlZTzJpZ0VzVE1YRDhaV0dwWnlEU2hDcURFKzQxWk0KLS0tIDNqZ1VIUW0ySFNwcmIwMHhsWkJLZ2IybkdQMG9xUEV0" +
	"SkZLQ3BDai9FMVUKuslXbKCMBUQWv5X9N9z479UH3nuUGv1RVYcT/gKR2iuxLAQikajkEWXnUMNywGe2"

func openKnown(sealed string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", err
	}
	id := Identity{scalar: exampleScalar()}
	defer id.scalar.Wipe()
	own, err := id.age()
	if err != nil {
		return "", err
	}
	plain, err := openAge(bytes.NewReader(raw), own)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(plain)
	return upper(content), err
}

// changedFile changes the last byte of the sealed content.
func changedFile(change bool) error {
	sealed := knownSealed
	if change {
		sealed = strings.TrimSuffix(sealed, "2") + "3"
	}
	_, err := openKnown(sealed)
	return err
}

package custody

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// locked gives an officer with their file, made at the cost of tests.
func locked(t testing.TB, id string, roles ...Role) (*Identity, []byte) {
	t.Helper()
	o := newTest(t, id, roles...)
	return o, lockFile(t, o)
}

func lockFile(t testing.TB, o *Identity) []byte {
	t.Helper()
	p := phrase(goodPhrase)
	defer p.Wipe()
	file, err := o.lock(testEnv("lock"), p, quick(), loose())
	must(t, err)
	return file
}

func unlock(file []byte, words string, now time.Time, rec Recorder) (*Identity, error) {
	l, err := parseIdentity(file, loose())
	if err != nil {
		return nil, err
	}
	p := phrase(words)
	defer p.Wipe()
	return l.Unlock(envAt("unlock", now), p, rec)
}

// mend computes the document check anew, as somebody would who changes a file on purpose.
func mend(file []byte) []byte {
	at := bytes.LastIndex(file, []byte(labelDigest+": "))
	if at < 0 {
		return file
	}
	sum := sha256.Sum256(file[:at])
	return append(bytes.Clone(file[:at]), (labelDigest + ": " + upperHex(sum[:]) + "\nend\n")...)
}

func TestIdentityComesBackFromItsFile(t *testing.T) {
	noLeaks(t)
	o, file := locked(t, "back", Custodian)
	events := &log{}
	id, err := unlock(file, goodPhrase, dawn(), RecorderFunc(events.Record))
	must(t, err)
	defer id.Wipe()
	if !id.seed.Equal(o.seed) || !id.scalar.Equal(o.scalar) || id.Card().Fingerprint() != o.Card().Fingerprint() {
		t.Error("another identity came back")
	}
	if events.kinds() != "identity_opened" || events.events[0].Officers[0].ID() != "back" {
		t.Errorf("recorded: %s", events.kinds())
	}
	l, err := parseIdentity(file, loose())
	must(t, err)
	if l.Card().Fingerprint() != o.Card().Fingerprint() || l.Cost() != quick() {
		t.Error("the file says another card or cost")
	}
}

// TestDefaultCostLocksAndUnlocks is the one test at the real cost; the benchmark measures it.
func TestDefaultCostLocksAndUnlocks(t *testing.T) {
	noLeaks(t)
	o := newTest(t, "real", Custodian)
	p := phrase(goodPhrase)
	defer p.Wipe()
	file, err := o.Lock(testEnv("real"), p, DefaultCost())
	must(t, err)
	l, err := ParseIdentity(file)
	must(t, err)
	if l.Cost() != DefaultCost() {
		t.Errorf("the cost is %+v", l.Cost())
	}
	begin := time.Now()
	id, err := l.Unlock(testEnv("real"), p, &log{})
	must(t, err)
	t.Logf("unlocked in %s", time.Since(begin).Round(time.Millisecond))
	if !id.seed.Equal(o.seed) {
		t.Error("another identity came back")
	}
	id.Wipe()
}

func TestEveryFileHasItsOwnSalt(t *testing.T) {
	o := newTest(t, "salted", Custodian)
	p := phrase(goodPhrase)
	defer p.Wipe()
	env := testEnv("salts")
	a, err := o.lock(env, p, quick(), loose())
	must(t, err)
	b, err := o.lock(env, p, quick(), loose())
	must(t, err)
	la, err := parseIdentity(a, loose())
	must(t, err)
	lb, err := parseIdentity(b, loose())
	must(t, err)
	if la.salt == lb.salt || la.sealed == lb.sealed || la.check == lb.check {
		t.Error("two files share salt, seal or check")
	}
}

func TestWrongPassphraseIsToldAndRecorded(t *testing.T) {
	noLeaks(t)
	_, file := locked(t, "guess", Custodian)
	events := &log{}
	for _, words := range []string{"TEST passphrase of nobod", goodPhrase + " ", " " + goodPhrase,
		strings.ToUpper(goodPhrase), "x"} {
		id, err := unlock(file, words, dawn(), events)
		mustFail(t, err, fault.AuthFailed, "identity of guess", "the passphrase is wrong")
		if !errors.Is(err, ErrPassphrase) || id != nil {
			t.Errorf("no ErrPassphrase, or an identity beside it: %v", err)
		}
	}
	if got := strings.Count(events.kinds(), "passphrase_wrong"); got != 5 || len(events.events) != 5 {
		t.Errorf("recorded: %s", events.kinds())
	}
	_, err := unlock(file, goodPhrase+"\n", dawn(), events)
	mustFail(t, err, fault.Malformed, "line end")
	if len(events.events) != 5 {
		t.Error("a line end left on counts as a guess")
	}
}

func TestNothingIsUnlockedThatCannotBeRecorded(t *testing.T) {
	noLeaks(t)
	_, file := locked(t, "silent", Custodian)
	for _, rec := range []Recorder{&log{fail: IdentityOpened}, nil} {
		id, err := unlock(file, goodPhrase, dawn(), rec)
		if err == nil || id != nil {
			t.Fatal("an identity that nobody recorded")
		}
		if !strings.Contains(err.Error(), "record") {
			t.Errorf("the error is %v", err)
		}
	}
	_, err := unlock(file, "wrong passphrase", dawn(), &log{fail: PassphraseWrong})
	mustFail(t, err, fault.Failure, "passphrase_wrong could not be recorded", "the disk is full")
}

func TestExpiredIdentityStaysLocked(t *testing.T) {
	noLeaks(t)
	o, file := locked(t, "old", Custodian)
	events := &log{}
	_, err := unlock(file, goodPhrase, o.Card().Expires(), events)
	mustFail(t, err, fault.NotPermitted, "old expired at")
	_, err = unlock(file, goodPhrase, dawn().Add(-time.Hour), events)
	mustFail(t, err, fault.NotPermitted, "in the future")
	if len(events.events) != 0 {
		t.Errorf("recorded: %s", events.kinds())
	}
}

// TestEveryDamagedByteOfAFileIsFoundBeforeAnybodyTypes: the document check sees it.
func TestEveryDamagedByteOfAFileIsFoundBeforeAnybodyTypes(t *testing.T) {
	noLeaks(t)
	_, file := locked(t, "damaged", Custodian, Operator)
	for at := range file {
		for _, change := range []byte{0x01, 0x10, 0x20} {
			bad := bytes.Clone(file)
			bad[at] ^= change
			if l, err := parseIdentity(bad, loose()); err == nil || l != nil {
				t.Fatalf("byte %d changed by %02X passes", at, change)
			}
		}
		if l, err := parseIdentity(file[:at], loose()); err == nil || l != nil {
			t.Fatalf("a file cut off at %d passes", at)
		}
	}
	spoilt := bytes.Replace(file, []byte("sealed: "), []byte("sealed: 00"), 1)
	_, err := parseIdentity(spoilt, loose())
	mustFail(t, err, fault.Malformed, "sealed")
	at := bytes.Index(file, []byte("salt: ")) + 6
	bad := bytes.Clone(file)
	bad[at] = '0' + (bad[at]-'0'+1)%10
	_, err = parseIdentity(bad, loose())
	mustFail(t, err, fault.ChecksumMismatch, "the file is damaged")
}

// TestEveryChangedByteOfAMendedFileIsRefused: whoever mends the document check still cannot open what they changed.
func TestEveryChangedByteOfAMendedFileIsRefused(t *testing.T) {
	noLeaks(t)
	_, file := locked(t, "mended", Custodian, Operator)
	events := &log{}
	outcomes := map[fault.Kind]int{}
	end := bytes.LastIndex(file, []byte(labelDigest+": "))
	for at := range end {
		bad := bytes.Clone(file)
		switch c := bad[at]; { // a digit for a digit, a letter for a letter: as much as possible shall parse
		case c >= '0' && c <= '8' || c >= 'A' && c <= 'E' || c >= 'a' && c <= 'y':
			bad[at]++
		default:
			bad[at]--
		}
		id, err := unlock(mend(bad), goodPhrase, dawn(), events)
		if err == nil || id != nil {
			t.Fatalf("byte %d changed passes:\n%s", at, bad)
		}
		outcomes[fault.KindOf(err)]++
	}
	if outcomes[fault.AuthFailed] < 64 || outcomes[fault.MACMismatch] < 160 || outcomes[fault.Malformed] < 100 {
		t.Errorf("the refusals are %v", outcomes)
	}
}

// TestSwappedPublicPartIsRefused: the card of the file is replaced by another one that is right by itself, even by one
// that the same officer's key has signed.
func TestSwappedPublicPartIsRefused(t *testing.T) {
	noLeaks(t)
	o, file := locked(t, "swapped", Custodian)
	promoted := newIdentity(o.card, joined(t, o))
	defer promoted.Wipe()
	promoted.card.roles = []Role{Administrator, Custodian}
	must(t, promoted.signCard())
	renamed := newIdentity(o.card, joined(t, o))
	defer renamed.Wipe()
	renamed.card.name = "TEST somebody else"
	must(t, renamed.signCard())
	extended := newIdentity(o.card, joined(t, o))
	defer extended.Wipe()
	extended.card.expires = extended.card.expires.Add(24 * time.Hour)
	must(t, extended.signCard())
	card := func(c Card) []byte { return bytes.TrimSuffix(c.Marshal(), []byte("end\n")) }
	for _, other := range []*Identity{promoted, renamed, extended, newTest(t, "stranger", Custodian)} {
		bad := mend(bytes.Replace(file, card(o.Card()), card(other.Card()), 1))
		if bytes.Equal(bad, file) {
			t.Fatal("nothing was swapped")
		}
		_, err := parseIdentity(bad, loose())
		must(t, err)
		_, err = unlock(bad, goodPhrase, dawn(), &log{})
		mustFail(t, err, fault.MACMismatch, "was changed after it was made")
	}
}

func joined(t *testing.T, o *Identity) *secret.Bytes {
	t.Helper()
	both := secret.New(privateBytes)
	copy(both.Expose()[copy(both.Expose(), o.seed.Expose()):], o.scalar.Expose())
	t.Cleanup(both.Wipe)
	return both
}

// TestSealedKeysMustBeThoseOfTheCard: a file that somebody seals with the right passphrase and the wrong keys.
func TestSealedKeysMustBeThoseOfTheCard(t *testing.T) {
	noLeaks(t)
	o, stranger := newTest(t, "own", Custodian), newTest(t, "stranger", Custodian)
	for _, pair := range []*Identity{
		{card: o.card, seed: stranger.seed, scalar: o.scalar},
		{card: o.card, seed: o.seed, scalar: stranger.scalar},
	} {
		p := phrase(goodPhrase)
		l := &Locked{card: o.card, cost: quick()}
		root := l.cost.root(p, l.salt)
		must(t, l.seal(pair, root))
		root.Wipe()
		p.Wipe()
		_, err := unlock(l.marshal(), goodPhrase, dawn(), &log{})
		mustFail(t, err, fault.MACMismatch, "was changed after it was made")
	}
}

func TestCheapAndDearFilesAreRefusedWhenRead(t *testing.T) {
	noLeaks(t)
	_, file := locked(t, "cheap", Custodian)
	_, err := ParseIdentity(file)
	mustFail(t, err, fault.NotPermitted, "too cheap")
	for _, c := range []struct{ line, says string }{
		{"memory KiB: 1048577\n", "the most"},
		{"memory KiB: 4294967295\n", "the most"},
		{"memory KiB: 4294967296\n", "memory KiB"},
	} {
		dear := bytes.Replace(file, []byte("passes: 1\nmemory KiB: 8\n"), []byte("passes: 3\n"+c.line), 1)
		_, err := ParseIdentity(mend(dear))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", strings.TrimSpace(c.line), err)
		}
	}
	slow := bytes.Replace(file, []byte("passes: 1\nmemory KiB: 8\n"), []byte("passes: 1000\nmemory KiB: 262144\n"), 1)
	_, err = ParseIdentity(mend(slow))
	mustFail(t, err, fault.NotPermitted, "ten seconds")
	other := bytes.Replace(file, []byte("argon2id"), []byte("argon2d"), 1)
	_, err = ParseIdentity(mend(other))
	mustFail(t, err, fault.VersionUnsupported, "argon2d")
}

func TestFileIsNotMadeWithABadPassphraseOrCost(t *testing.T) {
	noLeaks(t)
	o := newTest(t, "made", Custodian)
	short, good := phrase("short"), phrase(goodPhrase)
	defer short.Wipe()
	defer good.Wipe()
	for _, c := range []struct {
		passphrase *secret.Bytes
		cost       Cost
		env        keys.Env
		says       string
	}{
		{short, DefaultCost(), testEnv("x"), "at least 12"},
		{good, quick(), testEnv("x"), "too cheap"},
		{good, Cost{3, 2 << 20, 1}, testEnv("x"), "the most"},
		{good, DefaultCost(), keys.Env{Rand: &deadReader{left: 31}, Now: dawn}, "dry"},
	} {
		file, err := o.Lock(c.env, c.passphrase, c.cost)
		if err == nil || file != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("want %q: %v", c.says, err)
		}
	}
	o.Wipe()
	_, err := o.Lock(testEnv("x"), good, DefaultCost())
	mustFail(t, err, fault.Bug, "wiped")
}

func TestPassphraseIsChanged(t *testing.T) {
	noLeaks(t)
	o, file := locked(t, "change", Custodian)
	const fresh = "another TEST passphrase"
	old, next, short, wrong := phrase(goodPhrase), phrase(fresh), phrase("short"), phrase("not the passphrase")
	for _, p := range []*secret.Bytes{old, next, short, wrong} {
		defer p.Wipe()
	}
	events := &log{}
	changed, err := changePassphrase(testEnv("change"), file, old, next, quick(), events, loose())
	must(t, err)
	id, err := unlock(changed, fresh, dawn(), events)
	must(t, err)
	defer id.Wipe()
	if id.Card().Fingerprint() != o.Card().Fingerprint() || !id.seed.Equal(o.seed) {
		t.Error("another officer came back")
	}
	_, err = unlock(changed, goodPhrase, dawn(), events)
	mustFail(t, err, fault.AuthFailed)
	_, err = changePassphrase(testEnv("change"), file, old, old, quick(), events, loose())
	mustFail(t, err, fault.NotPermitted, "the new passphrase is the old one")
	_, err = changePassphrase(testEnv("change"), file, old, short, quick(), events, loose())
	mustFail(t, err, fault.NotPermitted, "at least 12")
	_, err = changePassphrase(testEnv("change"), file, wrong, next, quick(), events, loose())
	mustFail(t, err, fault.AuthFailed)
	_, err = ChangePassphrase(testEnv("change"), file, old, next, DefaultCost(), events)
	mustFail(t, err, fault.NotPermitted, "too cheap")
}

// TestIdentityIsNotPrinted: neither the officer nor the file shows a private byte.
func TestIdentityIsNotPrinted(t *testing.T) {
	o, file := locked(t, "printed", Custodian)
	printed := fmt.Sprintf("%v %+v %#v %s", o, o, o, file)
	for _, s := range []*secret.Bytes{o.seed, o.scalar} {
		for _, form := range []string{upperHex(s.Expose()), strings.ToLower(upperHex(s.Expose())), string(s.Expose()),
			strings.Trim(fmt.Sprint(s.Expose()), "[]")} {
			if strings.Contains(printed, form) {
				t.Error("a private key is printed")
			}
		}
	}
}

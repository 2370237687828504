package custody

import (
	"bytes"
	"testing"

	"poskey/internal/secret"
)

// goldens gives the golden files of a kind as seeds, and some near misses of them.
func goldens(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		raw, err := readGolden(name)
		must(f, err)
		for _, seed := range [][]byte{raw, raw[:len(raw)/2], bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")),
			append(bytes.Clone(raw), raw...), bytes.Replace(raw, []byte(" 1\n"), []byte(" 2\n"), 1),
			bytes.ToLower(raw), bytes.Replace(raw, []byte("test"), []byte("production"), 1)} {
			f.Add(seed)
		}
	}
	f.Add([]byte(""))
	f.Add([]byte("end\n"))
}

// malleable runs a parser over anything: what it takes is written again as the same bytes, also with the document check
// mended; what it refuses gives nothing.
func malleable[T any](t *testing.T, raw []byte, parse func([]byte) (T, error), marshal func(T) []byte,
	none func(T) bool) {
	t.Helper()
	before := secret.Live()
	for _, in := range [][]byte{raw, mend(raw)} {
		got, err := parse(in)
		switch {
		case err != nil && !none(got):
			t.Error("a result beside an error")
		case err == nil && !bytes.Equal(marshal(got), in):
			t.Errorf("read\n%s\nwritten\n%s", in, marshal(got))
		}
	}
	if after := secret.Live(); after != before {
		t.Errorf("%d secrets are left behind", after-before)
	}
}

func FuzzCard(f *testing.F) {
	goldens(f, "officer-1.card")
	f.Fuzz(func(t *testing.T, raw []byte) {
		malleable(t, raw, ParseCard, Card.Marshal, Card.IsZero)
	})
}

func FuzzIdentity(f *testing.F) {
	goldens(f, "officer-1.identity", "officer-4.identity")
	f.Fuzz(func(t *testing.T, raw []byte) {
		parse := func(in []byte) (*Locked, error) { return parseIdentity(in, loose()) }
		malleable(t, raw, parse, (*Locked).marshal, func(l *Locked) bool { return l == nil })
		if l, err := ParseIdentity(raw); err == nil && l.Cost().Check() != nil {
			t.Error("a cost out of bounds passes")
		}
	})
}

func FuzzSealedMaster(f *testing.F) {
	goldens(f, "store.master")
	f.Fuzz(func(t *testing.T, raw []byte) {
		malleable(t, raw, ParseSealedMaster, (*SealedMaster).Marshal, func(m *SealedMaster) bool { return m == nil })
	})
}

func FuzzSealedStore(f *testing.F) {
	goldens(f, "store.sealed")
	f.Fuzz(func(t *testing.T, raw []byte) {
		malleable(t, raw, ParseSealedStore, SealedStore.Marshal, func(s SealedStore) bool { return s == SealedStore{} })
	})
}

func FuzzRequest(f *testing.F) {
	goldens(f, "store.request")
	f.Fuzz(func(t *testing.T, raw []byte) {
		malleable(t, raw, ParseRequest, Request.Marshal, func(q Request) bool { return q == Request{} })
	})
}

// FuzzApproval also signs: an approval that an officer's key did not make is never taken for theirs.
func FuzzApproval(f *testing.F) {
	goldens(f, "officer-1.approval")
	raw, err := readGolden("officer-1.card")
	must(f, err)
	card, err := ParseCard(raw)
	must(f, err)
	golden, err := readGolden("officer-1.approval")
	must(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		malleable(t, raw, ParseApproval, Approval.Marshal, func(a Approval) bool { return a == Approval{} })
		if a, err := ParseApproval(raw); err == nil && a.signedBy(card) && !bytes.Equal(raw, golden) {
			t.Error("a second document passes for the officer's approval")
		}
	})
}

// FuzzPayload reads what an officer's key decrypts: it was encrypted by somebody, not necessarily by this program.
func FuzzPayload(f *testing.F) {
	master, all := newMaster(f, "payload"), custodians(f, 2)
	doc := sealed(f, master, all, 2)
	plain, err := all[0].decrypt(doc.holders[0].share)
	must(f, err)
	f.Add(bytes.Clone(plain.Expose()))
	plain.Wipe()
	f.Add([]byte(titleShare + headerWord))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := secret.Live()
		in := secret.Copy(raw)
		p, err := parsePayload(in)
		if err != nil && p != nil {
			t.Error("a share beside an error")
		}
		if err == nil {
			p.wipe()
		}
		in.Wipe()
		if after := secret.Live(); after != before {
			t.Errorf("%d secrets are left behind", after-before)
		}
	})
}

// FuzzPassphrase: the rules take any bytes, and what is taken for a new passphrase is taken when it is typed.
func FuzzPassphrase(f *testing.F) {
	for _, s := range []string{goodPhrase, "", "短", "e\u0301", "\xFF", " abcdefghijkl"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := secret.Copy(raw)
		defer p.Wipe()
		if CheckPassphrase(p) == nil && checkTyped(p) != nil {
			t.Error("a passphrase may be chosen and not typed")
		}
	})
}

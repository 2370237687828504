//go:build unix

package vault

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

func injecting(label string) agent.Intent {
	return agent.Intent{Activity: custody.DeviceInject, Label: label, Request: audit.DigestOf([]byte("a")), Who: me()}
}

// TestACopyFromBeforeAKilledRunGivesNothing: the run said nothing of how far it had come, and the copy has nothing of it.
func TestACopyFromBeforeAKilledRunGivesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, place func() store.URL) {
		w.vault.HoldAgainst(w.log)
		old := dump(t, w.db)
		work := w.begin(custody.DeviceInject, "SN-0")
		w.number(work, "SN-0")
		w.derives(work)
		must(t, work.Close()) // the command went away
		w.verifies()
		done(t, w.begin(custody.DeviceInject, "SN-1"), ok()) // the right database hands out
		w.close()
		raw, err := os.ReadFile(w.log)
		must(t, err)
		must(t, os.WriteFile(w.log, upTo(raw, work.Mark().Seq+2), 0o600)) // nothing came after it
		w.open()

		w.putBack(old, place())
		if v := w.verify(); !v.OK() || !strings.Contains(findings(&v), "nobody recorded its end") {
			t.Errorf("verification warns: %s", findings(&v))
		}
		_, err = w.vault.Begin(t.Context(), injecting("SN-1"))
		mustFail(t, err, fault.ChecksumMismatch, "older database", "keyset thaw")
		next := w.begin(custody.DeviceInject, "SN-1")
		_, err = w.db.Allocate(t.Context(), next.Change(), store.AllocateRequest{KeySet: "KS", RequestID: "SN-1", Serial: "SN-1"})
		mustFail(t, err, fault.NotPermitted, "frozen")
		done(t, next, agent.OutcomeOf(err))
		thaw := w.begin(custody.KSNAllocate, "KS") // somebody looked
		must(t, w.db.Freeze(t.Context(), thaw.Change(), "KS", false))
		done(t, thaw, ok())
		last := w.begin(custody.DeviceInject, "SN-1")
		w.number(last, "SN-1")
		done(t, last, ok())
		w.verifies()
	})
}

// upTo cuts a log after a record.
func upTo(log []byte, seq uint64) []byte {
	var out []byte
	for line := range bytes.Lines(log) {
		if out = append(out, line...); seqOf(line) == seq {
			break
		}
	}
	return out
}

// TestWhatEndedWithAWordIsNotSilent reads the ends of operations.
func TestWhatEndedWithAWordIsNotSilent(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.generate(want{label: "BDK", alg: keys.TDES128, usage: keys.UsageBDK})
	is := func(what string, mark, want uint64) {
		t.Helper()
		if seq, err := silentAfter(w.log, mark); seq != want || err != nil {
			t.Errorf("%s: record %d, not %d, %v", what, seq, want, err)
		}
	}
	for range 2 {
		done(t, w.begin(custody.DeviceInject, "SN-0"), ok())
		must(t, w.begin(custody.DeviceInject, "SN-0").Close()) // it used no key
		must(t, w.begin(custody.KeyCheck, "BDK#1").Close())
	}
	is("all ended with a word", 0, 0)
	work := w.begin(custody.DeviceInject, "SN-0")
	w.looks(work)
	must(t, work.Close())
	is("gone in its preflight", 0, 0)
	work = w.begin(custody.DeviceInject, "SN-0")
	w.looks(work)
	w.derives(work)
	w.derives(work)
	at := work.Mark().Seq
	is("under way", 0, 0)
	must(t, work.Close())
	is("gone", at-1, at)
	is("the inventory has it", at, 0)

	dark := w.begin(custody.DeviceInject, "SN-0")
	w.derives(dark)
	early := w.begin(custody.DeviceInject, "SN-1")
	w.looks(early)
	is("under way", at, 0)
	_, err := w.audit.Append(audit.Entry{Who: me(), Operation: audit.StoreUnseal}, audit.OK())
	must(t, err)
	is("its agent is gone", at, dark.Mark().Seq)
	_, err = w.audit.Append(audit.Entry{Who: me(), Operation: audit.StoreRestore}, audit.OK())
	must(t, err)
	is("restored", 0, 0)
	if n := seqOf([]byte(strings.Repeat("x", 9))); n != 0 {
		t.Errorf("no record has number %d", n)
	}
}

// looks lets a work use the BDK of the store as a preflight does.
func (w *world) looks(work *Work) {
	w.t.Helper()
	must(w.t, work.Prove(w.t.Context(), w.held("BDK#1", ToProtect)))
}

// derives lets a work derive an initial key.
func (w *world) derives(work *Work) {
	w.t.Helper()
	deriveIn(w.t, work, w.held("BDK#1", ToProtect))
}

func deriveIn(t testing.TB, work *Work, bdk Held) {
	t.Helper()
	ksn, err := dukpt.ParseKSN("FFFF9876543210E00000")
	must(t, err)
	_, err = work.Derive(t.Context(), bdk.Key, hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}, hsm.Policy{})
	must(t, err)
}

// TestAnAgentThatIsKilledInAPreflightFreezesNothing kills it where an injection has looked at its keys, and where it has
// derived one.
func TestAnAgentThatIsKilledInAPreflightFreezesNothing(t *testing.T) {
	o := newOffice(t, custody.Test)
	v, started := o.unseal()
	generateIn(t, v, want{label: "BDK", alg: keys.TDES128, usage: keys.UsageBDK})
	injects := func(derived bool) {
		t.Helper()
		work := beginIn(t, v, custody.DeviceInject, "SN-0")
		bdk, err := v.Find(t.Context(), ref(t, "BDK#1"), ToProtect)
		must(t, err)
		must(t, work.Prove(t.Context(), bdk))
		if derived {
			deriveIn(t, work, bdk)
		}
		must(t, syscall.Kill(started.PID, syscall.SIGKILL))
		gone(t, started.PID)
		v, started = o.unseal()
		v.HoldAgainst(o.log(o.id.ID))
	}
	for range 3 {
		injects(false)
		done(t, beginIn(t, v, custody.DeviceInject, "SN-1"), ok())
		verifyIn(t, v, o.log(o.id.ID))
	}
	injects(true)
	_, err := v.Begin(t.Context(), injecting("SN-1"))
	mustFail(t, err, fault.ChecksumMismatch, "older database")
}

package inject_test

// What the device says afterwards, and what becomes of the number.

import (
	"context"
	"encoding/hex"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

func faulty(all ...emulator.Fault) func(*emulator.Config) {
	return func(c *emulator.Config) { c.Faults = all }
}

// only is the job with the loads of some slots.
func (x *site) only(slots ...device.Slot) inject.Job {
	job := x.job()
	job.Loads = nil
	for _, p := range x.plans(x.shop) {
		for _, slot := range slots {
			if p.Slot == slot {
				job.Loads = append(job.Loads, p)
			}
		}
	}
	return job
}

func (x *site) device(t testing.TB) store.Device {
	t.Helper()
	d, err := x.db.Device(context.Background(), x.serial)
	must(t, err)
	return d
}

// Another check value means that something was stored under the number: it is out of use, and so is the device.
func TestAnotherCheckValueIsNoPlainFailure(t *testing.T) {
	s := openShop(t)
	for name, c := range map[string]struct {
		d      dialect
		slot   device.Slot
		faults []emulator.Fault
	}{
		"futurex, another key":       {futurexDialect(), "17", []emulator.Fault{emulator.SingleDES}},
		"futurex, another method":    {futurexDialect(), "03", []emulator.Fault{"kcv-method=cmac"}},
		"agent, another key":         {agentDialect(), "D1", []emulator.Fault{emulator.SingleDES}},
		"agent, and the answer lost": {agentDialect(), "D1", []emulator.Fault{emulator.SingleDES, emulator.DisconnectAfterCommit}},
		"agent, a plain key":         {agentDialect(), "1", []emulator.Fault{emulator.HalvesSwapped}},
		"visa, the MAC is another's": {visaDialect(), "C", []emulator.Fault{emulator.HalvesSwapped}},
	} {
		t.Run(name, func(t *testing.T) {
			x := s.place(t, c.d, faulty(c.faults...))
			r, err := x.run(t.Context(), x.loader(), x.only(c.slot))
			must(t, err)
			o := r.Loads[0]
			wantKind(t, "the load", o.Err, fault.KCVMismatch)
			if o.State != store.LoadUnknown || x.device(t).State != store.QuarantinedDevice {
				t.Errorf("the load is %s, the device %s", o.State, x.device(t).State)
			}
			x.truth(t, &r)
			next := x.only(c.slot)
			r, err = x.run(t.Context(), x.loader(), next)
			must(t, err)
			if r.Confirmed() {
				t.Error("a terminal that spoils every key has one confirmed")
			}
			x.truth(t, &r)
			if !x.asks && c.d.name == "futurex" && x.times(c.slot) != 1 {
				t.Errorf("loaded %d times without a word", x.times(c.slot))
			}
			after := s.place(t, c.d) // the run goes on for others, with other numbers
			whole, err := after.run(t.Context(), after.loader(), after.job())
			if err != nil || !whole.Confirmed() {
				t.Errorf("the next device: %v, %v", err, whole.Err())
			}
		})
	}
	s.verified(t)
}

func TestAProofIsTheBestThatTheDialectHas(t *testing.T) {
	s := openShop(t)
	for _, c := range []struct {
		d    dialect
		want map[device.Slot]device.Proof
	}{
		{visaDialect(), map[device.Slot]device.Proof{"0": device.ProofCommitAttributes, "C": device.ProofMAC, "90": device.ProofAnswer}},
		{futurexDialect(), map[device.Slot]device.Proof{"03": device.ProofAnswer, "17": device.ProofAnswer}},
		{agentDialect(), map[device.Slot]device.Proof{"1": device.ProofCheckValue, "2": device.ProofCheckValue, "D1": device.ProofCheckValue}},
	} {
		x := s.place(t, c.d)
		r, err := x.run(t.Context(), x.loader(), x.job())
		must(t, err)
		for _, o := range r.Loads {
			if o.Result.Proof != c.want[o.Slot] || string(o.Result.Proof) != newest(x.journal(t), string(o.Slot)).Proof {
				t.Errorf("%s, slot %s: %s, want %s (%v)", c.d.name, o.Slot, o.Result.Proof, c.want[o.Slot], o.Err)
			}
			if told := o.Result.State.Check.Digits; (told != "") != (c.d.name == "agent") {
				t.Errorf("%s, slot %s: told check value %q", c.d.name, o.Slot, told)
			}
		}
	}
}

// Whose key is not given out, the terminal is asked for the check value: it is public, and a terminal that never had the
// key could have copied it, so the proof is no MAC.
func TestAMACOverZerosIsACheckValueAndNoMore(t *testing.T) {
	s := openShop(t)
	x := s.place(t, visaDialect())
	l := x.loader()
	l.Rand = nil
	r, err := x.run(t.Context(), l, x.only("C"))
	if err != nil || !r.Confirmed() || r.Loads[0].Result.Proof != device.ProofCheckValue {
		t.Errorf("%v, %+v", err, r)
	}
}

// A key-encrypting key in a slot for MACs is asked by a session key.
func TestAMasterKeyAmongMACKeysIsProvenByASession(t *testing.T) {
	s := openShop(t)
	job := func(x *site) inject.Job {
		j := x.job()
		j.Loads = []inject.Plan{s.block("D", s.more)}
		return j
	}
	x := s.place(t, visaDialect())
	r, err := x.run(t.Context(), x.loader(), job(x))
	if err != nil || !r.Confirmed() || r.Loads[0].Result.Proof != device.ProofMAC {
		t.Errorf("%v, %+v", err, r)
	}
	x = s.place(t, visaDialect(), faulty(emulator.HalvesSwapped))
	r, err = x.run(t.Context(), x.loader(), job(x))
	must(t, err)
	wantKind(t, "a key that was spoilt", r.Err(), fault.KCVMismatch)
	x.truth(t, &r)
	inPIN := job(x)
	inPIN.Loads[0].Slot = "5" // MACs are made with others
	x = s.place(t, visaDialect())
	inPIN.Run, inPIN.Serial = "run-"+x.serial, x.serial
	if r, err = x.run(t.Context(), x.loader(), inPIN); err != nil || r.Loads[0].Result.Proof != device.ProofCommitAttributes {
		t.Errorf("%v, %+v", err, r)
	}
}

// A MAC key of mode V makes no MACs: the terminal refuses, and the question is as if it had not been asked.
func TestATerminalThatWillNotProveHasNotBeenAsked(t *testing.T) {
	s := openShop(t)
	verify := s.take(unhex(clearMAC), keys.UsageRetail, 'V')
	x := s.place(t, visaDialect(), faulty(emulator.DisconnectAfterCommit))
	job := x.job()
	job.Loads = []inject.Plan{s.block("C", verify)}
	for turn, kind := range []fault.Kind{fault.OutcomeUnknown, fault.OutcomeUnknown} {
		r, err := x.run(t.Context(), x.loader(), job)
		must(t, err)
		wantKind(t, "the load", r.Err(), kind)
		if r.Loads[0].State != store.LoadUnknown || x.times("C") != 1 {
			t.Errorf("turn %d: %s, stored %d times", turn, r.Loads[0].State, x.times("C"))
		}
	}
}

func TestAESKeysGoInVersionDUnderAnAESKey(t *testing.T) {
	s := openShop(t)
	d := agentDialect()
	d.klk = ""
	x := s.place(t, d)
	kek := unhex("5A2E9137C4F61D02E98B0F4CD5B3176885A2E9137C4F61D02E98B0F4CD5B3176")
	x.direct(t, "0", keys.AES256, kek, keys.UsageKBPK, 'B')
	take := func(clear []byte, alg keys.Algorithm, usage keys.Usage, mode byte) hsm.Key {
		k, err := s.boundary.Import(t.Context(), secret.Copy(clear), hsm.Attributes{Algorithm: alg, Usage: usage, Mode: mode}, hsm.Policy{AllowWeak: true})
		must(t, err)
		return k
	}
	klk := take(kek, keys.AES256, keys.UsageKBPK, 'B')
	bdk := take(unhex("FEDCBA9876543210F1F1F1F1F1F1F1F1"), keys.AES128, keys.UsageBDK, 'X') // test key of ANSI X9.24-3
	row := storetest.Key("ABDK", 1)
	row.Usage, row.Mode = keys.UsageBDK, 'X'
	row.Block = storetest.Block(row)
	_, err := s.db.Insert(t.Context(), store.Change{}, row)
	must(t, err)
	must(t, s.db.AddKeySet(t.Context(), store.Change{}, store.KeySet{ID: "ASET", BDK: row.Ref(), Scheme: dukpt.AES, KSI: "12345678", From: 1, To: 100}))
	job := x.job()
	job.Loads = []inject.Plan{
		{Slot: "1", Key: hsm.Accept(take(unhex("1CA7E35886D0B94F6D31F4A2C7580E9B"), keys.AES128, keys.UsagePIN, 'E'), hsm.ByOperator), KLK: &klk},
		{Slot: "2", Key: hsm.Accept(s.mac, hsm.ByOperator), KLK: &klk}, // TDES under AES
		{Slot: "D1", Key: hsm.Accept(bdk, hsm.ByOperator), Ref: row.Ref(), KeySet: "ASET", KLK: &klk},
	}
	r, err := x.run(t.Context(), x.loader(), job)
	if err != nil || !r.Confirmed() {
		t.Fatalf("%v, %v", err, r.Err())
	}
	for _, o := range r.Loads {
		if o.Result.Version != 'D' || o.Result.Proof != device.ProofCheckValue {
			t.Errorf("slot %s: version %c, %s", o.Slot, o.Result.Version, o.Result.Proof)
		}
	}
	x.truth(t, &r)

	// An answer that was lost is asked for by check value and number, also of an AES initial key.
	y := s.place(t, d)
	y.direct(t, "0", keys.AES256, kek, keys.UsageKBPK, 'B')
	job.Run, job.Serial = "run-"+y.serial, y.serial
	l := y.loader()
	l.Journal = &dying{Journal: l.Journal, at: 9, ever: true} // the last step of three loads
	r, err = y.run(t.Context(), l, job)
	must(t, err)
	if r.Confirmed() {
		t.Error("confirmed, and the journal is dead")
	}
	r, err = y.run(t.Context(), y.loader(), job)
	if err != nil || !r.Confirmed() || !r.Loads[2].Settled || y.times("D1") != 1 {
		t.Errorf("%v, %v, %+v", err, r.Err(), r.Loads[2])
	}
	y.truth(t, &r)

	short := job
	weak := take(unhex("31B0DC6E4A97F825D3529E0475B61F8A"), keys.AES128, keys.UsageKBPK, 'B')
	strong := take(unhex(hex.EncodeToString(kek)), keys.AES256, keys.UsageData, 'B')
	short.Run, short.Loads = "short", []inject.Plan{{Slot: "3", Key: hsm.Accept(strong, hsm.ByOperator), KLK: &weak}}
	_, err = y.run(t.Context(), y.loader(), short)
	wantKind(t, "AES-256 under AES-128", err, fault.WeakKey)
}

func TestANumberIsReplacedWithTheWordForItAlone(t *testing.T) {
	s := openShop(t)
	for _, d := range []dialect{visaDialect(), agentDialect()} {
		x := s.place(t, d)
		slot := map[string]device.Slot{"visa": "90", "agent": "D1"}[d.name]
		job := x.only(slot)
		r, err := x.run(t.Context(), x.loader(), job)
		if err != nil || !r.Confirmed() {
			t.Fatalf("%v, %v", err, r.Err())
		}
		old := r.Loads[0].Load
		job.Run += "-2"
		r, err = x.run(t.Context(), x.loader(), job)
		must(t, err)
		wantKind(t, "a second number", r.Err(), fault.NotPermitted)
		if x.times(slot) != 1 || r.Loads[0].State != "" {
			t.Errorf("stored %d times, %s", x.times(slot), r.Loads[0].State)
		}
		l := x.loader()
		l.Replace = true
		r, err = x.run(t.Context(), l, job)
		if err != nil || !r.Confirmed() || r.Loads[0].Load.KSN == old.KSN || x.times(slot) != 2 {
			t.Fatalf("replaced: %v, %v, %+v", err, r.Err(), r.Loads[0].Load)
		}
		if a, err := s.db.Allocation(t.Context(), old.ID); err != nil || a.State != store.Burnt {
			t.Errorf("the old number is %s, %v", a.State, err)
		}
		r, err = x.run(t.Context(), l, job) // said again it is the same replacement
		if err != nil || !r.Confirmed() || !r.Loads[0].Done || x.times(slot) != 2 {
			t.Errorf("again: %v, %v", err, r.Err())
		}
		if d := x.device(t); len(d.Keys) != 1 || d.Keys[0].KSN != r.Loads[0].Load.KSN {
			t.Errorf("%+v", d.Keys)
		}
	}
	s.verified(t)
}

func TestKeysThatTheTerminalLostAreNotReportedAsThere(t *testing.T) {
	s := openShop(t)
	x := s.place(t, agentDialect())
	if r, err := x.run(t.Context(), x.loader(), x.job()); err != nil || !r.Confirmed() {
		t.Fatalf("%v, %v", err, r.Err())
	}
	x.Erase("1")
	x.Erase("D1")
	r, err := x.run(t.Context(), x.loader(), x.job())
	must(t, err)
	wantKind(t, "what was lost", r.Err(), fault.DeviceFailed, "--again")
	if r.Confirmed() || !r.Loads[1].Done || r.Loads[0].State != "" {
		t.Errorf("%+v", r)
	}
	l := x.loader()
	l.Again = true
	r, err = x.run(t.Context(), l, x.job())
	if err != nil || !r.Confirmed() || x.times("1") != 2 || x.times("2") != 1 || x.times("D1") != 2 {
		t.Errorf("%v, %v", err, r.Err())
	}
	x.truth(t, &r)
	s.verified(t)
}

func TestDevicesGoOnFromWhereverTheyStand(t *testing.T) {
	s := openShop(t)
	d := agentDialect()

	t.Run("a confirmed one takes a second job", func(t *testing.T) {
		x := s.place(t, d)
		for i, slots := range [][]device.Slot{{"1"}, {"2", "D1"}} {
			job := x.only(slots...)
			job.Run += []string{"-a", "-b"}[i]
			r, err := x.run(t.Context(), x.loader(), job)
			if err != nil || !r.Confirmed() || x.device(t).State != store.Confirmed {
				t.Errorf("%v, %v, the device is %s", err, r.Err(), x.device(t).State)
			}
			x.truth(t, &r)
		}
	})
	t.Run("a load that failed before one that did not leaves no device half-way", func(t *testing.T) {
		x := s.place(t, d)
		x.direct(t, "7", tdes(16), double(), keys.UsagePIN, 'E') // the PIN key is in another slot: refused
		r, err := x.run(t.Context(), x.loader(), x.job())
		must(t, err)
		wantKind(t, "the first load", r.Loads[0].Err, fault.DeviceFailed)
		if r.Loads[0].State != store.LoadFailed || r.Loads[2].State != store.LoadConfirmed || x.device(t).State == store.Confirmed {
			t.Errorf("%+v, the device is %s", r.Loads, x.device(t).State)
		}
		for _, l := range x.journal(t) { // what the terminal answered is kept, and nothing with what went well
			refused := l.Refusal.Dialect == "agent" && l.Refusal.Answer == "duplicate"
			if refused != (l.State == store.LoadFailed) || !refused && l.Refusal != (store.Refusal{}) {
				t.Errorf("load %s is %s, with the refusal %+v", l.ID, l.State, l.Refusal)
			}
		}
		if r.Loads[0].Load.Refusal != x.journal(t)[0].Refusal {
			t.Errorf("it is told as %+v", r.Loads[0].Load.Refusal)
		}
		x.truth(t, &r)
		x.Erase("7")
		r, err = x.run(t.Context(), x.loader(), x.job())
		if err != nil || !r.Confirmed() || x.device(t).State != store.Confirmed || x.times("2") != 1 {
			t.Errorf("%v, %v, the device is %s", err, r.Err(), x.device(t).State)
		}
		x.truth(t, &r)
	})
	t.Run("one in quarantine is asked, and goes on", func(t *testing.T) {
		v := visaDialect()
		x := s.place(t, v, faulty(emulator.DisconnectAfterCommit))
		r, err := x.run(t.Context(), x.loader(), x.only("C"))
		must(t, err)
		wantKind(t, "the load", r.Err(), fault.OutcomeUnknown)
		if x.device(t).State != store.QuarantinedDevice {
			t.Errorf("the device is %s", x.device(t).State)
		}
		other := x.only("0")
		other.Run += "-other"
		r, err = x.run(t.Context(), x.loader(), other)
		must(t, err)
		wantKind(t, "another run meanwhile", r.Err(), fault.NotPermitted, "settle it first")
		r, err = x.run(t.Context(), x.loader(), x.only("C"))
		if err != nil || !r.Confirmed() || !r.Loads[0].Settled || r.Loads[0].Result.Proof != device.ProofMAC || x.device(t).State != store.Confirmed {
			t.Errorf("%v, %+v, the device is %s", err, r, x.device(t).State)
		}
		x.truth(t, &r)
	})
	t.Run("a rejected one takes nothing", func(t *testing.T) {
		x := s.place(t, d)
		must(t, s.db.MoveDevice(t.Context(), store.Change{}, x.serial, store.Expected, store.Rejected))
		_, err := x.run(t.Context(), x.loader(), x.job())
		wantKind(t, "a rejected device", err, fault.NotPermitted, "rejected")
	})
	t.Run("another run's word about the device does not stand in the way of the truth", func(t *testing.T) {
		x := s.place(t, d)
		l := x.loader()
		l.Journal = &dying{Journal: l.Journal, at: 3, ever: true} // sent, and then nobody heard
		_, err := x.run(t.Context(), l, x.only("1"))
		must(t, err)
		second := x.only("2")
		second.Run += "-second"
		if r, err := x.run(t.Context(), x.loader(), second); err != nil || !r.Confirmed() {
			t.Fatalf("%v, %v", err, r.Err())
		}
		x.EraseAll()
		r, err := x.run(t.Context(), x.loader(), x.only("1")) // the device is confirmed: it cannot fail
		must(t, err)
		wantKind(t, "the load, without a KLK", r.Err(), fault.DeviceFailed)
		if first := x.journal(t)[0]; first.State != store.LoadFailed {
			t.Errorf("the first load is %s", first.State)
		}
	})
	s.verified(t)
}

func TestTwoRunsOfOneNameDoNotTouchEachOthersLoads(t *testing.T) {
	s := openShop(t)
	x := s.place(t, agentDialect())
	job := x.only("D1")
	first := x.loader()
	inner := first.Journal
	entered := 0
	first.Journal = &hooked{Journal: inner, before: func(step store.LoadStep) {
		if step.To != store.LoadSent || entered > 0 {
			return
		}
		entered++
		r, err := x.run(context.Background(), x.loader(), job) // another station is faster
		if err != nil || !r.Confirmed() {
			t.Errorf("the faster one: %v, %v", err, r.Err())
		}
	}}
	r, err := x.run(t.Context(), first, job)
	must(t, err)
	wantKind(t, "the slower one", r.Err(), fault.Busy)
	all := x.journal(t)
	if len(all) != 1 || all[0].State != store.LoadConfirmed || x.times("D1") != 1 {
		t.Errorf("%+v, stored %d times", all, x.times("D1"))
	}
	x.truth(t, nil)

	blind := x.loader()
	blind.History = nil // knows nothing of the load, and is told by the journal
	r, err = x.run(t.Context(), blind, job)
	must(t, err)
	wantKind(t, "one that knows no history", r.Err(), fault.Busy)
	if x.times("D1") != 1 {
		t.Errorf("stored %d times", x.times("D1"))
	}
}

// hooked is a journal into which something comes in between.
type hooked struct {
	inject.Journal
	before func(store.LoadStep)
}

func (h *hooked) Step(ctx context.Context, s store.LoadStep) ([]string, error) {
	h.before(s)
	return h.Journal.Step(ctx, s)
}

func TestAPlanThatChangedIsNotTakenForTheOldOne(t *testing.T) {
	s := openShop(t)
	x := s.place(t, agentDialect())
	if r, err := x.run(t.Context(), x.loader(), x.only("1")); err != nil || !r.Confirmed() {
		t.Fatalf("%v, %v", err, r.Err())
	}
	other := s.take(unhex("1CA7E35886D0B94F6D31F4A2C7580E9B"), keys.UsagePIN, 'E')
	job := x.job()
	job.Loads = []inject.Plan{s.block("1", other)}
	r, err := x.run(t.Context(), x.loader(), job)
	must(t, err)
	wantKind(t, "another key under the same name", r.Err(), fault.NotPermitted, "a run of its own")

	y := s.place(t, agentDialect())
	l := y.loader()
	l.Journal = &dying{Journal: l.Journal, at: 2, ever: true} // reserved, and no more
	_, err = y.run(t.Context(), l, y.only("D1"))
	must(t, err)
	job = y.job()
	job.Loads = []inject.Plan{s.block("D1", s.pin)}
	job.Loads[0] = y.only("D1").Loads[0]
	job.Loads[0].KeySet = "ELSE"
	must(t, s.db.AddKeySet(t.Context(), store.Change{}, store.KeySet{ID: "ELSE", BDK: s.bdkRef, Scheme: dukpt.TDES, KSI: "987655", From: 1, To: 100}))
	r, err = y.run(t.Context(), y.loader(), job)
	must(t, err)
	wantKind(t, "a reserved load of another plan", r.Err(), fault.NotPermitted, "--again")
	l = y.loader()
	l.Again = true
	if r, err = y.run(t.Context(), l, job); err != nil || !r.Confirmed() {
		t.Errorf("%v, %v", err, r.Err())
	}
	y.truth(t, &r)
	s.verified(t)
}

// What the key would not have, it is not: that settles a load where no check value is told.
func TestOtherAttributesTellThatTheKeyIsNotThere(t *testing.T) {
	s := openShop(t)
	for name, c := range map[string]struct {
		usage keys.Usage
		mode  byte
		state store.LoadState
	}{
		"a master key of before": {keys.UsageKEK, 'D', store.LoadConfirmed},
		"a PIN key of before":    {keys.UsagePIN, 'E', store.LoadUnknown},
	} {
		x := s.place(t, visaDialect())
		x.direct(t, "0", tdes(16), unhex(clearKEK), c.usage, c.mode)
		l := x.loader()
		l.Journal = &dying{Journal: l.Journal, at: 2, after: true, ever: true} // written as sent, and never sent
		_, err := x.run(t.Context(), l, x.only("0"))
		must(t, err)
		r, err := x.run(t.Context(), x.loader(), x.only("0"))
		must(t, err)
		if got := newest(x.journal(t), "0").State; got != c.state || r.Confirmed() != (c.state == store.LoadConfirmed) {
			t.Errorf("%s: the load is %s, want %s: %v", name, got, c.state, r.Err())
		}
		x.truth(t, &r)
	}
}

// hasty is a device after whose load somebody gives the run up.
type hasty struct {
	device.Device
	stop func()
}

func (h hasty) LoadBlock(ctx context.Context, slot device.Slot, b *keyblock.Block) (device.Commit, error) {
	defer h.stop()
	return h.Device.LoadBlock(ctx, slot, b)
}

func TestWhatWasSentIsConfirmedAlsoWhenTheRunIsGivenUp(t *testing.T) {
	s := openShop(t)
	x := s.place(t, visaDialect())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	known := x.device(t)
	job := x.job()
	job.Known = &known
	dev, done, err := x.open(t.Context())
	must(t, err)
	cleared, err := inject.Preflight(ctx, dev, nil, s.day(), job)
	if err != nil {
		done()
		t.Fatal(err)
	}
	r, err := x.loader().Run(ctx, hasty{dev, stop}, cleared)
	done()
	wantKind(t, "the run", err, fault.Interrupted)
	if len(r.Loads) != 3 || r.Loads[0].State != store.LoadConfirmed || r.Loads[1].State != "" || r.Confirmed() {
		t.Errorf("%+v", r.Loads)
	}
	x.truth(t, &r)
	x.settled(t)
}

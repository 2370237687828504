//go:build linux || darwin

package agent

import (
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// TestAClearLoadIsOfTheApprovedKeyAlone: it may leave, and what is derived from it; nothing else of the store does.
func TestAClearLoadIsOfTheApprovedKeyAlone(t *testing.T) {
	noLeaks(t)
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		inner := master(t)
		bdk, other := held(t, inner, keys.TDES128, keys.UsageBDK, "BDK#1"), held(t, inner, keys.TDES128, keys.UsageBDK, "BDK#2")
		l := limitedTo(inner, custody.DeviceInjectClear, e, "BDK#1")
		l.bound, l.check = true, bdk.Check
		ksn, err := dukpt.ParseKSN("FFFF9876543210E00000")
		if err != nil {
			t.Fatal(err)
		}
		d := hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}
		ik, err := l.Derive(t.Context(), bdk, d, hsm.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []hsm.Key{bdk, ik} {
			clear, err := l.Reveal(t.Context(), k)
			if err != nil || clear.Len() != 16 {
				t.Errorf("%s: %v", e, err)
			}
			clear.Wipe()
		}
		if _, err := l.Derive(t.Context(), other, d, hsm.Policy{}); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: an initial key of another key: %v", e, err)
		}
		second := limitedTo(inner, custody.DeviceInjectClear, e, "BDK#1")
		second.bound, second.check = true, bdk.Check
		for _, k := range []hsm.Key{other, ik} { // another key, and one that came into being elsewhere
			clear, err := second.Reveal(t.Context(), k)
			clear.Wipe()
			if !fault.Is(err, fault.NotPermitted) {
				t.Errorf("%s: another key left: %v", e, err)
			}
		}
	}
}

func TestAClearLoadInProductionTakesTwoWhoDidNotAsk(t *testing.T) {
	noLeaks(t)
	p := newProduction(t)
	for what, in := range map[string]Intent{
		"nobody":           p.askedFor(custody.DeviceInjectClear, p.operator),
		"one alone":        p.askedFor(custody.DeviceInjectClear, p.c, p.operator),
		"the one who asks": p.askedFor(custody.DeviceInjectClear, p.operator, p.operator, p.a),
	} {
		if _, err := p.client.Begin(t.Context(), in); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w := begin(t, p.client, p.askedFor(custody.DeviceInjectClear, p.c, p.operator, p.a))
	clear, err := w.Reveal(t.Context(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	clear.Wipe()
	if err := w.Done(t.Context(), Outcome{Outcome: audit.OK()}); err != nil {
		t.Fatal(err)
	}
	if r := p.wantRecord(audit.DeviceLoadClear, audit.Done); r.Object.Kind != audit.KindKey || r.Object.Label != p.key.Label {
		t.Errorf("%+v", r)
	}
	in := p.askedFor(custody.DeviceInjectClear, p.c, p.operator, p.a)
	in.Label = ""
	_, err = p.client.Begin(t.Context(), in)
	wantKind(t, err, fault.Usage)
}

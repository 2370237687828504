package tools_test

import (
	"testing"
	"time"

	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// under puts a key under another one into the store.
func (r *room) under(parent, label string) {
	r.Helper()
	at, err := store.ParseRef(parent)
	must(r, err)
	ref := store.Ref{Label: label, Version: 1}
	attrs := hsm.Attributes{Algorithm: keys.AES128, Usage: "P0"}.Defaults()
	work, err := r.vault.Begin(r.Context(), agent.Intent{Activity: custody.KeyGenerate, Label: ref.String(),
		Who:     audit.Actor{ID: "a", Role: "user"},
		Request: audit.DigestOf([]byte(label)), Attributes: custody.Attributes{Algorithm: attrs.Algorithm, Usage: attrs.Usage,
			Mode:          attrs.Mode,
			Exportability: attrs.Exportability}})
	must(r, err)
	k, err := work.Generate(r.Context(), attrs, hsm.Policy{})
	must(r, err)
	_, err = work.Enter(r.Context(), k, vault.New{Ref: ref, Origin: store.Generated, Parent: at})
	must(r, err)
	must(r, work.Done(r.Context(), agent.OutcomeOf(nil)))
	must(r, work.Close())
}

func TestWhatLiesBeneathAKeyIsNamed(t *testing.T) {
	r := newRoom(t, custody.Test)
	k := zmk(intoStore("TEST-ZMK"))
	k.Algorithm, k.Usage = keys.AES256, "K1"
	on := r.lead(k)
	if all, err := on.Beneath(t.Context(), &k); err != nil || len(all) > 0 {
		t.Errorf("%v, %v of a key that is not there yet", all, err)
	}
	_, err := on.Generate(t.Context(), &k)
	must(t, err)
	_, err = on.Keep(t.Context(), &k, &k.Outputs[0])
	must(t, err)
	r.under("TEST-ZMK#1", "TEST-PEK")
	row, err := r.vault.Store().Get(t.Context(), store.Ref{Label: "TEST-PEK", Version: 1})
	must(t, err)
	must(t, r.vault.Store().AddDevice(t.Context(), store.Change{}, store.Device{Serial: "T-0001", Model: "M",
		Added: time.Now()}))
	_, err = r.vault.Store().LoadKey(t.Context(), store.Change{}, "T-0001", store.DeviceKey{Slot: "0", Key: row.Ref(),
		Check: row.Check})
	must(t, err)
	all, err := on.Beneath(t.Context(), &k)
	if err != nil || len(all) != 2 || all[0] != "TEST-PEK#1" || all[1] != "T-0001" {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := on.Beneath(t.Context(), &script.Key{ID: "OTHER"}); err != nil || len(all) > 0 {
		t.Errorf("%v, %v of a key that no store keeps", all, err)
	}
	must(t, on.Close(t.Context()))
}

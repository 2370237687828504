package cli

import (
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/host"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// TestANetworkThatIsUpKeepsAProductionCeremonyFromBeingRun: nothing else is wrong with this room.
func TestANetworkThatIsUpKeepsAProductionCeremonyFromBeingRun(t *testing.T) {
	production, test := &script.Script{Environment: custody.Production}, &script.Script{Environment: custody.Test}
	up := host.Fact[[]string]{Value: []string{"eth0", "wlan0"}, Known: true}
	none, unknown := host.Fact[[]string]{Known: true}, host.Fact[[]string]{How: "no such device"}
	for name, c := range map[string]struct {
		room  room
		up    host.Fact[[]string]
		id    string
		level script.Level
	}{
		"production, up":           {room: room{script: production}, up: up, id: "network-up", level: script.Error},
		"production, begins, up":   {room: room{script: production, begins: true}, up: up, id: "network-up", level: script.Error},
		"production, unknown":      {room: room{script: production}, up: unknown, id: "network-unknown", level: script.Error},
		"its rehearsal, up":        {room: room{script: production, rehearsal: true, begins: true}, up: up, id: "network-up", level: script.Note},
		"test, up":                 {room: room{script: test, begins: true}, up: up, id: "network-up", level: script.Note},
		"test, unknown":            {room: room{script: test}, up: unknown, id: "network-unknown", level: script.Note},
		"production, stands alone": {room: room{script: production, begins: true}, up: none},
	} {
		found := c.room.network(c.up)
		if c.id == "" {
			if len(found) > 0 || refusedBy(found) != nil {
				t.Errorf("%s: %+v", name, found)
			}
			continue
		}
		if len(found) != 1 || found[0].ID != c.id || found[0].Level != c.level || found[0].Requirement != "PCI PIN 13-9" || found[0].Fix.IsZero() {
			t.Errorf("%s: %+v", name, found)
		}
		if refused := fault.Is(refusedBy(found), fault.NotPermitted); refused != (c.level == script.Error) {
			t.Errorf("%s: refused %t", name, refused)
		}
	}
}

// TestAStoreInATokenIsFoundWhereOfficersApprove: what to do instead is said.
func TestAStoreInATokenIsFoundWhereOfficersApprove(t *testing.T) {
	steps := []script.Step{{Do: script.Attend}, {Do: script.DestroyKey, Key: "OLD"}, {Do: script.Close}}
	stored := []script.Key{{ID: "OLD", Source: script.Stored, Label: "OLD"}}
	for name, c := range map[string]struct {
		kind  string
		s     script.Script
		found bool
	}{
		"production, token":       {store.ByToken, script.Script{Environment: custody.Production, Steps: steps, Keys: stored}, true},
		"production, officers":    {store.ByOfficers, script.Script{Environment: custody.Production, Steps: steps, Keys: stored}, false},
		"test, token":             {store.ByToken, script.Script{Environment: custody.Test, Steps: steps, Keys: stored}, false},
		"a key that is elsewhere": {store.ByToken, script.Script{Environment: custody.Production, Steps: steps, Keys: []script.Key{{ID: "OLD", Source: script.InHSM}}}, false},
	} {
		f, found := tokenFinding(store.Identity{Master: store.Master{Kind: c.kind}}, &c.s)
		if found != c.found {
			t.Errorf("%s: %t", name, found)
		}
		if !found {
			continue
		}
		if f.ID != "store-approvals" || f.Level != script.Error || !strings.Contains(f.What.String(), "step 2 (destroy-key)") ||
			!strings.Contains(f.Fix.String(), "--store") || !strings.Contains(f.Fix.String(), "ceremony new --template hsm-scribe") {
			t.Errorf("%s: %s; %s", name, f.What, f.Fix)
		}
	}
}

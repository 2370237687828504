package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// family makes ZMK > {BDK > {IK-1, IK-2}, ZPK}, and LONE.
func (b *bench) family() {
	b.Helper()
	bdk := Key("BDK", 1)
	bdk.Usage, bdk.Mode = keys.UsageBDK, 'X'
	bdk.Block = Block(bdk)
	b.insert(Key("ZMK", 1), under(bdk, ref("ZMK#1")), under(Key("IK-1", 1), ref("BDK#1")),
		under(Key("IK-2", 1), ref("BDK#1")),
		under(Key("ZPK", 1), ref("ZMK#1")), Key("LONE", 1))
}

func nodes(all []store.Node) []string {
	var got []string
	for _, n := range all {
		got = append(got, fmt.Sprint(n.Depth, " ", n.Key.Ref()))
	}
	return got
}

func (s suite) hierarchy(t *testing.T) {
	b := s.open(t)
	b.family()
	for what, c := range map[string]struct{ got, want []string }{
		"the tree": {nodes(take(b, b.Tree(b.ctx, ref("ZMK#1")))),
			[]string{"0 ZMK#1", "1 BDK#1", "2 IK-1#1", "2 IK-2#1", "1 ZPK#1"}},
		"all trees": {nodes(take(b, b.Tree(b.ctx, store.Ref{}))),
			[]string{"0 LONE#1", "0 ZMK#1", "1 BDK#1", "2 IK-1#1", "2 IK-2#1", "1 ZPK#1"}},
		"a leaf":      {nodes(take(b, b.Tree(b.ctx, ref("ZPK")))), []string{"0 ZPK#1"}},
		"what falls":  {nodes(take(b, b.Below(b.ctx, ref("ZMK#1")))), []string{"1 BDK#1", "1 ZPK#1", "2 IK-1#1", "2 IK-2#1"}},
		"no children": {nodes(take(b, b.Below(b.ctx, ref("LONE")))), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", what, c.got, c.want)
		}
	}
	for _, err := range b.Tree(b.ctx, ref("NOBODY#1")) {
		b.refused("the tree of nobody", err, fault.NotFound)
	}
	for _, err := range b.Tree(b.ctx, store.Ref{}) {
		b.must(err)
		break // stopping early leaves nothing locked
	}
	for what, parent := range map[string]string{"itself": "ZMK#1", "a child": "ZPK#1", "a grandchild": "IK-1#1"} {
		b.refused("hung under "+what, b.Rehang(b.ctx, store.Change{}, ref("ZMK#1"), ref(parent), "x"), fault.NotPermitted)
	}
	b.ok("hung elsewhere", b.Rehang(b.ctx, store.Change{}, ref("BDK#1"), ref("LONE#1"), "wrapped anew"))
	if k := b.get(ref("BDK#1")); k.Parent != ref("LONE#1") || k.ParentBlock != "wrapped anew" {
		t.Errorf("got %+v", k)
	}
	b.ok("taken out", b.Rehang(b.ctx, store.Change{}, ref("BDK#1"), store.Ref{}, ""))
	if k := b.get(ref("BDK#1")); !k.Parent.IsZero() || k.ParentBlock != "" {
		t.Errorf("got %+v", k)
	}
	b.must(b.Transition(b.ctx, store.Change{}, ref("LONE#1"), store.Active, store.Compromised, "lost"))
	_, err := b.Insert(b.ctx, store.Change{}, under(Key("LATE", 1), ref("LONE#1")))
	b.refused("a child of a compromised key", err, fault.NotPermitted)
	b.verified(0)
}

func (s suite) rotation(t *testing.T) {
	b := s.open(t)
	b.family()
	b.must(b.Transition(b.ctx, store.Change{}, ref("IK-2#1"), store.Active, store.Deactivated, ""))
	derived := under(Key("IK-3", 1), ref("BDK#1"))
	derived.Origin = store.Derived
	b.insert(derived)
	next := Key("BDK", 2)
	next.Usage, next.Mode, next.Parent, next.ParentBlock = keys.UsageBDK, 'X', ref("ZMK#1"), "under ZMK"
	next.Block = Block(next)
	rewrapped := []store.Rewrapped{{Ref: ref("IK-1#1"), ParentBlock: "under BDK#2"}}
	for what, c := range map[string]struct {
		old      string
		children []store.Rewrapped
		kind     fault.Kind
	}{
		"a child forgotten": {"BDK#1", nil, fault.Busy},
		"no child of it":    {"BDK#1", append([]store.Rewrapped{{Ref: ref("ZPK#1")}}, rewrapped...), fault.Busy},
		"nobody's child":    {"BDK#1", []store.Rewrapped{{Ref: ref("NOBODY#1")}}, fault.NotFound},
		"a derived child":   {"BDK#1", append([]store.Rewrapped{{Ref: derived.Ref()}}, rewrapped...), fault.NotPermitted},
		"a key not in use":  {"IK-2#1", nil, fault.NotPermitted},
		"nobody":            {"NOBODY#1", nil, fault.NotFound},
		"no version":        {"BDK", nil, fault.Usage},
	} {
		_, err := b.Rotate(b.ctx, store.Change{}, ref(c.old), next, c.children)
		b.refused(what, err, c.kind)
		if _, err := b.Get(b.ctx, next.Ref()); !fault.Is(err, fault.NotFound) {
			t.Fatalf("%s: the successor is there: %v", what, err)
		}
	}
	b.now = b.now.Add(time.Hour)
	same, err := b.Rotate(b.ctx, store.Change{}, ref("BDK#1"), next, rewrapped)
	if err != nil || len(same) != 0 {
		t.Fatalf("%v, %v", same, err)
	}
	old, child, left := b.get(ref("BDK#1")), b.get(ref("IK-1#1")), b.get(ref("IK-2#1"))
	if old.State != store.Deactivated || old.Successor != next.Ref() || old.Deactivated != b.now || old.Block == "" {
		t.Errorf("the old key is %+v", old)
	}
	if child.Parent != next.Ref() || child.ParentBlock != "under BDK#2" || left.Parent != old.Ref() {
		t.Errorf("the children are %+v and %+v", child, left)
	}
	if k := b.get(derived.Ref()); k.Parent != old.Ref() {
		t.Errorf("the derived child is %+v", k)
	}
	for what, parent := range map[string]store.Ref{"under another key": next.Ref(), "out": {}} {
		b.refused("a derived key taken "+what, b.Rehang(b.ctx, store.Change{}, derived.Ref(), parent, ""), fault.NotPermitted)
	}
	if k, err := b.Get(b.ctx, store.Ref{Label: "BDK"}); err != nil || k.Version != 2 {
		t.Errorf("the newest is %d, %v", k.Version, err)
	}
	// A successor may not hang under a child of the old key that moves under it: a circle.
	circle := under(Key("ZMK", 2), ref("ZPK#1"))
	_, err = b.Rotate(b.ctx, store.Change{}, ref("ZMK#1"), circle,
		[]store.Rewrapped{{Ref: ref("ZPK#1")}, {Ref: ref("BDK#2")}})
	b.refused("a circle", err, fault.NotPermitted)
	b.verified(0)
}

func (s suite) officers(t *testing.T) {
	b := s.open(t)
	b.refused("the same card", b.AddOfficer(b.ctx, store.Change{}, Officer("li.na")), fault.FileExists)
	other := Officer("li.na")
	other.Fingerprint = "5EED2"
	b.refused("an id in office", b.AddOfficer(b.ctx, store.Change{}, other), fault.FileExists)
	b.refused("no card", b.AddOfficer(b.ctx, store.Change{}, store.Officer{ID: "x", Fingerprint: "y"}), fault.Usage)
	b.ok("revoking", b.RevokeOfficer(b.ctx, store.Change{}, "5EEDli.na"))
	b.refused("revoking again", b.RevokeOfficer(b.ctx, store.Change{}, "5EEDli.na"), fault.NotPermitted)
	b.refused("revoking nobody", b.RevokeOfficer(b.ctx, store.Change{}, "0000"), fault.NotFound)
	b.ok("a new card for the id", b.AddOfficer(b.ctx, store.Change{}, other))
	all, err := b.Officers(b.ctx)
	if err != nil || len(all) != 3 || all[0].Revoked != b.now || all[2].Fingerprint != "5EED2" ||
		string(all[2].Card) != string(other.Card) {
		t.Errorf("%+v, %v", all, err)
	}
}

func (s suite) devices(t *testing.T) {
	b := s.open(t)
	b.family()
	for i := range 250 {
		d := store.Device{Serial: fmt.Sprintf("P400-%03d", i), Model: "P400", POIVersion: "5.1"}
		if i == 7 {
			d.State = store.Rejected
		}
		b.must(b.AddDevice(b.ctx, store.Change{}, d))
	}
	b.refused("a device twice", b.AddDevice(b.ctx, store.Change{}, store.Device{Serial: "P400-001"}), fault.FileExists)
	b.refused("no serial", b.AddDevice(b.ctx, store.Change{}, store.Device{Serial: "a b"}), fault.Usage)
	b.refused("a device of later", b.AddDevice(b.ctx, store.Change{}, store.Device{Serial: "x", State: store.Sent}),
		fault.Usage)
	_, err := b.Device(b.ctx, "NONE")
	b.refused("an unknown device", err, fault.NotFound)
	if all := take(b, b.Devices(b.ctx, store.DeviceFilter{})); len(all) != 250 || all[249].Serial != "P400-249" {
		t.Errorf("%d devices", len(all))
	}
	if all := take(b, b.Devices(b.ctx, store.DeviceFilter{Prefix: "P400-1", Limit: 30})); len(all) != 30 ||
		all[0].Serial != "P400-100" {
		t.Errorf("%d devices", len(all))
	}
	if all := take(b, b.Devices(b.ctx, store.DeviceFilter{State: store.Rejected})); len(all) != 1 {
		t.Errorf("%d rejected devices", len(all))
	}
	at := store.Expected
	for _, next := range []store.DeviceState{store.Reserved, store.Sent, store.QuarantinedDevice, store.Confirmed} {
		b.ok("moving", b.MoveDevice(b.ctx, store.Change{}, "P400-001", at, next))
		at = next
	}
	b.refused("a step back", b.MoveDevice(b.ctx, store.Change{}, "P400-001", store.Confirmed, store.Sent),
		fault.NotPermitted)
	b.refused("another state", b.MoveDevice(b.ctx, store.Change{}, "P400-001", store.Sent, store.Failed), fault.Busy)
	b.refused("nobody", b.MoveDevice(b.ctx, store.Change{}, "NONE", store.Sent, store.Failed), fault.NotFound)
	b.slots()
	b.blast()
	b.verified(1) // the two slots with one check value
}

func (b *bench) slots() {
	slot := store.DeviceKey{Slot: "0", Key: ref("IK-1#1"), Check: Check(5), KSN: "FFFF9876543210E00000"}
	same, err := b.LoadKey(b.ctx, store.Change{}, "P400-001", slot)
	if err != nil || len(same) != 0 {
		b.Errorf("%v, %v", same, err)
	}
	same, err = b.LoadKey(b.ctx, store.Change{}, "P400-002", store.DeviceKey{Slot: "3", Check: Check(5)})
	if err != nil || !slices.Equal(same, []string{"P400-001/0"}) {
		b.Errorf("the same key in two devices: %v, %v", same, err)
	}
	again := slot
	again.Check = Check(6)
	_, err = b.LoadKey(b.ctx, store.Change{}, "P400-001", again)
	b.ok("loading over", err)
	_, err = b.LoadKey(b.ctx, store.Change{}, "P400-001", slot)
	b.ok("loading over again", err)
	d, err := b.Device(b.ctx, "P400-001")
	slot.Loaded = b.now
	if err != nil || d.State != store.Confirmed || len(d.Keys) != 1 || d.Keys[0] != slot {
		b.Errorf("%+v, %v", d, err)
	}
	for what, c := range map[string]struct {
		serial string
		key    store.DeviceKey
		kind   fault.Kind
	}{
		"no device": {"NONE", slot, fault.NotFound},
		"no key":    {"P400-001", store.DeviceKey{Slot: "1", Key: ref("NOBODY#1"), Check: Check(5)}, fault.NotFound},
		"no check":  {"P400-001", store.DeviceKey{Slot: "1"}, fault.Usage},
		"no slot":   {"P400-001", store.DeviceKey{Check: Check(5)}, fault.Usage},
		"no KSN":    {"P400-001", store.DeviceKey{Slot: "1", Check: Check(5), KSN: "1234"}, fault.KSNLength},
	} {
		_, err := b.LoadKey(b.ctx, store.Change{}, c.serial, c.key)
		b.refused(what, err, c.kind)
	}
}

// blast: a device falls with a key in it, and with the key of a key set that it has a number of.
func (b *bench) blast() {
	b.must(b.AddKeySet(b.ctx, store.Change{},
		store.KeySet{ID: "S", BDK: ref("BDK#1"), Scheme: dukpt.TDES, KSI: "ABCDEF", From: 1, To: 100}))
	for _, serial := range []string{"P400-100", "UNKNOWN", "BURNT"} {
		_, err := b.Allocate(b.ctx, store.Change{},
			store.AllocateRequest{KeySet: "S", RequestID: "r-" + serial, Serial: serial})
		b.must(err)
	}
	b.must(b.Burn(b.ctx, store.Change{}, "r-BURNT"))
	for _, c := range []struct {
		key  string
		want []string
	}{{"ZMK#1", []string{"P400-001", "P400-100", "UNKNOWN"}}, {"IK-1#1", []string{"P400-001"}}, {"LONE#1", nil}} {
		var got []string
		for _, d := range take(b, b.DevicesBelow(b.ctx, ref(c.key))) {
			got = append(got, d.Serial)
		}
		if !slices.Equal(got, c.want) {
			b.Errorf("with %s fall %v, want %v", c.key, got, c.want)
		}
	}
}

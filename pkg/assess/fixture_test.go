package assess

// Evidence in which all is well, and what is changed for each control to be otherwise.

import (
	"errors"
	"time"

	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/incident"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

func now() time.Time { return time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC) }

func daysAgo(n int) time.Time { return now().Add(-time.Duration(n) * day) }

func check(digits string) kcv.Value { return kcv.Value{Method: kcv.CMAC, Digits: digits} }

// good is evidence in which nothing is wrong: a production store of officers, one terminal, a host, no incident.
func good() *Evidence {
	return &Evidence{Now: now(), Device: goodDevice(), Store: goodStore(), Log: goodLog(), Host: goodHost(),
		Incidents: []incident.Summary{{ID: "INC-2026-0001", Kind: incident.WrongKey, State: incident.Closed,
			Opened: daysAgo(60), Contained: daysAgo(59), Closed: daysAgo(50)}}}
}

func goodDevice() *DeviceEvidence {
	listed := goodStore().Devices[0]
	slot := func(name device.Slot, u keys.Usage, v kcv.Value) device.SlotReport {
		return device.SlotReport{Slot: name, Parity: keys.ParityOdd, Expires: now().AddDate(1, 0, 0),
			SlotState: device.SlotState{Loaded: true, HasAttributes: true, Usage: u, Check: v}}
	}
	return &DeviceEvidence{
		Status: device.Status{Serial: "T-0001", Model: "terminal", POIVersion: "6.2", Firmware: "2.1.0", Now: now(),
			Battery: device.Battery{Millivolts: 3000}, Environment: device.Environment{Celsius: 22, Humidity: 45},
			Link: device.Link{Kind: "ethernet", Quality: 100},
			Slots: []device.SlotReport{slot("0", "K0", check("111111")), slot("1", "M3", check("222222")),
				slot("2", "P0", check("333333"))},
			Initial: []device.InitialReport{{Slot: "90", KSN: "FFFF9876543210E00000", Check: check("444444"), Left: 1_000_000}}},
		URI:    device.URI{Dialect: device.Agent, Transport: device.HTTPS, Address: "127.0.0.1:1", CA: "ca", Cert: "cert", Key: "key"},
		Listed: &listed, Latest: "2.1.0", SeenAt: now(), Healthy: true,
		Events: []device.LogEvent{{Seq: 1, At: daysAgo(3), Kind: "stored", Detail: "slot 0"}},
	}
}

func goodStore() *StoreEvidence {
	officer := func(id, manager string, share bool, roles ...custody.Role) OfficerFact {
		f := OfficerFact{ID: id, Manager: manager, Expires: now().AddDate(0, 6, 0), Share: share}
		for _, r := range roles {
			f.Roles = append(f.Roles, string(r))
		}
		return f
	}
	key := func(label string, u keys.Usage, v string) store.Key {
		return store.Key{Label: label, Version: 1, Usage: u, Algorithm: keys.AES256, Len: 32, Check: check(v), Origin: store.Formed,
			Custodians: []string{"custodian.a", "custodian.b"}, State: store.Active, Created: daysAgo(100), NotAfter: now().AddDate(1, 0, 0)}
	}
	child := key("ZPK-1", "P0", "BBBBBB")
	child.Parent, child.Algorithm, child.Len, child.Origin = store.Ref{Label: "ZMK-1", Version: 1}, keys.AES128, 16, store.Unwrapped
	return &StoreEvidence{
		Identity: store.Identity{ID: "STORE-1", Environment: store.Production, Created: daysAgo(200),
			Master: store.Master{Kind: store.ByOfficers, Check: check("999999"), Generation: 1}},
		Keys: []store.Key{key("ZMK-1", "K0", "AAAAAA"), child},
		Devices: []store.Device{
			{Serial: "T-0001", POIVersion: "6.2", State: store.Confirmed, Changed: daysAgo(20), Keys: []store.DeviceKey{
				{Slot: "0", Check: check("111111")}, {Slot: "1", Check: check("222222")}, {Slot: "2", Check: check("333333")}}},
			{Serial: "T-0002", POIVersion: "6.2", State: store.Confirmed, Changed: daysAgo(20), Keys: []store.DeviceKey{
				{Slot: "0", Key: store.Ref{Label: "ZMK-1", Version: 1}, Check: check("555555")}}}},
		KeySets: []store.KeySet{{ID: "set-1", Scheme: dukpt.TDES, From: 0, To: 1000, Next: 100}},
		Officers: []OfficerFact{
			officer("administrator.a", "director a", false, custody.Administrator), officer("administrator.b", "director b", false, custody.Administrator),
			officer("custodian.a", "manager a", true, custody.Custodian), officer("custodian.b", "manager b", true, custody.Custodian),
			officer("custodian.c", "manager c", true, custody.Custodian),
			officer("operator.a", "manager a", false, custody.Operator), officer("auditor.a", "director c", false, custody.Auditor)},
		Threshold: 2, Shares: 3, LoadsSeen: 4, Conveyed: 2,
		Cuttings: []vault.PartsOf{{Key: store.Ref{Label: "ZMK-1", Version: 1}, Parts: 2, Needed: 2, People: []vault.Holder{
			{Person: "custodian.a", Seen: []int{1}}, {Person: "custodian.b", Seen: []int{2}}}}},
		FileMode: 0o600, DirMode: 0o700, LocalFile: true,
	}
}

func goodLog() *LogEvidence {
	return &LogEvidence{Report: audit.Report{Identity: audit.Identity{Store: "STORE-1", Environment: audit.Production}, Records: 10,
		Intact: 10, Signed: 9, First: daysAgo(200), Last: daysAgo(1),
		Checkpoints: []audit.CheckpointReport{{Checkpoint: audit.Checkpoint{Size: 9, Time: daysAgo(5)}, Signers: []string{"auditor.a"}, Agrees: true}}},
		Since: daysAgo(90), Backup: daysAgo(5), Checkpoint: daysAgo(5), Verified: daysAgo(5), Selftest: daysAgo(5)}
}

func goodHost() *HostEvidence {
	return &HostEvidence{System: "linux", MemoryLocked: true, CoreDumpsOff: true, TracingHeld: true, Randomised: true, Encrypted: true,
		ClockSynced: true, UmaskTight: true, Version: "1"}
}

type change = func(*Evidence)

// better is what some controls need beyond good evidence to be met: they ask for another kind of store.
func better() map[string]change {
	return map[string]change{
		"HW-08": func(e *Evidence) { e.Store.Identity.Master.Kind = store.ByToken },
		"DT-05": func(e *Evidence) { e.Store.LocalFile, e.Store.TLS = false, true },
	}
}

// worse is what each measured control is not met by.
func worse() map[string]change {
	onDevice := func(f func(*device.Status)) change { return func(e *Evidence) { f(&e.Device.Status) } }
	lock := func(k device.LockKind) change {
		return onDevice(func(s *device.Status) { s.Locks = append(s.Locks, device.LockState{Kind: k, Since: daysAgo(1)}) })
	}
	event := func(kind, detail string) change {
		return func(e *Evidence) {
			e.Device.Events = append(e.Device.Events, device.LogEvent{Seq: 2, At: daysAgo(1), Kind: kind, Detail: detail})
		}
	}
	host := func(f func(*HostEvidence)) change { return func(e *Evidence) { f(e.Host) } }
	inStore := func(f func(*StoreEvidence)) change { return func(e *Evidence) { f(e.Store) } }
	inLog := func(f func(*LogEvidence)) change { return func(e *Evidence) { f(e.Log) } }
	clearLoad := store.Load{LoadRequest: store.LoadRequest{Serial: "T-0001", Slot: "0", Clear: true}, State: store.LoadConfirmed}
	return map[string]change{
		"HW-01": onDevice(func(s *device.Status) { s.Tamper.Tripped = true }),
		"HW-02": onDevice(func(s *device.Status) { s.Slots[1].Damaged = true }),
		"HW-03": onDevice(func(s *device.Status) { s.Battery.Low = true }),
		"HW-04": onDevice(func(s *device.Status) { s.Environment.Celsius = 61 }),
		"HW-05": func(e *Evidence) { e.Device.Status.POIVersion, e.Device.Listed = "", nil },
		"HW-06": onDevice(func(s *device.Status) { s.Now = now().Add(-6 * time.Minute) }),
		"HW-07": inStore(func(s *StoreEvidence) { s.Keys[0].Origin = store.Generated }),
		"HW-08": func(*Evidence) {},
		"SW-01": func(e *Evidence) { e.Device.Latest = "2.1.1" },
		"SW-02": onDevice(func(s *device.Status) { s.InjectMode = true }),
		"SW-03": func(e *Evidence) { e.Device.Events = []device.LogEvent{} },
		"SW-04": event("keys-not-destroyed", "disk"),
		"SW-07": host(func(h *HostEvidence) { h.MemoryLocked = false }),
		"SW-08": host(func(h *HostEvidence) { h.CoreDumpsOff = false }),
		"SW-09": host(func(h *HostEvidence) { h.Swap = []string{"a partition"} }),
		"SW-10": host(func(h *HostEvidence) { h.TracingHeld = false }),
		"SW-11": host(func(h *HostEvidence) { h.Root = true }),
		"SW-12": host(func(h *HostEvidence) { h.Randomised = false }),
		"SW-13": host(func(h *HostEvidence) { h.Encrypted = false }),
		"SW-14": host(func(h *HostEvidence) { h.UmaskTight = false }),
		"SW-15": host(func(h *HostEvidence) { h.OthersCanRead = []string{"a.identity"} }),
		"SW-16": host(func(h *HostEvidence) { h.ClockSynced = false }),
		"SW-17": inStore(func(s *StoreEvidence) { s.FileMode, s.DirMode = 0o640, 0o750 }),
		"DT-01": func(e *Evidence) { e.Device.URI = device.URI{Dialect: device.Visa, Transport: device.TCP} },
		"DT-02": inLog(func(l *LogEvidence) { l.ClearLoads = 1 }),
		"DT-03": inStore(func(s *StoreEvidence) { s.Loads = append(s.Loads, clearLoad) }),
		"DT-04": func(e *Evidence) { e.Host.NetworksUp, e.Log.ClearLoads = []string{"eth0"}, 1 },
		"DT-05": inStore(func(s *StoreEvidence) { s.LocalFile = false }),
		"DT-06": inLog(func(l *LogEvidence) { l.Backup = daysAgo(31) }),
		"DT-08": inStore(func(s *StoreEvidence) { s.KeySets[0].Frozen = true }),
		"DT-09": onDevice(func(s *device.Status) { s.Slots, s.Initial = s.Slots[:1], nil }),
		"DT-10": inStore(func(s *StoreEvidence) { s.OneWay = []string{"ZMK-1#1"} }),
		"UA-01": event("denied", "99, password, 3 times"),
		"UA-02": lock(device.LockPassword),
		"UA-03": lock(device.LockDualAdmin),
		"UA-04": inLog(func(l *LogEvidence) { l.FailedLogins = 3 }),
		"UA-05": inStore(func(s *StoreEvidence) { s.Identity.Master.Kind = store.ByToken }),
		"UA-06": inStore(func(s *StoreEvidence) { s.Officers = s.Officers[:6] }),
		"UA-07": inStore(func(s *StoreEvidence) { s.Officers = s.Officers[1:] }),
		"UA-08": inStore(func(s *StoreEvidence) { s.Threshold = 1 }),
		"IR-01": func(e *Evidence) { e.Incidents[0].State = incident.Open },
		"IR-02": func(e *Evidence) { e.Incidents[0].Overdue = []string{"S1"} },
		"IR-03": func(e *Evidence) { e.Incidents[0].State, e.Incidents[0].Contained = incident.Contained, daysAgo(91) },
		"IR-04": func(e *Evidence) { e.Incidents[0].Broken = errors.New("it does not verify") },
		"IR-05": inStore(func(s *StoreEvidence) { s.Keys[0].State = store.Compromised }),
		"IR-06": inStore(func(s *StoreEvidence) { s.Keys[0].State, s.Keys[0].Suspended = store.Suspended, daysAgo(31) }),
		"OP-01": inLog(func(l *LogEvidence) { l.Broken = errors.New("record 3 was changed") }),
		"OP-02": inLog(func(l *LogEvidence) { l.Checkpoint = time.Time{} }),
		"OP-03": inLog(func(l *LogEvidence) { l.Report.Signed, l.Report.Checkpoints = 0, nil }),
		"OP-04": inLog(func(l *LogEvidence) { l.Unfinished = 1 }),
		"OP-05": inLog(func(l *LogEvidence) { l.Report.Warnings = []audit.Warning{{Kind: audit.ClockBack}} }),
		"OP-06": inLog(func(l *LogEvidence) { l.SingleHanded = []string{"key.reveal ZMK-1"} }),
		"OP-07": inLog(func(l *LogEvidence) { l.Reveals = 1 }),
		"OP-08": inLog(func(l *LogEvidence) { l.Selftest = daysAgo(91) }),
		"OP-10": inStore(func(s *StoreEvidence) { s.Keys[0].NotAfter = now() }),
		"OP-11": inStore(func(s *StoreEvidence) { s.Keys[0].NotAfter = time.Time{} }),
		"OP-12": inStore(func(s *StoreEvidence) { s.Devices[1].Keys[0].Check = check("111111AB") }),
		"OP-13": inStore(func(s *StoreEvidence) { s.Keys[1].Check = check("AAAAAA") }),
		"OP-14": inStore(func(s *StoreEvidence) { s.Cuttings[0].People[0].Seen = []int{1, 2} }),
		"OP-15": inStore(func(s *StoreEvidence) { s.Keys[0].Custodians = []string{"custodian.a", "custodian.a"} }),
		"OP-16": inStore(func(s *StoreEvidence) { s.Keys[0].Algorithm, s.Keys[0].Len = keys.TDES192, 24 }),
		"OP-17": inStore(func(s *StoreEvidence) { s.Keys[1].Algorithm, s.Keys[1].Len = keys.DES, 8 }),
		"OP-18": onDevice(func(s *device.Status) { s.Slots[0].Parity = keys.ParityMixed }),
		"OP-19": onDevice(func(s *device.Status) { s.Slots[0].Expires = now() }),
		"OP-20": onDevice(func(s *device.Status) { s.Initial[0].Left = 9_999 }),
		"OP-21": inStore(func(s *StoreEvidence) { s.KeySets[0].Next = 901 }),
		"OP-22": func(e *Evidence) { e.Device.Listed = nil },
		"OP-23": onDevice(func(s *device.Status) { s.Slots[0].Check = check("777777") }),
		"OP-24": inStore(func(s *StoreEvidence) {
			s.Loads = append(s.Loads, store.Load{LoadRequest: store.LoadRequest{Serial: "T-0002", Slot: "0"}, State: store.LoadUnknown})
		}),
		"OP-25": inStore(func(s *StoreEvidence) { s.Devices[1].State = store.QuarantinedDevice }),
		"OP-26": lock(device.LockRemote),
		"MG-01": inStore(func(s *StoreEvidence) { s.Officers[3].Manager = "manager a" }),
		"MG-02": inStore(func(s *StoreEvidence) { s.Officers[0].Expires = now() }),
		"MG-03": inStore(func(s *StoreEvidence) { s.Threshold = 3 }),
	}
}

// nothing is what a control has no evidence from, though its part was looked at.
func nothing() map[string]change {
	onDevice := func(f func(*device.Status)) change { return func(e *Evidence) { f(&e.Device.Status) } }
	unknown := func(field string) change { return func(e *Evidence) { e.Host.Unknown = []string{field} } }
	silent := func(e *Evidence) { e.Device.Status.Now = time.Time{} }
	broken := func(e *Evidence) { e.Log.Broken = errors.New("record 3 was changed") }
	unreadable := func(e *Evidence) {
		e.Incidents = append(e.Incidents, incident.Summary{ID: "INC-2026-0002", Broken: errors.New("changed")})
	}
	unread := func(e *Evidence) { e.Store.Threshold, e.Store.Shares = 0, 0 }
	return map[string]change{
		"HW-01": silent, "SW-02": silent, "UA-02": silent, "UA-03": silent, "OP-26": silent, "HW-05": silent,
		"HW-03": onDevice(func(s *device.Status) { s.Battery = device.Battery{} }),
		"HW-04": onDevice(func(s *device.Status) { s.Environment = device.Environment{} }),
		"HW-06": func(e *Evidence) { e.Device.SeenAt = time.Time{} },
		"HW-07": func(*Evidence) {}, // keys from outside
		"SW-01": func(e *Evidence) { e.Device.Latest = "" },
		"SW-03": func(e *Evidence) { e.Device.Events = nil },
		"SW-04": func(e *Evidence) { e.Device.Events = nil },
		"UA-01": func(e *Evidence) { e.Device.Events = nil },
		"SW-07": unknown("MemoryLocked"), "SW-08": unknown("CoreDumpsOff"), "SW-09": unknown("Swap"), "SW-10": unknown("TracingHeld"),
		"SW-11": unknown("Root"), "SW-12": unknown("Randomised"), "SW-13": unknown("Encrypted"), "SW-14": unknown("UmaskTight"),
		"SW-15": unknown("OthersCanRead"), "SW-16": unknown("ClockSynced"), "DT-04": unknown("NetworksUp"),
		"SW-17": func(e *Evidence) { e.Store.FileMode = 0 },
		"DT-01": func(e *Evidence) { e.Device.URI = device.URI{} },
		"DT-06": broken, "UA-04": broken, "OP-02": broken, "OP-04": broken, "OP-05": broken, "OP-06": broken, "OP-07": broken,
		"DT-09": onDevice(func(s *device.Status) { s.Initial, s.Slots[1].HasAttributes, s.Slots[1].Usage = nil, false, "" }),
		"UA-08": unread, "MG-01": unread, "MG-03": unread,
		"OP-03": func(e *Evidence) { e.Log.Report.Signed = 0 },
		"OP-12": func(e *Evidence) { // check values that are too short to say anything
			for i := range e.Store.Devices {
				for j := range e.Store.Devices[i].Keys {
					e.Store.Devices[i].Keys[j].Check = check("1111")
				}
			}
		},
		"DT-10": func(e *Evidence) { e.Store.NoWay = 1 },
		"IR-01": unreadable, "IR-02": unreadable, "IR-03": unreadable,
		"OP-08": func(e *Evidence) { e.Log.Selftest = time.Time{} },
		"OP-18": onDevice(func(s *device.Status) { s.Slots[0].Parity, s.Slots[1].Parity, s.Slots[2].Parity = "", "", "" }),
		"OP-19": onDevice(func(s *device.Status) {
			s.Slots[0].Expires, s.Slots[1].Expires, s.Slots[2].Expires = time.Time{}, time.Time{}, time.Time{}
		}),
		"OP-20": onDevice(func(s *device.Status) { s.Initial[0].KSN = "" }),
		"OP-22": func(e *Evidence) { e.Device.Listed, e.Device.Status.Serial = nil, "" },
		"OP-23": func(e *Evidence) { e.Device.Listed.Keys = nil },
	}
}

// outside is what a control does not apply to.
func outside() map[string]change {
	test := func(e *Evidence) { e.Store.Identity.Environment = store.Test }
	token := func(e *Evidence) { e.Store.Identity.Master.Kind = store.ByToken }
	none := func(e *Evidence) { e.Incidents = []incident.Summary{} }
	noKeys := func(e *Evidence) { e.Store.Keys = nil }
	noSets := func(e *Evidence) { e.Store.KeySets = nil }
	return map[string]change{
		"HW-02": func(e *Evidence) { e.Device.Status.Slots = nil },
		"HW-07": test, "HW-08": test,
		"SW-17": func(e *Evidence) { e.Store.LocalFile = false },
		"DT-01": func(e *Evidence) { e.Device.URI.Transport = device.Serial },
		"DT-03": func(e *Evidence) { e.Store.Devices[0].POIVersion, e.Store.Devices[1].POIVersion = "4", "4" },
		"DT-04": func(e *Evidence) { e.Host.NetworksUp = []string{"eth0"} },
		"DT-05": func(*Evidence) {},
		"IR-01": none, "IR-02": none, "IR-03": none, "IR-04": none,
		"OP-10": noKeys, "OP-11": noKeys, "OP-13": noKeys, "OP-15": noKeys, "OP-16": noKeys, "OP-17": noKeys, "IR-06": noKeys,
		"IR-05": func(e *Evidence) { e.Store.Devices[0].Keys, e.Store.Devices[1].Keys = nil, nil },
		"OP-24": func(e *Evidence) { e.Store.LoadsSeen = 0 },
		"DT-08": noSets, "OP-21": noSets,
		"DT-10": func(e *Evidence) { e.Store.Conveyed = 0 },
		"UA-06": token, "UA-07": token, "MG-01": token, "MG-03": token,
		"OP-06": func(e *Evidence) { e.Log.Report.Identity.Environment = audit.Test },
		"OP-12": func(e *Evidence) { e.Store.Devices = nil },
		"OP-14": func(e *Evidence) { e.Store.Cuttings = nil },
		"OP-20": func(e *Evidence) { e.Device.Status.Initial = nil },
		"OP-25": func(e *Evidence) { e.Store.Devices = nil },
		"MG-02": func(e *Evidence) { e.Store.Officers = nil },
	}
}

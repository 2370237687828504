package inject_test

// What keeps a key from crossing the line.

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// look runs a preflight over a line of its own.
func (x *site) look(t testing.TB, about device.Manager, now time.Time, job inject.Job) (inject.Cleared, error) {
	t.Helper()
	d, done, err := x.open(context.Background())
	must(t, err)
	defer done()
	return inject.Preflight(context.Background(), d, about, now, job)
}

// known is the job of a device that stands in the inventory.
func (x *site) known(t testing.TB) inject.Job {
	t.Helper()
	d := x.device(t)
	job := x.job()
	job.Known = &d
	return job
}

// said finds a check of a preflight.
func said(c inject.Cleared, id inject.CheckID) []inject.Check {
	return slices.DeleteFunc(slices.Clone(c.Checks()), func(x inject.Check) bool { return x.ID != id })
}

func TestOnlyTheDeviceThatWasMeantIsLoaded(t *testing.T) {
	s := openShop(t)
	x := s.place(t, visaDialect())
	for name, c := range map[string]struct {
		change func(*inject.Job)
		kind   fault.Kind // "" passes
		says   string
		doubt  bool
		id     inject.CheckID
	}{
		"as expected":                 {func(*inject.Job) {}, "", "as expected", false, inject.CheckIdentity},
		"nobody said who":             {func(j *inject.Job) { j.Serial, j.Known = "", nil }, "", x.serial, false, inject.CheckIdentity},
		"another serial":              {func(j *inject.Job) { j.Serial, j.Known = "PK99999999", nil }, fault.NotPermitted, x.serial, false, ""},
		"another one's row":           {func(j *inject.Job) { j.Known = &store.Device{Serial: "PK99999999", State: store.Expected} }, fault.NotPermitted, "PK99999999", false, ""},
		"the row alone":               {func(j *inject.Job) { j.Serial = "" }, "", "as expected", false, inject.CheckIdentity},
		"not on the list":             {func(j *inject.Job) { j.Known = nil }, "", "not in an inventory", true, inject.CheckInventory},
		"not on the list, production": {func(j *inject.Job) { j.Known, j.Production = nil, true }, fault.NotPermitted, "PCI PIN 30-3", false, ""},
		"rejected":                    {func(j *inject.Job) { j.Known.State = store.Rejected }, fault.NotPermitted, "rejected", false, ""},
		"in quarantine":               {func(j *inject.Job) { j.Known.State = store.QuarantinedDevice }, "", "settled first", true, inject.CheckInventory},
		"no loads":                    {func(j *inject.Job) { j.Loads = nil }, fault.Usage, "no loads", false, ""},
		"a slot twice":                {func(j *inject.Job) { j.Loads = append(j.Loads, j.Loads[0]) }, fault.Usage, "twice", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			job := x.known(t)
			c.change(&job)
			got, err := x.look(t, nil, s.day(), job)
			if c.kind != "" {
				wantKind(t, name, err, c.kind, c.says)
				return
			}
			must(t, err)
			checks := said(got, c.id)
			if len(checks) != 1 || checks[0].Doubt != c.doubt || !contains(checks[0], c.says) || got.Serial() != x.serial {
				t.Errorf("checks %v, serial %s", checks, got.Serial())
			}
		})
	}
	nameless := s.place(t, visaDialect(), func(c *emulator.Config) { c.Serial = "" })
	job := nameless.known(t)
	got, err := nameless.look(t, nil, s.day(), job)
	must(t, err)
	if checks := said(got, inject.CheckIdentity); len(checks) != 1 || !checks[0].Doubt || got.Serial() != job.Serial {
		t.Errorf("a terminal without a serial number: %v", checks)
	}
	job.Serial, job.Known = "", nil
	got, err = nameless.look(t, nil, s.day(), job)
	must(t, err)
	_, err = nameless.loader().Run(t.Context(), nil, got)
	wantKind(t, "a journal for nobody", err, fault.Usage, "--serial")
	if x.times("0")+nameless.times("0") != 0 {
		t.Error("a preflight stored something")
	}
}

func contains(c inject.Check, says string) bool { return strings.Contains(c.Text.String(), says) }

func TestClearKeysGoIntoDevicesThatMayTakeThem(t *testing.T) {
	s := openShop(t)
	x := s.place(t, clearDialect())
	day := func(at string) time.Time {
		d, err := time.Parse(time.DateOnly, at)
		must(t, err)
		return d
	}
	for name, c := range map[string]struct {
		poi, inventory, day string
		own, production     bool
		kind                fault.Kind
	}{
		"version 5 on the day":               {"5", "", "2024-01-01", false, false, fault.NotPermitted},
		"version 5 the day before":           {"5", "", "2023-12-31", false, false, ""},
		"own version 5 before its day":       {"5", "", "2025-12-31", true, false, ""},
		"own version 5 on its day":           {"5", "", "2026-01-01", true, false, fault.NotPermitted},
		"version 6.1 after":                  {"v6.1", "", "2026-11-22", false, false, fault.NotPermitted},
		"version 4 after":                    {"4.2", "", "2026-11-22", false, false, ""},
		"from the inventory":                 {"", "5.1", "2026-11-22", false, false, fault.NotPermitted},
		"the plan goes before the inventory": {"4", "5", "2026-11-22", false, false, ""},
		"not known":                          {"", "", "2026-11-22", false, false, ""},
		"not known in production":            {"", "", "2026-11-22", false, true, fault.NotPermitted},
		"version 4 in production":            {"4", "", "2026-11-22", false, true, ""},
		"what is no version":                 {"new", "", "2026-11-22", false, false, fault.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			job := x.known(t)
			job.Known.POIVersion, job.POIVersion, job.Own, job.Production = c.inventory, c.poi, c.own, c.production
			job.Loads = job.Loads[1:]
			got, err := x.look(t, nil, day(c.day), job)
			if c.kind != "" {
				wantKind(t, name, err, c.kind)
				return
			}
			must(t, err)
			if checks := said(got, inject.CheckPOI); len(checks) == 0 || checks[0].Doubt != (c.poi+c.inventory == "") {
				t.Errorf("%v", checks)
			}
		})
	}
	job := x.known(t)
	job.Production, job.POIVersion = true, "4"
	job.Loads[1].Why = ""
	_, err := x.look(t, nil, s.day(), job)
	wantKind(t, "a clear load without a reason", err, fault.Usage, "why")
	if got := x.journal(t); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// told is a real manager whose values are changed on their way.
type told struct {
	device.Manager
	change func(*device.Status)
}

func (m told) Status(ctx context.Context) (device.Status, error) {
	s, err := m.Manager.Status(ctx)
	m.change(&s)
	return s, err
}

func TestADeviceInNoConditionIsNotLoaded(t *testing.T) {
	s := openShop(t)
	for name, c := range map[string]struct {
		spoil  func(x *site)
		change func(*device.Status)
		kind   fault.Kind
		says   string
	}{
		"sound":                        {nil, nil, "", "clock right"},
		"tampered":                     {func(x *site) { x.Tamper("cover") }, nil, fault.NotPermitted, "tamper"},
		"locked":                       {func(x *site) { x.SetLock(device.LockRemote, "a test") }, nil, fault.Busy, "remote"},
		"battery low":                  {func(x *site) { x.SetBattery(2400) }, nil, fault.NotPermitted, "2400 mV"},
		"battery said to be low":       {nil, func(s *device.Status) { s.Battery.Low = true }, fault.NotPermitted, "battery"},
		"a clock that is off":          {nil, func(s *device.Status) { s.Now = s.Now.Add(-26 * time.Hour) }, fault.NotPermitted, "26h"},
		"a clock that is nearly right": {nil, func(s *device.Status) { s.Now = s.Now.Add(9 * time.Minute) }, "", "clock right"},
		"no clock":                     {nil, func(s *device.Status) { s.Now = time.Time{} }, "", ""},
		"another one's word":           {nil, func(s *device.Status) { s.Serial = "PK99999999" }, fault.NotPermitted, "PK99999999"},
		"its own POI version":          {nil, func(s *device.Status) { s.POIVersion = "6" }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := s.place(t, visaDialect())
			m, err := x.ListenManage(t.Context(), "127.0.0.1:0", s.papers)
			must(t, err)
			defer func() { must(t, m.Close()) }()
			about, err := drivers.Open(t.Context(), m.URI(), device.Options{})
			must(t, err)
			defer func() { _ = about.Close() }()
			if c.spoil != nil {
				c.spoil(x)
			}
			manager := about.(device.Manager)
			if c.change != nil {
				manager = told{manager, c.change}
			}
			got, err := x.look(t, manager, time.Now(), x.known(t))
			if c.kind != "" {
				wantKind(t, name, err, c.kind, c.says)
			} else if checks := said(got, inject.CheckCondition); err != nil || len(checks) != 1 || checks[0].Doubt || !contains(checks[0], c.says) {
				t.Errorf("%v, %v", checks, err)
			}
			if x.times("0") != 0 {
				t.Error("a preflight stored something")
			}
		})
	}
	x := s.place(t, agentDialect(), faulty("clock=+26h")) // a dialect that tells it itself
	_, err := x.look(t, nil, time.Now(), x.known(t))
	wantKind(t, "the agent's own clock", err, fault.NotPermitted, "26h")
	y := s.place(t, visaDialect())
	got, err := y.look(t, nil, time.Now(), y.known(t))
	must(t, err)
	if checks := said(got, inject.CheckCondition); len(checks) != 1 || !checks[0].Doubt {
		t.Errorf("nobody was asked, and %v", checks)
	}
}

func TestNoKeyGoesUnderAWeakerOneOrAsWhatItIsNot(t *testing.T) {
	s := openShop(t)
	visa, fx, agent := s.place(t, visaDialect()), s.place(t, futurexDialect()), s.place(t, agentDialect())
	extended := s.place(t, visaDialect(), func(c *emulator.Config) { c.Port = emulator.Visa(device.ProfilePoskey) })
	extended.uri += "?profile=" + device.ProfilePoskey
	take := func(clear []byte, alg keys.Algorithm, usage keys.Usage, mode byte) hsm.Key {
		k, err := s.boundary.Import(t.Context(), secret.Copy(clear), hsm.Attributes{Algorithm: alg, Usage: usage, Mode: mode}, hsm.Policy{AllowWeak: true})
		must(t, err)
		return k
	}
	aesKLK := take(double(), keys.AES128, keys.UsageKBPK, 'B')
	long := take(triple(), keys.TDES192, keys.UsagePIN, 'E')
	aes := take(double(), keys.AES128, keys.UsagePIN, 'E')
	aesBDK := take(double(), keys.AES128, keys.UsageBDK, 'X')
	aes32 := take(append(double(), klk16()...), keys.AES256, keys.UsagePIN, 'E')
	under := func(slot device.Slot, key hsm.Key, klk *hsm.Key) inject.Plan {
		return inject.Plan{Slot: slot, Key: hsm.Accept(key, hsm.ByOperator), KLK: klk, KLKSlot: "05"}
	}
	ik := func(slot device.Slot, key hsm.Key, klk *hsm.Key) inject.Plan {
		p := under(slot, key, klk)
		p.KeySet = keySet
		return p
	}
	for name, c := range map[string]struct {
		x          *site
		plan       inject.Plan
		production bool
		kind       fault.Kind
		version    byte
	}{
		"a block in production":            {visa, under("0", s.pin, &s.klk), true, "", 'B'},
		"a cryptogram in a test":           {fx, under("03", s.pin, &s.klk), false, "", 0},
		"a cryptogram in production":       {fx, under("03", s.pin, &s.klk), true, fault.NotPermitted, 0},
		"TDES under AES-128":               {agent, under("1", s.pin, &aesKLK), false, "", 'D'},
		"AES under AES":                    {agent, under("1", aes, &aesKLK), false, "", 'D'},
		"AES-256 under AES-128":            {agent, under("1", aes32, &aesKLK), false, fault.WeakKey, 0},
		"AES under TDES":                   {agent, under("1", aes, &s.klk), false, fault.WeakKey, 0},
		"TDES under TDES through an agent": {agent, under("1", s.pin, &s.klk), false, "", 'B'},
		"triple under double":              {agent, under("1", long, &s.klk), false, fault.WeakKey, 0},
		"an AES KLK for family A":          {visa, under("0", s.pin, &aesKLK), false, fault.NotPermitted, 0},
		"an AES key for family B":          {fx, under("03", aes, &aesKLK), false, fault.NotPermitted, 0},
		"an AES BDK for family A":          {visa, ik("90", aesBDK, &aesKLK), false, fault.NotPermitted, 0},
		"an AES BDK for family B":          {fx, ik("17", aesBDK, &aesKLK), false, fault.NotPermitted, 0},
		"an AES initial key":               {agent, ik("D1", aesBDK, &aesKLK), false, "", 'D'},
		"an initial key into a PIN slot":   {visa, ik("0", s.bdk, &s.klk), false, fault.NotPermitted, 0},
		"an initial key of no BDK":         {visa, ik("90", s.pin, &s.klk), false, fault.NotPermitted, 0},
		"an initial key in a block":        {visa, ik("90", s.bdk, &s.klk), false, "", 'B'},
		"a slot of two digits":             {fx, under("42", s.pin, &s.klk), false, "", 0},
		"a slot of family A in B":          {fx, under("F", s.pin, &s.klk), false, fault.NotFound, 0},
		"a slot that is not there":         {agent, under("Z", s.pin, &s.klk), false, fault.NotFound, 0},
		"an AES initial key by extension":  {extended, ik("90", aesBDK, &aesKLK), false, "", 'D'},
		"another AES key by no extension":  {extended, under("0", aes, &aesKLK), false, fault.NotPermitted, 0},
		"a clear key through an agent":     {agent, inject.Plan{Slot: "1", Key: hsm.Accept(s.pin, hsm.ByOperator), Clear: true, Why: "a test"}, false, fault.NotPermitted, 0},
	} {
		t.Run(name, func(t *testing.T) {
			job := c.x.known(t)
			job.Production, job.Loads = c.production, []inject.Plan{c.plan}
			got, err := c.x.look(t, nil, time.Now(), job)
			if c.kind != "" {
				wantKind(t, name, err, c.kind)
				return
			}
			must(t, err)
			if v := got.Loads()[0].Version(); v != c.version {
				t.Errorf("version %q, want %q", v, c.version)
			}
		})
	}
}

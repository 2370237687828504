package manage

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/device"
)

// documents are all that cross, with everything set.
func documents() []any {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	check := &Check{"ecb-zero", "08D7B4"}
	slot := Slot{"D1", true, "B1", "X", "T", check, "FFFF9876543210E00001", true, at, "odd"}
	order := Order{"update", "", "a reason", []byte("manifest"), []byte("software")}
	return []any{
		&About{Protocol, strings.Repeat("0", RequestID), "PK1", "M", "ABD", []int{80}, "TA",
			[]Rule{{[]string{"0", "D1"}, "P0", []int{16}, "T", "E"}}, []string{"D1"}},
		&Serial{"PK1"}, &slot, &Load{"R", "B0080"}, &Loaded{"R", true, slot}, &Settle{"R"}, &Settled{"R", "B", true},
		&Login{"99", []byte("TEST"), "123456"}, &LoggedIn{"99", "administrator"}, &order, &Challenge{[]byte("poskey")},
		&Carry{order, [][]byte{[]byte("one"), []byte("two")}}, &Done{}, &Logs{[]Event{{1, at, "kind", "detail"}}},
		&Refusal{CodeBusy, "later"},
		&Status{"PK1", "M", "6.2", "1", at, "锁定", []Lock{{"tamper", at, "d"}}, Tamper{true, "case", at}, Battery{2900, true},
			Sensors{21.5, 40}, Link{"wifi", 80}, true, []Slot{slot}, []InitialSlot{{"D1", "FF", &Check{"ecb-zero", "08D7B4"}, 9}}, 2,
			[]Event{{1, at, "kind", ""}}},
	}
}

func TestEveryDocumentCrossesWhole(t *testing.T) {
	for _, d := range documents() {
		for _, v := range []any{d, reflect.New(reflect.TypeOf(d).Elem()).Interface()} {
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			back := reflect.New(reflect.TypeOf(d).Elem()).Interface()
			if _, isLogin := d.(*Login); isLogin && v != d {
				continue // one without a password is none
			}
			if err := Decode(raw, back); err != nil {
				t.Errorf("%s: %v", raw, err)
			}
			again, err := json.Marshal(back)
			if err != nil || string(again) != string(raw) {
				t.Errorf("%s came back as %s", raw, again)
			}
		}
	}
}

func TestWhatIsNotExactlyADocumentIsRefused(t *testing.T) {
	for _, raw := range []string{"", "null", "[]", "1", `"x"`, "{", `{"serial":1}`, `{"serial":null}`, `{"more":1}`, `{"Serial":"x"}`,
		`{"serial":"x","serial":"y"}`, `{"serial":"x"} {}`, `{"serial":"x"}x`, strings.Repeat(`{"serial":`, 9), "\xff"} {
		var s Serial
		if err := Decode([]byte(raw), &s); !fault.Is(err, fault.Malformed) {
			t.Errorf("%q: %v", raw, err)
		}
	}
	var st Status // the same name in two objects is no repetition, nor is a string that looks like a name
	if err := Decode([]byte(`{"events":[{"seq":1,"at":"2026-03-01T08:00:00Z","kind":"seq"},{"seq":2,"at":"2026-03-01T08:00:00Z","kind":"kind"}]}`), &st); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, d := range documents() {
		raw, err := json.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"serial":"x","serial":"y"}`))
	f.Add([]byte(`{"SERIAL":[[[[[[[[[[[[[]]]]]]]]]]]]]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, d := range documents() {
			got := reflect.New(reflect.TypeOf(d).Elem()).Interface()
			if Decode(raw, got) != nil {
				continue
			}
			first, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			back := reflect.New(reflect.TypeOf(d).Elem()).Interface()
			if l, isLogin := got.(*Login); isLogin && l.Password == nil {
				continue
			}
			if err := Decode(first, back); err != nil {
				t.Fatalf("%q became %q: %v", raw, first, err)
			}
			second, err := json.Marshal(back)
			if err != nil || string(second) != string(first) {
				t.Fatalf("%q became %q and then %q", raw, first, second)
			}
		}
	})
}

func TestOrdersThatCannotBeAreRefused(t *testing.T) {
	update := device.Order{Verb: device.Update, Manifest: []byte("m"), Image: []byte("i")}
	for _, o := range []device.Order{update, {Verb: device.Restart}, {Verb: device.Reset, Reason: "sold 出售"},
		{Verb: device.Lock, Lock: device.LockRemote}, {Verb: device.Unlock, Lock: device.LockTamper, Reason: "repaired"}} {
		if err := CheckOrder(o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	big := update
	big.Image = make([]byte, MaxImage+1)
	for _, o := range []device.Order{{}, {Verb: "dance"}, {Verb: device.Unlock}, {Verb: device.Unlock, Lock: "mood"},
		{Verb: device.Lock, Lock: device.LockTamper}, {Verb: device.Restart, Lock: device.LockRemote}, {Verb: device.Update},
		{Verb: device.Reset, Image: []byte("i")}, {Verb: device.Reset, Reason: "a\x1b[2J"}, {Verb: device.Reset, Reason: " a"},
		{Verb: device.Reset, Reason: strings.Repeat("x", MaxReason+1)}, {Verb: device.Reset, Reason: "\xff"}, big} {
		if err := CheckOrder(o); !fault.Is(err, fault.Usage) {
			t.Errorf("%.100v: %v", o, err)
		}
	}
}

// TestApprovalsAreForWhatTheTablesSay holds the activities of orders against the table of locks and the table of rules.
func TestApprovalsAreForWhatTheTablesSay(t *testing.T) {
	for _, l := range device.Locks() {
		a, taken := Approvals(device.Order{Verb: device.Unlock, Lock: l.Kind})
		if taken != (l.Officers > 0) {
			t.Errorf("%s: approvals taken is %v for %d officers", l.Kind, taken, l.Officers)
		}
		for _, e := range []custody.Environment{custody.Test, custody.Production} {
			if n := persons(t, a, e); taken && n != l.Officers {
				t.Errorf("%s in %s: %s takes %d officers, the lock %d", l.Kind, e, a, n, l.Officers)
			}
		}
	}
	for _, v := range []device.Verb{device.Lock, device.Restart, device.Reset, device.Update} {
		a, taken := Approvals(device.Order{Verb: v})
		rule, err := custody.RuleOf(a)
		if err != nil || taken == rule.Production.Standing {
			t.Errorf("%s: %s, approvals taken is %v, %v", v, a, taken, err)
		}
	}
}

func persons(t *testing.T, a custody.Activity, e custody.Environment) (n int) {
	t.Helper()
	rule, err := custody.RuleOf(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range rule.Terms(e).Needs {
		n += need.Persons
	}
	return n
}

// TestAnApprovalIsForOneOrder: whatever of an order changes, it is another action.
func TestAnApprovalIsForOneOrder(t *testing.T) {
	base := device.Order{Verb: device.Unlock, Lock: device.LockTamper, Reason: "repaired"}
	if got := Action(base); got.Label != "tamper: repaired" || got.Activity != custody.DeviceRecover {
		t.Errorf("%+v", got)
	}
	seen := map[custody.Action]device.Order{Action(base): base}
	for _, o := range []device.Order{{Verb: device.Unlock, Lock: device.LockRemote, Reason: "repaired"},
		{Verb: device.Unlock, Lock: device.LockTamper}, {Verb: device.Reset, Reason: "repaired"}, {Verb: device.Reset},
		{Verb: device.Update, Manifest: []byte("m"), Image: []byte("i")}, {Verb: device.Update, Manifest: []byte("mi")},
		{Verb: device.Update, Image: []byte("mi")}, {Verb: device.Reset, Reason: "tamper: repaired"}} {
		a := Action(o)
		if was, there := seen[a]; there {
			t.Errorf("%+v is the same action as %+v", o, was)
		}
		seen[a] = o
	}
}

func TestEveryCodeHasARow(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Codes() {
		if seen[c.Code] || c.Status < 400 || c.Kind == "" || c.Meaning.IsZero() {
			t.Errorf("%+v", c)
		}
		seen[c.Code] = true
	}
	if got := CodeOf("teapot"); got.Kind != fault.DeviceFailed || got.Meaning.IsZero() {
		t.Errorf("%+v", got)
	}
}

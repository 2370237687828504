package inject_test

import (
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"poskey/internal/fault"
	"poskey/pkg/inject"
	"poskey/pkg/keys"
)

const goodPlan = `schema: poskey.inject-plan/v1
environment: test
device: visa+tcp://127.0.0.1:9000
manage: agent+https://127.0.0.1:9443
serial: PK00000001
poi_version: "5.1"
own_devices: true
loads:
  - {slot: "90", key_set: SET, kbpk: "store:KLK", expect: AF8C07}
  - {slot: C, key: "store:MAC", kbpk: "store:KLK", kbpk_slot: F, usage: M3, mode: G}
  - {slot: F, key: "file:klk.txt", clear: true, why: the first key of a new terminal}
`

func TestAPlanIsReadAsItIsWritten(t *testing.T) {
	d, err := inject.ParseDocument(strings.NewReader(goodPlan))
	must(t, err)
	if d.Environment != "test" || d.Device != "visa+tcp://127.0.0.1:9000" || d.Manage == "" || d.Serial != "PK00000001" ||
		d.POIVersion != "5.1" || !d.Own || len(d.Loads) != 3 {
		t.Errorf("%+v", d)
	}
	p := d.Loads[1].Plan()
	if p.Slot != "C" || p.KLKSlot != "F" || p.Usage != keys.UsageRetail || p.Mode != 'G' || p.KeySet != "" {
		t.Errorf("%+v", p)
	}
	if p = d.Loads[2].Plan(); !p.Clear || p.Why == "" {
		t.Errorf("%+v", p)
	}
	if d.Loads[0].Plan().KeySet != "SET" || d.Loads[0].Expect != "AF8C07" {
		t.Errorf("%+v", d.Loads[0])
	}
}

// Values of the file that must not come back in errors: they look like keys.
const (
	pasted  = "85A2E9137C4F61D02E98B0F4CD5B3176"
	pasted2 = "85A2 E913 7C4F 61D0 2E98 B0F4 CD5B 3176"
)

func TestAPlanIsReadStrictly(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(goodPlan, old, new, 1) }
	for name, c := range map[string]struct {
		plan string
		kind fault.Kind
		says string
	}{
		"nothing":                        {"", fault.Malformed, ""},
		"a misspelt field":               {with("key_set:", "keyset:"), fault.Malformed, "line 9"},
		"a field twice":                  {with("serial:", "device: x\nserial:"), fault.Malformed, "line 5"},
		"a field that is a key":          {with("serial:", pasted+":"), fault.Malformed, "line 5"},
		"another schema":                 {with("inject-plan/v1", "inject-plan/v2"), fault.Malformed, "schema"},
		"a key as the schema":            {with("poskey.inject-plan/v1", pasted), fault.Malformed, "schema"},
		"no environment":                 {with("environment: test\n", ""), fault.Malformed, "environment"},
		"a key as the environment":       {with("environment: test", "environment: "+pasted2), fault.Malformed, "environment"},
		"no loads":                       {goodPlan[:strings.Index(goodPlan, "loads:")], fault.Malformed, "no loads"},
		"loads that are a key":           {goodPlan[:strings.Index(goodPlan, "loads:")] + "loads: " + pasted, fault.Malformed, "line 8"},
		"no slot":                        {with(`slot: "90", `, ""), fault.Malformed, "load 1"},
		"key and key set":                {with("key_set: SET", "key_set: SET, key: x"), fault.Malformed, "one of them"},
		"neither":                        {with("key_set: SET, ", ""), fault.Malformed, "one of them"},
		"no kbpk":                        {with(`kbpk: "store:KLK", expect`, "expect"), fault.Malformed, "kbpk"},
		"clear with a kbpk":              {with("clear: true", "clear: true, kbpk: x"), fault.Malformed, "clear"},
		"clear without a reason":         {with(", why: the first key of a new terminal", ""), fault.Malformed, "why"},
		"a mode of two":                  {with("mode: G", "mode: GV"), fault.Malformed, "mode"},
		"a usage of three":               {with("usage: M3", "usage: M33"), fault.Usage, "usage"},
		"digits of a key":                {with("store:MAC", "hex:"+pasted), fault.ArgvSecret, "slot C"},
		"digits of a KLK":                {with(`key_set: SET, kbpk: "store:KLK"`, `key_set: SET, kbpk: "hex:`+pasted+`"`), fault.ArgvSecret, "slot 90"},
		"a slot that is a key":           {with("slot: C, key:", "slot: "+pasted+", keys: x, key:"), fault.Malformed, "line 10"},
		"a slot that is a key, with hex": {with(`slot: C, key: "store:MAC"`, "slot: "+pasted+`, key: "hex:0"`), fault.ArgvSecret, "slot (32 characters)"},
		"a POI version that is a key":    {with(`"5.1"`, pasted), fault.Malformed, "POI version"},
		"a value of the wrong kind":      {with("own_devices: true", "own_devices: "+pasted2), fault.Malformed, "line 7"},
		"a list for a text":              {with("serial: PK00000001", "serial: ["+pasted+"]"), fault.Malformed, "line 5"},
		"an anchor that is not there":    {with("serial: PK00000001", "serial: *"+pasted), fault.Malformed, ""},
		"a key that is a list":           {with("serial: PK00000001", "? ["+pasted+"]\n: x"), fault.Malformed, ""},
		"broken YAML":                    {with("serial: PK00000001", "serial: \""+pasted), fault.Malformed, ""},
		"a tab":                          {with("serial: PK00000001", "\tserial: "+pasted), fault.Malformed, ""},
		"binary":                         {with("serial: PK00000001", "serial: !!binary "+pasted+"!"), fault.Malformed, ""},
		"two documents":                  {goodPlan + "---\n" + goodPlan, fault.Malformed, "more than one"},
		"too large":                      {goodPlan + strings.Repeat("#", 1<<20), fault.TooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := inject.ParseDocument(strings.NewReader(c.plan))
			wantKind(t, name, err, c.kind, c.says)
			if !reflect.DeepEqual(d, inject.Document{}) {
				t.Errorf("a document beside the error: %+v", d)
			}
			silent(t, err)
		})
	}
}

// silent wants no digits of the pasted key in an error.
func silent(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	flat := strings.NewReplacer(" ", "", "-", "").Replace(err.Error())
	for at := 0; at+8 <= len(pasted); at++ {
		if strings.Contains(flat, pasted[at:at+8]) {
			t.Errorf("the error holds digits of the file: %v", err)
			return
		}
	}
}

func TestAPOIVersionIsANumber(t *testing.T) {
	for said, want := range map[string]int{"5": 5, "v5": 5, "V5.1": 5, " 6.2 ": 6, "12": 12, "05": 5} {
		if got, err := inject.ParsePOIVersion(said); err != nil || got != want {
			t.Errorf("%q is %d, %v", said, got, err)
		}
	}
	for _, said := range []string{"", "v", "0", "-5", "+5", "5.", ".5", "5.x", "vv5", "5v", "100", "5 6", "5.1.2", "fünf"} {
		if got, err := inject.ParsePOIVersion(said); !fault.Is(err, fault.Malformed) || got != 0 {
			t.Errorf("%q is %d, %v", said, got, err)
		}
	}
}

// FuzzMalleability: what is read and written again reads the same; what is not read leaves nothing.
func FuzzMalleability(f *testing.F) {
	for _, seed := range []string{goodPlan, "", "schema: x", "{}", "schema: poskey.inject-plan/v1\nenvironment: test\nloads: [{slot: A, key: b, kbpk: c}]",
		"schema: &a poskey.inject-plan/v1\nenvironment: production\nloads:\n- slot: *a\n  key: \"\\u0041\"\n  kbpk: |\n   x\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := inject.ParseDocument(strings.NewReader(s))
		if err != nil {
			if !reflect.DeepEqual(d, inject.Document{}) {
				t.Errorf("a document beside the error %v", err)
			}
			return
		}
		out, err := yaml.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := inject.ParseDocument(strings.NewReader(string(out)))
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Errorf("%+v is written as\n%s\nand read as %+v, %v", d, out, again, err)
		}
	})
}

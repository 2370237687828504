package fleet_test

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

const listHead = "serial,device,model,poi_version,kbpk,note\n"

func parse(s string) (fleet.Manifest, error) { return fleet.ParseManifest(strings.NewReader(s)) }

func TestSeparatorsOrderAndBlanksDoNotChangeTheDigestOfAList(t *testing.T) {
	plain, err := parse(listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,\"counter; left\"\nB2,visa+tcp://127.0.0.1:9101,,,,\n")
	must(t, err)
	if len(plain.Digest()) != 64 || len(plain.SerialsDigest()) != 64 || plain.Digest() == plain.SerialsDigest() {
		t.Fatalf("digests %s, %s", plain.Digest(), plain.SerialsDigest())
	}
	for what, list := range map[string]string{
		"byte order mark": "\ufeff" + listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,counter; left\nB2,visa+tcp://127.0.0.1:9101,,,,\n",
		"semicolons":      strings.ReplaceAll(listHead, ",", ";") + "A1;visa+tcp://127.0.0.1:9100;S90;5;KLK-1;\"counter; left\"\nB2;visa+tcp://127.0.0.1:9101;;;;\n",
		"another order":   listHead + "B2,visa+tcp://127.0.0.1:9101,,,,\nA1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,counter; left\n",
		"columns turned":  "device,serial,note,kbpk,model,poi_version\nvisa+tcp://127.0.0.1:9100,A1,counter; left,KLK-1,S90,5\nvisa+tcp://127.0.0.1:9101,B2,,,,\n",
		"blanks, CRLF":    strings.ReplaceAll(listHead, "\n", "\r\n") + " A1 , visa+tcp://127.0.0.1:9100 ,S90,5,KLK-1, counter; left\r\nB2,visa+tcp://127.0.0.1:9101,,,,\r\n",
	} {
		m, err := parse(list)
		if err != nil || m.Digest() != plain.Digest() {
			t.Errorf("%s: %v, digest %s", what, err, m.Digest())
		}
	}
	for what, list := range map[string]string{
		"a serial":   listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,counter; left\nB3,visa+tcp://127.0.0.1:9101,,,,\n",
		"an address": listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,counter; left\nB2,visa+tcp://127.0.0.1:9102,,,,\n",
		"a note":     listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,counter left\nB2,visa+tcp://127.0.0.1:9101,,,,\n",
		"one more":   listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,counter; left\nB2,visa+tcp://127.0.0.1:9101,,,,\nC3,visa+tcp://127.0.0.1:9103,,,,\n",
		"one less":   listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,counter; left\n",
	} {
		m, err := parse(list)
		if err != nil || m.Digest() == plain.Digest() {
			t.Errorf("%s: %v, and the digest is the same", what, err)
		}
	}
}

func TestListsThatCannotBeMeantAreRefusedWithTheirLine(t *testing.T) {
	for what, c := range map[string]struct {
		list, says string
		kind       fault.Kind
	}{
		"nothing":            {"", "columns", fault.Malformed},
		"no device":          {"serial,device\n", "no device", fault.Malformed},
		"unknown column":     {"serial,device,color\n", `unknown column "color"`, fault.Malformed},
		"column twice":       {"serial,device,serial\n", "twice", fault.Malformed},
		"column missing":     {"serial,model\nA,S\n", "no column device", fault.Malformed},
		"serial twice":       {"serial,device\nA1,visa+tcp://127.0.0.1:1\nB,visa+tcp://127.0.0.1:2\nA1,visa+tcp://127.0.0.1:3\n", "line 4: serial A1 stands in line 2", fault.Malformed},
		"too many fields":    {"serial,device\nA1,visa+tcp://127.0.0.1:1,x\n", "line 2: it has 3 fields", fault.Malformed},
		"too few fields":     {"serial,device\nA1\n", "line 2", fault.Malformed},
		"serial with blank":  {"serial,device\nA 1,visa+tcp://127.0.0.1:1\n", "line 2: serial", fault.Malformed},
		"no serial":          {"serial,device\n,visa+tcp://127.0.0.1:1\n", "line 2: serial", fault.Malformed},
		"no address":         {"serial,device\nA1,somewhere\n", "line 2: device A1", fault.Malformed},
		"POI version":        {"serial,device,poi_version\nA1,visa+tcp://127.0.0.1:1,new\n", "POI version", fault.Malformed},
		"label of the key":   {"serial,device,kbpk\nA1,visa+tcp://127.0.0.1:1,two words\n", "line 2: the kbpk", fault.Malformed},
		"key digits":         {"serial,device,note\nA1,visa+tcp://127.0.0.1:1,0123456789ABCDEFFEDCBA9876543210\n", "line 2: column note", fault.ArgvSecret},
		"not UTF-8":          {"serial,device,note\nA1,visa+tcp://127.0.0.1:1,\xff\n", "UTF-8", fault.Malformed},
		"open quotation":     {"serial,device\n\"A1,visa+tcp://127.0.0.1:1\n", "line 2: column", fault.Malformed},
		"a line in a field":  {"serial,device,note\nA1,visa+tcp://127.0.0.1:1,\"two\nlines\"\n", "line 2: column note", fault.Malformed},
		"quotation in field": {"serial,device\nA\"1,visa+tcp://127.0.0.1:1\n", "line 2: column", fault.Malformed},
	} {
		m, err := parse(c.list)
		if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || len(m.Devices) != 0 {
			t.Errorf("%s: got %v and %d devices, want %s: …%s…", what, err, len(m.Devices), c.kind, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "0123456789ABCDEF") {
			t.Errorf("%s: it repeats the key: %v", what, err)
		}
	}
}

func TestOddThingsInAListAreSaid(t *testing.T) {
	m, err := parse("serial,device\nA1,visa+tcp://127.0.0.1:1\na1,visa+tcp://127.0.0.1:1\n")
	must(t, err)
	if len(m.Warnings) != 2 {
		t.Errorf("warnings %v", m.Warnings)
	}
}

func TestAListIsMadeOfTheInventory(t *testing.T) {
	r := open(t, onFile(t))
	for _, d := range []store.Device{{Serial: "B2", Model: "S90", POIVersion: "5"}, {Serial: "A1"}, {Serial: "A2", Model: "S90"}} {
		must(t, r.db.AddDevice(t.Context(), store.Change{}, d))
	}
	const at = "visa+tcp://{serial}.example:9100?timeout=1s"
	for what, c := range map[string]struct {
		choice  fleet.Choice
		serials string
	}{
		"all":        {fleet.Choice{Address: at}, "A1 A2 B2"},
		"a model":    {fleet.Choice{Address: at, Model: "S90"}, "A2 B2"},
		"by serials": {fleet.Choice{Address: at, Prefix: "A"}, "A1 A2"},
	} {
		m, err := fleet.FromInventory(t.Context(), r.db, c.choice)
		must(t, err)
		var serials []string
		for _, d := range m.Devices {
			serials = append(serials, d.Serial)
			if d.Device != "visa+tcp://"+d.Serial+".example:9100?timeout=1s" {
				t.Errorf("%s: %+v", what, d)
			}
		}
		if got := strings.Join(serials, " "); got != c.serials || len(m.Warnings) != 0 {
			t.Errorf("%s: %s, want %s, %v", what, got, c.serials, m.Warnings)
		}
	}
	for what, c := range map[string]struct {
		choice fleet.Choice
		kind   fault.Kind
	}{
		"no device in the state": {fleet.Choice{Address: at, State: store.Confirmed}, fault.NotFound},
		"one address for all":    {fleet.Choice{Address: "visa+tcp://127.0.0.1:9100"}, fault.Usage},
		"no address":             {fleet.Choice{Address: "{serial}"}, fault.Malformed},
	} {
		_, err := fleet.FromInventory(t.Context(), r.db, c.choice)
		wantKind(t, what, err, c.kind)
	}
	must(t, r.db.AddDevice(t.Context(), store.Change{}, store.Device{Serial: "Z9?retries=9"}))
	_, err := fleet.FromInventory(t.Context(), r.db, fleet.Choice{Address: at})
	wantKind(t, "a serial number with parameters of the line", err, fault.Malformed)
}

func FuzzMalleability(f *testing.F) {
	f.Add([]byte(listHead + "A1,visa+tcp://127.0.0.1:9100,S90,5,KLK-1,note\n"))
	f.Add([]byte("\ufeffserial;device\nA1;futurex+serial:///dev/ttyUSB0?baud=9600\n"))
	f.Add([]byte("serial,device\n\"A1\",visa+pty:///dev/pts/1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := fleet.ParseManifest(bytes.NewReader(raw))
		if err != nil {
			if len(m.Devices) != 0 {
				t.Error("an error, and devices")
			}
			return
		}
		var out bytes.Buffer
		must(t, m.WriteCSV(&out))
		again, err := fleet.ParseManifest(&out)
		if err != nil || again.Digest() != m.Digest() {
			t.Errorf("written and read again: %v", err)
		}
	})
}

// TestARunIsNotTakenDownThatTheStoreCannotServe: stations would find it device by device.
func TestARunIsNotTakenDownThatTheStoreCannotServe(t *testing.T) {
	f := open(t, onFile(t))
	f.keySet("FEW", "111111", 0, 2)
	f.keySet("FROZEN", "222222", 0, 100)
	must(t, f.db.Freeze(t.Context(), store.Change{}, "FROZEN", true))
	initial := func(set, klk string) []fleet.LoadTemplate {
		return []fleet.LoadTemplate{{Slot: "90", KeySet: set, KBPK: "store:" + klk}}
	}
	for what, c := range map[string]struct {
		loads []fleet.LoadTemplate
		env   string
		kind  fault.Kind
	}{
		"too few numbers":  {initial("FEW", "KLK"), "", fault.EndOfLife},
		"a frozen key set": {initial("FROZEN", "KLK"), "", fault.NotPermitted},
		"no such key set":  {initial("NONE", "KLK"), "", fault.NotFound},
		"no such key":      {initial("SET", "NONE"), "", fault.NotFound},
		"another place":    {initial("SET", "KLK"), store.Production, fault.NotPermitted},
		"nothing is amiss": {initial("SET", "KLK"), store.Test, ""},
	} {
		p, m := fleet.Plan{Run: "R1", Environment: c.env, Loads: c.loads}, manifest(t, 5)
		err := p.Fits(t.Context(), f.db, &m)
		if c.kind == "" {
			must(t, err)
			continue
		}
		wantKind(t, what, err, c.kind)
		_, err = fleet.Begin(t.Context(), f.db, store.Change{}, p, m)
		wantKind(t, what+", taken down", err, c.kind)
	}
}

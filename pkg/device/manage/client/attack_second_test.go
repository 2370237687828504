package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/manage/client"
)

func (p *peer) manager(o device.Options) device.Manager {
	p.t.Helper()
	m, ok := p.open(o).(device.Manager)
	if !ok {
		p.t.Fatal("it is no manager")
	}
	return m
}

// TestATerminalCannotWaiveItsOfficers: a challenge that is missing would let an order go out that nobody signed.
func TestATerminalCannotWaiveItsOfficers(t *testing.T) {
	p := newPeer(t)
	m := p.manager(device.Options{})
	taken := []device.Order{{Verb: device.Unlock, Lock: device.LockRemote}, {Verb: device.Unlock, Lock: device.LockTamper},
		{Verb: device.Unlock, Lock: device.LockLocation}, {Verb: device.Reset},
		{Verb: device.Update, Manifest: []byte("m"), Image: []byte("i")}}
	p.answers("POST /v1/challenge", says(200, `{}`))
	for _, o := range taken {
		_, err := m.Ask(t.Context(), o)
		wantKind(t, err, fault.DeviceFailed, "approvals")
	}
	free := device.Order{Verb: device.Restart}
	if challenge, err := m.Ask(t.Context(), free); err != nil || challenge != nil {
		t.Errorf("%s, %v", challenge, err)
	}
	p.answers("POST /v1/challenge", says(200, `{"challenge":"eA=="}`))
	_, err := m.Ask(t.Context(), free)
	wantKind(t, err, fault.DeviceFailed, "approvals")
	if challenge, err := m.Ask(t.Context(), taken[0]); err != nil || string(challenge) != "x" {
		t.Errorf("%s, %v", challenge, err)
	}
}

// raw answers with bytes that net/http need not understand.
func raw(words string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, words)
		_ = conn.Close()
	}
}

// TestWhatIsNoHTTPIsNotRepeated: the errors of net/http quote what they could not read, and that may be anything that the
// terminal was told.
func TestWhatIsNoHTTPIsNotRepeated(t *testing.T) {
	const digits, password = "9876543210FEDCBA0123456789ABCDEF", "70115599"
	p := newPeer(t)
	d := p.open(device.Options{})
	for _, said := range []string{digits, password} {
		for what, words := range map[string]string{
			"no status line": said + "\r\n\r\n", "a status": "HTTP/1.1 " + said + " OK\r\n\r\n",
			"a protocol": said + " 200 OK\r\n\r\n", "no colon": "HTTP/1.1 200 OK\r\n" + said + " \x1b[31m\r\n\r\n",
			"a length":   "HTTP/1.1 200 OK\r\nContent-Length: " + said + "x\r\n\r\n",
			"a transfer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + said + "\r\n\r\n",
			"a chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + said + "z\r\n",
		} {
			p.answers("GET /v1/slots/0", raw(words))
			_, err := d.ReadSlot(t.Context(), "0")
			wantKind(t, err, fault.DeviceLink)
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), said) || strings.Contains(e.Error(), "[31m") {
					t.Errorf("%s: %v", what, e)
				}
			}
		}
	}
}

// TestALoginIsNotRepeated: neither in the trace nor in the error, whatever the terminal answers.
func TestALoginIsNotRepeated(t *testing.T) {
	p := newPeer(t)
	var trace strings.Builder
	m := p.manager(device.Options{Trace: func(_ device.Direction, line string) { trace.WriteString(line + "\n") }})
	phrase := secret.Copy([]byte("70115599"))
	defer phrase.Wipe()
	for _, answer := range []http.HandlerFunc{
		says(401, `{"code":"auth-failed","text":"wrong: 70115599 NzAxMTU1OTk= 314159"}`),
		says(403, `{"code":"314159","text":"no"}`),
		says(200, `{"account":"70115599","role":"314159"}`),
	} {
		p.answers("POST /v1/login", answer)
		err := m.Login(t.Context(), device.Login{Account: "99", Password: phrase, Code: "314159"})
		for _, not := range []string{"70115599", "NzAxMTU1OTk", "314159"} {
			if shown := fmt.Sprintf("%s %v", trace.String(), err); strings.Contains(shown, not) {
				t.Errorf("%s is shown:\n%s", not, shown)
			}
		}
	}
	p.answers("POST /v1/login", says(401, `{"code":"auth-failed","text":"no"}`))
	wantKind(t, m.Login(t.Context(), device.Login{Account: "99", Password: phrase, Code: "314159"}), fault.AuthFailed, "code is wrong")
	if !strings.Contains(trace.String(), "received") && !strings.Contains(trace.String(), "401") {
		t.Errorf("the trace shows too little:\n%s", trace.String())
	}
}

// TestARuleWithoutModesIsNone: a loader takes the first mode of a slot's rule.
func TestARuleWithoutModesIsNone(t *testing.T) {
	for what, change := range map[string][2]string{
		"no mode": {`"modes":"E"`, `"modes":""`}, "no algorithm": {`"algorithms":"T","modes"`, `"algorithms":"","modes"`},
		"a length below zero": {`"lengths":[16]`, `"lengths":[-16]`}, "a block below zero": {`[80,144]`, `[80,-1]`},
	} {
		p := newPeer(t)
		p.about = strings.Replace(aboutJSON, change[0], change[1], 1)
		if p.about == aboutJSON {
			t.Fatal(what)
		}
		_, err := client.Open(t.Context(), p.uri, device.Options{})
		if !fault.Is(err, fault.DeviceLink) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestACheckValueIsNoKey: of what a terminal says in the place of a check value no more is taken than check values have.
func TestACheckValueIsNoKey(t *testing.T) {
	const digits = "9876543210FEDCBA"
	p := newPeer(t)
	p.answers("GET /v1/slots/0", says(200, strings.Replace(loadedJSON, "08D7B4", digits, 1)))
	state, err := p.open(device.Options{}).ReadSlot(t.Context(), "0")
	if err != nil || state.Check.Digits != digits[:10] {
		t.Errorf("%+v, %v", state, err)
	}
}

const statusJSON = `{"serial":"PK00000001","model":"M","poi_version":"6.2","firmware":"1.0","now":"2026-03-01T08:00:00Z","screen":"READY",` +
	`"locks":[{"kind":"remote","since":"2026-03-01T07:00:00Z"}],"tamper":{"tripped":false},"battery":{"millivolts":2950},` +
	`"sensors":{"celsius":21.5,"humidity":40},"link":{"kind":"ethernet","quality":100},"inject_mode":false,` +
	`"slots":[{"slot":"0","loaded":true,"usage":"P0","mode":"E","algorithm":"T"}],"open_batch":3}`

func TestAStatusThatCannotBeIsNone(t *testing.T) {
	p := newPeer(t)
	m := p.manager(device.Options{})
	p.answers("GET /v1/status", says(200, strings.Replace(statusJSON, `"slots":[`, `"slots":[{"slot":"1","loaded":false},`, 1)))
	s, err := m.Status(t.Context())
	if err != nil || len(s.Slots) != 1 || s.Slots[0].Slot != "0" {
		t.Errorf("slots that hold a key: %+v, %v", s.Slots, err)
	}
	for what, change := range map[string][2]string{
		"a drawing serial number":  {"PK00000001", `PK\u001b[2J`},
		"a batch below zero":       {`"open_batch":3`, `"open_batch":-3`},
		"a voltage below zero":     {"2950", "-1"},
		"the heat of a star":       {"21.5", "1e308"},
		"more than all the air":    {`"humidity":40`, `"humidity":400`},
		"more than all the signal": {`"quality":100`, `"quality":-100`},
		"a lock twice":             {`"locks":[`, `"locks":[{"kind":"remote","since":"2026-03-01T07:00:00Z"},`},
		"a slot twice":             {`"slots":[`, `"slots":[{"slot":"0","loaded":false},`},
	} {
		changed := strings.Replace(statusJSON, change[0], change[1], 1)
		if changed == statusJSON {
			t.Fatal(what)
		}
		p.answers("GET /v1/status", says(200, changed))
		if _, err := m.Status(t.Context()); !fault.Is(err, fault.DeviceLink) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestACutLeavesNoHalfKey: what is cut off is cut off behind the blot, and colons between bytes hide no key.
func TestACutLeavesNoHalfKey(t *testing.T) {
	const digits = "9876543210FEDCBA0123456789ABCDEF"
	p := newPeer(t)
	m := p.manager(device.Options{})
	colons := ""
	for at := 0; at < len(digits); at += 2 {
		colons += ":" + digits[at:at+2]
	}
	status := strings.NewReplacer(`"firmware":"1.0"`, `"firmware":"`+strings.Repeat("x", 50)+digits+`"`, `"READY"`,
		`"`+strings.Repeat("x", 290)+digits+`"`, `"model":"M"`, `"model":"`+colons[1:]+`"`).Replace(statusJSON)
	p.answers("GET /v1/status", says(200, status))
	s, err := m.Status(t.Context())
	must(t, err)
	shown := fmt.Sprintf("%+v", s)
	for at := range len(digits) - 5 {
		if strings.Contains(strings.ReplaceAll(shown, ":", ""), digits[at:at+6]) {
			t.Fatalf("digits of a key are shown: %s", shown)
		}
	}
	p.answers("GET /v1/status", says(200, strings.Replace(statusJSON, `"READY"`, `"set 2026-03-01 08:00:00"`, 1)))
	if s, err := m.Status(t.Context()); err != nil || s.Screen != "set 2026-03-01 08:00:00" {
		t.Errorf("a time is hidden: %q, %v", s.Screen, err)
	}
}

// TestARefusalThatSaysNothingLeavesALoadOpen: of a terminal that failed, and of a code that nobody knows, nobody can say
// that nothing was stored.
func TestARefusalThatSaysNothingLeavesALoadOpen(t *testing.T) {
	p := newPeer(t)
	d := p.open(device.Options{})
	p.answers("GET /v1/slots/0", says(200, `{"slot":"0","loaded":false}`))
	for _, code := range []string{"failure", "teapot"} {
		p.answers("PUT /v1/slots/0", says(500, `{"code":"`+code+`","text":"no"}`))
		_, err := d.LoadBlock(t.Context(), "0", block(t))
		var unknown *device.OutcomeUnknown
		if !errors.As(err, &unknown) {
			t.Errorf("%s: %v", code, err)
		}
	}
	p.answers("PUT /v1/slots/0", says(500, `{"code":"storage","text":"no"}`))
	_, err := d.LoadBlock(t.Context(), "0", block(t))
	wantKind(t, err, fault.DeviceFailed, "nothing stored")
}

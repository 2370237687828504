package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/device/manage/client"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

const loadedJSON = `{"slot":"0","loaded":true,"usage":"P0","mode":"E","algorithm":"T","check":{"method":"ecb-zero","value":"08D7B4"}}`

func TestWhatATerminalTakesIsKnownAfterOpening(t *testing.T) {
	d := newPeer(t).open(device.Options{})
	c := d.Capabilities()
	if d.Dialect() != "agent" || c.Clear || c.BlockVersions != "BD" || c.Algorithms != "TA" || c.Proof != device.ProofCheckValue ||
		!slices.Equal(c.InitialSlots, []device.Slot{"D1"}) || len(c.Slots) != 1 || !c.Slots[0].Has("0") || !c.Slots[0].Has("D1") {
		t.Errorf("%+v", c)
	}
	key, err := keys.New(keys.TDES128, secret.Copy([]byte("TEST key of test")))
	must(t, err)
	defer key.Wipe()
	_, err = d.LoadClear(t.Context(), "0", key, "P0", 'E')
	wantKind(t, err, fault.NotPermitted, "key block")
}

func TestNothingIsSaidToSomebodyElse(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	cert, key := a.issue("terminal", x509.ExtKeyUsageServerAuth)
	named, namedKey := a.issue("elsewhere", x509.ExtKeyUsageServerAuth, func(c *x509.Certificate) {
		c.IPAddresses, c.DNSNames = nil, []string{"terminal.example"}
	})
	late, lateKey := a.issue("late", x509.ExtKeyUsageServerAuth, func(c *x509.Certificate) {
		c.NotAfter = time.Now().Add(-time.Minute)
	})
	hostly, hostlyKey := a.issue("hostly", x509.ExtKeyUsageClientAuth)
	foreign, foreignKey := other.issue("foreign", x509.ExtKeyUsageServerAuth)
	stranger, strangerKey := other.issue("stranger", x509.ExtKeyUsageClientAuth)
	for what, c := range map[string]struct {
		cert, key string
		change    func(*tls.Config)
		uri       func(*device.URI)
		says      string
	}{
		"another authority":    {foreign, foreignKey, nil, nil, "ca="},
		"another name":         {named, namedKey, nil, nil, "ca="},
		"an old certificate":   {late, lateKey, nil, nil, "ca="},
		"a host's certificate": {hostly, hostlyKey, nil, nil, "ca="},
		"an older TLS":         {cert, key, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, nil, "certificate of cert="},
		"a host that it does not know": {cert, key, nil, func(u *device.URI) { u.Cert, u.Key = stranger, strangerKey },
			"certificate of cert="},
	} {
		t.Run(what, func(t *testing.T) {
			change := func(*tls.Config) {}
			if c.change != nil {
				change = c.change
			}
			p := startPeer(t, a, c.cert, c.key, change)
			if c.uri != nil {
				c.uri(&p.uri)
			}
			d, err := client.Open(t.Context(), p.uri, device.Options{Timeout: 5 * time.Second})
			wantKind(t, err, fault.DeviceLink, c.says)
			if d != nil || len(p.heard) > 0 {
				t.Errorf("it heard %v", p.heard)
			}
		})
	}
}

func TestPapersThatAreNotAreRefused(t *testing.T) {
	p := newPeer(t)
	empty := p.ca.write("empty.pem", "NOTHING", nil)
	open := p.ca.write("open.key", "PRIVATE KEY", []byte("TEST"))
	must(t, os.Chmod(open, 0o644))
	for what, c := range map[string]struct {
		change func(*device.URI)
		kind   fault.Kind
	}{
		"another dialect":   {func(u *device.URI) { u.Dialect = device.Visa }, fault.Usage},
		"no port":           {func(u *device.URI) { u.Address = "127.0.0.1" }, fault.Usage},
		"no authority":      {func(u *device.URI) { u.CA = empty }, fault.Malformed},
		"no file":           {func(u *device.URI) { u.Cert += ".not" }, fault.NotFound},
		"a folder":          {func(u *device.URI) { u.CA = t.TempDir() }, fault.Malformed},
		"an open key":       {func(u *device.URI) { u.Key = open }, fault.FileExposed},
		"another key":       {func(u *device.URI) { u.Key = empty }, fault.Malformed},
		"key of another":    {func(u *device.URI) { _, u.Key = p.ca.issue("second", x509.ExtKeyUsageClientAuth) }, fault.Malformed},
		"nobody is there":   {func(u *device.URI) { u.Address = freePort(t) }, fault.DeviceLink},
		"certificate alone": {func(u *device.URI) { u.Cert = u.CA }, fault.Malformed},
	} {
		u := p.uri
		c.change(&u)
		d, err := client.Open(t.Context(), u, device.Options{Timeout: 2 * time.Second})
		if !fault.Is(err, c.kind) || d != nil {
			t.Errorf("%s: %v, of kind %s", what, err, fault.KindOf(err))
		}
		if err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: the error shows the file: %v", what, err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func TestALoadIsProvenByTheCheckValueOfTheTerminal(t *testing.T) {
	p := newPeer(t)
	p.answers("GET /v1/slots/0", says(200, `{"slot":"0","loaded":false}`))
	p.answers("PUT /v1/slots/0", func(w http.ResponseWriter, r *http.Request) {
		id := request(t, r)
		p.answers("GET /v1/slots/0", says(200, loadedJSON))
		_, _ = fmt.Fprintf(w, `{"request":%q,"slot":%s}`, id, loadedJSON)
	})
	d := p.open(device.Options{})
	c, err := d.LoadBlock(t.Context(), "0", block(t))
	must(t, err)
	if !c.Closed || c.Returned != "08D7B4" || c.Before == nil || c.Before.Loaded {
		t.Errorf("%+v", c)
	}
	plain, err := d.Confirm(t.Context(), c)
	if err != nil || plain.Proof != device.ProofCommitAttributes || plain.State.Check.Digits != "08D7B4" {
		t.Errorf("%+v, %v", plain, err)
	}
	c.Want.Check = kcv.Value{Method: kcv.ECBZero, Digits: "08d7"}
	proven, err := d.Confirm(t.Context(), c)
	if err != nil || proven.Proof != device.ProofCheckValue {
		t.Errorf("%+v, %v", proven, err)
	}
	c.Want.Check.Digits = "08D7B5"
	_, err = d.Confirm(t.Context(), c)
	wantKind(t, err, fault.KCVMismatch, "08D7B4", "08D7B5")
	c.Want.Check = kcv.Value{Method: kcv.CMAC, Digits: "08D7B5"}
	other, err := d.Confirm(t.Context(), c)
	if err != nil || other.Proof != device.ProofCommitAttributes {
		t.Errorf("a value by another method proves nothing and speaks against nothing: %+v, %v", other, err)
	}
	c.Want.Mode = 'D'
	_, err = d.Confirm(t.Context(), c)
	wantKind(t, err, fault.DeviceFailed, "mode E")
}

// TestALostAnswerIsSettledByAsking: whatever becomes of the answer, the driver never says that a key is not there when it
// may be, and never the other way round.
func TestALostAnswerIsSettledByAsking(t *testing.T) {
	settled := func(done bool, boot string) string {
		return fmt.Sprintf(`{"request":"%%s","boot":%q,"done":%t}`, boot, done)
	}
	const empty = `{"slot":"0","loaded":false}`
	old := strings.Replace(loadedJSON, "08D7B4", "111111", 1)
	for what, c := range map[string]struct {
		before, after, settle string
		check                 string // of the key, where the caller knows it
		kind                  fault.Kind
		proof                 device.Proof
	}{
		"it arrived":                   {empty, loadedJSON, settled(true, boot), "", "", device.ProofCommitAttributes},
		"over an old key":              {old, loadedJSON, settled(true, boot), "", "", device.ProofCommitAttributes},
		"it did not arrive":            {old, old, settled(false, boot), "", fault.DeviceFailed, ""},
		"restarted, right value":       {old, loadedJSON, settled(false, strings.Repeat("0", 32)), "08D7B4", "", device.ProofCheckValue},
		"restarted, other value":       {old, old, settled(false, strings.Repeat("0", 32)), "08D7B4", fault.KCVMismatch, ""},
		"restarted, was empty":         {empty, loadedJSON, settled(false, strings.Repeat("0", 32)), "", "", device.ProofCommitAttributes},
		"restarted, is empty":          {empty, empty, settled(false, strings.Repeat("0", 32)), "", fault.DeviceFailed, ""},
		"restarted, nobody knows":      {old, loadedJSON, settled(false, strings.Repeat("0", 32)), "", fault.OutcomeUnknown, ""},
		"an answer to another request": {empty, loadedJSON, `{"request":"%.0s` + boot + `","boot":"` + boot + `","done":true}`, "", fault.OutcomeUnknown, ""},
		"no answer at all":             {empty, loadedJSON, "", "", fault.OutcomeUnknown, ""},
	} {
		t.Run(what, func(t *testing.T) {
			p := newPeer(t)
			id := make(chan string, 1)
			p.answers("GET /v1/slots/0", says(200, c.before))
			p.answers("PUT /v1/slots/0", func(_ http.ResponseWriter, r *http.Request) {
				id <- request(t, r)
				p.answers("GET /v1/slots/0", says(200, c.after))
				panic(http.ErrAbortHandler)
			})
			p.answers("POST /v1/settle", func(w http.ResponseWriter, r *http.Request) {
				if c.settle == "" {
					hangsUp(w, r)
				}
				_, _ = fmt.Fprintf(w, c.settle, <-id)
			})
			d := p.open(device.Options{})
			_, err := d.LoadBlock(t.Context(), "0", block(t))
			var unknown *device.OutcomeUnknown
			if !errors.As(err, &unknown) || fault.KindOf(err) != fault.OutcomeUnknown {
				t.Fatalf("the load ended with %v", err)
			}
			if c.check != "" {
				unknown.Commit.Want.Check = kcv.Value{Method: kcv.ECBZero, Digits: c.check}
			}
			got, err := d.Confirm(t.Context(), unknown.Commit)
			if got.Proof != c.proof || c.kind == "" && err != nil || c.kind != "" && !fault.Is(err, c.kind) {
				t.Errorf("%+v, %v of kind %s", got, err, fault.KindOf(err))
			}
			loads := 0
			for _, h := range p.heard {
				if h == "PUT /v1/slots/0" {
					loads++
				}
			}
			if loads != 1 {
				t.Errorf("the key was sent %d times", loads)
			}
		})
	}
}

func TestRefusalsHaveTheirKinds(t *testing.T) {
	p := newPeer(t)
	d := p.open(device.Options{})
	for _, row := range manage.Codes() {
		p.answers("GET /v1/slots/0", says(row.Status, `{"code":"`+row.Code+`","text":"because\u001b[2J of 0123456789ABCDEF"}`))
		_, err := d.ReadSlot(t.Context(), "0")
		if !fault.Is(err, row.Kind) || strings.ContainsAny(err.Error(), "\x1b") || strings.Contains(err.Error(), "0123456789ABCDEF") {
			t.Errorf("%s: %v, of kind %s", row.Code, err, fault.KindOf(err))
		}
		var code *device.CodeError
		if errors.As(err, &code) && (code.Code != row.Code || code.Meaning.IsZero() || code.Action.IsZero()) {
			t.Errorf("%s: %+v", row.Code, code)
		}
	}
	p.answers("GET /v1/slots/0", says(200, `{"slot":"0","loaded":false}`))
	p.answers("PUT /v1/slots/0", says(422, `{"code":"block-mac","text":"no"}`))
	_, err := d.LoadBlock(t.Context(), "0", block(t))
	wantKind(t, err, fault.DeviceFailed, "nothing stored", "MAC")
	p.answers("GET /v1/slots/0", says(418, `{"code":"teapot","text":"short and stout"}`))
	_, err = d.ReadSlot(t.Context(), "0")
	wantKind(t, err, fault.DeviceFailed, "short and stout")
	_, err = d.ReadSlot(t.Context(), "no/slot")
	wantKind(t, err, fault.NotFound)
}

// TestAHostileTerminalEndsInAnErrorInTime: endless streams, wrong types, slow answers.
func TestAHostileTerminalEndsInAnErrorInTime(t *testing.T) {
	const limit = 500 * time.Millisecond
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	for what, f := range map[string]http.HandlerFunc{
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a trickle": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				flush(w)
				time.Sleep(10 * time.Millisecond)
			}
		},
		"an endless answer": func(w http.ResponseWriter, r *http.Request) {
			chunk := strings.Repeat("x", 64<<10)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		},
		"endless headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
			}
			w.WriteHeader(200)
		},
		"a redirect":          func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v1/device", http.StatusFound) },
		"half an answer":      says(200, `{"slot":"0","loa`),
		"nothing":             says(200, ""),
		"no JSON":             says(200, "<html>"),
		"null":                says(200, "null"),
		"an array":            says(200, "[]"),
		"another document":    says(200, `{"serial":"PK1"}`),
		"more members":        says(200, `{"slot":"0","loaded":false,"more":1}`),
		"a member twice":      says(200, `{"slot":"0","slot":"0","loaded":false}`),
		"other letters":       says(200, `{"Slot":"0","loaded":false}`),
		"another slot":        says(200, `{"slot":"1","loaded":false}`),
		"a key in nothing":    says(200, `{"slot":"0","loaded":false,"usage":"P0"}`),
		"a long usage":        says(200, strings.Replace(loadedJSON, "P0", "P0P0", 1)),
		"a drawing mode":      says(200, strings.Replace(loadedJSON, `"E"`, `"\u001b"`, 1)),
		"an unknown method":   says(200, strings.Replace(loadedJSON, "ecb-zero", "guess", 1)),
		"a value that is not": says(200, strings.Replace(loadedJSON, "08D7B4", "08D7BX", 1)),
		"two documents":       says(200, loadedJSON+loadedJSON),
		"a deep document":     says(200, strings.Repeat(`{"slot":`, 1000)),
		"a refusal as answer": says(200, `{"code":"busy","text":""}`),
		"an answer as no":     says(500, loadedJSON),
		"it hangs up":         hangsUp,
	} {
		t.Run(what, func(t *testing.T) {
			p := newPeer(t)
			p.answers("GET /v1/slots/0", f)
			d := p.open(device.Options{Timeout: limit})
			begun := time.Now()
			state, err := d.ReadSlot(t.Context(), "0")
			if k := fault.KindOf(err); k != fault.DeviceLink && k != fault.DeviceTimeout {
				t.Errorf("%v, of kind %s", err, k)
			}
			if took := time.Since(begun); took > 10*limit || state != (device.SlotState{}) {
				t.Errorf("%+v after %s", state, took)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if _, err := d.ReadSlot(t.Context(), "0"); !fault.Is(err, fault.DeviceLink) {
				t.Errorf("a closed device was asked: %v", err)
			}
		})
	}
	for what, about := range map[string]string{
		"another version": strings.Replace(aboutJSON, `"protocol":1`, `"protocol":2`, 1),
		"a bad boot":      strings.Replace(aboutJSON, boot, "x", 1),
		"a bad slot":      strings.Replace(aboutJSON, `"D1"`, `"\u001b"`, 1),
		"bad versions":    strings.Replace(aboutJSON, `"BD"`, `"B D"`, 1),
	} {
		p := newPeer(t)
		p.about = about
		if d, err := client.Open(t.Context(), p.uri, device.Options{Timeout: limit}); err == nil || d != nil {
			t.Errorf("%s was taken", what)
		}
	}
}

func TestASilentPortEndsInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	p := newPeer(t)
	p.uri.Address = l.Addr().String()
	_, err = client.Open(t.Context(), p.uri, device.Options{Timeout: 200 * time.Millisecond})
	wantKind(t, err, fault.DeviceTimeout)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Open(ctx, p.uri, device.Options{})
	wantKind(t, err, fault.Interrupted)
}

func TestTheTraceShowsNoKeyAndNoPassword(t *testing.T) {
	live := secret.Live()
	p := newPeer(t)
	p.answers("GET /v1/slots/0", says(200, `{"slot":"0","loaded":false}`))
	p.answers("PUT /v1/slots/0", says(422, `{"code":"form","text":"`+blockB[16:]+`"}`))
	p.answers("POST /v1/login", says(200, `{"account":"99","role":"administrator"}`))
	p.answers("POST /v1/order", says(200, `{}`))
	var mu sync.Mutex
	var lines []string
	d := p.open(device.Options{Trace: func(way device.Direction, line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, string(way)+" "+line)
	}})
	_, err := d.LoadBlock(t.Context(), "0", block(t))
	wantKind(t, err, fault.DeviceFailed)
	m, ok := d.(device.Manager)
	if !ok {
		t.Fatal("it is no manager")
	}
	phrase := secret.Copy([]byte("TEST-password"))
	defer phrase.Wipe()
	must(t, m.Login(t.Context(), device.Login{Account: `99"}`, Password: phrase, Code: "123456"}))
	must(t, m.Do(t.Context(), device.Order{Verb: device.Update, Manifest: []byte("manifest"), Image: []byte("software")}, nil))
	all := strings.Join(lines, "\n")
	for _, not := range []string{blockB[16:40], "TEST-password", "VEVTVC1wYXNzd29yZA", "123456", "c29mdHdhcmU"} {
		if strings.Contains(all, not) {
			t.Errorf("the trace shows %s:\n%s", not, all)
		}
	}
	for _, want := range []string{"sent GET /v1/device", "received 200", blockB[:16] + "****", `"image_bytes":8`, "received 422"} {
		if !strings.Contains(all, want) {
			t.Errorf("the trace does not show %s:\n%s", want, all)
		}
	}
	if now := secret.Live(); now != live+1 {
		t.Errorf("%d secrets are left", now-live-1)
	}
}

func TestOrdersWhoseAnswerIsLostAreUnknown(t *testing.T) {
	p := newPeer(t)
	d := p.open(device.Options{})
	m, e, s := d.(device.Manager), d.(device.Eraser), d.(device.Serials)
	for _, path := range []string{"POST /v1/order", "DELETE /v1/slots/0", "DELETE /v1/slots", "PUT /v1/serial"} {
		p.answers(path, hangsUp)
	}
	wantKind(t, m.Do(t.Context(), device.Order{Verb: device.Restart}, nil), fault.OutcomeUnknown)
	wantKind(t, e.Erase(t.Context(), "0"), fault.OutcomeUnknown)
	wantKind(t, e.EraseAll(t.Context()), fault.OutcomeUnknown)
	wantKind(t, s.SetSerial(t.Context(), "PK2"), fault.OutcomeUnknown)
	must(t, p.server.Close())
	wantKind(t, m.Do(t.Context(), device.Order{Verb: device.Restart}, nil), fault.DeviceLink)
}

func TestAStatusIsReadAndMadeHarmless(t *testing.T) {
	p := newPeer(t)
	status := `{"serial":"PK00000001","model":"M\u001b[2J","poi_version":"6.2","firmware":"1.0","now":"2026-03-01T08:00:00Z",` +
		`"screen":"\u9501\u5b9a","locks":[{"kind":"tamper","since":"2026-03-01T07:00:00Z"}],"tamper":{"tripped":true,"sensor":"case"},` +
		`"battery":{"millivolts":2950},"sensors":{"celsius":21.5,"humidity":40},"link":{"kind":"ethernet","quality":100},` +
		`"inject_mode":false,"slots":[` + loadedJSON + `],"initial":[{"slot":"D1","ksn":"FFFF9876543210E00001","check":{"method":"ecb-zero","value":"08D7B4"},"left":9}],` +
		`"open_batch":3,"events":[{"seq":1,"at":"2026-03-01T07:00:00Z","kind":"tampered","detail":"a\u0007b"}]}`
	p.answers("GET /v1/status", says(200, status))
	m, ok := p.open(device.Options{}).(device.Manager)
	if !ok {
		t.Fatal("it is no manager")
	}
	s, err := m.Status(t.Context())
	must(t, err)
	if s.Model != "M?[2J" || s.Screen != "锁定" || s.Locks[0].Kind != device.LockTamper || !s.Tamper.Tripped || s.Slots[0].Check.Digits != "08D7B4" ||
		s.Initial[0].Left != 9 || s.Initial[0].Check.String() != "08D7B4 (ecb-zero)" || s.OpenBatch != 3 || s.Events[0].Detail != "a?b" || s.Battery.Millivolts != 2950 || s.Environment.Celsius != 21.5 {
		t.Errorf("%+v", s)
	}
	p.answers("GET /v1/status", says(200, strings.Replace(status, `"tamper","since"`, `"mood","since"`, 1)))
	_, err = m.Status(t.Context())
	wantKind(t, err, fault.DeviceLink)
	for _, lie := range []string{`"check":{"method":"sum","value":"08D7B4"},"left"`, `"check":{"method":"ecb-zero","value":""},"left"`,
		`"check":{"method":"ecb-zero","value":"08D7B4\u001b"},"left"`, `"check":"08D7B4","left"`} {
		p.answers("GET /v1/status", says(200, strings.Replace(status, `"check":{"method":"ecb-zero","value":"08D7B4"},"left"`, lie, 1)))
		_, err = m.Status(t.Context())
		wantKind(t, err, fault.DeviceLink)
	}
	p.answers("GET /v1/logs", says(200, `{"events":[{"seq":5,"at":"2026-03-01T07:00:00Z","kind":"a"},{"seq":5,"at":"2026-03-01T07:00:00Z","kind":"b"}]}`))
	_, err = m.Logs(t.Context(), 4, 10)
	wantKind(t, err, fault.DeviceLink, "out of order")
	p.answers("GET /v1/logs", says(401, `{"code":"login-needed","text":""}`))
	_, err = m.Logs(t.Context(), 4, 10)
	wantKind(t, err, fault.AuthFailed)
}

// switches answers with an upgrade, and then holds the connection.
func switches(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn) // until the host hangs up
}

func TestATerminalThatSwitchesProtocolsIsHungUpOn(t *testing.T) {
	p := newPeer(t)
	gone := make(chan struct{}, 3)
	p.answers("GET /v1/slots/0", func(w http.ResponseWriter, r *http.Request) { switches(w, r); gone <- struct{}{} })
	p.answers("GET /v1/device", func(w http.ResponseWriter, r *http.Request) { says(200, aboutJSON)(w, r) })
	d := p.open(device.Options{Timeout: 2 * time.Second})
	asked := make(chan error, 1)
	go func() { _, err := d.ReadSlot(t.Context(), "0"); asked <- err }()
	for range 2 {
		select {
		case err := <-asked:
			wantKind(t, err, fault.DeviceLink, "status 101")
			asked = nil
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Fatal("it waits past its time-out, or keeps the connection")
		}
	}
	p.answers("GET /v1/slots/0", says(200, `{"slot":"0","loaded":false}`))
	if s, err := d.ReadSlot(t.Context(), "0"); err != nil || s.Loaded {
		t.Errorf("over a new connection: %+v, %v", s, err)
	}
}

func TestKeyDigitsInAnAnswerAreNotShown(t *testing.T) {
	const digits = "9876543210FEDCBA0123456789ABCDEF"
	p := newPeer(t)
	status := `{"serial":"` + digits + `","model":"` + digits + `","poi_version":"98765432 10FEDCBA","firmware":"1-` + digits + `",` +
		`"now":"2026-03-01T08:00:00Z","screen":"` + digits + `","tamper":{"tripped":false},"battery":{"millivolts":2950},` +
		`"sensors":{"celsius":21.5,"humidity":40},"link":{"kind":"ethernet","quality":100},"inject_mode":false,"open_batch":0}`
	p.answers("GET /v1/status", says(200, status))
	p.answers("GET /v1/serial", says(200, `{"serial":"`+digits+`"}`))
	var trace strings.Builder
	d := p.open(device.Options{Trace: func(_ device.Direction, line string) { trace.WriteString(line + "\n") }})
	s, err := d.(device.Manager).Status(t.Context())
	must(t, err)
	_, err = d.(device.Serials).Serial(t.Context())
	wantKind(t, err, fault.DeviceLink)
	shown := trace.String() + fmt.Sprintf("%+v %v", s, err)
	for at := range len(digits) - 7 {
		if strings.Contains(strings.ReplaceAll(shown, " ", ""), digits[at:at+8]) {
			t.Fatalf("digits of a key are shown:\n%s", shown)
		}
	}
	if !strings.Contains(shown, "(32 digits)") || !strings.Contains(shown, "GET /v1/status") {
		t.Errorf("the rest is gone too:\n%s", shown)
	}
	p.answers("GET /v1/serial", says(200, `{"serial":"1234567890123456"}`))
	if got, err := d.(device.Serials).Serial(t.Context()); err != nil || got != "1234567890123456" {
		t.Errorf("a serial number of sixteen digits: %q, %v", got, err)
	}
}

package emulator

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/devicetest"
	"poskey/pkg/device/manage"
	"poskey/pkg/device/manage/client"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// times are a terminal's clocks, which a test moves: the time of day, and the time that nobody sets.
type times struct {
	mu     sync.Mutex
	wall   time.Time
	passed time.Duration
}

func (c *times) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *times) elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

func (c *times) pass(d, wall time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed, c.wall = c.passed+d, c.wall.Add(wall)
}

// bureau is a terminal with its management agent, and officers.
type bureau struct {
	t        *testing.T
	term     *Terminal
	m        *Manager
	times    *times
	officers []*custody.Identity
	mu       sync.Mutex
	seen     []Event
}

const aesKEK = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

func newBureau(t *testing.T, change ...func(*Config)) *bureau {
	t.Helper()
	b := &bureau{t: t, times: &times{wall: time.Now()}}
	env := keys.Env{Rand: rand.Reader, Now: b.times.now}
	cfg := Config{Env: env, Elapsed: b.times.elapsed, Port: Manage(), Serial: "PK00000042", Model: "TEST", Accounts: accounts(t),
		OnEvent: func(e Event) { b.mu.Lock(); defer b.mu.Unlock(); b.seen = append(b.seen, e) }}
	for i, r := range []custody.Role{custody.Operator, custody.Administrator, custody.Custodian, custody.Auditor} {
		o, err := custody.NewOfficer(env, custody.Officer{ID: fmt.Sprintf("officer-%d", i), Name: fmt.Sprintf("TEST officer %d", i),
			Roles: []custody.Role{r}, Environment: custody.Test})
		b.must(err)
		t.Cleanup(o.Wipe)
		b.officers = append(b.officers, o)
		cfg.Approvers = append(cfg.Approvers, o.Card())
	}
	for _, ch := range change {
		ch(&cfg)
	}
	b.term = New(cfg)
	t.Cleanup(b.term.Wipe)
	papers, err := MakePapers(env, filepath.Join(t.TempDir(), "papers"))
	b.must(err)
	b.m, err = b.term.ListenManage(context.Background(), "127.0.0.1:0", papers)
	b.must(err)
	t.Cleanup(func() { _ = b.m.Close() })
	return b
}

func (b *bureau) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bureau) want(err error, kind fault.Kind, words ...string) {
	b.t.Helper()
	if !fault.Is(err, kind) {
		b.t.Fatalf("the error is %v, of kind %s; want kind %s", err, fault.KindOf(err), kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			b.t.Errorf("the error %q does not say %q", err, w)
		}
	}
}

// agent is all that the driver is.
type agentDevice interface {
	device.Device
	device.Serials
	device.Eraser
	device.Manager
}

func (b *bureau) open() agentDevice {
	b.t.Helper()
	u, err := device.ParseURI(b.m.URI())
	b.must(err)
	d, err := client.Open(b.t.Context(), u, device.Options{Timeout: 20 * time.Second})
	b.must(err)
	b.t.Cleanup(func() { _ = d.Close() })
	a, ok := d.(agentDevice)
	if !ok {
		b.t.Fatalf("%T is not all that it should be", d)
	}
	return a
}

// kek puts the key that blocks are under into its slot.
func (b *bureau) kek(digits string) *keys.Key {
	b.t.Helper()
	sec, err := keys.ParseHex([]byte(digits))
	b.must(err)
	alg := keys.TDES128
	if len(digits) == len(aesKEK) {
		alg = keys.AES256
	}
	k, err := keys.New(alg, sec)
	b.must(err)
	b.t.Cleanup(k.Wipe)
	usage := keys.UsageKEK
	if alg == keys.AES256 {
		usage = keys.UsageKBPK
	}
	b.must(b.term.LoadDirect("0", k, usage, 'D'))
	return k
}

func (b *bureau) block(version byte, kek *keys.Key, alg keys.Algorithm, usage keys.Usage, mode byte, opt ...string) (*keyblock.Block, kcv.Value) {
	b.t.Helper()
	key, err := keys.Generate(rand.Reader, alg)
	b.must(err)
	defer key.Wipe()
	p, err := keyblock.NewProtector(version, kek)
	b.must(err)
	h := keyblock.Header{Version: version, Usage: usage, Algorithm: keyblock.AlgorithmChar(alg), Mode: mode, KeyVersion: "00",
		Exportability: 'N', Context: '0', Reserved: '0'}
	for i := 0; i < len(opt); i += 2 {
		h.SetOpt(opt[i], opt[i+1])
	}
	words, _, err := p.Wrap(rand.Reader, h, key, keyblock.WrapOptions{})
	b.must(err)
	block, err := keyblock.Parse(words)
	b.must(err)
	check, err := checkOf(key)
	b.must(err)
	return block, check
}

// login logs an account in; every code counts once, so time goes on.
func (b *bureau) login(m device.Manager, account string) {
	b.t.Helper()
	b.must(b.tryLogin(m, account, map[string]string{"99": DefaultAdministrator, "00": DefaultSupervisor, "01": DefaultOperator}[account]))
}

func (b *bureau) tryLogin(m device.Manager, account, password string) error {
	b.t.Helper()
	b.times.pass(2*time.Minute, 2*time.Minute)
	code, err := totp.GenerateCode(DefaultTOTP, b.times.now())
	b.must(err)
	typed := secret.Copy([]byte(password))
	defer typed.Wipe()
	return m.Login(b.t.Context(), device.Login{Account: account, Password: typed, Code: code})
}

// sign lets officers approve a challenge.
func (b *bureau) sign(challenge []byte, officers ...int) [][]byte {
	b.t.Helper()
	q, err := custody.ParseRequest(challenge)
	b.must(err)
	var given [][]byte
	for _, i := range officers {
		a, err := b.officers[i].Approve(b.times.now(), q)
		b.must(err)
		given = append(given, a.Marshal())
	}
	return given
}

func (b *bureau) saw(kind EventKind) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.seen {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestKeyBlocksAreLoadedAndProvenOverTheAgentDialect(t *testing.T) {
	live := secret.Live()
	t.Run("load", func(t *testing.T) {
		b := newBureau(t)
		d := b.open()
		caps := d.Capabilities()
		if caps.BlockVersions != "ABCDE" || caps.Algorithms != "TA" || caps.Clear || len(caps.InitialSlots) != 4 {
			t.Errorf("%+v", caps)
		}
		tdes := b.kek("0123456789ABCDEFFEDCBA9876543210")
		load := func(slot device.Slot, block *keyblock.Block, check kcv.Value) device.LoadResult {
			t.Helper()
			c, err := d.LoadBlock(t.Context(), slot, block)
			b.must(err)
			c.Want.Check = check
			got, err := d.Confirm(t.Context(), c)
			b.must(err)
			if got.Proof != device.ProofCheckValue || got.State.Check != check || c.Returned != check.Digits {
				t.Errorf("slot %s: %+v", slot, got)
			}
			return got
		}
		for i, version := range []byte("ABC") {
			block, check := b.block(version, tdes, keys.TDES128, "P0", 'E')
			load(device.Slot(fmt.Sprint(i+1)), block, check)
		}
		ik, check := b.block('B', tdes, keys.TDES128, "B1", 'X', "KS", "FFFF9876543210E00000")
		if got := load("D1", ik, check); got.State.KSN != "FFFF9876543210E00000" && got.State.KSN != "FFFF9876543210E00001" {
			t.Errorf("the KSN is %q", got.State.KSN)
		}
		_, err := d.LoadBlock(t.Context(), "D1", ik)
		b.want(err, fault.DeviceFailed, "nothing stored", "KSN")
		aes := b.kek(aesKEK)
		for i, version := range []byte("DE") {
			block, check := b.block(version, aes, keys.AES128, "P0", 'E')
			load(device.Slot(fmt.Sprint(i+4)), block, check)
		}
		ik, check = b.block('D', aes, keys.AES128, "B1", 'X', "IK", "1234567890123456")
		load("D2", ik, check)
		_, err = d.LoadBlock(t.Context(), "6", ik)
		b.want(err, fault.DeviceFailed, "usage")
		block, _ := b.block('B', tdes, keys.TDES128, "P0", 'E')
		_, err = d.LoadBlock(t.Context(), "7", block)
		b.want(err, fault.DeviceFailed)
		_, err = d.LoadBlock(t.Context(), "99", block)
		b.want(err, fault.NotFound)
		s, err := d.Status(t.Context())
		if err != nil || s.Serial != "PK00000042" || len(s.Slots) < 6 || len(s.Initial) != 2 {
			t.Errorf("%+v, %v", s, err)
		}
		if got, err := d.Serial(t.Context()); err != nil || got != "PK00000042" {
			t.Errorf("%q, %v", got, err)
		}
	})
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets are left", now-live)
	}
}

func TestWhatTakesAwayTakesARole(t *testing.T) {
	b := newBureau(t)
	d := b.open()
	b.kek(aesKEK)
	denied := b.saw(Denied)
	b.want(d.Erase(t.Context(), "0"), fault.AuthFailed, "log in")
	b.want(d.SetSerial(t.Context(), "PK9"), fault.AuthFailed)
	_, err := d.Logs(t.Context(), 0, 10)
	b.want(err, fault.AuthFailed)
	_, err = d.Ask(t.Context(), device.Order{Verb: device.Reset})
	b.want(err, fault.AuthFailed)
	b.want(b.tryLogin(d, "99", "00000000"), fault.AuthFailed)
	b.want(d.EraseAll(t.Context()), fault.AuthFailed)
	b.login(d, "01")
	b.want(d.Erase(t.Context(), "0"), fault.NotPermitted)
	b.want(d.EraseAll(t.Context()), fault.NotPermitted)
	b.want(d.SetSerial(t.Context(), "PK9"), fault.NotPermitted)
	_, err = d.Ask(t.Context(), device.Order{Verb: device.Reset})
	b.want(err, fault.NotPermitted, "operator")
	b.want(d.Do(t.Context(), device.Order{Verb: device.Update, Manifest: []byte("m"), Image: []byte("i")}, nil), fault.NotPermitted)
	if n := b.saw(Denied) - denied; n < 10 {
		t.Errorf("%d denials are in the log", n)
	}
	if _, held := b.term.SlotCheck("0"); !held {
		t.Error("the key is gone")
	}
	b.login(d, "99")
	b.must(d.SetSerial(t.Context(), "PK00000077"))
	b.want(d.SetSerial(t.Context(), "PK\n"), fault.DeviceFailed)
	b.must(d.Erase(t.Context(), "0"))
	b.must(d.Erase(t.Context(), "0"))
	b.must(d.EraseAll(t.Context()))
	events, err := d.Logs(t.Context(), 0, 100)
	if err != nil || !slices.ContainsFunc(events, func(e device.LogEvent) bool { return e.Kind == string(Denied) }) {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestATamperedTerminalIsUnlockedByTwoOfficersAndHasNoKeys(t *testing.T) {
	b := newBureau(t)
	d := b.open()
	kek := b.kek(aesKEK)
	b.login(d, "99")
	b.term.Tamper("case")
	order := device.Order{Verb: device.Unlock, Lock: device.LockTamper, Reason: "back from repair"}
	_, err := d.Ask(t.Context(), order)
	b.want(err, fault.AuthFailed, "session") // what happened ended it
	b.login(d, "99")
	block, _ := b.block('D', kek, keys.AES128, "P0", 'E')
	_, err = d.LoadBlock(t.Context(), "1", block)
	b.want(err, fault.DeviceFailed, "opened")
	challenge, err := d.Ask(t.Context(), order)
	b.must(err)
	q, err := custody.ParseRequest(challenge)
	if err != nil || q.Store() != "PK00000042" || q.Action().Activity != custody.DeviceRecover || q.Action().Label != "tamper: back from repair" {
		t.Errorf("%+v, %v", q, err)
	}
	both := b.sign(challenge, 0, 1)
	other := order
	other.Reason = "another reason"
	b.want(d.Do(t.Context(), order, nil), fault.NotPermitted)
	b.want(d.Do(t.Context(), order, both[:1]), fault.NotPermitted, "1 approved")
	b.want(d.Do(t.Context(), order, [][]byte{both[0], both[0]}), fault.NotPermitted)
	b.want(d.Do(t.Context(), other, both), fault.NotPermitted)
	b.want(d.Do(t.Context(), order, [][]byte{both[0], []byte("approve")}), fault.Usage)
	forged := slices.Clone(both)
	forged[1] = bytes.Replace(both[1], []byte("signature: "), []byte("signature: 00"), 1)
	b.want(d.Do(t.Context(), order, forged), fault.Usage)
	at := bytes.Index(both[1], []byte("signature: ")) + len("signature: ")
	forged[1] = slices.Clone(both[1])
	forged[1][at] = map[bool]byte{true: '1', false: '0'}[both[1][at] == '0']
	b.want(d.Do(t.Context(), order, forged), fault.MACMismatch)
	b.must(d.Do(t.Context(), order, both))
	b.want(d.Do(t.Context(), order, both), fault.NotFound) // the lock is off
	s, err := d.Status(t.Context())
	if err != nil || len(s.Locks) != 0 || s.Tamper.Tripped || len(s.Slots) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	b.term.Tamper("case")
	b.login(d, "99")
	err = d.Do(t.Context(), order, both) // a second time they count for nothing
	b.want(err, fault.NotPermitted, "(32 digits)")
	if strings.Contains(err.Error(), "characters)") {
		t.Errorf("the sentence is gone: %v", err)
	}
}

func TestAChallengeEndsByTheTerminalsOwnTime(t *testing.T) {
	b := newBureau(t)
	d := b.open()
	b.login(d, "99")
	order := device.Order{Verb: device.Reset}
	challenge, err := d.Ask(t.Context(), order)
	b.must(err)
	both := b.sign(challenge, 1, 2)
	b.times.pass(custody.DefaultRequest+time.Second, 0) // the time of day stands still: somebody holds it
	b.want(d.Do(t.Context(), order, both), fault.NotPermitted)
	b.times.pass(0, custody.DefaultRequest+time.Second)
	challenge, err = d.Ask(t.Context(), order)
	b.must(err)
	b.kek(aesKEK)
	b.must(d.Do(t.Context(), order, b.sign(challenge, 1, 2)))
	if _, held := b.term.SlotCheck("0"); held {
		t.Error("a reset left a key")
	}
	b.want(d.Do(t.Context(), device.Order{Verb: device.Restart}, nil), fault.AuthFailed) // the reset ended the session
}

func TestOrdersWithoutApprovalTakeARoleAlone(t *testing.T) {
	b := newBureau(t)
	d := b.open()
	b.login(d, "00")
	lock := device.Order{Verb: device.Lock, Lock: device.LockRemote, Reason: "unpaid"}
	challenge, err := d.Ask(t.Context(), lock)
	if err != nil || challenge != nil {
		t.Errorf("%s, %v", challenge, err)
	}
	b.must(d.Do(t.Context(), lock, nil))
	s, err := d.Status(t.Context())
	if err != nil || len(s.Locks) != 1 || s.Locks[0].Kind != device.LockRemote {
		t.Errorf("%+v, %v", s, err)
	}
	b.must(d.Do(t.Context(), device.Order{Verb: device.Restart}, nil))
	b.login(d, "99")
	unlock := device.Order{Verb: device.Unlock, Lock: device.LockRemote}
	challenge, err = d.Ask(t.Context(), unlock)
	b.must(err)
	b.must(d.Do(t.Context(), unlock, b.sign(challenge, 0, 2)))
}

func TestALostAnswerIsFoundAgain(t *testing.T) {
	for f, c := range map[Fault]struct {
		kind  fault.Kind
		proof device.Proof
		held  bool
	}{
		DisconnectAfterCommit: {"", device.ProofCommitAttributes, true},
		DisconnectBeforeEcho:  {fault.DeviceFailed, "", false},
		PowerCut:              {"", device.ProofCommitAttributes, true},
	} {
		t.Run(string(f), func(t *testing.T) {
			b := newBureau(t, func(c *Config) { c.Faults = []Fault{f} })
			kek := b.kek(aesKEK)
			block, _ := b.block('D', kek, keys.AES128, "P0", 'E')
			d := b.open()
			_, err := d.LoadBlock(t.Context(), "1", block)
			var unknown *device.OutcomeUnknown
			if !errors.As(err, &unknown) {
				t.Fatalf("the load ended with %v", err)
			}
			got, err := d.Confirm(t.Context(), unknown.Commit)
			if got.Proof != c.proof || (err == nil) != (c.kind == "") || err != nil && !fault.Is(err, c.kind) {
				t.Errorf("%+v, %v", got, err)
			}
			if _, held := b.term.SlotCheck("1"); held != c.held {
				t.Errorf("the terminal holds the key: %v", held)
			}
		})
	}
}

// raw is a host that says what it likes.
type rawHost struct {
	t    *testing.T
	http *http.Client
	base string
}

func (b *bureau) raw() *rawHost {
	b.t.Helper()
	p := b.m.papers
	own, err := tls.LoadX509KeyPair(p.HostCert, p.HostKey)
	b.must(err)
	ca, err := os.ReadFile(p.CA)
	b.must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13}}
	b.t.Cleanup(tr.CloseIdleConnections)
	return &rawHost{b.t, &http.Client{Transport: tr, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}, "https://" + b.m.Addr().String()}
}

// asks gives the status and the document of an answer.
func (h *rawHost) asks(method, path, body string) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.base+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	answer, err := h.http.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, string(raw)
}

func TestALoadWithTheSameIDIsDoneOnce(t *testing.T) {
	b := newBureau(t)
	kek := b.kek(aesKEK)
	one, _ := b.block('D', kek, keys.AES128, "P0", 'E')
	two, _ := b.block('D', kek, keys.AES128, "P0", 'E')
	h := b.raw()
	load := func(id string, block *keyblock.Block) string {
		raw, err := json.Marshal(manage.Load{Request: id, Block: block.Marshal()})
		b.must(err)
		return string(raw)
	}
	id := strings.Repeat("A1", 16)
	status, first := h.asks("PUT", "/v1/slots/1", load(id, one))
	again, second := h.asks("PUT", "/v1/slots/1", load(id, one))
	if status != 200 || again != 200 || !strings.Contains(second, `"again":true`) || strings.Contains(first, "again") || b.saw(Stored) != 1 {
		t.Errorf("%d %s, then %d %s; %d stored", status, first, again, second, b.saw(Stored))
	}
	if status, said := h.asks("PUT", "/v1/slots/1", load(id, two)); status != 409 || !strings.Contains(said, "request-used") {
		t.Errorf("another key: %d %s", status, said)
	}
	if status, said := h.asks("PUT", "/v1/slots/2", load(id, one)); status != 409 {
		t.Errorf("another slot: %d %s", status, said)
	}
	late := strings.Repeat("B2", 16)
	if status, said := h.asks("POST", "/v1/settle", `{"request":"`+late+`"}`); status != 200 || !strings.Contains(said, `"done":false`) {
		t.Errorf("%d %s", status, said)
	}
	if status, said := h.asks("PUT", "/v1/slots/2", load(late, two)); status != 409 {
		t.Errorf("a load that was given up arrived late: %d %s", status, said)
	}
	if status, said := h.asks("POST", "/v1/settle", `{"request":"`+id+`"}`); status != 200 || !strings.Contains(said, `"done":true`) {
		t.Errorf("%d %s", status, said)
	}
	_, before := h.asks("GET", "/v1/device", "")
	b.term.Restart()
	_, after := h.asks("GET", "/v1/device", "")
	if before == after {
		t.Error("the terminal forgot its loads and does not tell")
	}
}

func TestHostileHostsAreRefused(t *testing.T) {
	b := newBureau(t)
	h := b.raw()
	login := func(account string) string {
		return `{"account":"` + account + `","password":"` + base64.StdEncoding.EncodeToString([]byte(DefaultOperator)) + `","code":""}`
	}
	for what, c := range map[string]struct {
		method, path, body string
		status             int
		code               string
	}{
		"an unknown path":      {"GET", "/", "", 404, "unknown-path"},
		"a path that climbs":   {"GET", "/v1/../v1/status", "", 404, "unknown-path"},
		"two slashes":          {"GET", "/v1//status", "", 404, "unknown-path"},
		"an unknown method":    {"PATCH", "/v1/status", "", 404, "unknown-path"},
		"CONNECT":              {"OPTIONS", "/v1/status", "", 404, "unknown-path"},
		"a query":              {"GET", "/v1/status?a=b", "", 404, "unknown-path"},
		"a body":               {"GET", "/v1/status", "{}", 400, "malformed"},
		"no body":              {"POST", "/v1/login", "", 400, "malformed"},
		"no JSON":              {"POST", "/v1/login", "account=99", 400, "malformed"},
		"too much":             {"POST", "/v1/login", strings.Repeat("x", manage.MaxBody+1), 413, "too-large"},
		"another member":       {"POST", "/v1/login", `{"account":"01","password":"","code":"","role":"administrator"}`, 400, "malformed"},
		"a slot without end":   {"GET", "/v1/slots/" + strings.Repeat("A", 1000), "", 404, "slot"},
		"a slot that climbs":   {"GET", "/v1/slots/..%2f..%2fetc", "", 404, "unknown-path"},
		"no slot":              {"GET", "/v1/slots/", "", 404, "unknown-path"},
		"an id that is none":   {"PUT", "/v1/slots/1", `{"request":"1","block":"B"}`, 400, "malformed"},
		"a block that is none": {"PUT", "/v1/slots/1", `{"request":"` + strings.Repeat("00", 16) + `","block":"B"}`, 422, "block-form"},
		"orders of nobody":     {"POST", "/v1/order", `{"order":{"verb":"reset"}}`, 401, "login-needed"},
		"logs of nobody":       {"GET", "/v1/logs?after=0&most=1", "", 401, "login-needed"},
		"an unknown account":   {"POST", "/v1/login", login("77"), 401, "auth-failed"},
		"a key loader":         {"POST", "/v1/login", login("A"), 401, "auth-failed"},
	} {
		status, said := h.asks(c.method, c.path, c.body)
		var no manage.Refusal
		if status != c.status || manage.Decode([]byte(said), &no) != nil || no.Code != c.code {
			t.Errorf("%s: %d %s", what, status, said)
		}
	}
	if status, said := h.asks("POST", "/v1/login", login("01")); status != 200 {
		t.Fatalf("%d %s", status, said)
	}
	for query, want := range map[string]int{"after=0&most=1": 200, "after=-1&most=1": 400, "after=0&most=501": 400, "after=0": 400,
		"after=0&most=1&most=2": 400, "after=0&most=1&x=y": 400} {
		if status, said := h.asks("GET", "/v1/logs?"+query, ""); status != want {
			t.Errorf("%s: %d %s", query, status, said)
		}
	}
	h.http.CloseIdleConnections() // the session was that connection's
	if status, said := h.asks("GET", "/v1/logs?after=0&most=1", ""); status != 401 {
		t.Errorf("a session outlived its connection: %d %s", status, said)
	}
	if status, said := b.raw().asks("GET", "/v1/logs?after=0&most=1", ""); status != 401 {
		t.Errorf("a session is somebody else's: %d %s", status, said)
	}
}

func TestStrangersGetNoFurtherThanTheDoor(t *testing.T) {
	b := newBureau(t)
	other, err := MakePapers(keys.Env{Rand: rand.Reader, Now: time.Now}, filepath.Join(t.TempDir(), "other"))
	b.must(err)
	stranger, err := tls.LoadX509KeyPair(other.HostCert, other.HostKey)
	b.must(err)
	terminal, err := tls.LoadX509KeyPair(b.m.papers.Cert, b.m.papers.Key)
	b.must(err)
	host, err := tls.LoadX509KeyPair(b.m.papers.HostCert, b.m.papers.HostKey)
	b.must(err)
	for what, c := range map[string]*tls.Config{
		"without a certificate":   {},
		"of another authority":    {Certificates: []tls.Certificate{stranger}},
		"with a terminal's own":   {Certificates: []tls.Certificate{terminal}},
		"with an older TLS":       {Certificates: []tls.Certificate{host}, MaxVersion: tls.VersionTLS12},
		"with nothing in common":  {Certificates: []tls.Certificate{host}, NextProtos: []string{"h2"}},
		"with no word of HTTP at": nil,
	} {
		if c == nil {
			conn, err := net.Dial("tcp", b.m.Addr().String())
			b.must(err)
			_, _ = io.WriteString(conn, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
			answer, _ := io.ReadAll(conn)
			if bytes.Contains(answer, []byte("PK0000")) {
				t.Errorf("it is told %q", answer)
			}
			_ = conn.Close()
			continue
		}
		c.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", b.m.Addr().String(), c)
		if err == nil {
			_, _ = io.WriteString(conn, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
			var answer []byte
			if answer, err = io.ReadAll(conn); err == nil && len(answer) > 0 {
				t.Errorf("somebody %s is answered %q", what, answer)
			}
			_ = conn.Close()
		}
	}
}

func TestSlowHostsHoldNoPlaceForLong(t *testing.T) {
	if manageHeaderTime > 10*time.Second || manageReadTime > time.Minute {
		t.Error("a host may take its time")
	}
	b := newBureau(t)
	p := b.m.papers
	own, err := tls.LoadX509KeyPair(p.HostCert, p.HostKey)
	b.must(err)
	slow, err := tls.Dial("tcp", b.m.Addr().String(), &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true})
	b.must(err)
	defer slow.Close()
	begun := time.Now()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, slow)
		ended <- err
	}()
	for i := 0; ; i++ {
		_, _ = io.WriteString(slow, []string{"GET /v1/status HTTP/1.1\r\n", "X-A: a\r\n"}[min(i, 1)])
		select {
		case <-ended:
			if took := time.Since(begun); took > 2*manageHeaderTime {
				t.Errorf("it took %s", took)
			}
			return
		case <-time.After(200 * time.Millisecond):
		}
		if time.Since(begun) > 3*manageHeaderTime {
			t.Fatal("a header without end is still read")
		}
	}
}

func TestTooManyConnectionsAreHungUpOn(t *testing.T) {
	b := newBureau(t)
	var held []net.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	refused := 0
	for range manageConns + 4 {
		c, err := net.Dial("tcp", b.m.Addr().String())
		b.must(err)
		held = append(held, c)
	}
	for _, c := range held {
		b.must(c.SetReadDeadline(time.Now().Add(300 * time.Millisecond)))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, io.EOF) || err != nil && !os.IsTimeout(err) {
			refused++
		}
	}
	if refused != 4 {
		t.Errorf("%d connections were refused", refused)
	}
	for _, c := range held {
		_ = c.Close()
	}
	held = nil
	for range 100 {
		if status, _ := b.raw().asks("GET", "/v1/device", ""); status == 200 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("places are not given back")
}

// TestStrangersMakeRoomForHosts: who only knocks keeps nobody with a certificate out, and hosts keep their places.
func TestStrangersMakeRoomForHosts(t *testing.T) {
	b := newBureau(t)
	knock := func() net.Conn {
		c, err := net.Dial("tcp", b.m.Addr().String())
		b.must(err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	var hosts []*rawHost
	for i := range manageConns {
		for range manageConns {
			knock()
		}
		h := b.raw()
		if status, words := h.asks("GET", "/v1/device", ""); status != 200 {
			t.Fatalf("host %d among strangers: %d %s", i, status, words)
		}
		hosts = append(hosts, h)
	}
	late := knock()
	b.must(late.SetReadDeadline(time.Now().Add(5 * time.Second)))
	if _, err := late.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("a stranger has a place beside %d hosts: %v", manageConns, err)
	}
	for i, h := range hosts {
		if status, words := h.asks("GET", "/v1/device", ""); status != 200 {
			t.Errorf("host %d lost its place: %d %s", i, status, words)
		}
	}
}

func TestTheAgentRefusesWhatIsOrdered(t *testing.T) {
	for code, status := range map[string]int{manage.CodeBusy: 503, manage.CodeForged: 403, manage.CodeLoginNeeded: 401} {
		b := newBureau(t, func(c *Config) { c.Faults = []Fault{Refuse + Fault("="+code)} })
		if got, words := b.raw().asks("GET", "/v1/status", ""); got != status || !strings.Contains(words, `"`+code+`"`) {
			t.Errorf("%s: %d %s", code, got, words)
		}
	}
}

func TestTheAgentListensOnThisMachineOnly(t *testing.T) {
	b := newBureau(t)
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0", ":0", "x"} {
		if m, err := b.term.ListenManage(t.Context(), addr, b.m.papers); !fault.Is(err, fault.Usage) || m != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestPapersAreMadeOnceAndForTheirOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "papers")
	env := keys.Env{Rand: rand.Reader, Now: time.Now}
	p, err := MakePapers(env, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.CA, p.Cert, p.Key, p.HostCert, p.HostKey} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	first, err := os.ReadFile(p.Cert)
	if err != nil {
		t.Fatal(err)
	}
	again, err := MakePapers(keys.Env{}, dir)
	second, readErr := os.ReadFile(again.Cert)
	if err != nil || readErr != nil || !bytes.Equal(first, second) {
		t.Errorf("they were made anew: %v, %v", err, readErr)
	}
	if err := os.Remove(p.HostKey); err != nil {
		t.Fatal(err)
	}
	if _, err := MakePapers(env, dir); !fault.Is(err, fault.Failure) {
		t.Errorf("half of them: %v", err)
	}
	for _, entry := range []string{"ca.key"} {
		if _, err := os.Stat(filepath.Join(dir, entry)); err == nil {
			t.Errorf("%s is kept", entry)
		}
	}
}

// FuzzManage lets a host with a good certificate say anything: it gets a document of the protocol, and no secret stays.
func FuzzManage(f *testing.F) {
	for _, s := range [][3]string{{"GET", "/v1/device", ""}, {"PUT", "/v1/slots/1", `{"request":"00112233445566778899AABBCCDDEEFF","block":"B0080P0TE00N0000"}`},
		{"POST", "/v1/login", `{"account":"01","password":"NzAxMQ==","code":""}`}, {"POST", "/v1/challenge", `{"verb":"reset"}`},
		{"POST", "/v1/order", `{"order":{"verb":"restart"}}`}, {"GET", "/v1/logs?after=0&most=5", ""}, {"DELETE", "/v1/slots", ""},
		{"POST", "/v1/settle", `{"request":"00112233445566778899AABBCCDDEEFF"}`}, {"PUT", "/v1/serial", `{"serial":"PK1"}`}} {
		f.Add(s[0], s[1], []byte(s[2]), true)
	}
	term := New(Config{Env: keys.Env{Rand: rand.Reader, Now: time.Now}, Port: Manage(), Serial: "PK00000042", Accounts: accounts(f)})
	m := &Manager{t: term, loads: map[string]*carried{}}
	if err := m.forget(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path string, body []byte, logged bool) {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://127.0.0.1"+path, bytes.NewReader(body))
		if err != nil {
			return
		}
		live := secret.Live()
		v := &visit{}
		if logged {
			v.session = &Session{t: term, account: term.account("99"), boots: m.t.startedSoOften()}
		}
		w := &answerWriter{head: http.Header{}}
		m.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
		var no manage.Refusal
		if w.status != 200 && (w.status < 400 || manage.Decode(w.body.Bytes(), &no) != nil || manage.CodeOf(no.Code).Status != w.status) {
			t.Errorf("%d %q", w.status, w.body.Bytes())
		}
		if now := secret.Live(); now != live {
			t.Errorf("%d secrets are left", now-live)
		}
	})
}

type answerWriter struct {
	head   http.Header
	status int
	body   bytes.Buffer
}

func (w *answerWriter) Header() http.Header         { return w.head }
func (w *answerWriter) WriteHeader(status int)      { w.status = status }
func (w *answerWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

// TestATerminalOfAnotherDialectIsManagedBesideItsLine: the slots are those of its line.
func TestATerminalOfAnotherDialectIsManagedBesideItsLine(t *testing.T) {
	b := newBureau(t, func(c *Config) { c.Port = nil })
	klk := testKey(t, keyK1)
	b.must(b.term.LoadDirect("F", klk, "K0", 'D'))
	d := b.open()
	caps := d.Capabilities()
	if caps.BlockVersions != "AB" || len(caps.BlockLengths) == 0 || !slices.ContainsFunc(caps.Slots, func(r device.SlotRule) bool { return r.Has("F") }) {
		t.Errorf("%+v", caps)
	}
	block, err := keyblock.Parse(blockB)
	b.must(err)
	got, err := devicetest.LoadBlock(t.Context(), d, "0", block)
	b.must(err)
	if check, held := b.term.SlotCheck("0"); !held || got.State.Check != check {
		t.Errorf("%+v, held is %v", got, check)
	}
	aes, _ := b.block('D', testAES(t), keys.AES128, "P0", 'E')
	_, err = d.LoadBlock(t.Context(), "1", aes)
	b.want(err, fault.DeviceFailed, "version")
}

func testAES(t *testing.T) *keys.Key {
	t.Helper()
	k, err := keys.Generate(rand.Reader, keys.AES256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func TestDenialsDoNotPushTheLogOut(t *testing.T) {
	b := newBureau(t)
	d := b.open()
	b.login(d, "00")
	b.must(d.SetSerial(t.Context(), "PK00000077"))
	stranger := b.open()
	for i := range maxLog + 10 {
		_, err := stranger.Logs(t.Context(), 0, 1)
		b.want(err, fault.AuthFailed)
		if i%2 == 0 {
			b.want(b.tryLogin(stranger, "no-one", "x"), fault.AuthFailed)
		}
	}
	for range 5 {
		_, err := stranger.Logs(t.Context(), 0, 1)
		b.want(err, fault.AuthFailed)
	}
	b.login(d, "00")
	events, err := d.Logs(t.Context(), 0, 1000)
	b.must(err)
	kinds := map[string]int{}
	for i, e := range events {
		kinds[e.Kind]++
		if i > 0 && e.Seq <= events[i-1].Seq {
			t.Errorf("event %d after %d", e.Seq, events[i-1].Seq)
		}
	}
	if kinds[string(Renamed)] != 1 || kinds[string(Denied)] > maxDenials || kinds[string(Denied)] < 2 {
		t.Errorf("the log has %v", kinds)
	}
	if last := events[len(events)-2]; last.Kind != string(Denied) || !strings.Contains(last.Detail, "6 times") {
		t.Errorf("the last denial is %+v", last)
	}
}

func TestErasingAllKeysIsTheAdministratorsAndNoKeyIsErasedUnderARemoteLock(t *testing.T) {
	b := newBureau(t)
	d := b.open()
	b.kek(aesKEK)
	b.login(d, "00")
	b.want(d.EraseAll(t.Context()), fault.NotPermitted, "administrator")
	lock := device.Order{Verb: device.Lock, Lock: device.LockRemote, Reason: "unpaid"}
	b.must(d.Do(t.Context(), lock, nil))
	b.want(d.Erase(t.Context(), "0"), fault.NotPermitted, "remotely")
	b.login(d, "99")
	b.want(d.EraseAll(t.Context()), fault.NotPermitted, "remotely")
	if _, held := b.term.SlotCheck("0"); !held {
		t.Fatal("the key is gone")
	}
	unlock := device.Order{Verb: device.Unlock, Lock: device.LockRemote}
	challenge, err := d.Ask(t.Context(), unlock)
	b.must(err)
	b.must(d.Do(t.Context(), unlock, b.sign(challenge, 0, 2)))
	b.must(d.EraseAll(t.Context()))
	if _, held := b.term.SlotCheck("0"); held {
		t.Error("the key is there")
	}
}

func TestOneAccountsChallengesDoNotKeepOthersFromAsking(t *testing.T) {
	b := newBureau(t)
	b.term.SetLock(device.LockRemote, "unpaid")
	d, other := b.open(), b.open()
	b.login(d, "00")
	order := device.Order{Verb: device.Unlock, Lock: device.LockRemote}
	var last []byte
	for i := range maxAsks {
		order.Reason = fmt.Sprint("reason ", i)
		challenge, err := d.Ask(t.Context(), order)
		b.must(err)
		last = challenge
	}
	_, err := d.Ask(t.Context(), order)
	b.want(err, fault.Busy, "20 challenges")
	b.login(other, "99")
	_, err = other.Ask(t.Context(), device.Order{Verb: device.Reset})
	b.must(err)
	b.must(d.Do(t.Context(), order, b.sign(last, 0, 2))) // what was asked for still counts, and makes room
	b.term.SetLock(device.LockRemote, "unpaid")
	_, err = d.Ask(t.Context(), order)
	b.must(err)
	_, err = d.Ask(t.Context(), order)
	b.want(err, fault.Busy)
	b.times.pass(custody.DefaultRequest, custody.DefaultRequest)
	_, err = d.Ask(t.Context(), order)
	b.must(err)
}

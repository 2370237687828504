package emulator

// The management agent: the agent dialect over HTTPS, on this machine alone.

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

// Limits against peers that keep a terminal busy.
const (
	manageHeaderTime = 5 * time.Second // until the handshake is over, and until the head of a request is there
	manageReadTime   = 30 * time.Second
	manageWriteTime  = 30 * time.Second
	manageIdleTime   = 20 * time.Minute // officers take their time between challenge and order
	manageHeaders    = 8 << 10
	manageConns      = 16
	manageLoads      = 1024 // whose ids are remembered
)

// Manager serves the management agent of a terminal.
type Manager struct {
	t      *Terminal
	papers Papers
	l      net.Listener
	http   *http.Server
	done   chan struct{}

	one   sync.Mutex // one change at a time
	mu    sync.Mutex
	boot  string // id
	boots uint64 // of the terminal, to which the id belongs
	loads map[string]*carried
}

// carried is a load whose id is remembered.
type carried struct {
	slot, block string
	answer      manage.Slot
	given       bool // given up: it was asked about before it came
}

// visit is one connection. Requests of one come one after the other.
type visit struct {
	session *Session
}

type visitKey struct{}

// ListenManage opens a TCP port of this machine for the agent dialect and serves it until ctx ends or Close is called.
// Any other address is refused. Papers are those of MakePapers.
func (t *Terminal) ListenManage(ctx context.Context, addr string, papers Papers) (*Manager, error) {
	config, err := papers.server()
	if err != nil {
		return nil, err
	}
	l, err := listenHere(ctx, addr)
	if err != nil {
		return nil, err
	}
	m := &Manager{t: t, papers: papers, l: l, done: make(chan struct{}), loads: map[string]*carried{}}
	if err := m.forget(); err != nil {
		_ = l.Close()
		return nil, err
	}
	places := &places{Listener: l}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	m.http = &http.Server{Handler: m, ReadHeaderTimeout: manageHeaderTime, ReadTimeout: manageReadTime,
		WriteTimeout: manageWriteTime, IdleTimeout: manageIdleTime, MaxHeaderBytes: manageHeaders, Protocols: protocols,
		ErrorLog:    log.New(io.Discard, "", 0), // strangers at the door; they get no further
		ConnState:   places.know,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, visitKey{}, &visit{})
		}}
	stop := context.AfterFunc(ctx, func() { _ = m.http.Close() })
	go func() {
		defer close(m.done)
		defer stop()
		_ = m.http.Serve(tls.NewListener(places, config))
	}()
	return m, nil
}

// cut hangs up where that was ordered.
func (m *Manager) cut(f Fault) {
	if m.t.misbehaves(f) {
		panic(http.ErrAbortHandler)
	}
}

// URI is the name under which a host on this machine reaches it.
func (m *Manager) URI() string {
	u := device.URI{Dialect: device.Agent, Transport: device.HTTPS, Address: m.l.Addr().String(), CA: m.papers.CA,
		Cert: m.papers.HostCert, Key: m.papers.HostKey}
	return u.String()
}

// Addr is where it listens.
func (m *Manager) Addr() net.Addr { return m.l.Addr() }

// Close ends it and every connection.
func (m *Manager) Close() error {
	err := m.http.Close()
	<-m.done
	return err
}

// forget forgets the ids of loads. The boot id tells hosts.
func (m *Manager) forget() error {
	id := make([]byte, manage.RequestID/2)
	if m.t.cfg.Env.Rand == nil {
		return fault.New(fault.Bug, "the management agent takes randomness")
	}
	if _, err := io.ReadFull(m.t.cfg.Env.Rand, id); err != nil {
		return fault.WrapAs(fault.Failure, err, "draw a boot id")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boot, m.boots = strings.ToUpper(hex.EncodeToString(id)), m.t.startedSoOften()
	clear(m.loads)
	return nil
}

// startedSoOften counts power-ups and tampers.
func (t *Terminal) startedSoOften() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.boots
}

// no is a refusal on its way.
type no struct{ code, text string }

func (n *no) Error() string { return n.code }

func refuse(code string) error { return &no{code: code} }

// refused gives a refusal of the terminal its code. Those that no code is for are failures.
func refused(r Refusal) error {
	code := string(r)
	switch r {
	case Accepted:
		return nil
	case RefusedKEKSlot:
		code = manage.CodeNoKEK
	case RefusedKEKCheck:
		code = manage.CodeCheck
	}
	for _, row := range manage.Codes() {
		if row.Code == code {
			return refuse(code)
		}
	}
	return &no{manage.CodeFailure, code}
}

// denied gives an error of a session its code.
func denied(err error) error {
	codes := map[fault.Kind]string{fault.AuthFailed: manage.CodeAuthFailed, fault.NotPermitted: manage.CodeNotAllowed,
		fault.Usage: manage.CodeUnfit, fault.Malformed: manage.CodeUnfit, fault.TooLarge: manage.CodeUnfit,
		fault.VersionUnsupported: manage.CodeUnfit, fault.Busy: manage.CodeBusy, fault.NotFound: manage.CodeAbsent,
		fault.MACMismatch: manage.CodeForged, fault.ChecksumMismatch: manage.CodeForged}
	if err == nil {
		return nil
	}
	code, ok := codes[fault.KindOf(err)]
	switch {
	case fault.Is(err, fault.DeviceFailed):
		code = manage.CodeFailure
	case !ok:
		return refuse(manage.CodeFailure)
	}
	return &no{code, manage.Blot(err.Error())}
}

// ServeHTTP answers one request.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, ok := r.Context().Value(visitKey{}).(*visit)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	answer, err := m.answer(w, r, v)
	if err != nil {
		m.sayNo(w, err)
		return
	}
	say(w, http.StatusOK, answer)
}

func (m *Manager) sayNo(w http.ResponseWriter, err error) {
	n := &no{code: manage.CodeFailure}
	if !errors.As(err, &n) {
		n = &no{code: manage.CodeFailure}
	}
	row := manage.CodeOf(n.code)
	words := n.text
	if words == "" {
		words = row.Meaning.String()
	}
	say(w, row.Status, manage.Refusal{Code: n.code, Text: words})
}

func say(w http.ResponseWriter, status int, document any) {
	raw, err := json.Marshal(document)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"code":"failure","text":""}`)
	}
	w.Header().Set("Content-Type", manage.ContentType)
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a host that is gone does not hear it
}

// answer finds who answers, and reads the body.
func (m *Manager) answer(w http.ResponseWriter, r *http.Request, v *visit) (any, error) {
	if err := m.refresh(v); err != nil {
		return nil, refuse(manage.CodeFailure)
	}
	route := m.routes()[r.Method+" "+r.URL.Path]
	slot, isSlot := strings.CutPrefix(r.URL.Path, manage.PathSlot)
	if isSlot && slot != "" && !strings.Contains(slot, "/") {
		route = m.slotRoutes(device.Slot(slot))[r.Method]
	}
	switch {
	case route.do == nil || r.URL.RawQuery != "" && !route.query:
		return nil, refuse(manage.CodeUnknownPath)
	case route.login && v.session == nil:
		m.t.Report(Event{Kind: Denied, Detail: "no login"})
		return nil, refuse(manage.CodeLoginNeeded)
	}
	limit := int64(manage.MaxBody)
	if route.big {
		limit = manage.MaxUpdate
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	defer secret.Wipe(raw)
	var more *http.MaxBytesError
	switch {
	case errors.As(err, &more):
		return nil, refuse(manage.CodeTooLarge)
	case err != nil:
		panic(http.ErrAbortHandler) // it went away, or says nothing
	case !route.body && len(raw) > 0:
		return nil, refuse(manage.CodeMalformed)
	}
	if m.t.misbehaves(Refuse) {
		code, _ := m.t.faults.value(Refuse)
		return nil, refuse(code)
	}
	if err := m.begin(r.Context()); err != nil {
		panic(http.ErrAbortHandler)
	}
	return route.do(v, raw, r.URL.Query())
}

// begin counts the request for the faults, and waits where that was ordered.
func (m *Manager) begin(ctx context.Context) error {
	if frames := m.t.faults.frames; frames != nil && frames.Load() > 0 && frames.Add(-1) == 0 {
		m.t.Tamper("ordered")
	}
	if !m.t.misbehaves(Slow) {
		return nil
	}
	fired, stop := m.t.cfg.Clock.After(m.t.cfg.SlowFor)
	defer stop()
	select {
	case <-fired:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh ends what a restart ends: sessions, and the memory of loads.
func (m *Manager) refresh(v *visit) error {
	if v.session != nil && v.session.Alive() != nil {
		v.session = nil
	}
	m.mu.Lock()
	old := m.boots != m.t.startedSoOften()
	m.mu.Unlock()
	if old {
		return m.forget()
	}
	return nil
}

// route says how one kind of request is answered.
type route struct {
	do    func(v *visit, raw []byte, query url.Values) (any, error)
	login bool // somebody must have logged in
	body  bool
	query bool
	big   bool
}

func (m *Manager) routes() map[string]route {
	return map[string]route{
		"GET " + manage.PathAbout:      {do: m.about},
		"GET " + manage.PathStatus:     {do: m.status},
		"GET " + manage.PathSerial:     {do: m.serial},
		"PUT " + manage.PathSerial:     {do: m.setSerial, login: true, body: true},
		"DELETE " + manage.PathSlots:   {do: m.eraseAll, login: true},
		"POST " + manage.PathSettle:    {do: m.settle, body: true},
		"POST " + manage.PathLogin:     {do: m.login, body: true},
		"POST " + manage.PathChallenge: {do: m.challenge, login: true, body: true, big: true},
		"POST " + manage.PathOrder:     {do: m.order, login: true, body: true, big: true},
		"GET " + manage.PathLogs:       {do: m.logs, login: true, query: true},
	}
}

func (m *Manager) slotRoutes(slot device.Slot) map[string]route {
	return map[string]route{
		http.MethodGet: {do: func(*visit, []byte, url.Values) (any, error) { return m.slot(slot) }},
		http.MethodPut: {body: true, do: func(_ *visit, raw []byte, _ url.Values) (any, error) { return m.load(slot, raw) }},
		http.MethodDelete: {login: true, do: func(v *visit, _ []byte, _ url.Values) (any, error) {
			return m.erase(v, slot)
		}},
	}
}

package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

const (
	patience   = 10 * time.Second // for one answer
	maxHeaders = 16 << 10
	seedLen    = 16
)

// question is one request. Its body is the asker's to wipe.
type question struct {
	method, path string
	body         []byte
	shown        string // the body as the trace shows it
	// repeated sees in an answer what was said in confidence; nil where nothing was.
	repeated func(answer string) bool
}

func (q question) repeatedBy(answer string) bool { return q.repeated != nil && q.repeated(answer) }

// errSilent says that the time for an answer is over.
var errSilent = errors.New("no answer")

// ask puts one question and reads the answer, within the time-out. Errors: device_link, device_timeout, interrupted, what
// the terminal refuses with, and outcome_unknown where the question may have arrived and changes something.
func (d *driver) ask(ctx context.Context, q question, answer any) error {
	if d.closed.Load() {
		return fault.New(fault.DeviceLink, "the connection was closed")
	}
	ctx, stop := d.limit(ctx)
	defer stop()
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, q.method, "https://"+d.uri.Address+q.path, bytes.NewReader(q.body))
	if err != nil {
		return fault.New(fault.Bug, "the question cannot be asked")
	}
	if len(q.body) > 0 {
		r.Header.Set("Content-Type", manage.ContentType)
	}
	r.Header.Set("User-Agent", "poskey")
	d.trace(device.Sent, q.method+" "+q.path+q.shown)
	status, raw, err := d.exchange(r)
	if err != nil {
		err = linkFault(ctx, err)
	} else {
		err = d.understand(q, status, raw, answer)
		secret.Wipe(raw)
	}
	if written.Load() && q.method != http.MethodGet && isLost(err) {
		return &lost{err}
	}
	return err
}

// isLost tells errors beside which what was asked may have been done: no answer, half of one, or one that says nothing.
func isLost(err error) bool {
	switch fault.KindOf(err) {
	case fault.DeviceLink, fault.DeviceTimeout, fault.Interrupted:
		return err != nil
	}
	return false
}

// lost is a question whose answer did not come: it may have been done.
type lost struct{ cause error }

func (l *lost) Error() string { return l.cause.Error() }
func (l *lost) Unwrap() error { return l.cause }

// limit ends a context with the time-out, by the injected clock.
func (d *driver) limit(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	fired, stop := d.o.Clock.After(d.o.Timeout)
	over := make(chan struct{})
	go func() {
		select {
		case <-fired:
			cancel(errSilent)
		case <-over:
		}
	}()
	return ctx, func() {
		close(over)
		stop()
		cancel(nil)
	}
}

// exchange ends with the request's context, whatever the terminal does.
func (d *driver) exchange(r *http.Request) (int, []byte, error) {
	var held connection
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) { held.take(got.Conn) }}))
	stop := context.AfterFunc(r.Context(), held.hangUp)
	defer stop()
	answer, err := d.transport.RoundTrip(r) // no redirects, no cookies
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode < http.StatusOK { // an upgrade: the body is the bare connection, which nobody is to read
		held.hangUp()
		return 0, nil, noDocument(answer.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, manage.MaxAnswer+1))
	if err != nil {
		return 0, nil, err
	}
	if len(raw) > manage.MaxAnswer {
		return 0, nil, fault.New(fault.DeviceLink, "the terminal's answer has more than %d bytes", manage.MaxAnswer)
	}
	return answer.StatusCode, raw, nil
}

// understand reads an answer that is here and whole.
func (d *driver) understand(q question, status int, raw []byte, answer any) error {
	if status == http.StatusOK {
		if err := manage.Decode(raw, answer); err != nil {
			d.traceAnswer(q, status, len(raw), nil)
			return unreadable(err)
		}
		d.traceAnswer(q, status, len(raw), answer)
		return nil
	}
	var no manage.Refusal
	if err := manage.Decode(raw, &no); err != nil || status < http.StatusBadRequest {
		d.traceAnswer(q, status, len(raw), nil)
		return noDocument(status)
	}
	if q.repeatedBy(no.Text) {
		no.Text = ""
	}
	no.Text = clean(no.Text)
	d.traceAnswer(q, status, len(raw), no)
	if !manage.IsFinal(no.Code) {
		return &vague{refusal(no)}
	}
	return refusal(no)
}

// vague is a refusal that does not say what became of what was asked: the terminal failed, or gives a code that nobody
// knows.
type vague struct{ cause error }

func (v *vague) Error() string { return v.cause.Error() }
func (v *vague) Unwrap() error { return v.cause }

func noDocument(status int) error {
	return fault.New(fault.DeviceLink, "the terminal answered with status %d and no document of this protocol", status)
}

// connection is the one that a question goes over. What net/http forgets to end with a context ends with the connection.
type connection struct {
	mu   sync.Mutex
	conn net.Conn
	over bool
}

func (c *connection) take(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	if c.over {
		c.cut()
	}
}

// hangUp closes it, and any that comes later.
func (c *connection) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.cut()
}

// cut closes the line under the TLS: a farewell could wait for a terminal that takes nothing.
func (c *connection) cut() {
	switch conn := c.conn.(type) {
	case nil:
	case *tls.Conn:
		_ = conn.NetConn().Close()
	default:
		_ = conn.Close()
	}
}

func unreadable(err error) error {
	return fault.WrapAs(fault.DeviceLink, err, "the terminal's answer cannot be read")
}

// refusal gives a refusal its kind. One about a key has meaning and remedy in the table; of the others the terminal's own
// words say more.
func refusal(no manage.Refusal) error {
	row := manage.CodeOf(no.Code)
	if row.Kind == fault.DeviceFailed && !row.Action.IsZero() {
		return &device.CodeError{Dialect: device.Agent, Answer: row.Code, CodeInfo: device.CodeInfo{Code: row.Code,
			Meaning: row.Meaning, Action: row.Action, Cause: row.Cause}}
	}
	info := device.CodeInfo{Code: row.Code, Meaning: row.Meaning, Action: row.Action, Cause: row.Cause}
	err := fault.New(row.Kind, "the terminal refuses: %s", row.Meaning)
	if no.Text != "" && no.Text != row.Meaning.String() {
		err = fault.New(row.Kind, "the terminal refuses: %s (%s)", row.Meaning, no.Text)
	}
	return &device.RefusedError{Dialect: device.Agent, CodeInfo: info, Err: err}
}

// linkFault gives an error of the connection its kind and a sentence.
func linkFault(ctx context.Context, err error) error {
	var unverified *tls.CertificateVerificationError
	var operation *net.OpError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var network net.Error
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return &device.LineError{Err: fault.New(fault.DeviceTimeout, "the terminal did not answer in time")}
	case ctx.Err() != nil:
		return fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the exchange was given up")
	case fault.KindOf(err) != fault.Failure:
		return err
	case errors.As(err, &unverified) || errors.As(err, &invalid): // its words have names out of the certificate
		return fault.WrapAs(fault.DeviceLink, errors.New(clean(err.Error())), "the terminal's certificate is not one that ca= vouches for")
	case errors.As(err, &operation) && operation.Op == "remote error": // as crypto/tls marks the other side's alerts
		ended := fault.WrapAs(fault.DeviceLink, err, "the terminal ended the connection; it may not take the certificate of cert=")
		if isAboutPapers(operation.Err) {
			return ended
		}
		return &device.LineError{Rejected: true, Err: ended}
	case errors.As(err, &network) && network.Timeout():
		return &device.LineError{Err: fault.New(fault.DeviceTimeout, "the terminal did not answer in time")}
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return &device.LineError{Err: fault.New(fault.DeviceLink, "the terminal closed the line")}
	case errors.As(err, &operation) && operation.Op == "dial": // there is no line yet
		return fault.WrapAs(fault.DeviceLink, err, "the line failed")
	case errors.As(err, &operation) || errors.As(err, &record):
		return &device.LineError{Err: fault.WrapAs(fault.DeviceLink, err, "the line failed")}
	}
	return fault.New(fault.DeviceLink, "the terminal's answer cannot be read") // the words of net/http quote it
}

// isAboutPapers reports an alert about our certificate: that is no fault of the line. crypto/tls has the alerts of RFC 8446, 6.2
// in words only.
func isAboutPapers(alert error) bool {
	said := alert.Error()
	return strings.Contains(said, "certificate") || strings.Contains(said, "access denied")
}

// body makes a document; the values of this protocol can always be written.
func body(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fault.New(fault.Bug, "a value of the protocol cannot be written")
	}
	return raw, nil
}

package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/device/manage/client"
	"poskey/pkg/keyblock"
)

// authority signs certificates for a test.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	a.key = key
	template := template("TEST authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(raw)
	must(t, err)
	a.write("ca.crt", "CERTIFICATE", raw)
	return a
}

func template(name string) *x509.Certificate {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err)
	}
	return &x509.Certificate{SerialNumber: n, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour)}
}

func (a *authority) write(name, kind string, raw []byte) string {
	path := filepath.Join(a.dir, name)
	must(a.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600))
	return path
}

// issue makes a certificate and gives its files.
func (a *authority) issue(name string, use x509.ExtKeyUsage, change ...func(*x509.Certificate)) (cert, key string) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	c := template("TEST " + name)
	c.ExtKeyUsage, c.KeyUsage = []x509.ExtKeyUsage{use}, x509.KeyUsageDigitalSignature
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	for _, ch := range change {
		ch(c)
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, a.cert, &private.PublicKey, a.key)
	must(a.t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	must(a.t, err)
	return a.write(name+".crt", "CERTIFICATE", raw), a.write(name+".key", "PRIVATE KEY", pkcs8)
}

func (a *authority) ca() string { return filepath.Join(a.dir, "ca.crt") }

// peer is a terminal's end of a test: what it answers is the test's to say.
type peer struct {
	t      testing.TB
	ca     *authority
	uri    device.URI
	server *http.Server

	mu    sync.Mutex
	about string
	on    map[string]http.HandlerFunc // by method and path
	heard []string
}

const boot = "00112233445566778899AABBCCDDEEFF"

const aboutJSON = `{"protocol":1,"boot":"` + boot + `","serial":"PK00000001","model":"TEST","blocks":"BD",` +
	`"block_lengths":[80,144],"algorithms":"TA","rules":[{"slots":["0","D1"],"usage":"P0","lengths":[16],` +
	`"algorithms":"T","modes":"E"}],"initial":["D1"]}`

func newPeer(t testing.TB, change ...func(*tls.Config)) *peer {
	t.Helper()
	a := newAuthority(t)
	cert, key := a.issue("terminal", x509.ExtKeyUsageServerAuth)
	return startPeer(t, a, cert, key, change...)
}

func startPeer(t testing.TB, a *authority, cert, key string, change ...func(*tls.Config)) *peer {
	t.Helper()
	own, err := tls.LoadX509KeyPair(cert, key)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	config := &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	for _, ch := range change {
		ch(config)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	must(t, err)
	p := &peer{t: t, ca: a, about: aboutJSON, on: map[string]http.HandlerFunc{}}
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = p.server.Serve(l) }()
	t.Cleanup(func() { _ = p.server.Close() })
	host, hostKey := a.issue("host", x509.ExtKeyUsageClientAuth)
	p.uri = device.URI{Dialect: device.Agent, Transport: device.HTTPS, Address: l.Addr().String(), CA: a.ca(), Cert: host,
		Key: hostKey}
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := r.Method + " " + r.URL.Path
	p.mu.Lock()
	p.heard = append(p.heard, asked)
	about, answer := p.about, p.on[asked]
	p.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case asked == "GET "+manage.PathAbout:
		_, _ = io.WriteString(w, about)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"code":"unknown-path","text":"no"}`)
	}
}

func (p *peer) answers(asked string, f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on[asked] = f
}

// says answers with a document.
func says(status int, document string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, document)
	}
}

func hangsUp(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

func (p *peer) open(o device.Options) device.Device {
	p.t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	d, err := client.Open(p.context(), p.uri, o)
	must(p.t, err)
	p.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (p *peer) context() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	p.t.Cleanup(stop)
	return ctx
}

// request reads what a load has as its id.
func request(t testing.TB, r *http.Request) string {
	t.Helper()
	var l manage.Load
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		t.Error(err)
	}
	return l.Request
}

const blockB = "B0080P0TE00N00003C4F5024C59C182F7165BC870FCB7F63456AAE07DB736C32EA391E5834C1AA0C"

func block(t testing.TB) *keyblock.Block {
	t.Helper()
	b, err := keyblock.Parse(blockB)
	must(t, err)
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("the error is %v, of kind %s; want kind %s", err, fault.KindOf(err), kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}

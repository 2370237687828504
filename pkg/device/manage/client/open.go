package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"runtime"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

// Open connects to a terminal's management agent and asks what it is. Errors: usage for a URI of another dialect; malformed for
// certificates that are none; not_found for files that are not there; file_exposed for a private key that others can read;
// those of a question.
func Open(ctx context.Context, u device.URI, o device.Options) (device.Device, error) {
	if u.Dialect != device.Agent || u.Transport != device.HTTPS {
		return nil, fault.New(fault.Usage, "device %s+%s does not speak the agent dialect over https", u.Dialect, u.Transport)
	}
	papers, err := readPapers(u)
	if err != nil {
		return nil, err
	}
	o = u.Apply(o)
	if o.Timeout <= 0 {
		o.Timeout = patience
	}
	if o.Clock == nil {
		o.Clock = device.RealClock{}
	}
	u.Timeout = o.Timeout
	d := &driver{uri: u, o: o, papers: papers, sent: map[device.Slot]sent{}}
	d.transport = &http.Transport{DialTLSContext: d.dial, MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, DisableCompression: true,
		MaxResponseHeaderBytes: maxHeaders, Protocols: onlyHTTP1()}
	if err := d.introduce(ctx); err != nil {
		_ = d.Close()
		return nil, fault.Wrap(err, "device agent+https://%s", u.Address)
	}
	return d, nil
}

func onlyHTTP1() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	return p
}

// readPapers reads the certificates of both sides.
func readPapers(u device.URI) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(u.Address)
	if err != nil {
		return nil, fault.New(fault.Usage, "a %s device needs host and port, such as 127.0.0.1:9100", u.Transport)
	}
	ca, err := readFile("ca", u.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fault.New(fault.Malformed, "ca=%s has no certificate in PEM", u.CA)
	}
	cert, err := readFile("cert", u.Cert)
	if err != nil {
		return nil, err
	}
	if err := notExposed(u.Key); err != nil {
		return nil, err
	}
	key, err := readFile("key", u.Key)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	own, err := tls.X509KeyPair(cert, key)
	if err != nil { // its words may hold parts of the file
		return nil, fault.New(fault.Malformed, "cert=%s and key=%s are not a certificate and its private key in PEM", u.Cert, u.Key)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, ServerName: host, RootCAs: pool, Certificates: []tls.Certificate{own},
		NextProtos: []string{"http/1.1"}}, nil
}

// maxFile is more than any certificate has.
const maxFile = 1 << 20

func readFile(what, path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.New(fault.NotFound, "file %s does not exist", text.Redact(path)), "%s", what)
	case err != nil:
		return nil, fault.WrapAs(fault.NotFound, err, "%s", what)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fault.New(fault.Malformed, "%s=%s is no file with certificates", what, path)
	}
	raw, err := os.ReadFile(path)
	return raw, fault.WrapAs(fault.Failure, err, "%s", what)
}

// notExposed refuses a private key that others can read. Windows keeps that elsewhere.
func notExposed(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fault.WrapAs(fault.NotFound, err, "%s", "key")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fault.New(fault.FileExposed, "key=%s is open to others (mode %04o); chmod 600 it", path, int(info.Mode().Perm()))
	}
	return nil
}

// dial connects, and remembers what is known to both ends of this connection alone.
func (d *driver) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	raw, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, d.papers)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	state := conn.ConnectionState()
	seed, err := state.ExportKeyingMaterial("EXPORTER-poskey-request-ids", nil, seedLen)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	d.noteConnection(seed)
	return conn, nil
}

func (d *driver) connect(ctx context.Context) (net.Conn, error) {
	if d.o.Dial == nil {
		return (&net.Dialer{}).DialContext(ctx, "tcp", d.uri.Address)
	}
	rw, err := d.o.Dial(ctx, d.uri)
	if err != nil {
		return nil, err
	}
	conn, ok := rw.(net.Conn)
	if !ok {
		_ = rw.Close()
		return nil, fault.New(fault.Usage, "the agent dialect needs a network connection")
	}
	return conn, nil
}

// introduce asks what the terminal is.
func (d *driver) introduce(ctx context.Context) error {
	var about manage.About
	if err := d.ask(ctx, question{method: http.MethodGet, path: manage.PathAbout}, &about); err != nil {
		return err
	}
	if about.Protocol != manage.Protocol {
		return fault.New(fault.VersionUnsupported, "the terminal speaks version %d of the agent dialect, this program version %d",
			about.Protocol, manage.Protocol)
	}
	return d.learn(about)
}

package device

import (
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// URI is a device's name taken apart.
type URI struct {
	Dialect   string // visa
	Transport string // tcp or pty
	Address   string // HOST:PORT, or the path of the terminal line
	Timeout   time.Duration
	Retries   int // as in Options
}

// Transports of this version.
const (
	TCP = "tcp"
	PTY = "pty"
)

const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 5 * time.Minute
	maxRetries = 10
)

// ParseURI reads a device's name. What this version does not know is refused, and said.
func ParseURI(s string) (URI, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return URI{}, fault.New(fault.Usage, "device %q is not of the form visa+tcp://HOST:PORT or visa+pty:///dev/pts/N", text.Redact(s))
	}
	if u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return URI{}, fault.New(fault.Usage,
			"device %q: nothing may stand in it but host, port or path, and ?timeout= and ?retries=", text.Redact(s))
	}
	out := URI{}
	if out.Dialect, out.Transport, err = parseScheme(u.Scheme); err != nil {
		return URI{}, err
	}
	if out.Address, err = parseAddress(out.Transport, u); err != nil {
		return URI{}, fault.Wrap(err, "device %q", text.Redact(s))
	}
	if err := out.parseQuery(u.RawQuery); err != nil {
		return URI{}, fault.Wrap(err, "device %q", text.Redact(s))
	}
	return out, nil
}

func parseScheme(scheme string) (dialect, transport string, err error) {
	dialect, transport, ok := strings.Cut(scheme, "+")
	if !ok {
		return "", "", fault.New(fault.Usage,
			"device scheme %q must name dialect and transport, such as visa+tcp or visa+pty", text.Redact(scheme))
	}
	if dialect != "visa" {
		return "", "", fault.New(fault.Usage, "device dialect %q is not in this version; it has visa", text.Redact(dialect))
	}
	if transport != TCP && transport != PTY {
		return "", "", fault.New(fault.Usage, "device transport %q is not in this version; it has tcp and pty", text.Redact(transport))
	}
	return dialect, transport, nil
}

func parseAddress(transport string, u *url.URL) (string, error) {
	if transport == TCP {
		if u.Path != "" && u.Path != "/" {
			return "", fault.New(fault.Usage, "a tcp device has no path")
		}
		return checkHostPort(u.Host)
	}
	if u.Host != "" {
		return "", fault.New(fault.Usage, "a pty device has no host: write three slashes, visa+pty:///dev/pts/N")
	}
	if !path.IsAbs(u.Path) || path.Clean(u.Path) == "/" {
		return "", fault.New(fault.Usage, "a pty device needs the absolute path of a terminal line, such as /dev/pts/3")
	}
	return path.Clean(u.Path), nil
}

func checkHostPort(hostPort string) (string, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil || host == "" {
		return "", fault.New(fault.Usage, "a tcp device needs host and port, such as 127.0.0.1:9100")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fault.New(fault.Usage, "port %q is not a number from 1 to 65535", port)
	}
	return hostPort, nil
}

func (u *URI) parseQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return fault.New(fault.Usage, "the part after the question mark cannot be read")
	}
	for name, values := range query {
		if len(values) != 1 {
			return fault.New(fault.Usage, "parameter %q is given twice", name)
		}
		switch name {
		case "timeout":
			err = u.setTimeout(values[0])
		case "retries":
			err = u.setRetries(values[0])
		default:
			err = fault.New(fault.Usage, "parameter %q is unknown; known: timeout, retries", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *URI) setTimeout(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < minTimeout || d > maxTimeout {
		return fault.New(fault.Usage, "timeout %q is not a duration from %s to %s, such as 5s", s, minTimeout, maxTimeout)
	}
	u.Timeout = d
	return nil
}

func (u *URI) setRetries(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxRetries {
		return fault.New(fault.Usage, "retries %q is not a number from 0 to %d", s, maxRetries)
	}
	if u.Retries = n; n == 0 {
		u.Retries = NoRetries
	}
	return nil
}

// String gives the name back; ParseURI reads it as the same device.
func (u URI) String() string {
	out := url.URL{Scheme: u.Dialect + "+" + u.Transport}
	if u.Transport == TCP {
		out.Host = u.Address
	} else {
		out.Path = u.Address
	}
	query := url.Values{}
	if u.Timeout != 0 {
		query.Set("timeout", u.Timeout.String())
	}
	if u.Retries != 0 {
		query.Set("retries", strconv.Itoa(max(u.Retries, 0)))
	}
	out.RawQuery = query.Encode()
	return out.String()
}

// Apply puts what the URI says into the options.
func (u URI) Apply(o Options) Options {
	if u.Timeout != 0 {
		o.Timeout = u.Timeout
	}
	if u.Retries != 0 {
		o.Retries = u.Retries
	}
	return o
}

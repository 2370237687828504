package device

import (
	"maps"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// URI is a device's name taken apart. Of the fields from Baud on the zero value is the default, and stands for a
// parameter that is not there.
type URI struct {
	Dialect   string // visa, futurex or agent
	Transport string // tcp, serial, pty or https
	Address   string // HOST:PORT, or the path of the terminal line
	Timeout   time.Duration
	Retries   int    // as in Options
	Baud      int    // of serial and pty; see LineSpeed
	Mode      string // of serial and pty: data bits, parity, stop bits as in 7E1; see LineMode
	Slots     string // of futurex: how slot numbers are written, as in Options
	Profile   string // of visa and futurex: which terminals, as in Options
	CA        string // of agent: file with the certificates that the device's own must come from
	Cert      string // of agent: file with the certificate that the host shows
	Key       string // of agent: file with its private key
}

// Dialects.
const (
	Visa    = "visa"
	Futurex = "futurex"
	Agent   = "agent"
)

// Transports.
const (
	TCP    = "tcp"
	Serial = "serial"
	PTY    = "pty"
	HTTPS  = "https"
)

const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 5 * time.Minute
	maxRetries = 10
)

// transportsOf gives the transports of a dialect; nil for one that is unknown.
func transportsOf(dialect string) []string {
	switch dialect {
	case Visa, Futurex:
		return []string{TCP, Serial, PTY}
	case Agent:
		return []string{HTTPS}
	}
	return nil
}

// ParseURI reads a device's name. What this version does not know is refused, and said.
func ParseURI(s string) (URI, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return URI{}, fault.New(fault.Usage, "device %q is not of the form visa+tcp://HOST:PORT, visa+serial:///dev/ttyUSB0 "+
			"or agent+https://HOST:PORT", text.Redact(s))
	}
	if u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return URI{}, fault.New(fault.Usage,
			"device %q: nothing may stand in it but host, port or path, and parameters behind a question mark", text.Redact(s))
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
			"device scheme %q must name dialect and transport, such as visa+tcp or futurex+serial", text.Redact(scheme))
	}
	transports := transportsOf(dialect)
	if transports == nil {
		return "", "", fault.New(fault.Usage, "device dialect %q is not in this version; it has visa, futurex and agent",
			text.Redact(dialect))
	}
	if !slices.Contains(transports, transport) {
		return "", "", fault.New(fault.Usage, "the %s dialect does not go over %q; it goes over: %s", dialect,
			text.Redact(transport), strings.Join(transports, ", "))
	}
	return dialect, transport, nil
}

func parseAddress(transport string, u *url.URL) (string, error) {
	if transport == TCP || transport == HTTPS {
		if u.Path != "" && u.Path != "/" {
			return "", fault.New(fault.Usage, "a %s device has no path", transport)
		}
		return checkHostPort(transport, u.Host)
	}
	if u.Host != "" {
		return "", fault.New(fault.Usage, "a %s device has no host: write three slashes, as in visa+pty:///dev/pts/3",
			transport)
	}
	if !path.IsAbs(u.Path) || path.Clean(u.Path) == "/" {
		return "", fault.New(fault.Usage,
			"a %s device needs the absolute path of a terminal line, such as /dev/ttyUSB0 or /dev/pts/3", transport)
	}
	return path.Clean(u.Path), nil
}

func checkHostPort(transport, hostPort string) (string, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil || host == "" {
		return "", fault.New(fault.Usage, "a %s device needs host and port, such as 127.0.0.1:9100", transport)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fault.New(fault.Usage, "port %q is not a number from 1 to 65535", port)
	}
	return hostPort, nil
}

// parameter is one that may stand behind the question mark.
type parameter struct {
	set   func(u *URI, value string) error
	value func(u URI) string // "" for the default
}

func parameters() map[string]parameter {
	return map[string]parameter{
		"timeout": {(*URI).setTimeout, URI.timeoutText},
		"retries": {(*URI).setRetries, URI.retriesText},
		"baud":    {(*URI).setBaud, func(u URI) string { return numberText(u.Baud) }},
		"mode":    {(*URI).setMode, func(u URI) string { return u.Mode }},
		"slots":   {(*URI).setSlots, func(u URI) string { return u.Slots }},
		"profile": {(*URI).setProfile, func(u URI) string { return u.Profile }},
		"ca":      {func(u *URI, s string) error { return setFile(&u.CA, s) }, func(u URI) string { return u.CA }},
		"cert":    {func(u *URI, s string) error { return setFile(&u.Cert, s) }, func(u URI) string { return u.Cert }},
		"key":     {func(u *URI, s string) error { return setFile(&u.Key, s) }, func(u URI) string { return u.Key }},
	}
}

// parametersOf names the parameters that mean something for this dialect and transport.
func (u URI) parametersOf() []string {
	if u.Dialect == Agent {
		return []string{"timeout", "ca", "cert", "key"}
	}
	names := []string{"timeout", "retries"}
	if u.Transport == Serial || u.Transport == PTY {
		names = append(names, "baud", "mode")
	}
	if u.Dialect == Futurex {
		names = append(names, "slots")
	}
	return append(names, "profile")
}

func (u *URI) parseQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return fault.New(fault.Usage, "the part after the question mark cannot be read")
	}
	known, all := u.parametersOf(), parameters()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		if !slices.Contains(known, name) {
			return fault.New(fault.Usage, "parameter %q is unknown for %s; known: %s", text.Redact(name),
				u.Dialect+"+"+u.Transport, strings.Join(known, ", "))
		}
		if len(values) != 1 {
			return fault.New(fault.Usage, "parameter %q is given twice", name)
		}
		if err := all[name].set(u, values[0]); err != nil {
			return err
		}
	}
	if u.Dialect == Agent && (u.CA == "" || u.Cert == "" || u.Key == "") {
		return fault.New(fault.Usage,
			"both sides of the agent dialect show certificates: ?ca=FILE&cert=FILE&key=FILE is needed")
	}
	return nil
}

func (u *URI) setTimeout(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || CheckTimeout(d) != nil {
		return fault.New(fault.Usage, "timeout %q is not a duration from %s to %s, such as 5s", s, minTimeout, maxTimeout)
	}
	u.Timeout = d
	return nil
}

// CheckTimeout refuses a time for one answer in which none could come, or for which nobody would wait. Error: usage.
func CheckTimeout(d time.Duration) error {
	if d < minTimeout || d > maxTimeout {
		return fault.New(fault.Usage, "timeout %q is not a duration from %s to %s, such as 5s", d.String(), minTimeout, maxTimeout)
	}
	return nil
}

func (u URI) timeoutText() string {
	if u.Timeout == 0 {
		return ""
	}
	return u.Timeout.String()
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

func (u URI) retriesText() string {
	if u.Retries == NoRetries {
		return "0"
	}
	return numberText(u.Retries)
}

func numberText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Bauds are the speeds that a serial line can be told, slowest first: those of go.bug.st/serial.
func Bauds() []int {
	return []int{50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400,
		460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000}
}

func (u *URI) setBaud(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || !slices.Contains(Bauds(), n) {
		return fault.New(fault.Usage, "baud %q is no speed of a serial line; usual: 1200, 2400, 4800, 9600, 19200, 38400, "+
			"57600, 115200", text.Redact(s))
	}
	u.Baud = n
	return nil
}

func (u *URI) setMode(s string) error {
	if !IsLineMode(s) {
		return fault.New(fault.Usage,
			"mode %q is not data bits (7 or 8), parity (N, E or O) and stop bits (1 or 2), as in 8N1 or 7E1", text.Redact(s))
	}
	u.Mode = s
	return nil
}

// IsLineMode says whether this is data bits (7 or 8), parity (N, E or O) and stop bits (1 or 2).
func IsLineMode(s string) bool {
	return len(s) == 3 && (s[0] == '7' || s[0] == '8') && strings.IndexByte("NEO",
		s[1]) >= 0 && (s[2] == '1' || s[2] == '2')
}

// LineSpeed is the speed of the line in bauds: the URI's, else the dialect's.
func (u URI) LineSpeed() int {
	switch {
	case u.Baud != 0:
		return u.Baud
	case u.Dialect == Futurex:
		return 115200
	}
	return 9600
}

// LineMode is the URI's mode of the line, else 8N1.
func (u URI) LineMode() string {
	if u.Mode != "" {
		return u.Mode
	}
	return "8N1"
}

func (u *URI) setSlots(s string) error {
	if s != SlotsDecimal && s != SlotsHex {
		return fault.New(fault.Usage, "slots are written decimal or hex, not %q", text.Redact(s))
	}
	u.Slots = s
	return nil
}

func (u *URI) setProfile(s string) error {
	if known := Profiles(u.Dialect); !slices.Contains(known, s) {
		return fault.New(fault.Usage, "profile %q is unknown for %s; known: %s", text.Redact(s), u.Dialect,
			strings.Join(known, ", "))
	}
	u.Profile = s
	return nil
}

func setFile(to *string, s string) error {
	if s == "" || strings.IndexByte(s, 0) >= 0 {
		return fault.New(fault.Usage, "ca, cert and key name files")
	}
	*to = s
	return nil
}

// String gives the name back; ParseURI reads it as the same device.
func (u URI) String() string {
	out := url.URL{Scheme: u.Dialect + "+" + u.Transport}
	if u.Transport == TCP || u.Transport == HTTPS {
		out.Host = u.Address
	} else {
		out.Path = u.Address
	}
	query, all := url.Values{}, parameters()
	for _, name := range u.parametersOf() {
		if v := all[name].value(u); v != "" {
			query.Set(name, v)
		}
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
	if u.Slots != "" {
		o.Slots = u.Slots
	}
	if u.Profile != "" {
		o.Profile = u.Profile
	}
	return o
}

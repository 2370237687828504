package fleet

// The list of expected devices.

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

// Expected is a device on a list.
type Expected struct {
	Serial     string
	Device     string // where it is reached
	Model      string
	POIVersion string
	KBPK       string
	Note       string
}

// Manifest is a list of expected devices, by serial.
type Manifest struct {
	Devices  []Expected
	Warnings []text.Text
}

// Bounds of a list.
const (
	maxManifest = 256 << 20 // bytes
	maxDevices  = 2_000_000
)

// columns of a list, in the order of the digest.
func columns() []string { return []string{"serial", "device", "model", "poi_version", "kbpk", "note"} }

func (e *Expected) field(column string) *string {
	switch column {
	case "serial":
		return &e.Serial
	case "device":
		return &e.Device
	case "model":
		return &e.Model
	case "poi_version":
		return &e.POIVersion
	case "kbpk":
		return &e.KBPK
	}
	return &e.Note
}

// ParseManifest reads a list. Errors: malformed, with the line; too_large; argv_secret for what looks like key digits.
func ParseManifest(r io.Reader) (Manifest, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	switch {
	case err != nil:
		return Manifest{}, fault.WrapAs(fault.Failure, err, "read the list of devices")
	case len(raw) > maxManifest:
		return Manifest{}, fault.New(fault.TooLarge, "the list of devices is larger than %d bytes", maxManifest)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if !utf8.Valid(raw) {
		return Manifest{}, fault.New(fault.Malformed, "the list of devices is not UTF-8; save it as CSV UTF-8")
	}
	m, err := parseList(raw)
	return m, fault.Wrap(err, "list of devices")
}

// lines reads the list row by row.
type lines struct {
	csv    *csv.Reader
	header []string
	number int
}

func parseList(raw []byte) (Manifest, error) {
	in, err := readHeader(raw)
	if err != nil {
		return Manifest{}, err
	}
	var all []Expected
	at := map[string]int{} // lines of the serials
	for {
		e, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && at[e.Serial] > 0 {
			err = fault.New(fault.Malformed, "serial %s stands in line %d already", e.Serial, at[e.Serial])
		}
		if err == nil && len(all) == maxDevices {
			err = fault.New(fault.TooLarge, "there are more than %d devices", maxDevices)
		}
		if err != nil {
			return Manifest{}, fault.Wrap(err, "line %d", in.number)
		}
		at[e.Serial] = in.number
		all = append(all, e)
	}
	if len(all) == 0 {
		return Manifest{}, fault.New(fault.Malformed, "there is no device in it")
	}
	return settleList(all), nil
}

func readHeader(raw []byte) (*lines, error) {
	first, _, _ := bytes.Cut(raw, []byte{'\n'})
	in := &lines{csv: csv.NewReader(bytes.NewReader(raw))}
	in.csv.FieldsPerRecord = -1 // counted here, to say it better
	if bytes.ContainsRune(first, ';') {
		in.csv.Comma = ';'
	}
	header, err := in.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Malformed, "it is empty; the first line names the columns: %s", strings.Join(columns(), ","))
	}
	if err != nil {
		return nil, fault.Wrap(in.csvError(err), "line 1")
	}
	for _, name := range header {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(columns(), name):
			return nil, fault.New(fault.Malformed, "line 1: unknown column %q; known: %s", text.Redact(name), strings.Join(columns(), ", "))
		case slices.Contains(in.header, name):
			return nil, fault.New(fault.Malformed, "line 1: column %s is there twice", name)
		}
		in.header = append(in.header, name)
	}
	for _, name := range []string{"serial", "device"} {
		if !slices.Contains(in.header, name) {
			return nil, fault.New(fault.Malformed, "line 1: there is no column %s", name)
		}
	}
	return in, nil
}

// csvError says what the reader of CSV says, without repeating the line, and takes the line's number from it.
func (in *lines) csvError(err error) error {
	in.number++
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		in.number = parse.Line
		return fault.New(fault.Malformed, "column %d: %s", parse.Column, parse.Err.Error())
	}
	return fault.WrapAs(fault.Malformed, err, "it cannot be read")
}

func (in *lines) next() (Expected, error) {
	row, err := in.csv.Read()
	if errors.Is(err, io.EOF) {
		return Expected{}, io.EOF
	}
	if err != nil {
		return Expected{}, in.csvError(err)
	}
	in.number, _ = in.csv.FieldPos(0)
	if len(row) != len(in.header) {
		return Expected{}, fault.New(fault.Malformed, "it has %d fields, the first line names %d", len(row), len(in.header))
	}
	var e Expected
	for i, name := range in.header {
		*e.field(name) = strings.TrimSpace(row[i])
	}
	return e, e.check()
}

func (e *Expected) check() error {
	if e.Serial == "" || len(e.Serial) > 64 ||
		strings.ContainsFunc(e.Serial, func(c rune) bool { return c <= ' ' || c >= 0x7F }) {
		return fault.New(fault.Malformed, "serial %q is not 1 to 64 printable characters without blanks", text.Redact(e.Serial))
	}
	if _, err := device.ParseURI(e.Device); err != nil {
		return fault.WrapAs(fault.Malformed, err, "device %s", e.Serial)
	}
	if e.POIVersion != "" {
		if _, err := inject.ParsePOIVersion(e.POIVersion); err != nil {
			return err
		}
	}
	if e.KBPK != "" {
		if _, err := store.ParseRef(e.KBPK); err != nil {
			return fault.WrapAs(fault.Malformed, err, "the kbpk of device %s", e.Serial)
		}
	}
	for _, name := range columns() {
		value := *e.field(name)
		if text.Redact(value) != value && name != "serial" && name != "device" {
			return fault.New(fault.ArgvSecret, "column %s: a list holds no key digits; it is a file that people read", name)
		}
		if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7F }) {
			return fault.New(fault.Malformed, "column %s has a control character", name)
		}
	}
	row := store.RunDevice{Serial: e.Serial, URI: e.Device, Model: e.Model, POIVersion: e.POIVersion, KBPK: e.KBPK, Note: e.Note}
	if err := row.Check(); err != nil {
		return fault.WrapAs(fault.Malformed, err, "the store would not take it")
	}
	return nil
}

// PlaceOf names what a device's URI reaches, however it is written: parameters say how, not what, and localhost is the
// first loopback address.
func PlaceOf(uri string) string {
	u, err := device.ParseURI(uri)
	if err != nil {
		return uri
	}
	at := u.Address
	if host, port, err := net.SplitHostPort(at); err == nil {
		if host = strings.ToLower(strings.TrimSuffix(host, ".")); host == "localhost" {
			host = "127.0.0.1"
		}
		if ip, err := netip.ParseAddr(host); err == nil {
			host = ip.Unmap().String()
		}
		at = net.JoinHostPort(host, port)
	}
	return at
}

// settleList sorts the devices and says what is odd about them.
func settleList(all []Expected) Manifest {
	slices.SortFunc(all, func(a, b Expected) int { return strings.Compare(a.Serial, b.Serial) })
	m := Manifest{Devices: all}
	at, folded := map[string]string{}, map[string]string{}
	shared, alike := 0, 0
	for _, e := range all {
		place, fold := PlaceOf(e.Device), strings.ToUpper(e.Serial)
		if other, ok := at[place]; ok {
			if shared++; shared <= maxWarnings {
				m.Warnings = append(m.Warnings, text.New("devices %s and %s have the same address; they are loaded one after the other", other,
					e.Serial))
			}
		}
		if other, ok := folded[fold]; ok {
			if alike++; alike <= maxWarnings {
				m.Warnings = append(m.Warnings, text.New("serials %s and %s differ in capital letters only", other, e.Serial))
			}
		}
		at[place], folded[fold] = e.Serial, e.Serial
	}
	if shared > maxWarnings {
		m.Warnings = append(m.Warnings, text.New("%d devices more have an address that another device has", shared-maxWarnings))
	}
	if alike > maxWarnings {
		m.Warnings = append(m.Warnings, text.New("%d serials more differ in capital letters only", alike-maxWarnings))
	}
	return m
}

// maxWarnings is how many warnings of a kind are told one by one.
const maxWarnings = 10

// Digest is that of the list: see the package documentation. 64 upper-case hex digits.
func (m *Manifest) Digest() string {
	h := sha256.New()
	for i := range m.Devices {
		var row []string
		for _, name := range columns() {
			row = append(row, *m.Devices[i].field(name))
		}
		line, err := json.Marshal(row)
		if err != nil { // strings can always be written
			return ""
		}
		h.Write(append(line, '\n'))
	}
	return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
}

// SerialsDigest is SHA-256 over the serials, each with a line feed, in their order: 64 upper-case hex digits.
func (m *Manifest) SerialsDigest() string {
	h := sha256.New()
	for i := range m.Devices {
		h.Write([]byte(m.Devices[i].Serial + "\n"))
	}
	return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
}

// WriteCSV writes the list as it is read, with every column.
func (m *Manifest) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{columns()}
	for i := range m.Devices {
		var row []string
		for _, name := range columns() {
			row = append(row, *m.Devices[i].field(name))
		}
		rows = append(rows, row)
	}
	return fault.WrapAs(fault.Failure, out.WriteAll(rows), "write the list of devices")
}

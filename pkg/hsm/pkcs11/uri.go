package pkcs11

// A token's name: RFC 7512, the part of it that selects a token and a master key.

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"poskey/internal/fault"
)

// Scheme begins every URI of this package.
const Scheme = "pkcs11:"

// Software says whether jobs that the token cannot do itself may be done in this process.
type Software string

// The values of software=.
const (
	SoftwareUnsaid Software = ""       // as Options.Allow says
	SoftwareAllow  Software = "allow"  // yes
	SoftwareRefuse Software = "refuse" // no, whatever Options.Allow says
)

// URI is a token's name taken apart. Empty fields select nothing.
type URI struct {
	Token        string // the token's label
	Serial       string
	Model        string
	Manufacturer string
	Slot         uint // number of the slot, if HasSlot
	HasSlot      bool
	Object       string // name of the master key; its objects are Object-wrap and Object-mac

	Module    string   // module-path: absolute
	PINFile   string   // pin-source: path of a file with the PIN; "" asks
	ConfigDir string   // nss-configdir: folder of an NSS database, absolute
	Software  Software // software
}

// maxURI bounds what is read as a name.
const maxURI = 8 << 10

// Parse reads a token's name. Attributes and values that select nothing here are refused, and the text is never
// repeated in an error, since a PIN may stand in it. Kinds: usage, and argv_secret for pin-value.
func Parse(uri string) (URI, error) {
	rest, ok := strings.CutPrefix(uri, Scheme)
	if !ok || len(uri) > maxURI {
		return URI{}, fault.New(fault.Usage, "a token's name has the form pkcs11:token=LABEL?module-path=/PATH.so")
	}
	path, query, asked := strings.Cut(rest, "?")
	var u URI
	if err := u.each(path, ";", u.setPath); err != nil {
		return URI{}, err
	}
	if asked {
		if err := u.each(query, "&", u.setQuery); err != nil {
			return URI{}, err
		}
	}
	return u, nil
}

// IsURI reports whether a boundary's name is one of this package.
func IsURI(s string) bool { return strings.HasPrefix(s, Scheme) }

// each hands every attribute of a part to set, decoded, each name once.
func (u *URI) each(part, separator string, set func(name, value string) error) error {
	if part == "" {
		return nil
	}
	seen := map[string]bool{}
	for i, attribute := range strings.Split(part, separator) {
		name, raw, ok := strings.Cut(attribute, "=")
		if !ok || !isName(name) {
			return fault.New(fault.Usage, "attribute %d of the pkcs11: name is not of the form NAME=VALUE", i+1)
		}
		value, err := url.PathUnescape(raw)
		if err != nil {
			return fault.New(fault.Usage,
				"%s= of the pkcs11: name: a percent sign is not followed by two hex digits", name)
		}
		if value == "" || strings.ContainsRune(value, 0) {
			return fault.New(fault.Usage, "%s= of the pkcs11: name is empty or holds a zero byte", name)
		}
		if seen[name] {
			return fault.New(fault.Usage, "%s= stands twice in the pkcs11: name", name)
		}
		seen[name] = true
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// isName keeps what is repeated in errors to words that look like attribute names.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 24
}

func (u *URI) setPath(name, value string) error {
	switch name {
	case "token":
		u.Token = value
	case "serial":
		u.Serial = value
	case "model":
		u.Model = value
	case "manufacturer":
		u.Manufacturer = value
	case "object":
		u.Object = value
	case "slot-id":
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != value {
			return fault.New(fault.Usage, "slot-id= of the pkcs11: name is not a decimal number")
		}
		u.Slot, u.HasSlot = uint(n), true
	default:
		return fault.New(fault.Usage, "attribute %s of the pkcs11: name is unknown here; known: %s", name,
			"token serial model manufacturer slot-id object")
	}
	return nil
}

func (u *URI) setQuery(name, value string) (err error) {
	switch name {
	case "module-path":
		u.Module, err = absolute(name, value)
	case "pin-source":
		path, ok := strings.CutPrefix(value, "file:")
		if !ok || path == "" {
			return fault.New(fault.Usage,
				"pin-source= of the pkcs11: name must be file:PATH; without it the PIN is asked for")
		}
		u.PINFile = path
	case "pin-value":
		return fault.New(fault.ArgvSecret, "pin-value= puts the PIN where every user of this machine can read it; "+
			"use pin-source=file:PATH, or let it be asked for")
	case "nss-configdir":
		u.ConfigDir, err = absolute(name, value)
		if err == nil && strings.ContainsAny(value, `'"\`) {
			err = fault.New(fault.Usage, "nss-configdir= of the pkcs11: name may hold no quotes and no backslash")
		}
	case "software":
		switch s := Software(value); s {
		case SoftwareAllow, SoftwareRefuse:
			u.Software = s
		default:
			err = fault.New(fault.Usage, "software= of the pkcs11: name is allow or refuse")
		}
	default:
		err = fault.New(fault.Usage, "attribute %s of the pkcs11: name is unknown here; known: %s", name,
			"module-path pin-source nss-configdir software")
	}
	return err
}

// absolute refuses relative paths: where they lead depends on the folder the command was started in, and a module is code.
func absolute(name, path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fault.New(fault.Usage, "%s= of the pkcs11: name must be an absolute path", name)
	}
	return path, nil
}

// String gives the name back; Parse reads it as the same token.
func (u URI) String() string {
	var path, query []string
	add := func(to *[]string, name, value string) {
		if value != "" {
			*to = append(*to, name+"="+escape(value))
		}
	}
	add(&path, "token", u.Token)
	add(&path, "serial", u.Serial)
	add(&path, "model", u.Model)
	add(&path, "manufacturer", u.Manufacturer)
	if u.HasSlot {
		add(&path, "slot-id", strconv.FormatUint(uint64(u.Slot), 10))
	}
	add(&path, "object", u.Object)
	add(&query, "module-path", u.Module)
	if u.PINFile != "" {
		add(&query, "pin-source", "file:"+u.PINFile)
	}
	add(&query, "nss-configdir", u.ConfigDir)
	add(&query, "software", string(u.Software))
	out := Scheme + strings.Join(path, ";")
	if len(query) > 0 {
		out += "?" + strings.Join(query, "&")
	}
	return out
}

// escape leaves what RFC 7512 leaves in both parts of a name, and the slash of paths.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if letter || strings.IndexByte("-._~/:", c) >= 0 {
			out.WriteByte(c)
			continue
		}
		out.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return out.String()
}

// allows reports whether jobs may be done in this process.
func (u URI) allows(allowed bool) bool {
	return u.Software == SoftwareAllow || u.Software == SoftwareUnsaid && allowed
}

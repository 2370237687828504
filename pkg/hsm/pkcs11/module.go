//go:build cgo && !windows

package pkcs11

// Modules of this process: loaded, initialised and finalised once, and who is logged in where.

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"unsafe"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
)

/*
#include <stdlib.h>
*/
import "C"

// Available reports whether this build has PKCS#11.
func Available() bool { return true }

// Modules is the register of modules of a process. PKCS#11 has one state per library and process: C_Initialize may be
// called once, a login counts for all sessions with a token, and C_Finalize ends everybody's. So the register counts
// users; it is a value that is handed around, and not a variable of the package, so that tests can see its end.
type Modules struct {
	mu     sync.Mutex
	loaded map[string]*module // by path; they stay loaded
}

// NewModules makes an empty register.
func NewModules() *Modules { return &Modules{loaded: map[string]*module{}} }

// module is a library. Its fields are the register's, but for the two that call it.
type module struct {
	register *Modules
	*p11.Ctx
	native

	config string // what it was initialised with
	users  int
	ours   bool // initialised here, so finalised here
	logins map[uint]*login
}

// login counts who uses a login. The PIN is kept to hold the next one's against it: the token would take any, as
// somebody is logged in already.
type login struct {
	users int
	pin   *secret.Bytes
}

// use loads and initialises a module, or joins those who use it.
func (r *Modules) use(u URI) (*module, error) {
	if u.Module == "" {
		return nil, fault.New(fault.Usage,
			"module-path= is missing in the pkcs11: name; it names the library of the token")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m, err := r.load(u.Module)
	if err != nil {
		return nil, err
	}
	config := nssParameters(u.ConfigDir)
	if m.users > 0 && m.config != config {
		return nil, fault.New(fault.Busy, "the module is in use with another nss-configdir= in this process")
	}
	if m.users == 0 {
		if err := m.initialise(config); err != nil {
			return nil, err
		}
	}
	m.users++
	return m, nil
}

func (r *Modules) load(path string) (*module, error) {
	if m := r.loaded[path]; m != nil {
		return m, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, "module %s does not exist", text.Redact(path))
	case err != nil:
		return nil, fault.WrapAs(fault.Failure, err, "look at the module")
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "module %s is no file", text.Redact(path))
	}
	list, err := loadNative(path)
	if err != nil {
		return nil, err
	}
	ctx := p11.New(path)
	if ctx == nil {
		return nil, fault.New(fault.DeviceFailed,
			"the module cannot be loaded: it is no PKCS#11 library for this system")
	}
	m := &module{register: r, Ctx: ctx, native: list, logins: map[uint]*login{}}
	r.loaded[path] = m
	return m, nil
}

// nssParameters is what NSS softokn wants to be initialised with. It refuses to be given nothing.
func nssParameters(dir string) string {
	if dir == "" {
		return ""
	}
	return "configdir='sql:" + dir + "' certPrefix='' keyPrefix='' secmod='secmod.db' flags="
}

func (m *module) initialise(config string) error {
	var options []p11.InitializeOption
	if config != "" {
		c := C.CString(config)
		defer C.free(unsafe.Pointer(c))
		options = append(options, p11.InitializeWithReserved(unsafe.Pointer(c)))
	}
	err := m.Initialize(options...)
	switch {
	case isCode(err, p11.CKR_CRYPTOKI_ALREADY_INITIALIZED): // by somebody else in this process, who will finalise it
		m.ours = false
	case isCode(err, p11.CKR_ARGUMENTS_BAD) && config == "":
		return fault.New(fault.Usage,
			"the module wants to be told its folder; for NSS softokn add nss-configdir=/DIR to the pkcs11: name")
	case err != nil && config != "":
		return fault.New(fault.NotFound,
			"the NSS database cannot be opened (%s); is nss-configdir= a folder that this user may write?",
			failed(err, text.New("initialise")))
	case err != nil:
		return fault.Wrap(failed(err, text.New("initialise")),
			"is the token's configuration file where the module looks for it?")
	default:
		m.ours = true
	}
	m.config = config
	return nil
}

// drop ends a use; the last one finalises.
func (m *module) drop() error {
	m.register.mu.Lock()
	defer m.register.mu.Unlock()
	if m.users--; m.users > 0 || !m.ours {
		return nil
	}
	return failed(m.Finalize(), text.New("finalise"))
}

// enter logs in, or joins a login that is there. pin is not wiped.
func (m *module) enter(slot uint, s p11.SessionHandle, pin *secret.Bytes) error {
	m.register.mu.Lock()
	defer m.register.mu.Unlock()
	if in := m.logins[slot]; in != nil {
		if !in.pin.Equal(pin) {
			return fault.New(fault.AuthFailed, "the PIN is not the one with which this process is logged in")
		}
		in.users++
		return nil
	}
	err := m.native.login(s, pin)
	if err != nil && !isCode(err, p11.CKR_USER_ALREADY_LOGGED_IN) {
		return err
	}
	m.logins[slot] = &login{users: 1, pin: pin.Clone()}
	return nil
}

// leave ends a use of a login; the last one logs out. A token that is gone is logged out as well.
func (m *module) leave(slot uint, s p11.SessionHandle) {
	m.register.mu.Lock()
	defer m.register.mu.Unlock()
	in := m.logins[slot]
	if in == nil {
		return
	}
	if in.users--; in.users > 0 {
		return
	}
	in.pin.Wipe()
	delete(m.logins, slot)
	_ = m.Logout(s)
}

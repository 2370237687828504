package cli

// One process of a user at an address. Whoever is killed lets go at once, and whoever is not is not taken for dead.

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/fleet"
)

// lines is where processes tell each other at which addresses they load devices: bytes of an empty file are locked, one
// for each address.
type lines struct{ file *os.File }

// openLines opens it, beside the sockets of agents.
func (a *App) openLines() (*lines, error) {
	dir := filepath.Dir(a.socketPath("lines"))
	if err := makeOwnDir(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lines"), os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "the file by which addresses of devices are kept apart")
	}
	return &lines{f}, nil
}

func (l *lines) close() { _ = l.file.Close() }

// hold keeps the other processes of this user from an address. Errors: busy.
func (l *lines) hold(place string) (release func(), err error) {
	sum := sha256.Sum256([]byte(place))
	at := int64(binary.BigEndian.Uint64(sum[:]) >> 2)
	switch held, err := lockByte(l.file, at); {
	case err != nil:
		return nil, fault.WrapAs(fault.Failure, err, "keep others from %s", text.Redact(place))
	case !held:
		return nil, fault.New(fault.Busy, "another poskey on this machine is loading the device at %s; wait for its end", text.Redact(place))
	}
	return func() { unlockByte(l.file, at) }, nil
}

// alone keeps others from the device of an injection.
func (in *injection) alone() error {
	if !in.app.holding.named {
		return nil // without a store nothing is loaded once
	}
	l, err := in.app.openLines()
	if err != nil {
		return err
	}
	in.closers = append(in.closers, func() error { l.close(); return nil }) // and with it the lock
	_, err = l.hold(fleet.PlaceOf(in.doc.Device))
	return err
}

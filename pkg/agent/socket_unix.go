//go:build linux || darwin

package agent

// The socket: a file that only its owner can reach, the peers' user ids, and descriptors that cross it.

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"poskey/internal/fault"
)

// supported tells whether this system has what an agent needs.
func supported() error { return nil }

// maxPath is what the systems take as the path of a socket; Linux takes four bytes more.
const maxPath = 103

// prepareSocket makes the folder, and takes away a socket that an agent left behind. Errors: busy when an agent answers
// there; file_exposed for a folder that others can enter; file_exists for anything else in its place.
func prepareSocket(path string) error {
	if len(path) > maxPath {
		return errPath(path)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.WrapAs(kindOf(err), err, "the folder of the agent's socket")
	}
	if err := checkDir(dir); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.WrapAs(kindOf(err), err, "the agent's socket")
	}
	if info.Mode().Type() != fs.ModeSocket || ownerOf(info) != os.Geteuid() {
		return fault.New(fault.FileExists, "%s is there and is no socket of yours", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close() // it only asked whether somebody is there
		return fault.New(fault.Busy, "an agent serves this store already")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fault.WrapAs(kindOf(err), err, "the agent's socket")
	}
	return fault.WrapAs(fault.Failure, os.Remove(path), "take away the socket of an agent that is gone")
}

func errPath(path string) error {
	return fault.New(fault.Usage, "the path of the agent's socket has %d bytes and may have %d: %s", len(path), maxPath,
		path)
}

// checkDir wants a folder of ours that nobody else enters.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fault.WrapAs(kindOf(err), err, "the folder of the agent's socket")
	}
	switch {
	case !info.IsDir():
		return fault.New(fault.FileExposed, "%s is no folder but a link or a file", dir)
	case ownerOf(info) != os.Geteuid():
		return fault.New(fault.FileExposed, "%s belongs to somebody else", dir)
	case info.Mode().Perm()&0o077 != 0:
		return fault.New(fault.FileExposed, "others can enter %s (mode %s); chmod 700 it", dir, info.Mode().Perm().String())
	}
	return nil
}

func ownerOf(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}

func kindOf(err error) fault.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound
	case errors.Is(err, fs.ErrPermission):
		return fault.NotPermitted
	}
	return fault.Failure
}

// socket is the listener with the file that it made.
type socket struct {
	listener *net.UnixListener
	path     string
	info     fs.FileInfo
}

// listen binds the socket so that nobody else could ever have opened it.
func listen(path string) (*socket, error) {
	if err := prepareSocket(path); err != nil {
		return nil, err
	}
	before := unix.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	unix.Umask(before)
	if err != nil {
		return nil, fault.WrapAs(kindOf(err), err, "the agent's socket")
	}
	l.SetUnlinkOnClose(false) // by then it may be somebody else's
	info, err := os.Lstat(path)
	if err == nil && info.Mode().Perm() != 0o600 {
		err = fault.New(fault.FileExposed, "the agent's socket came out with the mode %s", info.Mode().Perm().String())
	}
	if err != nil {
		_ = l.Close() // the error says more
		return nil, fault.WrapAs(kindOf(err), err, "the agent's socket")
	}
	return &socket{l, path, info}, nil
}

func (s *socket) accept() (*net.UnixConn, error) { return s.listener.AcceptUnix() }

// ours reports whether the path still names the socket that was made.
func (s *socket) ours() bool {
	now, err := os.Lstat(s.path)
	return err == nil && os.SameFile(now, s.info)
}

// close takes the file away, if it is still ours.
func (s *socket) close() error {
	var err error
	if s.ours() {
		err = os.Remove(s.path)
	}
	return errors.Join(err, s.listener.Close())
}

// dialSocket connects to an agent of this user.
func dialSocket(ctx context.Context, path string) (*net.UnixConn, error) {
	if len(path) > maxPath {
		return nil, errPath(path)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			_ = conn.Close() // nobody waits for it any more
		}
		return nil, fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the agent was not asked")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return nil, errNoAgentRuns()
	case errors.Is(err, syscall.EAGAIN):
		return nil, fault.New(fault.Busy, "the agent has more connections waiting than it takes; try again")
	case err != nil:
		return nil, fault.WrapAs(kindOf(err), err, "the agent's socket")
	}
	u := conn.(*net.UnixConn) // the network is unix
	uid, err := peerUID(u)
	if err != nil || uid != os.Geteuid() {
		_ = u.Close() // whoever it is, it is told nothing
		return nil, fault.New(fault.NotPermitted, "the socket %s is served by somebody else", path)
	}
	return u, nil
}

// sendFiles writes bytes with descriptors beside them.
func sendFiles(conn *net.UnixConn, b []byte, files []*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		raw, err := f.SyscallConn()
		if err != nil {
			return err
		}
		if err := raw.Control(func(fd uintptr) { fds[i] = int(fd) }); err != nil {
			return err
		}
	}
	n, _, err := conn.WriteMsgUnix(b, unix.UnixRights(fds...), nil)
	if err == nil && n < len(b) {
		return io.ErrShortWrite
	}
	return err
}

// Read reads from the connection and keeps descriptors that come with it. Too many of them end the connection.
func (c *session) Read(p []byte) (int, error) {
	room := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, oobn, flags, _, err := c.conn.ReadMsgUnix(p, room)
	if oobn > 0 {
		if kept := c.keep(room[:oobn]); kept != nil {
			return 0, kept
		}
	}
	switch {
	case err != nil:
		return 0, err
	case flags&unix.MSG_CTRUNC != 0:
		return 0, fault.New(fault.TooLarge, "more descriptors than belong to any question")
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *session) keep(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // not descriptors
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			c.files = append(c.files, os.NewFile(uintptr(fd), "handed over"))
		}
	}
	if len(c.files) > maxFiles {
		return fault.New(fault.TooLarge, "more descriptors than belong to any question")
	}
	return nil
}

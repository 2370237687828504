//go:build !linux && !darwin

package agent

// Systems without an agent: everything compiles, and says so.

import (
	"context"
	"errors"
	"net"
	"os"

	"poskey/internal/fault"
	"poskey/pkg/custody"
)

func supported() error {
	return fault.New(fault.NotPermitted,
		"this system has no agent, since its sockets do not tell who is at the other end; "+
			"keep the master key in a token")
}

func readClocks() (custody.Instant, error) {
	return custody.Instant{}, errors.New("no clock tells when the machine slept")
}

func harden() (weak, err error)  { return nil, supported() }
func watched() error             { return supported() }
func unguarded() bool            { return true }
func prepareSocket(string) error { return supported() }

type socket struct{}

func listen(string) (*socket, error)             { return nil, supported() }
func (s *socket) accept() (*net.UnixConn, error) { return nil, supported() }
func (s *socket) ours() bool                     { return false }
func (s *socket) close() error                   { return nil }

func peerUID(*net.UnixConn) (int, error) { return -1, supported() }

func dialSocket(context.Context, string) (*net.UnixConn, error) { return nil, supported() }

func sendFiles(*net.UnixConn, []byte, []*os.File) error { return supported() }

func (c *session) Read([]byte) (int, error) { return 0, supported() }

// Start is refused on this system.
func Start(context.Context, StartSpec, func(Event)) (Started, error) { return Started{}, supported() }

// Adopt is refused on this system.
func Adopt() (Config, Ports, error) { return Config{}, Ports{}, supported() }

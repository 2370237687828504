package hsm

// Protectors ready for use, so that a batch derives the keys of its KBPK once and not for every line.

import (
	"poskey/internal/fault"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// lease is a protector with the KBPK that it borrows.
type lease struct {
	id   string
	kbpk *keys.Key
	*keyblock.Protector
}

// maxIdle bounds how many protectors are kept ready. A batch uses one KBPK for all lines or a few.
const maxIdle = 64

// lease gives a protector for one use under somebody's KBPK. Protectors are kept, since deriving their keys costs more
// than a block does.
func (s *soft) lease(version byte, kbpk Key) (*lease, error) {
	if kbpk.Block == "" {
		return nil, fault.New(fault.Usage, "no KBPK was given")
	}
	return s.leaseFor(version, string(version)+kbpk.Block, func() (*keys.Key, error) { return s.open(kbpk) })
}

// leaseMaster gives a protector under the master key.
func (s *soft) leaseMaster() (*lease, error) {
	return s.leaseFor('D', "master", func() (*keys.Key, error) { return keys.New(keys.AES256, s.master.Secret().Clone()) })
}

func (s *soft) leaseFor(version byte, id string, kbpk func() (*keys.Key, error)) (*lease, error) {
	if l, err := s.takeIdle(id); l != nil || err != nil {
		return l, err
	}
	clear, err := kbpk()
	if err != nil {
		return nil, err
	}
	p, err := keyblock.NewProtector(version, clear)
	if err != nil {
		clear.Wipe()
		return nil, err
	}
	return &lease{id, clear, p}, nil
}

func (s *soft) takeIdle(id string) (*lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fault.New(fault.Failure, "the boundary is closed")
	}
	list := s.idle[id]
	if len(list) == 0 {
		return nil, nil
	}
	l := list[len(list)-1]
	s.idle[id] = list[:len(list)-1]
	s.leases--
	return l, nil
}

func (s *soft) giveBack(l *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.leases >= maxIdle {
		l.kbpk.Wipe()
		return
	}
	s.idle[l.id] = append(s.idle[l.id], l)
	s.leases++
}

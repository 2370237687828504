package hsm

// Protectors ready for use, so that a batch derives the keys of its KBPK once and not for every line.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// lease is a protector with the KBPK that it borrows.
type lease struct {
	id   leaseID
	kbpk *keys.Key
	weak []keys.Weakness // of the KBPK in itself, published or not
	*keyblock.Protector
}

// leaseID tells leases apart. That of the master key is the zero value, which no KBPK can have. All that open would
// compare is in it, so that a hit is as good as opening the KBPK: the attributes that were asked are those in its block.
type leaseID struct {
	version byte
	block   string // the KBPK's
	attrs   Attributes
	len     int
}

// maxIdle bounds how many protectors are kept ready. A batch uses one KBPK for all lines or a few.
const maxIdle = 64

// lease gives a protector for one use under somebody's KBPK. Protectors are kept, since deriving their keys costs more
// than a block does.
func (s *soft) lease(ctx context.Context, version byte, kbpk Key) (*lease, error) {
	if kbpk.Block == "" {
		return nil, fault.New(fault.Usage, "no KBPK was given")
	}
	if s.info.Strict && kbpk.Algorithm == keys.DES {
		return nil, fault.New(fault.WeakKey, "the KBPK is single DES")
	}
	return s.leaseFor(ctx, version, leaseID{version, kbpk.Block, kbpk.Attributes, kbpk.Len}, func() (*keys.Key, error) { return s.open(ctx, kbpk) })
}

// leaseMaster gives a protector under the master key.
func (s *soft) leaseMaster(ctx context.Context) (*lease, error) {
	return s.leaseFor(ctx, 'D', leaseID{}, s.copyMaster)
}

// copyMaster holds the lock, since Close wipes the master key.
func (s *soft) copyMaster() (*keys.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed()
	}
	return keys.New(keys.AES256, s.master.Secret().Clone())
}

func errClosed() error { return fault.New(fault.Failure, "the boundary is closed") }

func (s *soft) leaseFor(
	ctx context.Context, version byte, id leaseID, kbpk func() (*keys.Key, error),
) (*lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.WrapAs(fault.Interrupted, err, "the boundary was told to stop")
	}
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
	return &lease{id, clear, keys.StructuralOf(clear.Algorithm(), clear.Secret().Expose()), p}, nil
}

func (s *soft) takeIdle(id leaseID) (*lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed()
	}
	if len(s.idle[id]) == 0 {
		return nil, nil
	}
	return s.pop(id), nil
}

// pop takes a lease off the list of its id, which is not empty.
func (s *soft) pop(id leaseID) *lease {
	list := s.idle[id]
	last := len(list) - 1
	l := list[last]
	list[last] = nil
	s.idle[id] = list[:last] // an empty list stays for the lease that comes back
	s.leases--
	return l
}

func (s *soft) giveBack(l *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		l.kbpk.Wipe()
		return
	}
	s.idle[l.id] = append(s.idle[l.id], l)
	if s.leases++; s.leases > maxIdle {
		s.evict(l.id)
	}
}

// evict makes room for the newest lease: it wipes one of any other KBPK. Those of the master key, which every call
// takes, are the last to go.
func (s *soft) evict(newest leaseID) {
	victim := newest
	for id, list := range s.idle {
		if len(list) > 0 && id != newest && id != (leaseID{}) {
			victim = id
			break
		}
	}
	s.pop(victim).kbpk.Wipe()
	if len(s.idle[victim]) == 0 {
		delete(s.idle, victim)
	}
}

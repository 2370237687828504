//go:build cgo && !windows

package pkcs11

// Keys that were used and may be again: kept as session objects, so that a check value costs no unwrapping.

import (
	"container/list"
	"sync"

	p11 "github.com/miekg/pkcs11"

	"poskey/pkg/hsm"
)

// maxResident bounds how many keys stay in the token's working memory.
const maxResident = 64

// residents are keys ready for use. An object is destroyed when it is old and nobody uses it.
type residents struct {
	mu     sync.Mutex
	at     map[string]*list.Element // by the handle's block
	recent *list.List               // of *resident, newest first
}

// resident is a key as a session object. It can be used, and neither wrapped nor read.
type resident struct {
	of    hsm.Key // all that was held against the block when it was unwrapped
	o     p11.ObjectHandle
	k     kind
	users int
	gone  bool // no longer in the list
}

func newResidents() *residents { return &residents{at: map[string]*list.Element{}, recent: list.New()} }

// take gives a key that is there, or nil. What open would compare is compared again, so that a hit is as good as opening.
func (r *residents) take(k hsm.Key) *resident {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.at[k.Block]
	if e == nil {
		return nil
	}
	found := e.Value.(*resident)
	if found.of.Attributes != k.Attributes || found.of.Len != k.Len {
		return nil
	}
	r.recent.MoveToFront(e)
	found.users++
	return found
}

// put keeps a key that its caller goes on using, and gives the objects that may be destroyed.
func (r *residents) put(x *resident) []p11.ObjectHandle {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.users++
	if r.at[x.of.Block] != nil { // another call was faster; this one's object lives for its call
		x.gone = true
		return nil
	}
	r.at[x.of.Block] = r.recent.PushFront(x)
	if r.recent.Len() <= maxResident {
		return nil
	}
	e := r.recent.Back()
	old := e.Value.(*resident)
	r.recent.Remove(e)
	delete(r.at, old.of.Block)
	old.gone = true
	if old.users > 0 {
		return nil
	}
	return []p11.ObjectHandle{old.o}
}

// release ends a use, and tells whether the object may be destroyed.
func (r *residents) release(x *resident) (last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.users--
	return x.gone && x.users == 0
}

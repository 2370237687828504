package client

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// driver is a terminal that speaks this dialect.
type driver struct {
	uri       device.URI
	o         device.Options
	papers    *tls.Config
	transport *http.Transport
	caps      device.Capabilities
	boot      string
	closed    atomic.Bool

	one sync.Mutex // a load and its question go one at a time

	mu    sync.Mutex
	seed  []byte // of request ids; another one for each connection
	count uint64
	sent  map[device.Slot]sent
}

// sent is a load whose outcome may be asked for.
type sent struct{ request, boot string }

var (
	_ device.Device  = (*driver)(nil)
	_ device.Serials = (*driver)(nil)
	_ device.Eraser  = (*driver)(nil)
	_ device.Manager = (*driver)(nil)
)

// Dialect names the protocol.
func (d *driver) Dialect() string { return device.Agent }

// Capabilities tells what the terminal said that it takes.
func (d *driver) Capabilities() device.Capabilities { return d.caps }

// Close ends the connection, and with it the session.
func (d *driver) Close() error {
	d.closed.Store(true)
	d.transport.CloseIdleConnections()
	return nil
}

func (d *driver) noteConnection(seed []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seed = seed
}

// newRequest gives an id that no other load has: it comes from a secret of the connection and a number.
func (d *driver) newRequest() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("poskey request id\n"+string(d.seed)), d.count))
	return strings.ToUpper(hex.EncodeToString(sum[:manage.RequestID/2]))
}

func (d *driver) remember(slot device.Slot, s sent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent[slot] = s
}

func (d *driver) remembered(slot device.Slot) (sent, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.sent[slot]
	return s, ok
}

func slotPath(slot device.Slot) (string, error) {
	if !isSlot(string(slot)) {
		return "", fault.New(fault.NotFound, "slot %q does not exist: a slot of this dialect has 1 to %d letters and digits",
			string(slot), maxSlot)
	}
	return manage.PathSlot + url.PathEscape(string(slot)), nil
}

// ReadSlot asks what is in a slot.
func (d *driver) ReadSlot(ctx context.Context, slot device.Slot) (device.SlotState, error) {
	path, err := slotPath(slot)
	if err != nil {
		return device.SlotState{}, err
	}
	var m manage.Slot
	if err := d.ask(ctx, question{method: http.MethodGet, path: path}, &m); err != nil {
		return device.SlotState{}, fault.Wrap(err, "ask about slot %s", slot)
	}
	r, err := slotOf(m, slot)
	return r.SlotState, fault.Wrap(err, "ask about slot %s", slot)
}

// LoadBlock asks about the slot and hands the block over.
func (d *driver) LoadBlock(ctx context.Context, slot device.Slot, block *keyblock.Block) (device.Commit, error) {
	path, err := slotPath(slot)
	if err != nil {
		return device.Commit{}, err
	}
	d.one.Lock()
	defer d.one.Unlock()
	before, err := d.ReadSlot(ctx, slot)
	if err != nil {
		return device.Commit{}, err
	}
	c := device.Commit{Slot: slot, Before: &before, Want: device.SlotState{Loaded: true, HasAttributes: true,
		Usage: block.Usage, Mode: block.Mode, Algorithm: block.Algorithm, KSN: ksnOf(block)}}
	load := manage.Load{Request: d.newRequest(), Block: block.Marshal()}
	raw, err := body(load)
	if err != nil {
		return device.Commit{}, err
	}
	d.remember(slot, sent{load.Request, d.boot})
	var done manage.Loaded
	err = d.ask(ctx, question{method: http.MethodPut, path: path, body: raw, shown: blotLoad(load)}, &done)
	var cut *lost
	var open *vague
	switch {
	case errors.As(err, &cut):
		return device.Commit{}, unknown(c, cut.cause)
	case errors.As(err, &open): // settling tells
		return device.Commit{}, unknown(c, open.cause)
	case err != nil:
		return device.Commit{}, fault.Wrap(err, "load slot %s, nothing stored", slot)
	}
	state, err := slotOf(done.Slot, slot)
	if err != nil || done.Request != load.Request {
		return device.Commit{}, unknown(c, fault.New(fault.DeviceLink, "the terminal answers another load than it was sent"))
	}
	c.Closed, c.Returned = true, state.Check.Digits
	return c, nil
}

// ksnOf is the KSN that a block carries for a DUKPT initial key.
func ksnOf(b *keyblock.Block) string {
	for _, id := range []string{"IK", "KS"} {
		if data, ok := b.Opt(id); ok {
			return strings.ToUpper(data)
		}
	}
	return ""
}

func unknown(c device.Commit, cause error) error {
	return fault.Wrap(&device.OutcomeUnknown{Commit: c, Cause: cause}, "slot %s", c.Slot)
}

// LoadClear is refused: this dialect has no form for a clear key.
func (d *driver) LoadClear(context.Context, device.Slot, *keys.Key, keys.Usage, byte) (device.Commit, error) {
	return device.Commit{}, fault.New(fault.NotPermitted, "the agent dialect takes no clear keys; wrap the key into a key block")
}

// Confirm asks about a slot after its load.
func (d *driver) Confirm(ctx context.Context, c device.Commit) (device.LoadResult, error) {
	d.one.Lock()
	defer d.one.Unlock()
	arrived := arrival{known: c.Closed, done: c.Closed}
	if !c.Closed {
		var err error
		if arrived, err = d.arrived(ctx, c.Slot); err != nil {
			return device.LoadResult{}, unknown(c, err)
		}
	}
	if arrived.known && !arrived.done {
		return device.LoadResult{}, fault.New(fault.DeviceFailed,
			"slot %s: the load did not arrive, and the terminal takes it no more; load the key again", c.Slot)
	}
	now, err := d.ReadSlot(ctx, c.Slot)
	if err != nil {
		return device.LoadResult{}, unknown(c, err)
	}
	return verdict(c, now, arrived.known)
}

// arrival is what the terminal remembers of a load.
type arrival struct{ known, done bool }

// arrived asks what became of the last load of a slot. The terminal then takes it no more, if it is still on its way.
func (d *driver) arrived(ctx context.Context, slot device.Slot) (arrival, error) {
	s, ok := d.remembered(slot)
	if !ok {
		return arrival{}, nil
	}
	raw, err := body(manage.Settle{Request: s.request})
	if err != nil {
		return arrival{}, err
	}
	var m manage.Settled
	q := question{method: http.MethodPost, path: manage.PathSettle, body: raw, shown: " " + string(raw)}
	if err := d.ask(ctx, q, &m); err != nil {
		return arrival{}, err
	}
	if m.Request != s.request {
		return arrival{}, fault.New(fault.DeviceLink, "the terminal answers another question than it was asked")
	}
	return arrival{m.Done || m.Boot == s.boot, m.Done}, nil
}

// verdict holds what the terminal reports against what was loaded. Sure says that the load is known to have been done.
func verdict(c device.Commit, now device.SlotState, sure bool) (device.LoadResult, error) {
	check := checked(c.Want, now)
	if err := compare(c, now, check); err != nil {
		return device.LoadResult{}, fault.Wrap(err, "confirm slot %s", c.Slot)
	}
	if !sure && check != checkRight && (c.Before == nil || c.Before.Loaded) {
		return device.LoadResult{}, unknown(c, fault.New(fault.DeviceFailed,
			"the slot is loaded, but that may be the key from before, and the terminal was started anew since"))
	}
	result := device.LoadResult{Slot: c.Slot, State: now, Proof: device.ProofCommitAttributes, Returned: c.Returned}
	if check == checkRight {
		result.Proof = device.ProofCheckValue
	}
	return result, nil
}

func compare(c device.Commit, now device.SlotState, check checkVerdict) error {
	w := c.Want
	switch {
	case !now.Loaded && c.Closed:
		return fault.New(fault.DeviceFailed, "the terminal took the key and reports the slot as empty; it did not store it")
	case !now.Loaded:
		return fault.New(fault.DeviceFailed, "the slot is empty: the commit did not arrive; load the key again")
	case now.Usage != w.Usage || now.Mode != w.Mode || now.Algorithm != w.Algorithm:
		return fault.New(fault.DeviceFailed, "the terminal reports usage %s, mode %c, algorithm %c; the key that was to be "+
			"loaded has usage %s, mode %c, algorithm %c", now.Usage, now.Mode, now.Algorithm, w.Usage, w.Mode, w.Algorithm)
	case w.KSN != "" && now.KSN != "" && !sameNumber(w.KSN, now.KSN):
		return fault.New(fault.DeviceFailed, "the terminal reports the KSN %s; the key that was to be loaded has %s", now.KSN, w.KSN)
	case check == checkWrong:
		return fault.New(fault.KCVMismatch, "the terminal computed the check value %s; the key that was to be loaded has %s",
			now.Check, w.Check)
	}
	return nil
}

type checkVerdict int

const (
	checkUntold checkVerdict = iota
	checkRight
	checkWrong
)

// minDigits is the least that two check values must share to count as equal.
const minDigits = 4

// checked compares check values by the same method, as far as both go.
func checked(want, now device.SlotState) checkVerdict {
	n := min(len(want.Check.Digits), len(now.Check.Digits))
	switch {
	case n < minDigits || want.Check.Method != now.Check.Method:
		return checkUntold
	case strings.EqualFold(want.Check.Digits[:n], now.Check.Digits[:n]):
		return checkRight
	}
	return checkWrong
}

// sameNumber compares two KSNs without their counters: the terminal may have used the key since.
func sameNumber(a, b string) bool {
	if len(a) == ikid || len(b) == ikid { // of AES, without a counter
		return len(a) >= ikid && len(b) >= ikid && strings.EqualFold(a[:ikid], b[:ikid])
	}
	x, errX := dukpt.ParseKSN(a)
	y, errY := dukpt.ParseKSN(b)
	return errX == nil && errY == nil && x.Initial().String() == y.Initial().String()
}

// ikid is the length of an AES initial key id in hex digits.
const ikid = 16

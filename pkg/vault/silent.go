package vault

// Injections that derived keys of numbers and ended without a word: a run that was killed, a machine that went dark. The
// first number of each left its mark in the inventory before its key was derived, and of that the log has a record. Where
// the mark is missing and the record is there, an older copy of the database was put in its place.

import (
	"bytes"
	"context"
	"os"
	"strconv"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/store"
)

// heard refuses to hand anything out after an injection that ended without a word and of which the inventory has nothing.
// It freezes what could be handed out twice: somebody has to look.
func (v *Vault) heard(ctx context.Context, w *Work) error {
	mark, err := v.db.Mark(ctx)
	if err != nil {
		return err
	}
	unheard, err := silentAfter(v.log, mark.Seq)
	if err != nil || unheard == 0 {
		return err
	}
	place := w.Mark()
	held := store.Change{Mark: store.Mark{Seq: place.Seq, Hash: place.Hash.String()}}
	if err := v.db.HoldBack(ctx, held); err != nil { // no change of the work's own: the right database has nothing of it
		return err
	}
	return fault.New(fault.ChecksumMismatch, "record %d of the log began to load keys and derived some, nobody recorded its end, and the "+
		"inventory, which ends at record %d, has nothing of it: an older database was put in its place. All key sets are frozen "+
		"now. Put the right database back; or look which numbers went out, and let each key set go on after them with poskey keyset thaw --next",
		unheard, mark.Seq)
}

// silentAfter reads the log from its end down to a mark. It names the newest intent above it to load keys that derived
// some and ended without a word; 0: there is none.
func silentAfter(path string, mark uint64) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, reading(err)
	}
	log := &openedLog{file: f}
	defer log.close()
	if err := log.measure(); err != nil {
		return 0, err
	}
	for size := int64(firstTail / 16); ; size *= 4 {
		size = min(size, log.record)
		tail := make([]byte, size)
		if _, err := f.ReadAt(tail, log.record-size); err != nil {
			return 0, reading(err)
		}
		if size < log.record { // it begins within a record
			tail = tail[bytes.IndexByte(tail, '\n')+1:]
			if first := seqOf(tail); (first == 0 || first > mark+1) && size < mostTail {
				continue
			}
		}
		return silentIn(tail, mark)
	}
}

func silentIn(tail []byte, mark uint64) (uint64, error) {
	var s silent
	for line := range bytes.Lines(tail) {
		if seqOf(line) <= mark || !mayBeSilent(line) {
			continue
		}
		rec, err := audit.ParseRecord(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil {
			return 0, fault.Wrap(err, "the end of the audit log")
		}
		s.read(&rec)
	}
	if s.newest <= mark { // its outcome lies above the mark, and what it did below
		return 0, nil
	}
	return s.newest, nil
}

// mayBeSilent is a quick look whether a record is one that [silent] reads.
func mayBeSilent(line []byte) bool {
	for _, o := range []audit.Operation{audit.DeviceLoad, audit.DeviceDerive, audit.StoreUnseal, audit.StoreRestore} {
		if bytes.Contains(line, []byte(o)) {
			return true
		}
	}
	return false
}

// seqOf reads the number of a record off the beginning of its line; 0 where there is none.
func seqOf(line []byte) uint64 {
	digits, ok := bytes.CutPrefix(line, []byte(`{"seq":`))
	if !ok {
		return 0
	}
	end := bytes.IndexByte(digits, ',')
	if end < 0 {
		return 0
	}
	n, err := strconv.ParseUint(string(digits[:end]), 10, 53)
	if err != nil {
		return 0
	}
	return n
}

// silent finds injections that ended without a word, as records tell it: their command went away, or their agent did,
// since another one unsealed the store.
type silent struct {
	open   map[uint64]bool // intents without an outcome; true: keys were derived
	newest uint64          // intent
}

func (s *silent) read(rec *audit.Record) {
	switch {
	case rec.Operation == audit.StoreRestore && rec.Outcome.Result == audit.Done: // its officers know that it is older
		*s = silent{}
	case rec.Operation == audit.StoreUnseal && rec.Outcome.Result == audit.Done:
		for intent, derived := range s.open {
			s.found(intent, derived)
		}
		s.open = nil
	case rec.Operation == audit.DeviceDerive:
		if of, err := strconv.ParseUint(rec.Details[fieldIntent], 10, 53); err == nil && rec.Outcome.Result == audit.Done {
			s.begun(of, true)
		}
	case rec.Operation != audit.DeviceLoad && rec.Operation != audit.DeviceLoadClear:
	case rec.IsIntent():
		s.begun(rec.Seq, false)
	default:
		if toldNothing(rec) {
			s.found(rec.Of, s.open[rec.Of])
		}
		delete(s.open, rec.Of)
	}
}

func (s *silent) begun(intent uint64, derived bool) {
	if s.open == nil {
		s.open = map[uint64]bool{}
	}
	s.open[intent] = derived
}

// found counts an injection that ended without a word, if it derived keys: one that was in its preflight still, or loads
// keys that go by no number, takes none.
func (s *silent) found(intent uint64, derived bool) {
	if derived {
		s.newest = max(s.newest, intent)
	}
}

// fieldIntent is the authority's detail of the intent that a record belongs to.
const fieldIntent audit.Field = "intent"

// toldNothing reports the outcome of an injection that went away.
func toldNothing(rec *audit.Record) bool {
	return rec.Outcome.Result == audit.Unknown && rec.Details[FieldInventory] == ""
}

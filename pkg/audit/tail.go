package audit

// The end of a log: found from behind, so that opening a log of a million records takes as long as one of a hundred.

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"

	"poskey/internal/fault"
)

// tail is what a writer must know of a log to continue it.
type tail struct {
	chain chain
	open  []Record // intents without an outcome
	end   int64    // of the last whole record
	torn  []byte   // what stands after it
}

// readBack is how many of the last records are verified when a log is opened; older ones when intents are open.
const readBack = 64

// readFirst reads the first record.
func readFirst(f io.ReaderAt, size int64) (Record, error) {
	r, p, err := readAt(f, 0, size)
	if p != nil && p.Reason == TornEnd {
		return Record{}, fault.New(fault.Partial,
			"its creation was interrupted before the first record was whole; create it again")
	}
	if p == nil && err == nil {
		p = (&chain{}).check(&r)
	}
	return r, atRecord(p, 1, 0, err)
}

// atRecord gives a problem its place; the error when there is none.
func atRecord(p *Problem, record uint64, offset int64, err error) error {
	if p == nil {
		return err
	}
	p.Record, p.Offset = record, offset
	return p
}

func readTail(f io.ReaderAt, size int64) (tail, error) {
	t, last, err := findEnd(f, size)
	if err != nil {
		return tail{}, err
	}
	from := uint64(1)
	if last.Seq > readBack {
		from = last.Seq - readBack + 1
	}
	if last.Open > 0 {
		from = min(from, last.Open)
	}
	at, err := seek(f, t.end, from)
	if err != nil {
		return tail{}, err
	}
	return t, t.walk(f, at, from)
}

// walk follows the chain to the end and collects the open intents.
func (t *tail) walk(f io.ReaderAt, at int64, from uint64) error {
	lines := newLines(io.NewSectionReader(f, at, t.end-at), at)
	intents := map[uint64]Record{}
	for seq := from; ; seq++ {
		r, offset, p, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if p == nil {
			if seq == from && seq > 1 {
				t.chain = startAt(&r)
			}
			p = t.chain.check(&r)
		}
		if p != nil {
			return atRecord(p, seq, offset, nil)
		}
		t.chain.advance(&r)
		delete(intents, r.Of)
		if r.IsIntent() {
			intents[r.Seq] = r
		}
	}
	for _, i := range t.chain.open {
		t.open = append(t.open, intents[i.seq])
	}
	return nil
}

// findEnd finds the last whole record. What follows it is torn: bytes without a line feed, or a line with zero bytes,
// as some file systems leave after a power failure where the pages of a record were not written. A line that is wrong
// in another way was changed, and is not repaired.
func findEnd(f io.ReaderAt, size int64) (tail, Record, error) {
	window := make([]byte, min(size, 4*MaxLine))
	start := size - int64(len(window))
	if _, err := f.ReadAt(window, start); err != nil {
		return tail{}, Record{}, fault.Wrap(err, "reading the log")
	}
	var scratch []byte
	for cut := len(window); ; {
		line, begin := lastLine(window[:cut])
		end := begin + len(line) + 1
		if begin < 0 || len(window)-end > MaxLine {
			return tail{}, Record{}, &Problem{Reason: TooLong, Offset: start}
		}
		r, p := readRecord(line, &scratch)
		if p == nil {
			return tail{end: start + int64(end), torn: slices.Clone(window[end:])}, r, nil
		}
		if bytes.IndexByte(line, 0) < 0 {
			p.Record, p.Offset = numberIn(line), start+int64(begin)
			return tail{}, Record{}, p
		}
		cut = begin
	}
}

// numberIn reads the number of a record that does not verify; 0 when it cannot be read.
func numberIn(line []byte) uint64 {
	return newScanner(line[:min(len(line), 32)]).Number(`{"seq":`)
}

// lastLine gives the last line that ends in a line feed, and where it begins; -1 when there is none.
func lastLine(b []byte) (line []byte, begin int) {
	end := bytes.LastIndexByte(b, '\n')
	if end < 0 {
		return nil, -1
	}
	begin = bytes.LastIndexByte(b[:end], '\n') + 1
	return b[begin:end], begin
}

// seek finds where a record begins, by halving.
func seek(f io.ReaderAt, end int64, seq uint64) (int64, error) {
	low, high := int64(0), end // the record begins at low or after it, and before high
	for high-low > 4*MaxLine {
		at, err := lineAfter(f, (low+high)/2)
		if err != nil {
			return 0, err
		}
		r, p, err := readAt(f, at, end)
		if err = atRecord(p, 0, at, err); err != nil {
			return 0, err
		}
		if r.Seq > seq {
			high = at
		} else {
			low = at
		}
	}
	for l := newLines(io.NewSectionReader(f, low, end-low), low); ; {
		r, at, p, err := l.next()
		if err != nil {
			return 0, fault.Wrap(err, "looking for record %d", seq)
		}
		if p == nil && r.Seq > seq {
			p = &Problem{Reason: OutOfOrder, Got: number(r.Seq), Want: number(seq)}
		}
		if p != nil {
			return 0, atRecord(p, seq, at, nil)
		}
		if r.Seq == seq {
			return at, nil
		}
	}
}

// lineAfter finds where the first line begins that begins after a byte.
func lineAfter(f io.ReaderAt, from int64) (int64, error) {
	buffer := make([]byte, MaxLine)
	n, err := f.ReadAt(buffer, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fault.Wrap(err, "reading the log")
	}
	feed := bytes.IndexByte(buffer[:n], '\n')
	if feed < 0 {
		return 0, &Problem{Reason: TooLong, Offset: from}
	}
	return from + int64(feed) + 1, nil
}

// readAt reads the record that begins at a byte, and no more of the file than it may have.
func readAt(f io.ReaderAt, at, end int64) (Record, *Problem, error) {
	buffer := make([]byte, min(MaxLine, end-at))
	if _, err := f.ReadAt(buffer, at); err != nil {
		return Record{}, nil, fault.Wrap(err, "reading the log")
	}
	feed := bytes.IndexByte(buffer, '\n')
	if feed < 0 && len(buffer) < MaxLine {
		return Record{}, &Problem{Reason: TornEnd, Got: strconv.Itoa(len(buffer))}, nil
	}
	if feed < 0 {
		return Record{}, &Problem{Reason: TooLong}, nil
	}
	var scratch []byte
	r, p := readRecord(buffer[:feed], &scratch)
	return r, p, nil
}

// holdAgainst tells whether the log still has what a checkpoint says. Its signatures are for Verify to look at.
func (t *tail) holdAgainst(f io.ReaderAt, c Checkpoint, id Identity) error {
	if c.Identity != id {
		return &Problem{Reason: WrongStore, Record: c.Size, Got: id.words(), Want: c.words()}
	}
	if c.Size > t.chain.seq {
		return &Problem{Reason: CutShort, Record: t.chain.seq, Offset: t.end, Got: number(t.chain.seq), Want: number(c.Size)}
	}
	at, err := seek(f, t.end, c.Size)
	if err != nil {
		return err
	}
	r, p, err := readAt(f, at, t.end)
	if err = atRecord(p, c.Size, at, err); err != nil {
		return err
	}
	if r.Hash != c.Head {
		return &Problem{Reason: NotSigned, Record: c.Size, Offset: at, Got: r.Hash.Short(), Want: c.Head.Short()}
	}
	return nil
}

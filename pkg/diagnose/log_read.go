package diagnose

// Reading a log: lines in, key events out.

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// ReadLog reads a log of a terminal, an HSM or a provisioning station line by line, in any mixture, and gives its key
// events in order. Lines are text in English or Chinese, or JSON objects, in UTF-8, GBK or UTF-16, packed with gzip
// or not; time stamps are those that stampReader lists. What looks like a key is hidden before anything else looks at
// a line, so no event holds one. Lines, their length and the events are bounded; the summary says where a bound was
// reached. It fails when reading fails.
func ReadLog(r io.Reader, o LogOptions) ([]Event, LogSummary, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, LogSummary{}, err
	}
	l := newLogReader(o)
	in, err := newLineReader(r, o.MaxLine)
	if err != nil {
		return nil, LogSummary{}, err
	}
	for l.sum.Lines < o.MaxLines && l.hasRoom() {
		line, cut, err := in.read()
		if errors.Is(err, io.EOF) {
			return l.done(false)
		}
		if err != nil {
			return nil, LogSummary{}, fault.Wrap(err, "line %d of the log", l.sum.Lines+1)
		}
		l.line(line, cut)
	}
	_, err = in.in.ReadByte()
	return l.done(err == nil)
}

// read reads a line, of which it keeps so many bytes. It gives io.EOF behind the last.
func (l *lineReader) read() (line string, cut bool, err error) {
	var b strings.Builder
	for {
		part, err := l.in.ReadSlice('\n')
		if room := l.most - b.Len(); len(part) > room {
			cut = true
			part = part[:room]
		}
		b.Write(part)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && b.Len() > 0:
			err = nil
		case err != nil:
			return "", false, err
		}
		return strings.TrimRight(l.plain(b.String(), cut), "\r\n"), cut, err
	}
}

// logReader is a log on its way.
type logReader struct {
	o      LogOptions
	events []Event
	sum    LogSummary
	year   int
	stamps *stampReader
	labels *labelReader
	ears   *logEars
	runs   map[string]*run // of successes, by device
	gone   int             // events that were dropped and not yet cleared away
}

// run is successes of a device with nothing else between them: of a long one the first and the last tell all.
type run struct {
	kind   EventKind
	length int
	last   int // in logReader.events
}

// Of a run so many events are kept, and so many that were dropped stand in memory at most.
const (
	keptOfRun = 4
	mostGone  = 4096
)

// add keeps an event. Of many trades in a row the first and the last are kept, so that a log of any length leaves
// room for what matters.
func (l *logReader) add(e Event) {
	r := l.runs[e.Where]
	switch {
	case e.Kind != EventTraded && e.Kind != EventSignedIn && e.Kind != EventHealthy || r == nil || r.kind != e.Kind:
		r = &run{kind: e.Kind}
		l.runs[e.Where] = r
	case r.length >= keptOfRun:
		l.events[r.last].Line = 0
		l.gone++
	}
	r.length++
	r.last = len(l.events)
	l.events = append(l.events, e)
	if l.gone >= mostGone {
		l.clear()
	}
}

// hasRoom reports whether another event may be kept. Where the bound is reached, what worked at devices without any
// failure makes room, but for the newest.
func (l *logReader) hasRoom() bool {
	if len(l.events)-l.gone < l.o.MaxEvents {
		return true
	}
	l.clear()
	failing := map[string]bool{}
	for i := range l.events {
		if l.events[i].Failed {
			failing[l.events[i].Where] = true
		}
	}
	newest := len(l.events) - l.o.MaxEvents/8
	for i := range l.events[:newest] {
		e := &l.events[i]
		if worked := e.Kind == EventTraded || e.Kind == EventSignedIn || e.Kind == EventHealthy ||
			e.Kind == EventLoaded || e.Kind == EventChecked; worked && !failing[e.Where] {
			e.Line = 0
		}
	}
	l.clear()
	return len(l.events) < l.o.MaxEvents
}

// clear takes the dropped events away; runs begin anew.
func (l *logReader) clear() {
	l.events = slices.DeleteFunc(l.events, func(e Event) bool { return e.Line == 0 })
	l.gone = 0
	clear(l.runs)
}

func newLogReader(o LogOptions) *logReader {
	ears := newLogEars(o)
	return &logReader{o: o, year: o.Year, stamps: newStampReader(ears.stamps, o.Location), labels: ears.labels,
		ears: ears, runs: map[string]*run{}}
}

func (l *logReader) done(more bool) ([]Event, LogSummary, error) {
	l.clear()
	l.sum.Cut = more
	l.sum.Events = len(l.events)
	return l.events, l.sum, nil
}

// line reads one line: its time, then what it says.
func (l *logReader) line(raw string, cut bool) {
	l.sum.Lines++
	if cut {
		l.sum.Long++
	}
	at, stamp, rest := l.stamps.read(raw, l.year)
	if l.year == 0 && !at.IsZero() {
		l.year = at.Year()
	}
	shown, hidden := blot(smallNumbers(rest), cut)
	l.sum.Blotted += hidden
	e := Event{At: at, Line: l.sum.Lines}
	said := shown
	if fields, ok := jsonFields(shown); ok {
		said = l.fromJSON(&e, fields)
		if strings.Contains(shown, `\u`) {
			shown = said
		}
	}
	l.seenAt(&e)
	clear := hidden > 0 && clearKey(rest, text.KeySpans(rest, false))
	if !l.ears.hear(&e, said) && e.Kind == "" && !clear {
		return
	}
	l.labels.read(&e, said)
	if e.Where == "" {
		e.Where = l.labels.sender(shown)
	}
	if e.Where == "" {
		e.Where = l.o.Where
	}
	stamp, _ = blot(stamp, false)
	e.Text = text.OneLine(strings.TrimSpace(stamp+" "+shown), mostEvent)
	if clear || e.Kind == EventClearKey {
		l.sum.Clear++
	}
	if e.Kind != "" {
		l.add(e)
	}
	if clear && e.Kind != EventClearKey {
		l.events = append(l.events, clearIn(e))
	}
}

// clearIn is the event of a key that stands in a line, beside what the line tells.
func clearIn(e Event) Event {
	return Event{At: e.At, Line: e.Line, Kind: EventClearKey, Where: e.Where, Station: e.Station, Who: e.Who,
		Text: e.Text, Slot: e.Slot,
		Causes: causes(CauseKeyExposed), Names: true, Failed: true}
}

func (l *logReader) seenAt(e *Event) {
	if e.At.IsZero() {
		return
	}
	if l.sum.From.IsZero() || e.At.Before(l.sum.From) {
		l.sum.From = e.At
	}
	if e.At.After(l.sum.Until) {
		l.sum.Until = e.At
	}
}

// smallNumbers writes negative numbers of 64 bits as such: FFFFFFFFFFFFFEC6 is -314 and no key.
func smallNumbers(line string) string {
	const ones = "ffffffffffff"
	low := strings.ToLower(line)
	if len(low) != len(line) {
		return line
	}
	var b strings.Builder
	for {
		i := strings.Index(low, ones)
		if i < 0 || i+16 > len(low) {
			return b.String() + line
		}
		n, ok := negative(low[i+12 : i+16])
		prefixed := strings.HasSuffix(low[:i], "0x")
		if !ok || !prefixed || i+16 < len(low) && hexRune(rune(low[i+16])) {
			b.WriteString(line[:i+12])
			line, low = line[i+12:], low[i+12:]
			continue
		}
		b.WriteString(line[:i-2] + n)
		line, low = line[i+16:], low[i+16:]
	}
}

// negative reads four hex digits as the lowest of a negative number.
func negative(digits string) (string, bool) {
	n := 0
	for _, c := range digits {
		v := strings.IndexRune("0123456789abcdef", c)
		if v < 0 {
			return "", false
		}
		n = n<<4 | v
	}
	if n < 1<<15 {
		return "", false
	}
	return "-" + strconv.Itoa(1<<16-n), true
}

package diagnose

// Reading a log: lines in, key events out.

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// ReadLog reads a log of a terminal, an HSM or a provisioning station line by line, in any mixture, and gives its key
// events in order. Lines are text in English or Chinese, or JSON objects; time stamps are RFC 3339 and its relatives, those
// of logcat and syslog, [2026/03/04 12:00:00] and 20260304120000. What looks like a key is hidden before anything else
// looks at a line, so no event holds one. Lines, their length and the events are bounded; the summary says where a bound was
// reached. It fails when reading fails.
func ReadLog(r io.Reader, o LogOptions) ([]Event, LogSummary, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, LogSummary{}, err
	}
	l := newLogReader(o)
	in := bufio.NewReaderSize(r, 64<<10)
	for l.sum.Lines < o.MaxLines && len(l.events) < o.MaxEvents {
		line, cut, err := readLine(in, o.MaxLine)
		if errors.Is(err, io.EOF) {
			return l.done(false)
		}
		if err != nil {
			return nil, LogSummary{}, fault.Wrap(err, "line %d of the log", l.sum.Lines+1)
		}
		l.line(line, cut)
	}
	_, err = in.ReadByte()
	return l.done(err == nil)
}

// readLine reads a line, of which it keeps so many bytes. It gives io.EOF behind the last.
func readLine(in *bufio.Reader, most int) (line string, cut bool, err error) {
	var b strings.Builder
	for {
		part, err := in.ReadSlice('\n')
		if room := most - b.Len(); len(part) > room {
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
		return strings.TrimRight(strings.ToValidUTF8(b.String(), "?"), "\r\n"), cut, err
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
}

func newLogReader(o LogOptions) *logReader {
	return &logReader{o: o, year: o.Year, stamps: newStampReader(o.Location), labels: newLabelReader(), ears: newLogEars(o)}
}

func (l *logReader) done(more bool) ([]Event, LogSummary, error) {
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
	if !l.ears.hear(&e, said) && e.Kind == "" {
		return
	}
	l.labels.read(&e, said)
	if e.Where == "" {
		e.Where = l.o.Where
	}
	stamp, _ = blot(stamp, false)
	e.Text = text.OneLine(strings.TrimSpace(stamp+" "+shown), mostEvent)
	if e.Kind == EventClearKey {
		l.sum.Clear++
	}
	l.events = append(l.events, e)
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
	return "-" + decimal(1<<16-n), true
}

package devicetest

import (
	"bytes"
	"io"
	"time"
)

// Visa is the dialect of packets 02 and 04, with the slots of the UIC PP791. The bytes here are written out, so that no
// codec stands behind them.
func Visa() Dialect {
	return Dialect{
		KLK: "F", PIN: "0", MAC: "B", Other: "9", Unknown: "W",
		WrongKLK: "C", NoKLK: "D", TooLong: "B", Duplicate: "2", UsageUnfit: "E", NoClear: "EOT",
		Hostile: visaPeers(),
	}
}

const (
	ack      = "\x06"
	nak      = "\x15"
	eot      = "\x04"
	wrongLRC = "\x0f040\x0e\x00" // right would be 3A
	dukptOK  = "\x02910\x03\x3b"
)

func visaPeers() []Hostile {
	return []Hostile{
		{"silence", func(p io.ReadWriter, _ time.Duration) { listen(p) }},
		{"deafness", func(_ io.ReadWriter, pause time.Duration) { time.Sleep(10 * pause) }},
		{"hanging up", func(io.ReadWriter, time.Duration) {}},
		{"an endless stream of noise", flood("\x55\xaa")},
		{"endless acknowledgement", flood(ack)},
		{"endless refusal", flood(nak)},
		{"endless endings", flood(eot)},
		{"one frame without end", flood("\x0f04F", "K")},
		{"endless starts", flood("\x0f\x02")},
		{"frames of the wrong type", flood(dukptOK, "\x0f06PK00000001\x0e\x12", dukptOK)},
		{"answers to another question, then nothing", func(p io.ReadWriter, _ time.Duration) {
			_, _ = io.WriteString(p, ack+dukptOK)
			listen(p)
		}},
		{"damaged answers for ever", func(p io.ReadWriter, _ time.Duration) { answerEach(p, ack+wrongLRC) }},
		{"an answer that says too much", func(p io.ReadWriter, _ time.Duration) {
			answerEach(p, ack+"\x0f04FK0\x1cD\x1cTT\x0e\x73")
		}},
		{"an answer without content", func(p io.ReadWriter, _ time.Duration) { answerEach(p, ack+"\x0f04\x0e\x0a") }},
		{"a refusal, whatever is asked", func(p io.ReadWriter, _ time.Duration) { answerEach(p, nak) }},
		{"a trickle", trickle},
		{"a line that repeats what it is told", func(p io.ReadWriter, _ time.Duration) {
			_, _ = io.Copy(struct{ io.Writer }{p}, p)
		}},
	}
}

// listen takes everything and says nothing, until the line ends.
func listen(p io.Reader) { _, _ = io.Copy(io.Discard, p) }

// flood writes the first text once and the rest for ever, as fast as the line takes it; short breaths let time pass
// where it is virtual. Meanwhile it listens.
func flood(first string, rest ...string) func(io.ReadWriter, time.Duration) {
	if len(rest) == 0 {
		rest = []string{first}
	}
	chunk := bytes.Repeat([]byte(rest[0]), 1024/len(rest[0]))
	return func(p io.ReadWriter, pause time.Duration) {
		go listen(p)
		_, err := io.WriteString(p, first)
		for err == nil {
			time.Sleep(pause / 100)
			_, err = p.Write(chunk)
		}
	}
}

// answerEach says the same to everything it hears.
func answerEach(p io.ReadWriter, answer string) {
	buf := make([]byte, 512)
	for {
		if _, err := p.Read(buf); err != nil {
			return
		}
		if _, err := io.WriteString(p, answer); err != nil {
			return
		}
	}
}

// trickle sends an answer that would be right, byte by byte, each just before the time-out.
func trickle(p io.ReadWriter, pause time.Duration) {
	go listen(p)
	for _, c := range []byte(ack + "\x0f04FK0\x1cD\x1cT\x0e\x27") {
		time.Sleep(pause)
		if _, err := p.Write([]byte{c}); err != nil {
			return
		}
	}
}

package devicetest

import (
	"io"
	"strings"
	"time"
)

// Futurex is the dialect of the key loader's frames, for RunCryptograms. The bytes here are written out, so that no
// codec stands behind them.
func Futurex() Dialect {
	return Dialect{
		KLK: "05", KLKMode: 'N', PIN: "03", MAC: "04", Other: "17", Unknown: "3", Serial: "PK00000000000001",
		WrongKLK: "13", NoKLK: "0E", TooLong: "16", Duplicate: "09", UsageUnfit: "10", NoClear: "06",
		WrongCheck: "12", Occupied: "0F", KSNUsed: "0A",
		Hostile: futurexPeers(),
	}
}

func futurexPeers() []Hostile {
	const done = "\x020200FFFF\x03" + "\x01" // a check value that no key of the suite has
	peers := []Hostile{
		{"silence", func(p io.ReadWriter, _ time.Duration) { listen(p) }},
		{"deafness", func(_ io.ReadWriter, pause time.Duration) { time.Sleep(10 * pause) }},
		{"hanging up", func(io.ReadWriter, time.Duration) {}},
		{"an endless stream of noise", flood("\x55\xaa")},
		{"endless frames without content", flood("\x02\x03\x03")},
		{"one frame without end", flood("\x020200", "0")},
		{"a huge frame", flood("\x02"+strings.Repeat("0", 5000)+"\x03\x03", "0")},
		{"endless starts", flood("\x02")},
		{"endless ends", flood("\x03")},
		{"endless polls", flood("\x020100|POLL\x03\x61")},
		{"answers to other questions for ever", flood("\x02060B\x03\x77")},
		{"frames of the other family", flood("\x0f04F\x0e\x4c", "\x06", "\x02910\x03\x3b")},
		{"damaged answers for ever", func(p io.ReadWriter, _ time.Duration) { answerEach(p, "\x020300PK\x03\xff") }},
		{"an answer without content", func(p io.ReadWriter, _ time.Duration) {
			answerEach(p, "\x0202\x03\x01\x0203\x03\x00\x0205\x03\x06")
		}},
		{"an answer that says too much", func(p io.ReadWriter, _ time.Duration) {
			answerEach(p, "\x02030012345678901234567\x03\x33"+"\x020200FFFF1\x03\x30"+"\x020500X\x03\x5e")
		}},
		{"a code that nobody knows", func(p io.ReadWriter, _ time.Duration) {
			answerEach(p, "\x0202EE0000\x03\x01\x0203EE\x03\x00\x0205EE\x03\x06")
		}},
		{"it came damaged, whatever is sent", func(p io.ReadWriter, _ time.Duration) {
			answerEach(p, "\x0202080000\x03\x09\x020308\x03\x08\x020508\x03\x0e")
		}},
		{"a trickle", func(p io.ReadWriter, pause time.Duration) {
			go listen(p)
			for _, c := range []byte(done) {
				time.Sleep(pause)
				if _, err := p.Write([]byte{c}); err != nil {
					return
				}
			}
		}},
		{"a line that repeats what it is told", func(p io.ReadWriter, _ time.Duration) {
			_, _ = io.Copy(struct{ io.Writer }{p}, p)
		}},
	}
	return peers
}

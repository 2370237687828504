package hsm

// The random source: it answers, it does not repeat itself, and its bits look like drawn ones.

import (
	"bytes"
	"io"
	"math/bits"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/selftest"
	"poskey/internal/text"
)

// sampleBytes is the sample of the statistical tests: 20,000 bits.
const sampleBytes = 2500

// The health tests of NIST SP 800-90B, 4.4, for bytes that have H = 8 bits each, as the output of a system's generator
// claims, with alpha = 2^-30.
const (
	// repetitions is the cutoff of the repetition count test (4.4.1): 1 + ceil(30/8).
	repetitions = 5
	// window and proportion are those of the adaptive proportion test (4.4.2): 512 samples that are not binary, and
	// 1 + critbinom(512, 2^-8, 1 - 2^-30).
	window     = 512
	proportion = 16
)

// randomTests draw from the source. A sound source fails the tests of FIPS 140-2 a few times in 10,000 draws, so a draw that
// fails is followed by a second one, and two in a row fail the test: once in some million runs.
func randomTests(source io.Reader) []selftest.Test {
	const (
		sp90b = "NIST SP 800-90B, 4.4"
		fips  = "FIPS 140-2 with change notice 1, 4.9.1"
	)
	var all []selftest.Test
	for _, k := range []struct {
		name, source string
		what         text.Text
		check        func([]byte) error
		fault        byte // what a broken source gives for ever
	}{
		{"random-length", "the whole draw is written", text.New("random source: every byte of a draw is drawn"), drawn, 0},
		{"random-repetition", sp90b + ".1", text.New("random source: repetition count test"), repetition, 0xA5},
		{"random-proportion", sp90b + ".2", text.New("random source: adaptive proportion test"), adaptiveProportion, 0xA5},
		{"random", fips, text.New("random source (monobit test of FIPS 140-2 on 20,000 bits)"), monobit, 0x01},
		{"random-poker", fips, text.New("random source: poker test of FIPS 140-2"), poker, 0x5A},
		{"random-runs", fips, text.New("random source: runs test of FIPS 140-2"), runs, 0xAA},
		{"random-long-run", fips, text.New("random source: long runs test of FIPS 140-2"), longRun, 0xFF},
	} {
		all = append(all, health(k.name, k.source, k.what,
			func() (string, error) { return sampled(source, k.check) },
			func() (string, error) { return sampled(stuckSource(k.fault), k.check) }))
	}
	return append(all, health("random-differs", "two draws of 32 bytes", text.New("random source: two draws differ"),
		func() (string, error) { return differ(source) },
		func() (string, error) { return differ(stuckSource(0x3C)) }))
}

func health(name, source string, what text.Text, compute, faulty func() (string, error)) selftest.Test {
	return selftest.Test{Name: name, Group: selftest.Random, Kind: selftest.Health, What: what, Source: source,
		Want: selftest.Sound, Compute: computed(compute), Faulty: computed(faulty)}
}

// stuckSource is a broken source that gives one byte for ever.
type stuckSource byte

// Read fills p.
func (s stuckSource) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s)
	}
	return len(p), nil
}

// sampled looks at a sample, and at another one where the first fails.
func sampled(source io.Reader, check func([]byte) error) (string, error) {
	var failed error
	for range 2 {
		draw, err := secret.Read(source, sampleBytes)
		if err != nil {
			return "", fault.WrapAs(fault.SelftestFailed, err, "draw random bytes")
		}
		failed = check(draw.Expose())
		draw.Wipe()
		if failed == nil {
			return selftest.Sound, nil
		}
	}
	return "", failed
}

// drawn finds a source that answers and leaves bytes as they were, which were zero: 64 zero bytes in a row at any end.
func drawn(draw []byte) error {
	const end = 64
	zero := make([]byte, end)
	if bytes.Equal(draw[:end], zero) || bytes.Equal(draw[len(draw)-end:], zero) {
		return fault.New(fault.SelftestFailed, "the source answers, and writes nothing")
	}
	return nil
}

func repetition(draw []byte) error {
	same := 1
	for i := 1; i < len(draw); i++ {
		if same++; draw[i] != draw[i-1] {
			same = 1
		}
		if same >= repetitions {
			return fault.New(fault.SelftestFailed, "%d equal bytes in a row", same)
		}
	}
	return nil
}

// adaptiveProportion counts the first byte of each whole window in it.
func adaptiveProportion(draw []byte) error {
	for ; len(draw) >= window; draw = draw[window:] {
		if n := bytes.Count(draw[:window], draw[:1]); n >= proportion {
			return fault.New(fault.SelftestFailed, "one byte stands %d times among %d", n, window)
		}
	}
	return nil
}

// monobit counts ones: more than 9,725 and fewer than 10,275.
func monobit(draw []byte) error {
	ones := 0
	for _, v := range draw {
		ones += bits.OnesCount8(v)
	}
	if ones <= 9725 || ones >= 10275 {
		return fault.New(fault.SelftestFailed, "%d ones in 20,000 random bits, want 9,726 to 10,274", ones)
	}
	return nil
}

// poker counts the 5,000 groups of four bits: 2.16 < 16/5000 × the sum of squares - 5000 < 46.17, here times 312.5.
func poker(draw []byte) error {
	var counts [16]int
	for _, v := range draw {
		counts[v>>4]++
		counts[v&15]++
	}
	squares := 0
	for _, n := range counts {
		squares += n * n
	}
	if squares <= 1563175 || squares >= 1576929 {
		return fault.New(fault.SelftestFailed, "the poker test gives %d, want 1563176 to 1576928", squares)
	}
	return nil
}

// runs counts runs of zeros and of ones by their length; six and more count as six.
func runs(draw []byte) error {
	low, high := [6]int{2315, 1114, 527, 240, 103, 103}, [6]int{2685, 1386, 723, 384, 209, 209}
	var counts [2][6]int
	eachRun(draw, func(bit, length int) { counts[bit][min(length, 6)-1]++ })
	for bit := range counts {
		for i, n := range counts[bit] {
			if n < low[i] || n > high[i] {
				return fault.New(fault.SelftestFailed, "%d runs of length %d, want %d to %d", n, i+1, low[i], high[i])
			}
		}
	}
	return nil
}

// longRun refuses a run of 26 or more.
func longRun(draw []byte) (err error) {
	eachRun(draw, func(_, length int) {
		if length >= 26 {
			err = fault.New(fault.SelftestFailed, "%d equal bits in a row, want fewer than 26", length)
		}
	})
	return err
}

// eachRun tells every run of equal bits.
func eachRun(draw []byte, tell func(bit, length int)) {
	before, length := -1, 0
	for i := range 8 * len(draw) {
		bit := int(draw[i/8] >> (7 - i%8) & 1)
		if bit != before && length > 0 {
			tell(before, length)
			length = 0
		}
		before = bit
		length++
	}
	tell(before, length)
}

func differ(source io.Reader) (string, error) {
	one, err := secret.Read(source, 32)
	if err != nil {
		return "", fault.WrapAs(fault.SelftestFailed, err, "draw random bytes")
	}
	defer one.Wipe()
	other, err := secret.Read(source, 32)
	if err != nil {
		return "", fault.WrapAs(fault.SelftestFailed, err, "draw random bytes")
	}
	defer other.Wipe()
	if one.Equal(other) {
		return "", fault.New(fault.SelftestFailed, "two draws are equal")
	}
	return selftest.Sound, nil
}

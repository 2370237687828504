package keyblock

import (
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// TestExtendedLengthsCountCharacters: X9.143, 6.2 table 1 and the examples of 8.5 and 8.6 have 04; psec writes 02 and counts
// bytes (openemv/tr31 issue 4).
func TestExtendedLengthsCountCharacters(t *testing.T) {
	const fixed = "D0000P0AE00N0100"
	for _, c := range []struct {
		block string
		data  string     // when it is read
		kind  fault.Kind // when it is not
		want  string     // in the error
	}{
		{"LB0004000Aabc", "", "", ""},
		{"LB0004000A", "", "", ""},
		{"LB0004000Dabc", "abc", "", ""},
		{"LB00020Babc", "abc", "", ""},
		{"LB000208", "", "", ""},
		{"LB000402DC" + strings.Repeat("x", 0x2DC-10), strings.Repeat("x", 0x2DC-10), "", ""},
		{"LB000402dc" + strings.Repeat("x", 0x2DC-10), strings.Repeat("x", 0x2DC-10), "", ""},
		{"LB0002010A" + strings.Repeat("x", 0x10A-10), "", fault.OptionalBlockExtended, "psec"},
		{"LB00020020" + strings.Repeat("x", 0x20-10), "", fault.OptionalBlockExtended, "psec"},
		{"LB00010Babc", "", fault.OptionalBlockExtended, ""},
		{"LB0003000Dabc", "", fault.OptionalBlockTruncated, ""}, // neither 02 nor 04: held against the reading of psec
		{"LB0000000Dabc", "", fault.OptionalBlockExtended, "length of length"},
		{"LB00", "", fault.OptionalBlockExtended, "ends inside"},
		{"LB00XX000Dabc", "", fault.OptionalBlockExtended, "length of length"},
		{"LB0004", "", fault.OptionalBlockLength, "ends inside"},
		{"LB000400", "", fault.OptionalBlockLength, "ends inside"},
		{"LB00040009abc", "", fault.OptionalBlockLength, "below 10"},
		{"LB000207abc", "", fault.OptionalBlockLength, "below 8"},
		{"LB0004 00Dabc", "", fault.OptionalBlockLength, "not hex"},
		{"LB0004+00Dabc", "", fault.OptionalBlockLength, "not hex"},
		{"LB0004000Eabc", "", fault.OptionalBlockTruncated, "only 13"},
		{"LB000409FFabc", "", fault.OptionalBlockTruncated, ""},
		{"LB0004FFFFabc", "", fault.OptionalBlockLength, ""}, // longer than any key block
		{"LB0", "", fault.OptionalBlockLength, "ends inside"},
		{"LB03", "", fault.OptionalBlockLength, "below 04"},
		{"LB0Gabc", "", fault.OptionalBlockLength, "not two hex digits"},
		{"LB08abc", "", fault.OptionalBlockTruncated, "only 7"},
		{"L", "", fault.OptionalBlockID, "ends inside"},
		{"", "", fault.OptionalBlockID, "ends inside"},
		{"L-04", "", fault.OptionalBlockID, "not two letters or digits"},
		{"LB08ab\x7Fc", "", fault.OptionalBlockCharset, "character 3"},
		{"LB06\tb", "", fault.OptionalBlockCharset, "character 1"},
		{"LB06\xC3\xA9", "", fault.OptionalBlockCharset, "character 1"},
	} {
		h, n, err := ParseHeader(fixed + c.block)
		if c.kind == "" {
			if err != nil || len(h.Optional) != 1 || h.Optional[0].Data != c.data {
				t.Errorf("%.30q: read as %.60v, %v", c.block, h.Optional, err)
			} else if got := string(h.appendTo(nil, 0)); got != fixed+c.block[:n-headerLen] {
				t.Errorf("%.30q: written as %.60q", c.block, got)
			}
			continue
		}
		if !fault.Is(err, c.kind) || n != 0 || h.Optional != nil {
			t.Errorf("%.30q: %v of kind %s, want %s", c.block, err, fault.KindOf(err), c.kind)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "optional block 1 of 1, at character 17") {
			t.Errorf("%.30q: %v, want %q and the place", c.block, err, c.want)
		}
	}
}

func TestLongDataGetsTheExtendedLengthAndShortDataDoesNot(t *testing.T) {
	for n, want := range map[int]string{0: "LB04", 1: "LB05", 251: "LBFF", 252: "LB00040106", 4000: "LB00040FAA"} {
		o, err := NewOptBlock("lb", strings.Repeat("x", n))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(o.appendTo(nil)); !strings.HasPrefix(got, want) || len(got) != o.textLen() || o.Extended() != (n > 251) {
			t.Errorf("%d characters: %.12s, length %d", n, got, o.textLen())
		}
	}
}

func TestOptionalBlockOfAUserIsCheckedAtOnce(t *testing.T) {
	for _, c := range []struct {
		id, data string
		kind     fault.Kind
	}{
		{"", "x", fault.OptionalBlockID}, {"L", "x", fault.OptionalBlockID}, {"LBX", "x", fault.OptionalBlockID}, {"L_", "x", fault.OptionalBlockID},
		{"密", "x", fault.OptionalBlockID}, {"LB", "a\nb", fault.OptionalBlockCharset}, {"LB", "é", fault.OptionalBlockCharset},
		{"LB", strings.Repeat("x", 10000), fault.OptionalBlockLength},
	} {
		o, err := NewOptBlock(c.id, c.data)
		if o != (OptBlock{}) || !fault.Is(err, c.kind) {
			t.Errorf("%q: got %+v, %v of kind %s, want %s", c.id, o, err, fault.KindOf(err), c.kind)
		}
	}
}

func TestFirstThingWrongIsTheOneReported(t *testing.T) {
	body := strings.Repeat("0", 48) + strings.Repeat("0", 16)
	for _, c := range []struct {
		text string
		kind fault.Kind
		want string
	}{
		{"", fault.HeaderMalformed, "empty"},
		{"S0080P0TE00E0000" + body, fault.VersionUnsupported, "Thales"},
		{"00080P0TE00E0000" + body, fault.VersionUnsupported, "Thales"},
		{"10080P0TE00E0000" + body, fault.VersionUnsupported, "Thales"},
		{"F0080P0TE00E0000" + body, fault.VersionUnsupported, `"F"`},
		{"b0080P0TE00E0000" + body, fault.VersionUnsupported, `"b"`},
		{"\x00", fault.VersionUnsupported, `"\x00"`},
		{"B", fault.LengthMalformed, "ends inside"},
		{"B008", fault.LengthMalformed, "ends inside"},
		{"B00A0P0TE00E0000" + body, fault.LengthMalformed, `"00A0"`},
		{"B0O80P0TE00E0000" + body, fault.LengthMalformed, `"0O80"`},
		{"B0080P0TE00E0000" + body + "0", fault.LengthMismatch, "81 characters, its length field says 80"},
		{"B0080P0TE00E0000" + body[1:], fault.LengthMismatch, "79 characters"},
		{"B0079P0TE00E0000" + body[1:], fault.LengthNotMultiple, "multiple of 8"},
		{"D0088P0AE00E0000" + body + "00000000", fault.LengthNotMultiple, "multiple of 16"},
		{"B0008P0T", fault.HeaderMalformed, "ends after 8"},
		{"B0080P-TE00E0000" + body, fault.HeaderMalformed, `key usage "P-" (character 6)`},
		{"B0080P0!E00E0000" + body, fault.HeaderMalformed, `algorithm "!" (character 8)`},
		{"B0080P0T?00E0000" + body, fault.HeaderMalformed, "mode of use"},
		{"B0080P0TE0.E0000" + body, fault.HeaderMalformed, "key version"},
		{"B0080P0TE00 0000" + body, fault.HeaderMalformed, "exportability"},
		{"B0080P0TE00EA000" + body, fault.HeaderMalformed, "number of optional blocks"},
		{"B0080P0TE00E00*0" + body, fault.HeaderMalformed, "key context"},
		{"B0080P0TE00E000," + body, fault.HeaderMalformed, "reserved"},
		{"B0096P0TE00E0200LB08aaaaLB08bbbb" + body, fault.OptionalBlockDuplicate, "LB occurs twice"},
		{"B0024P0TE00E000000000000", fault.MACTruncated, "8 characters are left"},
		{"B0032P0TE00E0000" + body[:16], fault.PayloadMissing, "missing"},
		{"B0080P0TE00E0000" + body[:10] + "O" + body[11:], fault.NotHex, "character 27 is the letter O where a hex digit must be; 0 is meant?"},
		{"B0080P0TE00E0000" + body[:10] + "l" + body[11:], fault.NotHex, "1 is meant?"},
		{"B0080P0TE00E0000" + body[:10] + "S" + body[11:], fault.NotHex, "5 is meant?"},
		{"B0080P0TE00E0000" + body[:10] + "G" + body[11:], fault.NotHex, "character 27 is not a hex digit"},
		{"B0080P0TE00E0000" + body[:10] + "\xC3" + body[11:], fault.NotHex, "character 27"},
	} {
		b, err := Parse(c.text)
		if b != nil || !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.24q: %v of kind %s; want %s, %q", c.text, err, fault.KindOf(err), c.kind, c.want)
		}
	}
}

func TestHeaderOfAUserStandsAlone(t *testing.T) {
	h, err := BuildHeader("  D0000P0AE00N0100LB08abcd\n")
	if err != nil || h.Usage != "P0" || len(h.Optional) != 1 {
		t.Errorf("got %+v, %v", h, err)
	}
	for text, kind := range map[string]fault.Kind{
		"":                          fault.HeaderMalformed,
		"D0000P0AE00N000":           fault.HeaderMalformed,
		"D0000P0AE00N0000FF":        fault.OptionalBlockLength, // payload behind it
		"X0000P0AE00N0000":          fault.VersionUnsupported,
		"D0000P0AE00N0100LB08abcZ1": fault.OptionalBlockID,
	} {
		if h, err := BuildHeader(text); h.Version != 0 || !fault.Is(err, kind) {
			t.Errorf("%q: %+v, %v of kind %s, want %s", text, h, err, fault.KindOf(err), kind)
		}
	}
}

func TestCountsInTheHeaderOfAUserAreComputedWhateverTheySay(t *testing.T) {
	for text, blocks := range map[string]int{"B9999P0TE00E9900": 0, "D0000P0AE00N0100": 0, "D0000P0AE00N0000LB08abcd": 1} {
		if h, err := BuildHeader(text); err != nil || len(h.Optional) != blocks {
			t.Errorf("%q: %+v, %v; want %d blocks", text, h, err, blocks)
		}
	}
}

func TestOptionalBlocksAreSetReplacedAndDropped(t *testing.T) {
	var h Header
	h.SetOpt("LB", "one")
	h.SetOpt("TS", "two")
	h.SetOpt("Z1", "three")
	h.SetOpt("TS", "other")
	twin := h
	h.DropOpt("LB")
	h.DropOpt("ZZ")
	if got := string(h.appendTo(nil, 0)); !strings.HasSuffix(got, "TS09otherZ109three") {
		t.Errorf("got %s", got)
	}
	if data, ok := twin.Opt("LB"); !ok || data != "one" {
		t.Error("dropping a block changed a copy of the header")
	}
	if _, ok := h.Opt("LB"); ok {
		t.Error("the dropped block is still there")
	}
}

// TestPasteIsForgiven: blanks, line breaks and tabs anywhere, in blocks that have no blank of their own.
func TestPasteIsForgiven(t *testing.T) {
	random, ran := seeded("paste"), 0
	for _, v := range testvec.Load[blockVector](t, "keyblocks.json") {
		if v.MustReject != nil && *v.MustReject || strings.Contains(v.KeyBlock, " ") {
			continue
		}
		ran++
		for range 20 {
			var pasted strings.Builder
			for _, c := range v.KeyBlock {
				for random.Uint64()%8 == 0 {
					pasted.WriteByte(" \t\r\n"[random.Uint64()%4])
				}
				pasted.WriteRune(c)
			}
			pasted.WriteString("\r\n")
			text, lowered, err := Clean(pasted.String())
			if err != nil || lowered || text != v.KeyBlock {
				t.Fatalf("%s: %q becomes %q, %v, %v", v.ID, pasted.String(), text, lowered, err)
			}
		}
	}
	if ran < 100 {
		t.Fatalf("ran %d vectors", ran)
	}
}

func TestBlanksOfALabelStayWhereTheyBelong(t *testing.T) {
	noLeaks(t)
	text, kbpk := sample(t, 'D', OptBlock{ID: "LB", Data: "till 7, lane 2"})
	at := strings.Index(text, "till")
	for _, paste := range []string{
		text, text + "\n", "  " + text + "\r\n", text[:at+2] + "\r\n" + text[at+2:], text[:5] + "\t" + text[5:] + "\t",
	} {
		cleaned, lowered, err := Clean(paste)
		if err != nil || lowered || cleaned != text {
			t.Errorf("%q becomes %q, %v, %v", paste, cleaned, lowered, err)
			continue
		}
		u, err := openWith(cleaned, kbpk)
		if err != nil {
			t.Fatal(err)
		}
		u.Wipe()
	}
}

func TestBlockTypedInLowerCaseOpens(t *testing.T) {
	noLeaks(t)
	for _, version := range []byte("ABCDE") {
		text, kbpk := sample(t, version)
		cleaned, lowered, err := Clean(strings.ToLower(text))
		if err != nil || !lowered || cleaned != text {
			t.Errorf("version %c: %q, %v, %v", version, cleaned, lowered, err)
		}
		u, err := openWith(cleaned, kbpk)
		if err != nil {
			t.Fatal(err)
		}
		u.Wipe()
	}
	if w := LowerCase(); w.ID != "lower_case_hex" || w.Kind != fault.NotHex || w.Text.IsZero() {
		t.Errorf("the caller's warning is %+v", w)
	}
}

func TestLongInputIsRefusedBeforeItIsLookedAt(t *testing.T) {
	if text, lowered, err := Clean(strings.Repeat("B", MaxInput+1)); text != "" || lowered || !fault.Is(err, fault.TooLarge) {
		t.Errorf("%d characters, %v, %v", len(text), lowered, err)
	}
	if _, err := Parse(strings.Repeat("B", 100<<20)); !fault.Is(err, fault.LengthMalformed) {
		t.Errorf("100 MB: %.100v", err)
	}
}

// TestOpeningAndClosingAllocateLittle guards the speed of bulk runs: a block of an AES-256 key under an AES-256 KBPK.
func TestOpeningAndClosingAllocateLittle(t *testing.T) {
	noLeaks(t)
	const limit = 10
	p, key := protectorFor(t, 'D'), sound(t, keys.AES256)
	h, random, opts := header('D', "K0", 'A', 'B'), seeded("allocations"), WrapOptions{PadTo: 32}
	text, _, err := p.Wrap(random, h, key, opts)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(200, func() {
		b, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		u, err := p.Unwrap(b)
		if err != nil {
			t.Fatal(err)
		}
		u.Wipe()
	}); n > limit {
		t.Errorf("parse and unwrap allocate %v times, at most %d", n, limit)
	}
	if n := testing.AllocsPerRun(200, func() {
		if _, _, err := p.Wrap(random, h, key, opts); err != nil {
			t.Fatal(err)
		}
	}); n > limit {
		t.Errorf("wrap allocates %v times, at most %d", n, limit)
	}
}

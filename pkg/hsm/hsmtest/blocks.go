package hsmtest

// Claims about key blocks.

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func (s suite) keyBlocks(t *testing.T) {
	s.claim(t, "a weak key out of a block is refused unless it is allowed or looked at", weakOutOfABlock)
	s.claim(t, "published blocks open, and bad ones do not", publishedBlocks)
	s.claim(t, "blocks of every version go out and come back", wrapped)
	s.claim(t, "a block closed inside hides the key's length when told to", obfuscated)
	s.claim(t, "weak keys and unfit headers are not wrapped unless allowed", wrapRefused)
	s.claim(t, "a KBPK that does not fit the version is refused", wrongKBPKs)
	if s.strict {
		s.claim(t, "a KBPK that is weak, or weaker than the key, protects it only when that is allowed", strongKBPKs)
	}
	s.claim(t, "the MAC is checked before the payload is believed", macFirst)
	s.claim(t, "an exportability of no standard counts as not exportable", strangeExportability)
	s.claim(t, "a translated block keeps its header and names its new KBPK", translated)
	s.claim(t, "translation hides the key's length unless told not to", translatedLength)
	s.claim(t, "translation tells the warnings of opening and of closing once each", translatedWarnings)
	s.claim(t, "translation refuses what wrapping refuses", translateRefused)
	s.claim(t, "a changed character of a block is found", changedCharacter)
	s.claim(t, "another KBPK is named as the likely cause", otherKBPK)
}

func publishedBlocks(t *testing.T, b hsm.Boundary) {
	type vector struct {
		ID         string
		KBPK       *string
		KeyBlock   string  `json:"key_block"`
		ClearKey   *string `json:"clear_key"`
		MustReject *bool   `json:"must_reject"`
		Expect     fault.Kind
	}
	opened, rejected := 0, 0
	for _, v := range testvec.Load[vector](t, "keyblocks.json") {
		block, err := keyblock.Parse(v.KeyBlock)
		if err != nil || v.KBPK == nil {
			continue // what has no form or no key is nothing for a boundary
		}
		raw := unhex(t, *v.KBPK)
		alg, err := keyblock.KBPKAlgorithm(block.Version, len(raw))
		if err != nil || !slices.Contains(takes(b), alg) {
			continue
		}
		got, err := b.Unwrap(t.Context(), block, takeFor(t, b, alg, raw, hsm.ProtectorUsage(block.Version)), hsm.Policy{Inspect: true})
		switch {
		case v.MustReject != nil && *v.MustReject:
			refused(t, v.ID, got, err, v.Expect)
			rejected++
		case b.Info().Strict && len(unhex(t, deref(v.ClearKey))) == 8:
			refused(t, v.ID, got, err, fault.WeakKey)
		case err != nil:
			t.Errorf("%s: %v", v.ID, err)
		default:
			opened++
			if v.ClearKey != nil {
				wantBytes(t, b, got.Key, unhex(t, *v.ClearKey))
			}
		}
	}
	if opened < 100 || rejected < 5 {
		t.Errorf("%d blocks opened, %d were rejected: vectors are missing", opened, rejected)
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func wrapped(t *testing.T, b hsm.Boundary) {
	for _, p := range protections() {
		outer, held := protector(t, b, p, "kbpk")
		for _, alg := range takes(b) {
			clear, what := sound(t, alg, "wrapped"), fmt.Sprintf("%s in version %c under %s", alg, p.version, p.kbpk)
			k := take(t, b, alg, clear)
			w, err := b.Wrap(t.Context(), k, held, header(p.version, alg), keyblock.WrapOptions{AllowWeak: true})
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			block := parse(t, w.Block)
			u := openOutside(t, outer, block)
			if string(u.Key.Secret().Expose()) != string(clear) || u.Key.Algorithm() != alg {
				t.Errorf("%s: another key comes out outside", what)
			}
			opened, err := b.Unwrap(t.Context(), block, held, hsm.Policy{Inspect: true})
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			wantKey(t, b, opened.Key, clear)
			if opened.Key.Attributes != k.Attributes {
				t.Errorf("%s: attributes %+v, want %+v", what, opened.Key.Attributes, k.Attributes)
			}
			if got, want := warnings(opened.Warnings), warnings(u.Warnings); !slices.Equal(got, want) {
				t.Errorf("%s: warnings %v, want %v", what, got, want)
			}
			shows(t, what, clear, w, opened)
			shows(t, what, sound(t, p.kbpk, "kbpk"), w, opened)
		}
	}
}

func obfuscated(t *testing.T, b hsm.Boundary) {
	for _, p := range protections() {
		_, held := protector(t, b, p, "kbpk")
		lengths := map[int]bool{}
		for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.TDES192} {
			if !slices.Contains(takes(b), alg) {
				continue
			}
			w, err := b.Wrap(t.Context(), take(t, b, alg, sound(t, alg, "x")), held, header(p.version, alg),
				keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(alg), AllowWeak: true})
			if err != nil {
				t.Errorf("version %c: %v", p.version, err)
			}
			lengths[len(w.Block)] = true
		}
		if len(lengths) != 1 {
			t.Errorf("version %c: blocks of %v characters tell the keys' lengths", p.version, lengths)
		}
	}
}

func wrapRefused(t *testing.T, b hsm.Boundary) {
	_, held := kbpk(t, b, keys.AES256, "kbpk")
	good := take(t, b, keys.AES128, sound(t, keys.AES128, "x"))
	weak := take(t, b, keys.AES128, make([]byte, 16))
	odd := takeAs(t, b, hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsageData, Mode: 'X'})
	initial := takeAs(t, b, hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsageIK})
	with := func(change func(h *keyblock.Header)) keyblock.Header {
		h := header('D', keys.AES128)
		change(&h)
		return h
	}
	const nothing = "" // lifts it
	type try struct {
		what  string
		k     hsm.Key
		h     keyblock.Header
		want  fault.Kind // "" for any
		lifts string     // the option with which it passes
	}
	tries := []try{
		{"a weak key", weak, header('D', keys.AES128), fault.WeakKey, "weak"},
		{"a mode that does not fit", odd, with(func(h *keyblock.Header) { h.Mode = 'X' }), fault.ModeUnfit, "unfit"},
		{"an initial key without its KSN", initial, with(func(h *keyblock.Header) { h.Usage, h.Mode = keys.UsageIK, 'X' }),
			fault.MissingKSN, "unfit"},
		{"another algorithm", good, header('D', keys.TDES128), fault.HeaderMalformed, nothing},
		{"no header", good, keyblock.Header{}, "", nothing},
		{"an unknown version", good, header('F', keys.AES128), fault.VersionUnsupported, nothing},
		{"no usage", good, with(func(h *keyblock.Header) { h.Usage = "" }), "", nothing},
		{"a long usage", good, with(func(h *keyblock.Header) { h.Usage = "D0D0" }), "", nothing},
		{"no key version", good, with(func(h *keyblock.Header) { h.KeyVersion = "" }), "", nothing},
		{"no context", good, with(func(h *keyblock.Header) { h.Context = 0 }), "", nothing},
		{"no exportability", good, with(func(h *keyblock.Header) { h.Exportability = 0 }), "", nothing},
		{"a line break in a label", good, with(func(h *keyblock.Header) { h.SetOpt("LB", "a\nb") }),
			fault.OptionalBlockCharset, nothing},
		{"a block too long for its length field", good,
			with(func(h *keyblock.Header) { h.SetOpt("LB", strings.Repeat("x", 9970)) }), "", nothing},
	}
	if !b.Info().Strict { // which has no such keys
		des := take(t, b, keys.DES, sound(t, keys.DES, "x"))
		tries = append(tries, try{"single DES", des, header('D', keys.DES), fault.WeakKey, "weak"})
	}
	for _, tt := range tries {
		var kinds []fault.Kind
		if tt.want != "" {
			kinds = append(kinds, tt.want)
		}
		w, err := b.Wrap(t.Context(), tt.k, held, tt.h, keyblock.WrapOptions{})
		refused(t, tt.what, w, err, kinds...)
		allowed := keyblock.WrapOptions{AllowWeak: tt.lifts != "unfit", AllowUnfit: tt.lifts != "weak"}
		w, err = b.Wrap(t.Context(), tt.k, held, tt.h, allowed)
		switch {
		case tt.lifts == nothing:
			refused(t, tt.what+", all allowed", w, err, kinds...)
		case err != nil:
			t.Errorf("%s, allowed: %v", tt.what, err)
		default:
			parse(t, w.Block)
		}
	}
}

// strongKBPKs: who finds the KBPK has the key, so the KBPK is at least as strong (PCI PIN 10-1) and not weak in itself,
// which nobody outside remembers of it.
func strongKBPKs(t *testing.T, b hsm.Boundary) {
	counting := unhex(t, "404142434445464748494A4B4C4D4E4F")
	published := unhex(t, "2B7E151628AED2A6ABF7158809CF4F3C")
	for _, tt := range []struct {
		what    string
		kbpk    keys.Algorithm
		clear   []byte
		version byte
		key     keys.Algorithm
		fit     bool
	}{
		{"as strong", keys.AES128, sound(t, keys.AES128, "kbpk"), 'D', keys.AES128, true},
		{"stronger", keys.AES256, sound(t, keys.AES256, "kbpk"), 'D', keys.TDES192, true},
		{"published", keys.AES128, published, 'D', keys.AES128, true},
		{"weaker AES", keys.AES128, sound(t, keys.AES128, "kbpk"), 'D', keys.AES192, false},
		{"weaker TDES", keys.TDES128, sound(t, keys.TDES128, "kbpk"), 'B', keys.TDES192, false},
		{"TDES for AES", keys.TDES192, sound(t, keys.TDES192, "kbpk"), 'B', keys.AES128, false},
		{"counting", keys.AES128, counting, 'D', keys.AES128, false},
	} {
		k := take(t, b, tt.key, sound(t, tt.key, "x"))
		to := takeFor(t, b, tt.kbpk, tt.clear, keys.UsageKBPK)
		to.Weak = nil // as from an inventory
		from, fromHeld := kbpk(t, b, keys.AES256, "from")
		block := closeOutside(t, from, clearKey(t, tt.key, sound(t, tt.key, "x")), header('D', tt.key))
		for _, allow := range []bool{false, true} {
			w, err := b.Wrap(t.Context(), k, to, header(tt.version, tt.key), keyblock.WrapOptions{AllowWeak: allow})
			moved, moveErr := b.Translate(t.Context(), block, fromHeld, to, hsm.Change{Version: tt.version, AllowWeak: allow})
			if tt.fit || allow {
				if err != nil || moveErr != nil {
					t.Errorf("%s, allowed %v: %v, %v", tt.what, allow, err, moveErr)
				}
				continue
			}
			refused(t, "wrap, "+tt.what, w, err, fault.WeakKey)
			refused(t, "translate, "+tt.what, moved, moveErr, fault.WeakKey)
		}
	}
}

func wrongKBPKs(t *testing.T, b hsm.Boundary) {
	clear := sound(t, keys.AES128, "x")
	k, key := take(t, b, keys.AES128, clear), clearKey(t, keys.AES128, clear)
	all := keyblock.WrapOptions{AllowWeak: true, AllowUnfit: true}
	for version, wrong := range map[byte][]keys.Algorithm{
		'A': {keys.AES128, keys.AES192, keys.SM4, keys.HMACSHA256},
		'B': {keys.DES, keys.AES128, keys.SM4},
		'C': {keys.AES192, keys.HMACSHA256},
		'D': {keys.TDES128, keys.TDES192, keys.SM4, keys.DES},
		'E': {keys.TDES192, keys.SM4, keys.HMACSHA256},
	} {
		right := keys.AES128
		if version < 'D' {
			right = keys.TDES128
		}
		outer, fits := protector(t, b, protection{version, right}, "kbpk")
		block := closeOutside(t, outer, key, header(version, keys.AES128))
		for _, alg := range wrong {
			if !slices.Contains(takes(b), alg) {
				continue
			}
			what := fmt.Sprintf("%s for version %c", alg, version)
			_, unfit := protector(t, b, protection{version, alg}, "kbpk")
			w, err := b.Wrap(t.Context(), k, unfit, header(version, keys.AES128), all)
			refused(t, "wrap, "+what, w, err, fault.KBPKLength)
			o, err := b.Unwrap(t.Context(), block, unfit, hsm.Policy{Inspect: true})
			refused(t, "unwrap, "+what, o, err, fault.KBPKLength)
			tr, err := b.Translate(t.Context(), block, fits, unfit, hsm.Change{AllowWeak: true})
			refused(t, "translate, "+what, tr, err, fault.KBPKLength)
			f, err := b.Examine(t.Context(), block, unfit)
			refused(t, "examine, "+what, f, err, fault.KBPKLength)
		}
	}
}

func macFirst(t *testing.T, b hsm.Boundary) {
	for _, p := range protections() {
		outer, held := protector(t, b, p, "kbpk")
		_, another := protector(t, b, p, "another")
		key, h := clearKey(t, keys.TDES128, sound(t, keys.TDES128, "x")), header(p.version, keys.TDES128)
		good := closeOutside(t, outer, key, h).Marshal()
		for at := range good {
			block, err := keyblock.Parse(damage(good, at))
			if err != nil || block.Version != p.version || len(block.Optional) != 0 {
				continue // another form: nothing for the boundary yet
			}
			o, err := b.Unwrap(t.Context(), block, held, hsm.Policy{Inspect: true})
			refused(t, fmt.Sprintf("version %c, character %d", p.version, at+1), o, err, fault.MACMismatch)
		}
		o, err := b.Unwrap(t.Context(), parse(t, good), another, hsm.Policy{Inspect: true})
		refused(t, "another KBPK", o, err, fault.MACMismatch)

		said, err := keyblock.CheckData(outer)
		if err != nil {
			t.Fatal(err)
		}
		h.SetOpt("KP", said)
		o, err = b.Unwrap(t.Context(), closeOutside(t, outer, key, h), another, hsm.Policy{Inspect: true})
		refused(t, "another KBPK than KP says", o, err, fault.KBPKWrong)
	}
}

// weakOutOfABlock: a block is one more way for a weak key to come in.
func weakOutOfABlock(t *testing.T, b hsm.Boundary) {
	outer, held := kbpk(t, b, keys.AES128, "kbpk")
	weak, err := keys.New(keys.AES128, secret.New(16))
	if err != nil {
		t.Fatal(err)
	}
	defer weak.Wipe()
	block := closeOutside(t, outer, weak, header('D', keys.AES128))
	o, err := b.Unwrap(t.Context(), block, held, hsm.Policy{})
	refused(t, "a key of zeros", o, err, fault.WeakKey)
	for _, p := range []hsm.Policy{{Inspect: true}, {AllowWeak: true}} {
		o, err := b.Unwrap(t.Context(), block, held, p)
		if err != nil || !slices.Contains(o.Key.Weak, keys.AllZero) {
			t.Errorf("%+v: %v, reported %v", p, err, o.Key.Weak)
		}
	}
}

// strangeExportability opens a block with exportability 9, which keyblock reads and does not write. It was made with
// the standard library of Go alone.
func strangeExportability(t *testing.T, b hsm.Boundary) {
	block := parse(t, "A0072P0TE00900004A1A968A39DCC86530284D87664C4760B89487906FC0919D9160E0D7")
	held := takeFor(t, b, keys.TDES128, unhex(t, "6D31F4A2C7580E9B1CA7E35886D0B94F"), keys.UsageKBPK)
	opened, err := b.Unwrap(t.Context(), block, held, hsm.Policy{Inspect: true})
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, b, opened.Key, unhex(t, "85A2E9137C4F61D02E98B0F4CD5B3176"))
	if opened.Key.Exportability != 'N' || !slices.Contains(warnings(opened.Warnings), "proprietary_exportability") {
		t.Errorf("exportability %c, warnings %v", opened.Key.Exportability, warnings(opened.Warnings))
	}
}

// fullHeader has an optional block of every kind that a translation must treat in a way of its own.
func fullHeader(t *testing.T, version byte, outer, key *keys.Key) keyblock.Header {
	t.Helper()
	kp, err := keyblock.CheckData(outer)
	if err != nil {
		t.Fatal(err)
	}
	kc, err := keyblock.CheckData(key)
	if err != nil {
		t.Fatal(err)
	}
	h := keyblock.Header{Version: version, Usage: keys.UsagePIN, Algorithm: 'T', Mode: 'E', KeyVersion: "07",
		Exportability: 'S', Context: '2', Reserved: '0'}
	for _, o := range [][2]string{
		{"TS", "20260102030405Z"}, {"KP", kp}, {"LB", "a label, with blanks"}, {"KC", kc}, {"PK", kp}, {"Z9", "ours"},
	} {
		h.SetOpt(o[0], o[1])
	}
	return h
}

// unpadded lists the optional blocks without PB, whose presence the alignment decides.
func unpadded(h keyblock.Header) []string {
	var all []string
	for _, o := range h.Optional {
		if o.ID != "PB" {
			all = append(all, o.ID+" "+o.Data)
		}
	}
	return all
}

func translated(t *testing.T, b hsm.Boundary) {
	clear := sound(t, keys.TDES128, "translated")
	key := clearKey(t, keys.TDES128, clear)
	want := hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsagePIN, Mode: 'E', Exportability: 'S'}
	for _, from := range protections() {
		fromKey, fromHeld := protector(t, b, from, "from")
		block := closeOutside(t, fromKey, key, fullHeader(t, from.version, fromKey, key))
		for _, to := range protections() {
			what := fmt.Sprintf("%c under %s to %c under %s", from.version, from.kbpk, to.version, to.kbpk)
			toKey, toHeld := protector(t, b, to, "to")
			change := hsm.Change{Version: to.version}
			if from.version == to.version {
				change.Version = 0 // keeps it
			}
			got, err := b.Translate(t.Context(), block, fromHeld, toHeld, change)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			wantHeader(t, what, parse(t, got.Block), fullHeader(t, to.version, toKey, key))
			wantKey(t, b, got.Key, clear)
			u := openOutside(t, toKey, parse(t, got.Block))
			if string(u.Key.Secret().Expose()) != string(clear) || got.Key.Attributes != want {
				t.Errorf("%s: another key, or attributes %+v, want %+v", what, got.Key.Attributes, want)
			}
			for _, id := range []string{"kc_mismatch", "kp_mismatch", "pk_mismatch", "check_method"} {
				if slices.Contains(warnings(got.Warnings), id) || slices.Contains(warnings(u.Warnings), id) {
					t.Errorf("%s: warning %s", what, id)
				}
			}
			shows(t, what, clear, got)
		}
	}
}

func wantHeader(t *testing.T, what string, got *keyblock.Block, want keyblock.Header) {
	t.Helper()
	if g, w := unpadded(got.Header), unpadded(want); !slices.Equal(g, w) {
		t.Errorf("%s: optional blocks %q, want %q", what, g, w)
	}
	h := got.Header
	h.Optional, want.Optional = nil, nil
	if !reflect.DeepEqual(h, want) {
		t.Errorf("%s: header %+v, want %+v", what, h, want)
	}
}

func translatedLength(t *testing.T, b hsm.Boundary) {
	from, fromHeld := kbpk(t, b, keys.AES256, "from")
	to, toHeld := kbpk(t, b, keys.AES256, "to")
	lengths := map[bool]map[int]bool{true: {}, false: {}}
	for _, alg := range []keys.Algorithm{keys.AES128, keys.AES192, keys.AES256} {
		block := closeOutside(t, from, clearKey(t, alg, sound(t, alg, "x")), header('D', alg))
		for plain := range lengths {
			got, err := b.Translate(t.Context(), block, fromHeld, toHeld, hsm.Change{Plain: plain})
			if err != nil {
				t.Fatal(err)
			}
			openOutside(t, to, parse(t, got.Block))
			lengths[plain][len(got.Block)] = true
		}
	}
	if len(lengths[false]) != 1 || len(lengths[true]) != 2 { // 16 and 24 bytes, 32 bytes: two and three cipher blocks
		t.Errorf("lengths in characters: hidden %v, plain %v", lengths[false], lengths[true])
	}
}

func translatedWarnings(t *testing.T, b hsm.Boundary) {
	from, fromHeld := kbpk(t, b, keys.AES256, "from")
	_, toHeld := kbpk(t, b, keys.TDES128, "to")
	h := header('D', keys.AES256)
	h.SetOpt("Z9", "ours") // told of the block that is opened and of the one that is closed
	block := closeOutside(t, from, clearKey(t, keys.AES256, make([]byte, 32)), h)
	got, err := b.Translate(t.Context(), block, fromHeld, toHeld, hsm.Change{Version: 'B', AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	ids := warnings(got.Warnings)
	slices.Sort(ids)
	if want := []string{"proprietary_block", "weak_key", "weaker_kbpk"}; !slices.Equal(ids, want) {
		t.Errorf("warnings %v, want %v", ids, want)
	}
}

func translateRefused(t *testing.T, b hsm.Boundary) {
	from, fromHeld := kbpk(t, b, keys.AES128, "from")
	_, another := kbpk(t, b, keys.AES128, "another")
	_, to := kbpk(t, b, keys.AES128, "to")
	block := closeOutside(t, from, clearKey(t, keys.AES128, sound(t, keys.AES128, "x")), header('D', keys.AES128))
	got, err := b.Translate(t.Context(), block, another, to, hsm.Change{AllowWeak: true})
	refused(t, "from another KBPK", got, err, fault.MACMismatch)
	got, err = b.Translate(t.Context(), block, fromHeld, to, hsm.Change{Version: 'X'})
	refused(t, "to no version", got, err, fault.VersionUnsupported)

	weak := closeOutside(t, from, clearKey(t, keys.AES128, make([]byte, 16)), header('D', keys.AES128))
	got, err = b.Translate(t.Context(), weak, fromHeld, to, hsm.Change{})
	refused(t, "a weak key", got, err, fault.WeakKey)
	got, err = b.Translate(t.Context(), weak, fromHeld, to, hsm.Change{AllowWeak: true})
	if err != nil || len(got.Key.Weak) == 0 || !slices.Contains(warnings(got.Warnings), "weak_key") {
		t.Errorf("a weak key, allowed: reported %v and %v, error %v", got.Key.Weak, warnings(got.Warnings), err)
	}
}

func changedCharacter(t *testing.T, b hsm.Boundary) {
	key := clearKey(t, keys.TDES128, sound(t, keys.TDES128, "x"))
	for _, p := range []protection{
		{'A', keys.TDES128}, {'B', keys.TDES192}, {'C', keys.TDES128}, {'D', keys.AES256}, {'E', keys.AES128},
	} {
		if b.Info().Strict && (p.version == 'A' || p.version == 'C') {
			continue // there it would forge blocks, four bytes of MAC at a time
		}
		outer, held := protector(t, b, p, "kbpk")
		good := closeOutside(t, outer, key, header(p.version, keys.TDES128)).Marshal()
		if found, err := b.Examine(t.Context(), parse(t, good), held); err != nil || len(found) != 0 {
			t.Errorf("version %c: a good block has findings %+v, error %v", p.version, found, err)
		}
		for _, tt := range []struct {
			cause string
			at    int
		}{{"header_edited", 6}, {"payload_edited", 20}, {"mac_edited", len(good) - 1}} {
			found, err := b.Examine(t.Context(), parse(t, damage(good, tt.at)), held)
			if err != nil || len(found) != 1 || found[0].Cause != tt.cause || found[0].Character != tt.at+1 ||
				found[0].Certainty != keyblock.Proven || found[0].Corrected != good {
				t.Errorf("version %c, character %d: findings %+v, error %v", p.version, tt.at+1, found, err)
			}
		}
	}
}

func otherKBPK(t *testing.T, b hsm.Boundary) {
	outer, _ := kbpk(t, b, keys.AES128, "kbpk")
	_, another := kbpk(t, b, keys.AES128, "another")
	key := clearKey(t, keys.TDES128, sound(t, keys.TDES128, "x"))
	found, err := b.Examine(t.Context(), closeOutside(t, outer, key, header('D', keys.TDES128)), another)
	if err != nil || len(found) == 0 || found[0].Cause != "kbpk_wrong" || found[0].Corrected != "" {
		t.Errorf("findings %+v, error %v", found, err)
	}
	shows(t, "findings", sound(t, keys.TDES128, "x"), found)
	shows(t, "findings", sound(t, keys.AES128, "another"), found)
}

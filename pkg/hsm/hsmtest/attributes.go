package hsmtest

// Claims about what attributes allow: who protects, what a block may say of its key, what leaves at all. The tables
// here are the suite's own; a driver that asks the rules of pkg/hsm is held against them all the same.

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func (s suite) attributes(t *testing.T) {
	s.claim(t, "a label stays with its key, and is given once", labels)
	s.claim(t, "no label of a block from outside becomes a key's", foreignLabel)
	s.claim(t, "a label that no block can hold is refused", badLabels)
	s.claim(t, "only key-protecting keys protect, each its versions", whoProtects)
	s.claim(t, "a KBPK does what its mode allows", protectorModes)
	s.claim(t, "a KBPK that was used is held to its attributes at every use", protectorChanged)
	s.claim(t, "a block says the usage of its key", sameUsage)
	s.claim(t, "a block says the mode of its key, or a narrower one", narrowerMode)
	s.claim(t, "a block never says a looser exportability", tighterExportability)
	s.claim(t, "what is not exportable goes into no block", notExportable)
	s.claim(t, "an HMAC key keeps its hash", sameHash)
	s.claim(t, "no sequence of calls loosens a key", neverLooser)
	if s.strict {
		s.claim(t, "what is not exportable is neither shown, cut nor translated", staysInside)
		s.claim(t, "a block that does not open tells nothing that was guessed", provenOnly)
	}
}

func labels(t *testing.T, b hsm.Boundary) {
	const label = "ZMK-2026#1"
	a := hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsageKBPK, Mode: 'B', Exportability: 'S', Label: label}
	clear := sound(t, a.Algorithm, "x")
	k := takeAs(t, b, a)
	if k.Attributes != a {
		t.Errorf("attributes %+v, want %+v", k.Attributes, a)
	}
	wantKey(t, b, k, clear)
	own := ownHeader(t, k)
	if got, ok := own.Opt("LB"); !ok || got != label {
		t.Errorf("the key's own block has the label %q", got)
	}
	again, err := b.Keep(t.Context(), k, label)
	if err != nil || again.Attributes != a || again.Check != k.Check {
		t.Errorf("kept under the same label: %+v, %v", again, err)
	}
	other, err := b.Keep(t.Context(), k, "ZMK-2026#2")
	refused(t, "another label", other, err, fault.NotPermitted)

	a.Label = ""
	bare := takeAs(t, b, a)
	kept, err := b.Keep(t.Context(), bare, label)
	if err != nil {
		t.Fatal(err)
	}
	a.Label = label
	if kept.Attributes != a || kept.Check != bare.Check || kept.Len != bare.Len || kept.Parity != bare.Parity {
		t.Errorf("kept: %+v, want the key %+v with attributes %+v", kept, bare, a)
	}
	wantKey(t, b, kept, clear)
	if now, err := b.CheckValue(t.Context(), bare, "", 0); err != nil || now != bare.Check {
		t.Errorf("the key without a label: %s, %v", now, err)
	}
	unlabelled := kept
	unlabelled.Label = ""
	got, err := b.Keep(t.Context(), unlabelled, "ANOTHER#1")
	refused(t, "a label taken off outside", got, err, fault.NotPermitted)

	_, held := kbpk(t, b, keys.AES256, "kbpk")
	w, err := b.Wrap(t.Context(), kept, held, headerOf('D', kept.Attributes), keyblock.WrapOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, has := parse(t, w.Block).Opt("LB"); has || strings.Contains(w.Block, label) {
		t.Errorf("the label goes out with the key: %s", w.Block)
	}
}

// foreignLabel: a block whose label says that it is a key of the store is still somebody's block.
func foreignLabel(t *testing.T, b hsm.Boundary) {
	outer, held := kbpk(t, b, keys.AES256, "kbpk")
	h := header('D', keys.AES128)
	h.SetOpt("LB", "ZMK-2026#1")
	block := closeOutside(t, outer, clearKey(t, keys.AES128, sound(t, keys.AES128, "x")), h)
	o, err := b.Unwrap(t.Context(), block, held, hsm.Policy{})
	if err != nil || o.Key.Label != "" {
		t.Errorf("unwrapped: label %q, %v", o.Key.Label, err)
	}
	tr, err := b.Translate(t.Context(), block, held, held, hsm.Change{})
	if err != nil || tr.Key.Label != "" {
		t.Errorf("translated: label %q, %v", tr.Key.Label, err)
	}
	if k, err := b.Keep(t.Context(), o.Key, "OTHER#1"); err != nil || k.Label != "OTHER#1" {
		t.Errorf("kept: label %q, %v", k.Label, err)
	}
}

func badLabels(t *testing.T, b hsm.Boundary) {
	good := take(t, b, keys.AES128, sound(t, keys.AES128, "x"))
	for _, label := range []string{"a\nb", "schl\xfcssel", "钥匙", "\x7f", "\x00", strings.Repeat("x", hsm.MaxLabel+1)} {
		a := hsm.Attributes{Algorithm: keys.AES128, Label: label}
		sec := secret.Copy(sound(t, keys.AES128, "x"))
		k, err := b.Import(t.Context(), sec, a, hsm.Policy{})
		refused(t, "import", k, err, fault.HeaderMalformed)
		wiped(t, "import", sec)
		k, err = b.Generate(t.Context(), a, hsm.Policy{})
		refused(t, "generate", k, err, fault.HeaderMalformed)
		k, err = b.Keep(t.Context(), good, label)
		refused(t, "keep", k, err, fault.HeaderMalformed)
	}
	k, err := b.Keep(t.Context(), good, "")
	refused(t, "keep under no label", k, err, fault.Usage)
	longest := strings.Repeat("x~ ", hsm.MaxLabel)[:hsm.MaxLabel]
	if k, err := b.Keep(t.Context(), good, longest); err != nil || k.Label != longest {
		t.Errorf("the longest label: %+v, %v", k.Attributes, err)
	}
}

// versionsOf is which versions a usage protects.
func versionsOf(usage keys.Usage) string {
	return map[keys.Usage]string{"K0": "ABCD", "K1": "ABCD", "K4": "DE"}[usage]
}

func whoProtects(t *testing.T, b hsm.Boundary) {
	for _, p := range []protection{
		{'A', keys.TDES128}, {'B', keys.TDES192}, {'C', keys.TDES128}, {'D', keys.AES256}, {'E', keys.AES128},
	} {
		alg := keys.AES128 // and where the KBPK is weaker than that, another one
		if p.version < 'D' {
			alg = keys.TDES128
		}
		k, key := take(t, b, alg, sound(t, alg, "x")), clearKey(t, alg, sound(t, alg, "x"))
		outer, good := protector(t, b, p, "kbpk")
		block := closeOutside(t, outer, key, header(p.version, alg))
		damaged := parse(t, damage(block.Marshal(), block.Len()-1))
		for _, usage := range append(keys.Usages(), hsm.UsageTransaction, "10") {
			a := hsm.Attributes{Algorithm: p.kbpk, Usage: usage, Mode: 'N'}
			held, err := b.Import(t.Context(), outer.Secret().Clone(), a, hsm.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			allowed := strings.IndexByte(versionsOf(usage), p.version) >= 0
			for what, try := range protecting(t, b, p.version, k, held, good, block, damaged) {
				result, err := try()
				switch what := fmt.Sprintf("%s, version %c under a key with usage %s", what, p.version, usage); {
				case !allowed:
					refused(t, what, result, err, fault.NotPermitted)
				case err != nil:
					t.Errorf("%s: %v", what, err)
				}
			}
		}
	}
}

// protecting lists what a KBPK does.
func protecting(
	t *testing.T, b hsm.Boundary, version byte, k, held, good hsm.Key, block, damaged *keyblock.Block,
) map[string]func() (any, error) {
	ctx := t.Context()
	return map[string]func() (any, error){
		"wrap":   func() (any, error) { return b.Wrap(ctx, k, held, header(version, k.Algorithm), keyblock.WrapOptions{}) },
		"unwrap": func() (any, error) { return b.Unwrap(ctx, block, held, hsm.Policy{}) },
		"translate from": func() (any, error) {
			return b.Translate(ctx, block, held, good, hsm.Change{})
		},
		"translate to": func() (any, error) { return b.Translate(ctx, block, good, held, hsm.Change{}) },
		"examine":      func() (any, error) { return b.Examine(ctx, damaged, held) },
	}
}

func protectorModes(t *testing.T, b hsm.Boundary) {
	p := protection{'D', keys.AES256}
	k := take(t, b, keys.AES128, sound(t, keys.AES128, "x"))
	outer, good := protector(t, b, p, "kbpk")
	block := closeOutside(t, outer, clearKey(t, keys.AES128, sound(t, keys.AES128, "x")), header('D', keys.AES128))
	damaged := parse(t, damage(block.Marshal(), block.Len()-1))
	for _, usage := range []keys.Usage{"K0", "K1", "K4"} {
		for _, mode := range []byte("BCDEGNSTVXYZ1") {
			a := hsm.Attributes{Algorithm: p.kbpk, Usage: usage, Mode: mode}
			held, err := b.Import(t.Context(), outer.Secret().Clone(), a, hsm.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			for what, try := range protecting(t, b, 'D', k, held, good, block, damaged) {
				modes := "BDN"
				if what == "wrap" || what == "translate to" {
					modes = "BEN"
				}
				result, err := try()
				switch what := fmt.Sprintf("%s with usage %s, mode %c", what, usage, mode); {
				case strings.IndexByte(modes, mode) < 0:
					refused(t, what, result, err, fault.NotPermitted)
				case err != nil:
					t.Errorf("%s: %v", what, err)
				}
			}
		}
	}
}

// protectorChanged: a boundary that keeps what it derived from a KBPK must not take the handle's word for it
// afterwards.
func protectorChanged(t *testing.T, b hsm.Boundary) {
	outer, _ := kbpk(t, b, keys.AES256, "kbpk")
	k := take(t, b, keys.AES128, sound(t, keys.AES128, "x"))
	h := header('D', keys.AES128)
	block := closeOutside(t, outer, clearKey(t, keys.AES128, sound(t, keys.AES128, "x")), h)
	a := hsm.Attributes{Algorithm: keys.AES256, Usage: keys.UsageKBPK, Mode: 'E'}
	closes, err := b.Import(t.Context(), outer.Secret().Clone(), a, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Wrap(t.Context(), k, closes, h, keyblock.WrapOptions{}); err != nil {
		t.Fatal(err)
	}
	opens := closes
	opens.Mode = 'B'
	o, err := b.Unwrap(t.Context(), block, opens, hsm.Policy{})
	refused(t, "a key that closes, said to open", o, err, fault.NotPermitted)
	opens = closes
	opens.Label = "ZMK#1"
	w, err := b.Wrap(t.Context(), k, opens, h, keyblock.WrapOptions{})
	refused(t, "a key with a label that it does not have", w, err, fault.NotPermitted)
}

func sameUsage(t *testing.T, b hsm.Boundary) {
	_, held := kbpk(t, b, keys.AES256, "kbpk")
	all := append(keys.Usages(), hsm.UsageTransaction, "10")
	for _, born := range all {
		k := takeAs(t, b, hsm.Attributes{Algorithm: keys.AES128, Usage: born})
		for _, said := range all {
			h := header('D', keys.AES128)
			h.Usage, h.Mode = said, k.Mode
			w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowWeak: true, AllowUnfit: true})
			switch what := fmt.Sprintf("a key with usage %s as %s", born, said); {
			case said != born:
				refused(t, what, w, err, fault.NotPermitted)
			case err != nil:
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// modesOf is what a mode of a usage may become: the suite's own table.
func modesOf(usage keys.Usage, mode byte) string {
	switch mode {
	case 'B':
		return "BED"
	case 'C':
		return "CGV"
	case 'T':
		return "TSD"
	case 'N':
		if usage.Known() {
			return "N" + usage.Modes()
		}
		return "BCDEGNSTVXYZ1"
	}
	return string(mode)
}

func narrowerMode(t *testing.T, b hsm.Boundary) {
	_, held := kbpk(t, b, keys.AES256, "kbpk")
	const modes = "BCDEGNSTVXYZ1"
	for _, usage := range []keys.Usage{"B0", "D0", "E0", "K0", "M6", "P0", "S0", "V1", "10"} {
		for _, born := range []byte(modes) {
			k := takeAs(t, b, hsm.Attributes{Algorithm: keys.AES128, Usage: usage, Mode: born})
			for _, said := range []byte(modes) {
				h := headerOf('D', k.Attributes)
				h.Mode = said
				w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowUnfit: true})
				switch what := fmt.Sprintf("a key with usage %s, mode %c as mode %c", usage, born, said); {
				case strings.IndexByte(modesOf(usage, born), said) < 0:
					refused(t, what, w, err, fault.NotPermitted)
				case err != nil:
					t.Errorf("%s: %v", what, err)
				case parse(t, w.Block).Mode != said:
					t.Errorf("%s: the block says %c", what, parse(t, w.Block).Mode)
				}
			}
		}
	}
}

// tighterExportability: X9.143 6.3.5, N not at all, E under trusted keys, S under others too.
func tighterExportability(t *testing.T, b hsm.Boundary) {
	_, held := kbpk(t, b, keys.AES256, "kbpk")
	for born, may := range map[byte]string{'E': "EN", 'S': "SEN", 'N': ""} {
		k := takeAs(t, b, hsm.Attributes{Algorithm: keys.AES128, Exportability: born})
		for _, said := range []byte("ENS") {
			h := header('D', keys.AES128)
			h.Exportability = said
			w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowUnfit: true})
			switch what := fmt.Sprintf("a key with exportability %c as %c", born, said); {
			case strings.IndexByte(may, said) < 0:
				refused(t, what, w, err, fault.NotPermitted)
			case err != nil:
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, said := range []byte{0, 'X', 'e', '9', ' '} {
			h := header('D', keys.AES128)
			h.Exportability = said
			w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowUnfit: true})
			refused(t, fmt.Sprintf("a key with exportability %c as %q", born, said), w, err)
		}
	}
}

// notExportable: by whatever way the key came in, and whatever the header says.
func notExportable(t *testing.T, b hsm.Boundary) {
	outer, held := kbpk(t, b, keys.AES256, "kbpk")
	clear := sound(t, keys.AES128, "x")
	a := hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsageData, Mode: 'B', Exportability: 'N'}
	generated, err := b.Generate(t.Context(), a, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	formed, err := b.Form(t.Context(), hsm.Forming{Attributes: a, Parts: cut(t, keys.AES128, clear, component.Spec{Scheme: component.XOR, Parts: 2})})
	if err != nil {
		t.Fatal(err)
	}
	h := headerOf('D', a)
	opened, err := b.Unwrap(t.Context(), closeOutside(t, outer, clearKey(t, keys.AES128, clear), h), held, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := b.Keep(t.Context(), generated, "DATA#1")
	if err != nil {
		t.Fatal(err)
	}
	for what, k := range map[string]hsm.Key{
		"imported": takeAs(t, b, a), "generated": generated, "formed": formed, "opened": opened.Key, "kept": kept,
	} {
		if k.Exportability != 'N' {
			t.Fatalf("%s: exportability %c", what, k.Exportability)
		}
		for _, said := range []byte("ENS") {
			h.Exportability = said
			w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowWeak: true, AllowUnfit: true})
			refused(t, what+", wrapped as "+string(said), w, err, fault.NotPermitted)
		}
		lies := k
		lies.Exportability = 'E'
		w, err := b.Wrap(t.Context(), lies, held, header('D', keys.AES128), keyblock.WrapOptions{})
		refused(t, what+", said to be exportable", w, err, fault.NotPermitted)
	}
}

func sameHash(t *testing.T, b hsm.Boundary) {
	_, held := kbpk(t, b, keys.AES256, "kbpk")
	for _, born := range keys.HMACs() {
		k := takeAs(t, b, hsm.Attributes{Algorithm: born, Usage: keys.UsageHMAC})
		for _, said := range keys.HMACs() {
			h := headerOf('D', k.Attributes)
			h.SetOpt("HM", keyblock.HMFor(said))
			w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowWeak: true})
			switch what := fmt.Sprintf("a key for %s as one for %s", born, said); {
			case said != born:
				refused(t, what, w, err, fault.HeaderMalformed)
			case err != nil:
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// life is a key on its way through a boundary, with what it was born as.
type life struct {
	key  hsm.Key
	born hsm.Attributes
}

// neverLooser sends keys through random calls, most with headers that ask for more than the key may have, and looks at
// every block and every key that comes of it.
func neverLooser(t *testing.T, b hsm.Boundary) {
	r := rand.New(rand.NewPCG(1, 4))                                     //nolint:gosec // G404: the same walk in every run
	outer, held := protector(t, b, protection{'E', keys.AES256}, "kbpk") // D and E
	lives, blocks, refusals := []life{}, 0, 0
	pick := func(from string) byte { return from[r.IntN(len(from))] }
	for range 400 {
		if len(lives) < 8 || r.IntN(8) == 0 {
			a := hsm.Attributes{Algorithm: keys.AES128, Usage: []keys.Usage{"D0", "P0", "M6", "B0"}[r.IntN(4)],
				Mode: pick("BCDEGNX"), Exportability: pick("ENSS")}
			k, err := b.Generate(t.Context(), a, hsm.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			lives = append(lives, life{k, a})
		}
		l := lives[r.IntN(len(lives))]
		h := headerOf(pick("DE"), l.born)
		switch r.IntN(4) {
		case 0:
			h.Mode = pick("BCDEGNX")
		case 1:
			h.Exportability = pick("ENS")
		case 2:
			h.Usage = []keys.Usage{"D0", "P0", "M6", "B0", "K1"}[r.IntN(5)]
		}
		w, err := b.Wrap(t.Context(), l.key, held, h, keyblock.WrapOptions{AllowUnfit: true})
		if err != nil {
			refusals++
			continue
		}
		blocks++
		next, err := onward(t, b, r, parse(t, w.Block), held)
		if err != nil {
			refusals++
			continue
		}
		openOutside(t, outer, parse(t, w.Block))
		for what, now := range map[string]hsm.Attributes{"block": {Usage: h.Usage, Mode: h.Mode, Exportability: h.Exportability},
			"key": next.Attributes} {
			if looser(now, l.born) {
				t.Fatalf("a key born as %+v became a %s %+v", l.born, what, now)
			}
		}
		lives = append(lives, life{next, l.born})
	}
	if blocks < 50 || refusals < 50 {
		t.Errorf("%d blocks and %d refusals: the walk says nothing", blocks, refusals)
	}
}

// onward brings a key out of a block again, by one of the ways there are, at times under a label.
func onward(t *testing.T, b hsm.Boundary, r *rand.Rand, block *keyblock.Block, held hsm.Key) (hsm.Key, error) {
	if r.IntN(2) == 0 {
		tr, err := b.Translate(t.Context(), block, held, held, hsm.Change{Version: "DE"[r.IntN(2)]})
		if err != nil {
			return hsm.Key{}, err
		}
		block = parse(t, tr.Block)
	}
	o, err := b.Unwrap(t.Context(), block, held, hsm.Policy{})
	if err != nil || r.IntN(2) == 0 {
		return o.Key, err
	}
	return b.Keep(t.Context(), o.Key, "KEY#1")
}

func looser(now, born hsm.Attributes) bool {
	order := "NES"
	return now.Usage != born.Usage || strings.IndexByte(modesOf(born.Usage, born.Mode), now.Mode) < 0 ||
		strings.IndexByte(order, now.Exportability) > strings.IndexByte(order, born.Exportability)
}

func staysInside(t *testing.T, b hsm.Boundary) {
	outer, held := kbpk(t, b, keys.AES256, "kbpk")
	a := hsm.Attributes{Algorithm: keys.AES128, Exportability: 'N'}
	k := takeAs(t, b, a)
	sec, err := b.Reveal(t.Context(), k)
	refused(t, "reveal", sec, err, fault.NotPermitted)
	parts, err := b.Split(t.Context(), k, component.Spec{Scheme: component.XOR, Parts: 2})
	refused(t, "split", parts, err, fault.NotPermitted)
	lies := k
	lies.Exportability = 'E'
	sec, err = b.Reveal(t.Context(), lies)
	refused(t, "reveal a key said to be exportable", sec, err, fault.NotPermitted)

	key := clearKey(t, keys.AES128, sound(t, keys.AES128, "x"))
	for exportability, moves := range map[byte]bool{'N': false, 'E': true, 'S': true} {
		h := header('D', keys.AES128)
		h.Exportability = exportability
		tr, err := b.Translate(t.Context(), closeOutside(t, outer, key, h), held, held, hsm.Change{})
		if !moves {
			refused(t, "translate", tr, err, fault.NotPermitted)
		} else if err != nil {
			t.Errorf("translate a block with exportability %c: %v", exportability, err)
		}
	}
	strange := parse(t, "A0072P0TE00900004A1A968A39DCC86530284D87664C4760B89487906FC0919D9160E0D7")
	under := takeFor(t, b, keys.TDES128, unhex(t, "6D31F4A2C7580E9B1CA7E35886D0B94F"), keys.UsageKBPK)
	tr, err := b.Translate(t.Context(), strange, under, under, hsm.Change{})
	refused(t, "translate an exportability of no standard", tr, err, fault.NotPermitted)
}

// provenOnly: what a payload decrypts to, when nobody authenticated it, is not told; nor is a MAC of four bytes put
// right.
func provenOnly(t *testing.T, b hsm.Boundary) {
	key := clearKey(t, keys.TDES128, sound(t, keys.TDES128, "x"))
	for _, p := range protections() {
		outer, held := protector(t, b, p, "kbpk")
		good := closeOutside(t, outer, key, header(p.version, keys.TDES128)).Marshal()
		if found, err := b.Examine(t.Context(), parse(t, good), held); err != nil || len(found) != 0 {
			t.Errorf("version %c: a good block has findings %+v, %v", p.version, found, err)
		}
		var same string
		for _, mac := range []int{2, 3, 4} { // more than one place of the MAC: the payload is that of a good key
			text := good
			for i := range mac {
				text = damage(text, len(text)-1-2*i)
			}
			found, err := b.Examine(t.Context(), parse(t, text), held)
			if err != nil || len(found) == 0 || slices.ContainsFunc(found, func(f keyblock.Finding) bool { return f.Corrected != "" }) {
				t.Errorf("version %c: findings %+v, %v", p.version, found, err)
			}
			if same == "" {
				same = fmt.Sprint(found)
			}
			if got := fmt.Sprint(found); got != same {
				t.Errorf("version %c: findings differ: %s and %s", p.version, got, same)
			}
		}
		_, another := protector(t, b, p, "another")
		found, err := b.Examine(t.Context(), parse(t, good), another)
		if err != nil || fmt.Sprint(found) != same {
			t.Errorf("version %c: another KBPK has the findings %+v, %v; a good payload has %s", p.version, found, err, same)
		}
		if p.version != 'A' && p.version != 'C' {
			continue
		}
		found, err = b.Examine(t.Context(), parse(t, damage(good, len(good)-1)), held)
		if err != nil || fmt.Sprint(found) != same {
			t.Errorf("version %c: a MAC of four bytes is put right: %+v, %v", p.version, found, err)
		}
	}
}

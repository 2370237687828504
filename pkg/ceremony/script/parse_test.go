package script

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// small is a script with little in it.
const small = `schema: poskey.ceremony/v1
kind: custom
environment: test
title: Small
organisation: Organisation A
place: Key room 1
people:
  - id: leader.a
    name: Leader A
  - id: operator.a
    name: Operator A
  - id: witness.a
    name: Witness A
  - id: custodian.a
    name: Custodian A
  - id: custodian.b
    name: Custodian B
roles:
  leader: {primary: leader.a}
  operator: {primary: operator.a}
  witness: {primary: witness.a}
keys:
  - id: ZMK
    algorithm: aes-256
    usage: K1
    source: components
    check: 08D7B4
    scheme: xor
    parts:
      - number: 1
        custodian: {primary: custodian.a}
        bag: B1
        check: 0123AB
      - number: 2
        custodian: {primary: custodian.b}
    outputs:
      - to: store
        label: ZMK
      - to: block
        file: zmk.blk
        kbpk: KBPK
      - to: device
        device: T1
        slot: A1
steps:
  - do: attend
  - do: inspect
    item: printer
    expect: PRN-1
    by: operator
    minutes: 5
  - do: receive
    key: ZMK
    part: 1
  - do: enter
    key: ZMK
    part: 1
  - do: enter
    key: ZMK
    part: 2
  - do: form
    key: ZMK
  - do: compare
    key: ZMK
  - do: keep
    key: ZMK
  - do: export
    key: ZMK
    output: block:zmk.blk
  - do: load
    key: ZMK
  - do: destroy-part
    key: ZMK
    part: 1
    method: shredder
  - do: seal
    key: ZMK
    part: 2
  - do: read
    text: |
      That was it.
      Thank you.
  - do: close
`

const pasted = "0123456789ABCDEFFEDCBA9876543210"

func TestAScriptSaysWhatStandsInIt(t *testing.T) {
	s, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	k, ok := s.Key("ZMK")
	if !ok || k.Threshold != 2 || k.Needed() != 2 || k.Check.Digits != "08D7B4" || k.CheckText != "08D7B4" || k.Parts[0].Check.Digits != "0123AB" {
		t.Errorf("key %+v, %t", k, ok)
	}
	if p, ok := s.Person("witness.a"); !ok || p.Name != "Witness A" {
		t.Errorf("person %+v, %t", p, ok)
	}
	if _, ok := s.Person("nobody"); ok {
		t.Error("somebody is found who is not there")
	}
	if _, ok := s.Key("zmk"); ok {
		t.Error("a key is found that is not there")
	}
	if got := s.Steps[12].Text; got != "That was it.\nThank you." {
		t.Errorf("text %q", got)
	}
	if s.Environment != custody.Test || s.Roles[Operator].Primary != "operator.a" || s.Steps[1].Minutes.Minutes() != 5 {
		t.Errorf("script %+v", s)
	}
	p, err := s.Program()
	if err != nil {
		t.Fatal(err)
	}
	if p.Steps[8].Output.File != "zmk.blk" || p.Steps[9].Output.Device != "T1" || !p.Steps[9].Irreversible {
		t.Errorf("outputs %+v %+v", p.Steps[8], p.Steps[9])
	}
	if a := p.Steps[3].Actor.Primary; a != "custodian.a" || p.Steps[3].Seconder.Primary != "witness.a" || p.Steps[3].Part.Number != 1 {
		t.Errorf("step 4 is done by %s", a)
	}
}

func TestTheFingerprintIsThatOfTheBytes(t *testing.T) {
	raw := []byte(small)
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if s.Fingerprint() != custody.Fingerprint(sha256.Sum256([]byte(small))) {
		t.Errorf("fingerprint %s", s.Fingerprint())
	}
	raw[0], s.Raw()[1] = 'X', 'X'
	if !bytes.Equal(s.Raw(), []byte(small)) {
		t.Error("the bytes can be changed from outside")
	}
	other, err := Parse([]byte(small + "# a comment\n"))
	if err != nil || other.Fingerprint() == s.Fingerprint() || !sameValue(other, s) {
		t.Errorf("a comment: %v", err)
	}
}

func partsOf(script string) string {
	return script[strings.Index(script, "    parts:"):strings.Index(script, "    outputs:")]
}

func TestWhatIsNotStrictIsRefusedWithItsLine(t *testing.T) {
	with := func(old, to string) string {
		if !strings.Contains(small, old) {
			t.Fatalf("%q is not in the script", old)
		}
		return strings.Replace(small, old, to, 1)
	}
	for name, c := range map[string]struct {
		script string
		kind   fault.Kind
		says   string
	}{
		"nothing":                            {"", fault.Malformed, "empty"},
		"a comment":                          {"# x\n", fault.Malformed, "empty"},
		"a list":                             {"- a\n", fault.Malformed, "line 1"},
		"two documents":                      {small + "---\n" + small, fault.Malformed, "more than one"},
		"too large":                          {small + strings.Repeat("#", MaxFile), fault.TooLarge, ""},
		"no UTF-8":                           {with("Small", "Sm\xffll"), fault.Malformed, "UTF-8"},
		"CR LF":                              {strings.ReplaceAll(small, "\n", "\r\n"), fault.Malformed, "line 1"},
		"a tab":                              {with("Small", "Sm\tall"), fault.Malformed, "line 4"},
		"a turn of direction":                {with("Small", "Sm\u202Eall"), fault.Malformed, "line 4: the character U+202E"},
		"an isolate in a comment":            {with("kind:", "# \u2066\nkind:"), fault.Malformed, "line 2"},
		"a zero-width blank":                 {with("Small", "Sm\u200Ball"), fault.Malformed, "line 4"},
		"a filler that looks like none":      {with("Small", "Sm\u3164all"), fault.Malformed, "line 4"},
		"a byte order mark":                  {"\uFEFF" + small, fault.Malformed, "line 1"},
		"an escape":                          {with("title: Small", `title: "Sm\u0061ll"`), fault.Malformed, "line 4: a backslash"},
		"a directive":                        {"%YAML 1.1\n---\n" + small, fault.Malformed, "line 1"},
		"another version":                    {with("ceremony/v1", "ceremony/v2"), fault.VersionUnsupported, "v2"},
		"another schema":                     {with("poskey.ceremony/v1", "poskey.inject-plan/v1"), fault.Malformed, "line 1"},
		"no schema":                          {with("schema: poskey.ceremony/v1\n", ""), fault.Malformed, "schema"},
		"a key as the schema":                {with("poskey.ceremony/v1", pasted), fault.Malformed, "schema"},
		"another kind":                       {with("kind: custom", "kind: zmk"), fault.Malformed, "line 2: kind"},
		"a kind in capitals":                 {with("kind: custom", "kind: Custom"), fault.Malformed, "line 2"},
		"another environment":                {with("environment: test", "environment: live"), fault.Malformed, "line 3"},
		"an unknown field":                   {with("title:", "titel: x\ntitle:"), fault.Malformed, "line 4"},
		"a field twice":                      {with("title:", "title: x\ntitle:"), fault.Malformed, "line 5"},
		"a field that is a key":              {with("title:", pasted+": x\ntitle:"), fault.Malformed, "line 4"},
		"no title":                           {with("title: Small\n", ""), fault.Malformed, "title: it is missing"},
		"a title that is a key":              {with("title: Small", "title: "+pasted), fault.Malformed, "line 4"},
		"a title that is a typed key":        {with("title: Small", "title: 0123-4567 89ab-cdef"), fault.Malformed, "line 4"},
		"a title with a key between dots":    {with("title: Small", "title: 0123.4567.89ab/cdef"), fault.Malformed, "line 4"},
		"a title with a wide key":            {with("title: Small", "title: ０１２３４５６７８９ＡＢＣＤＥＦ"), fault.Malformed, "line 4"},
		"a text with a key in two lines":     {with("That was it.", "01234567\n      89ABCDEF"), fault.Malformed, "text"},
		"a bag that is a key":                {with("bag: B1", "bag: 0123456789ABCDEF"), fault.Malformed, "line 32"},
		"a title without a value":            {with("title: Small", "title:"), fault.Malformed, "line 4"},
		"a title that is null":               {with("title: Small", "title: null"), fault.Malformed, "line 4"},
		"an empty title":                     {with("title: Small", "title: ''"), fault.Malformed, "line 4"},
		"a title that is a list":             {with("title: Small", "title: [a]"), fault.Malformed, "line 4"},
		"a title of two lines":               {with("title: Small", "title: |\n  a\n  b"), fault.Malformed, "line 4"},
		"a long title":                       {with("title: Small", "title: "+strings.Repeat("x", 201)), fault.Malformed, "line 4"},
		"blanks at the ends":                 {with("title: Small", "title: ' Small'"), fault.Malformed, "line 4"},
		"an anchor":                          {with("title: Small", "title: &a Small"), fault.Malformed, "line 4: title: anchors"},
		"an anchor on a field":               {with("title: Small", "&a title: Small"), fault.Malformed, "line 4"},
		"an alias":                           {with("title: Small", "title: &a x\npurpose: *a"), fault.Malformed, "line 4"},
		"a merge":                            {with("title: Small", "<<: {a: b}\ntitle: Small"), fault.Malformed, "line 4"},
		"a tag":                              {with("title: Small", "title: !!str Small"), fault.Malformed, "line 4: title: tags"},
		"a tag of one's own":                 {with("title: Small", "title: !x Small"), fault.Malformed, "line 4"},
		"binary":                             {with("title: Small", "title: !!binary "+pasted), fault.Malformed, "line 4"},
		"a key that is a list":               {with("title: Small", "? [a]\n: x\ntitle: Small"), fault.Malformed, "line 4"},
		"broken YAML":                        {with("title: Small", "title: '"+pasted), fault.Malformed, ""},
		"YAML with a colon too much":         {with("title: Small", "title: a: "+pasted), fault.Malformed, ""},
		"a local time":                       {with("people:", "starts: 2026-12-01T09:00:00+01:00\npeople:"), fault.Malformed, "line 7"},
		"a time without seconds":             {with("people:", "starts: 2026-12-01T09:00Z\npeople:"), fault.Malformed, "line 7"},
		"no people":                          {with(small[strings.Index(small, "people:"):strings.Index(small, "roles:")], "people: []\n"), fault.Malformed, "line 7"},
		"a person twice":                     {with("id: operator.a", "id: leader.a"), fault.Malformed, "line 10"},
		"an id in capitals":                  {with("id: operator.a", "id: Operator.A"), fault.Malformed, "line 10"},
		"a short id":                         {with("id: operator.a", "id: o"), fault.Malformed, "line 10"},
		"a card too short":                   {with("name: Leader A", "name: Leader A\n    card: 1234"), fault.Malformed, "line 10"},
		"a card in small letters":            {with("name: Leader A", "name: Leader A\n    card: "+strings.Repeat("ab", 32)), fault.Malformed, "line 10"},
		"a role that is none":                {with("leader:", "chief:"), fault.Malformed, "line 19"},
		"a role without anybody":             {with("leader: {primary: leader.a}", "leader: {backup: leader.a}"), fault.Malformed, "line 19"},
		"a role of somebody else":            {with("leader: {primary: leader.a}", "leader: {primary: leader.b}"), fault.Malformed, "line 19: roles.leader: leader.b"},
		"a backup of somebody else":          {with("leader: {primary: leader.a}", "leader: {primary: leader.a, backup: x.y}"), fault.Malformed, "line 19"},
		"no witness":                         {with("  witness: {primary: witness.a}\n", ""), fault.Malformed, "roles.witness"},
		"a key without an id":                {with("  - id: ZMK\n    algorithm", "  - algorithm"), fault.Malformed, "line 23"},
		"an id of a key that is none":        {with("- id: ZMK", "- id: Z MK"), fault.Malformed, "line 23"},
		"a long id of a key":                 {with("- id: ZMK", "- id: "+strings.Repeat("Z", 33)), fault.Malformed, "line 23"},
		"another algorithm":                  {with("aes-256", "rot13"), fault.Malformed, "line 24"},
		"an algorithm in capitals":           {with("aes-256", "AES-256"), fault.Malformed, "line 24"},
		"a usage in small letters":           {with("usage: K1", "usage: k1"), fault.Malformed, "line 25"},
		"a usage of three":                   {with("usage: K1", "usage: K11"), fault.Malformed, "line 25"},
		"a mode that does not fit":           {with("usage: K1", "usage: K1\n    mode: G"), fault.Malformed, "line 26"},
		"a mode of two":                      {with("usage: K1", "usage: K1\n    mode: BB"), fault.Malformed, "line 26"},
		"another exportability":              {with("usage: K1", "usage: K1\n    exportability: X"), fault.Malformed, "line 26"},
		"another source":                     {with("source: components", "source: found"), fault.Malformed, "line 26"},
		"a check value of nothing":           {with("check: 08D7B4", "check: 08"), fault.Malformed, "line 27"},
		"a check value that is a key":        {with("check: 08D7B4", "check: "+pasted), fault.Malformed, "line 27"},
		"a check value that is no hex":       {with("check: 08D7B4", "check: 08D7BX"), fault.Malformed, "line 27"},
		"another scheme":                     {with("scheme: xor", "scheme: sum"), fault.Malformed, "line 28"},
		"no scheme":                          {with("    scheme: xor\n", ""), fault.Malformed, "scheme"},
		"a threshold of xor":                 {with("scheme: xor", "scheme: xor\n    threshold: 2"), fault.Malformed, "line 29"},
		"no threshold of shamir":             {with("scheme: xor", "scheme: shamir"), fault.Malformed, "threshold"},
		"a threshold above the parts":        {with("scheme: xor", "scheme: shamir\n    threshold: 3"), fault.Malformed, "line 29"},
		"a part out of order":                {with("number: 2", "number: 3"), fault.Malformed, "line 34"},
		"a number with a zero":               {with("number: 2", "number: 02"), fault.Malformed, "line 34"},
		"a number in hex":                    {with("number: 2", "number: 0x2"), fault.Malformed, "line 34"},
		"a custodian of somebody else":       {with("primary: custodian.b", "primary: custodian.c"), fault.Malformed, "keys.ZMK.parts.2"},
		"a bag with a blank":                 {with("bag: B1", "bag: B 1"), fault.Malformed, "line 32"},
		"an outer bag alone":                 {with("bag: B1", "outer: B1"), fault.Malformed, "line 32"},
		"a former custodian":                 {with("kind: custom", "kind: tmk")[:0] + strings.Replace(with("bag: B1", "bag: B1\n        former: {primary: custodian.a}"), "kind: custom", "kind: tmk", 1), fault.Malformed, "former"},
		"no parts":                           {with("source: components", "source: store\n    label: X"), fault.Malformed, "already"},
		"a label of a new key":               {with("source: components", "source: components\n    label: X"), fault.Malformed, "line 27"},
		"a check value of a new key":         {with("source: components", "source: generate"), fault.Malformed, "line 27"},
		"outputs of a key of an HSM":         {with("source: components", "source: hsm"), fault.Malformed, "HSM"},
		"another output":                     {with("to: store", "to: paper"), fault.Malformed, "line 37"},
		"a field of another output":          {with("label: ZMK", "label: ZMK\n        slot: A1"), fault.Malformed, "line 39"},
		"a label that is none":               {with("label: ZMK", "label: -ZMK"), fault.Malformed, "line 38"},
		"a label with a version":             {with("label: ZMK", "label: ZMK#1"), fault.Malformed, "line 38"},
		"a file in a folder":                 {with("file: zmk.blk", "file: ../zmk.blk"), fault.Malformed, "line 40"},
		"the file of the record":             {with("file: zmk.blk", "file: Transcript.jsonl"), fault.Malformed, "line 40"},
		"another version of a block":         {with("kbpk: KBPK", "kbpk: KBPK\n        version: F"), fault.Malformed, "line 42"},
		"an output without a slot":           {with("        slot: A1\n", ""), fault.Malformed, "slot"},
		"two places in the store":            {with("      - to: block", "      - to: store\n        label: ZMK2\n      - to: block"), fault.Malformed, "one place"},
		"an output twice":                    {with("      - to: block", "      - to: store\n        label: ZMK\n      - to: block"), fault.Malformed, "twice"},
		"sheets of a key that is not drawn":  {with("      - to: block", "      - to: sheets\n      - to: block"), fault.Malformed, "sheets"},
		"a block that may not be":            {with("usage: K1", "usage: K1\n    exportability: N"), fault.Malformed, "exportability"},
		"a scheme without parts":             {with("source: components\n    check: 08D7B4\n    scheme: xor\n"+partsOf(small), "source: generate\n    scheme: xor\n"), fault.Malformed, "no parts"},
		"components without parts":           {with("    scheme: xor\n"+partsOf(small), ""), fault.Malformed, "has parts"},
		"a key of the store without a label": {with("source: components", "source: store"), fault.Malformed, "label"},
		"a KBPK that is none":                {with("kbpk: KBPK", "kbpk: -K"), fault.Malformed, "line 41"},
		"a version of a KBPK that is none":   {with("kbpk: KBPK", "kbpk: KBPK#0"), fault.Malformed, "line 41"},
		"a device with a blank":              {with("device: T1", "device: T 1"), fault.Malformed, "line 43"},
		"an output of two":                   {with("        slot: A1", "        slot: A1\n      - to: device\n        device: T1\n        slot: A2"), fault.Malformed, "several outputs"},
		"no output of its kind":              {with("      - to: device\n        device: T1\n        slot: A1\n", ""), fault.Malformed, "no output to device"},
		"check values of new parts":          {with("source: components\n    check: 08D7B4", "source: generate"), fault.Malformed, "part 1"},
		"a former custodian of a new key":    {strings.NewReplacer("source: components\n    check: 08D7B4", "source: generate", "        check: 0123AB\n", "        former: {primary: custodian.b}\n").Replace(small), fault.Malformed, "former"},
		"another verb":                       {with("do: form", "do: mix"), fault.Malformed, "steps.6.do"},
		"no verb":                            {with("- do: form\n    key", "- key"), fault.Malformed, "steps.6.do"},
		"a role that nobody has":             {with("by: operator", "by: second-witness"), fault.Malformed, "steps.2.by"},
		"by where it is not taken":           {with("- do: receive", "- do: receive\n    by: operator"), fault.Malformed, "by"},
		"a step without its key":             {with("- do: form\n    key: ZMK", "- do: form"), fault.Malformed, "steps.6.key"},
		"a step of another key":              {with("- do: form\n    key: ZMK", "- do: form\n    key: TMK"), fault.Malformed, "steps.6.key: there is no key TMK"},
		"a step of another part":             {with("- do: enter\n    key: ZMK\n    part: 2", "- do: enter\n    key: ZMK\n    part: 3"), fault.Malformed, "steps.5.part"},
		"a part where none is taken":         {with("- do: form\n    key: ZMK", "- do: form\n    key: ZMK\n    part: 1"), fault.Malformed, "part"},
		"another output of a step":           {with("output: block:zmk.blk", "output: block:zmk2.blk"), fault.Malformed, "steps.9.output"},
		"an output of another kind":          {with("output: block:zmk.blk", "output: store"), fault.Malformed, "steps.9.output"},
		"minutes that are none":              {with("minutes: 5", "minutes: 0"), fault.Malformed, "minutes"},
		"too many minutes":                   {with("minutes: 5", "minutes: 601"), fault.Malformed, "minutes"},
		"no item":                            {with("    item: printer\n", ""), fault.Malformed, "item"},
		"an item where none is taken":        {with("- do: close", "- do: close\n    item: x"), fault.Malformed, "item"},
		"a long text":                        {with("Thank you.", strings.Repeat("thanks ", 600)), fault.Malformed, "text"},
		"a text that is a key":               {with("Thank you.", pasted), fault.Malformed, "text"},
		"an empty text":                      {with("text: |\n      That was it.\n      Thank you.", "text: |\n\n"), fault.Malformed, "text"},
		"too many steps":                     {with("- do: close", strings.Repeat("- do: pause\n  ", 500)+"- do: close"), fault.Malformed, "too many"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse([]byte(c.script))
			if s != nil || !fault.Is(err, c.kind) {
				t.Fatalf("script %v, error %v; want kind %s", s, err, c.kind)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			flat := strings.NewReplacer(" ", "", "-", "").Replace(err.Error())
			for at := 0; at+8 <= len(pasted); at++ {
				if strings.Contains(flat, pasted[at:at+8]) {
					t.Fatalf("the error holds digits of the file: %v", err)
				}
			}
		})
	}
}

func TestLongSerialsAreNoKeys(t *testing.T) {
	for old, to := range map[string]string{"bag: B1": "bag: 012345678901234567", "expect: PRN-1": "expect: 000000000012345678",
		"device: T1": "device: 861234567890123456", "title: Small": "title: Key room 12, 3rd floor, 2026-12-01"} {
		if _, err := Parse([]byte(strings.Replace(small, old, to, 1))); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestKeysOfOneScriptDoNotMeet(t *testing.T) {
	second := small[strings.Index(small, "  - id: ZMK\n    algorithm"):strings.Index(small, "steps:")]
	for name, c := range map[string]struct{ edit func(string) string }{
		"one id":    {func(s string) string { return s }},
		"case only": {func(s string) string { return strings.Replace(s, "id: ZMK", "id: zmk", 1) }},
		"one label": {func(s string) string {
			return strings.NewReplacer("id: ZMK", "id: B", "file: zmk.blk", "file: b", "device: T1", "device: T2").Replace(s)
		}},
		"one file": {func(s string) string {
			return strings.NewReplacer("id: ZMK", "id: B", "label: ZMK", "label: B", "zmk.blk", "ZMK.BLK", "device: T1", "device: T2").Replace(s)
		}},
		"one slot": {func(s string) string {
			return strings.NewReplacer("id: ZMK", "id: B", "label: ZMK", "label: B", "file: zmk.blk", "file: b").Replace(s)
		}},
	} {
		s, err := Parse([]byte(strings.Replace(small, "steps:", c.edit(second)+"steps:", 1)))
		if s != nil || !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	apart := strings.NewReplacer("id: ZMK", "id: B", "label: ZMK", "label: B", "file: zmk.blk", "file: b", "device: T1", "device: T2").Replace(second)
	if _, err := Parse([]byte(strings.Replace(small, "steps:", apart+"steps:", 1))); err != nil {
		t.Errorf("two keys that do not meet: %v", err)
	}
}

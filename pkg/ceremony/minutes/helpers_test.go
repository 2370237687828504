package minutes

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func english() Language { return Language{Code: "en", Say: text.Text.String} }

// chinese speaks by the catalogue of the commands, which stand above this package.
func chinese() Language {
	entries, err := catalogue()
	if err != nil || len(entries) < 1000 {
		panic(fmt.Sprintf("the catalogue has %d entries: %v", len(entries), err))
	}
	var say func(text.Text) string
	say = func(t text.Text) string {
		format, args := t.Format, make([]any, len(t.Args))
		if translated, ok := entries[format]; ok {
			format = translated
		}
		for i, a := range t.Args {
			args[i] = a
			switch inner := a.(type) {
			case text.Text:
				args[i] = say(inner)
			case text.Stored:
				if translated, ok := entries[string(inner)]; ok {
					args[i] = translated
				}
			}
		}
		return fmt.Sprintf(format, args...)
	}
	return Language{Code: "zh", Say: say}
}

var catalogue = sync.OnceValues(func() (map[string]string, error) {
	raw, err := os.ReadFile("../../../internal/i18n/zh.po")
	entries := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^msgid (".*")\nmsgstr (".*")$`).FindAllSubmatch(raw, -1) {
		id, _ := strconv.Unquote(string(m[1]))
		entries[id], _ = strconv.Unquote(string(m[2]))
	}
	return entries, err
})

func languages() []Language { return []Language{english(), chinese()} }

// Texts that are hard to set.
const (
	longWord    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-THE-END-OF-A-WORD"
	longChinese = "保管人甲在打开防拆袋之前，发现袋上的编号最后一位模糊不清；双方停止操作，用放大镜核对三次（由见证人朗读），确认编号与对方事先单独告知的编号一致，决定继续，并将该袋拍照存档。"
)

func at(minute, second int) time.Time {
	return time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
}

func cardOf(name string) string { return fmt.Sprintf("%X", sha256.Sum256([]byte(name))) }

// richScript is a ceremony with all there is: two keys, three custodians, every verb that says something on paper.
func richScript() *script.Script {
	people := []script.Person{
		{ID: "leader-1", Name: "Leader One", Employee: "E-0001", Manager: "manager-1", Card: cardOf("leader-1")},
		{ID: "operator-1", Name: "操作员甲", Employee: "E-0002", Manager: "manager-1", Card: cardOf("operator-1")},
		{ID: "witness-1", Name: "见证人喆", Employee: "E-0003", Manager: "manager-2", Card: cardOf("witness-1")},
		{ID: "witness-2", Name: "Witness Łukasz Ωmega", Manager: "manager-3", Card: cardOf("witness-2"), Partner: true},
	}
	for i, name := range []string{"Custodian A", "保管人乙", "Custodian Ünïcøde C"} {
		for j, seat := range []string{"primary", "backup"} {
			id := fmt.Sprintf("custodian-%c%d", 'a'+i, j+1)
			people = append(people, script.Person{ID: id, Name: name + " " + seat, Employee: fmt.Sprintf("E-1%d%d", i, j),
				Manager: fmt.Sprintf("manager-%d", i+1), Card: cardOf(id)})
		}
	}
	key := script.Key{ID: "ZMK", Algorithm: keys.AES256, Usage: "K0", Source: script.Components, Label: "ZMK-PARTNER-2026",
		Scheme: "xor", Threshold: 3, CheckText: "cmac:A1B2C3D4E5"}
	for i := range 3 {
		key.Parts = append(key.Parts, script.Part{Number: i + 1, Bag: fmt.Sprintf("BAG-77000%d", i+1), Outer: fmt.Sprintf("OUT-88000%d", i+1),
			Custodian: script.Seat{Primary: fmt.Sprintf("custodian-%c1", 'a'+i), Backup: fmt.Sprintf("custodian-%c2", 'a'+i)},
			Channel:   []string{"courier one", "信使乙", "partner's own hands"}[i], SerialBy: "leader-1", CheckText: fmt.Sprintf("cmac:1%d2%d3%d", i, i, i)})
	}
	key.Outputs = []script.Output{{To: script.ToStore, Label: "ZMK-PARTNER-2026"}, {To: script.ToBlock, File: "zmk-partner.tr31", KBPK: "KBPK-1"},
		{To: script.ToDevice, Device: "SN-99001122", Slot: "0x1F"}}
	second := script.Key{ID: "TMK", Algorithm: keys.TDES128, Usage: "K1", Source: script.Generate, Label: "TMK-2026"}
	s := &script.Script{Kind: script.ZMKReceive, Title: "Zone master key of the partner, 2026 年第四季度", Organisation: "Example Payments 示例支付",
		Purpose: "The partner's zone master key comes in three components and goes into our store; " + longChinese,
		Place:   "Secure room 2, building A", Starts: at(0, 0), Environment: custody.Production, People: people,
		Roles: map[script.Role]script.Seat{script.Leader: {Primary: "leader-1"}, script.Operator: {Primary: "operator-1", Backup: "leader-1"},
			script.Witness: {Primary: "witness-1", Backup: "witness-2"}, script.SecondWitness: {Primary: "witness-2"}},
		Keys: []script.Key{key, second}}
	s.Steps = []script.Step{{Do: script.Attend}, {Do: script.Declare},
		{Do: script.Read, Text: "No cameras, no telephones. 请各位核对脚本指纹，并确认门已锁好。"},
		{Do: script.Inspect, Item: "serial number of the terminal", Expect: "SN-99001122"}}
	for n := 1; n <= 3; n++ {
		s.Steps = append(s.Steps, script.Step{Do: script.ReceivePart, Key: "ZMK", Part: n})
	}
	for n := 1; n <= 3; n++ {
		s.Steps = append(s.Steps, script.Step{Do: script.EnterPart, Key: "ZMK", Part: n, Minutes: 5 * time.Minute})
	}
	s.Steps = append(s.Steps, script.Step{Do: script.FormKey, Key: "ZMK"}, script.Step{Do: script.CompareKey, Key: "ZMK"},
		script.Step{Do: script.KeepKey, Key: "ZMK", Output: "store"}, script.Step{Do: script.ExportKey, Key: "ZMK", Output: "block"},
		script.Step{Do: script.LoadKey, Key: "ZMK", Output: "device"})
	for n := 1; n <= 3; n++ {
		s.Steps = append(s.Steps, script.Step{Do: script.DestroyPart, Key: "ZMK", Part: n, Method: "cross-cut and pulped"})
	}
	for n := range 41 {
		s.Steps = append(s.Steps, script.Step{Do: script.Read, Text: fmt.Sprintf("Sentence number %d is read aloud.", n+1)})
	}
	s.Steps = append(s.Steps, script.Step{Do: script.Close})
	return s
}

func programOf(s *script.Script) *script.Program {
	p := &script.Program{Script: s}
	for i, st := range s.Steps {
		q := script.Planned{Number: i + 1, Step: st, Actor: script.Seat{Primary: "operator-1", Backup: "leader-1"}, Requirements: []string{"7-1"}}
		for k := range s.Keys {
			if s.Keys[k].ID == st.Key {
				q.Key = &s.Keys[k]
			}
		}
		if q.Key != nil && st.Part > 0 {
			q.Part = &q.Key.Parts[st.Part-1]
			q.Actor = q.Part.Custodian
			q.Seconder = script.Seat{Primary: "witness-1"}
			q.Requirements = []string{"12-1", "13-8", "26-1"}
		}
		q.Irreversible = st.Do == script.KeepKey || st.Do == script.DestroyPart
		p.Steps = append(p.Steps, q)
	}
	return p
}

// recorder writes a record by hand.
type recorder struct {
	records []transcript.Record
	now     time.Time
	step    int
}

func (r *recorder) add(e transcript.Entry) {
	r.now = r.now.Add(17 * time.Second)
	e.Step = r.step
	n := len(r.records) + 1
	r.records = append(r.records, transcript.Record{N: n, Time: r.now, Entry: e, Hash: sha256.Sum256([]byte{byte(n), byte(n >> 8)})})
}

func (r *recorder) begin(n int, who string) {
	r.step = n
	r.add(transcript.Entry{Kind: transcript.KindBegun, Who: who, Details: map[string]string{"verb": "x"}})
}

func (r *recorder) end(who string) {
	r.add(transcript.Entry{Kind: transcript.KindDone, Who: who})
	r.add(transcript.Entry{Kind: transcript.KindSigned, Who: who, Signature: make([]byte, 64)})
}

func cmacOf(digits string) kcv.Value { return kcv.Value{Method: kcv.CMAC, Digits: digits} }

// richRecord is what became of the rich script, with a comparison that differs, deviations, a break, and a missing signature.
func richRecord() *ceremony.Verified {
	s := richScript()
	r := &recorder{now: at(0, 0)}
	head := transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: transcript.Run, Environment: s.Environment,
		Script: []byte("schema: poskey.ceremony/v1\n"), Tool: "poskey 1.5.0 (build 0123abcd)", Station: "ceremony-pc-1", Language: "zh"}
	r.add(transcript.Entry{Kind: transcript.KindOpen, Head: &head})
	r.add(transcript.Entry{Kind: transcript.KindFinding, Details: map[string]string{"id": "small-room", "level": "warning",
		"requirement": "PCI PIN 25-1", "what": "Custodian A and the leader report to one manager"}})
	r.begin(1, "leader-1")
	seats := []struct{ who, role, seat string }{{"leader-1", "leader", "primary"}, {"operator-1", "operator", "primary"},
		{"witness-2", "witness", "backup"}, {"custodian-a1", "custodian", "primary"}, {"custodian-b2", "custodian", "backup"},
		{"custodian-c1", "custodian", "primary"}}
	for _, p := range seats {
		r.add(transcript.Entry{Kind: transcript.KindAttended, Who: p.who, Details: map[string]string{"role": p.role, "seat": p.seat}})
	}
	r.add(transcript.Entry{Kind: transcript.KindConfirmed, Who: "leader-1", Details: map[string]string{"what": "script fingerprint", "by": "words"}})
	r.end("leader-1")
	r.begin(2, "operator-1")
	r.add(transcript.Entry{Kind: transcript.KindConfirmed, Who: "operator-1", Details: map[string]string{"what": "the room is locked"}})
	r.end("operator-1")
	r.begin(3, "leader-1")
	r.add(transcript.Entry{Kind: transcript.KindSaid, Details: map[string]string{"text": s.Steps[2].Text}})
	r.end("leader-1")
	r.begin(4, "operator-1")
	r.add(transcript.Entry{Kind: transcript.KindObserved, Who: "operator-1", Verdict: transcript.Differs,
		Details: map[string]string{"item": s.Steps[3].Item, "seen": "SN-99001221", "expected": "SN-99001122"}})
	r.add(transcript.Entry{Kind: transcript.KindDeviation, People: []string{"leader-1", "witness-2"}, Details: map[string]string{
		"expected": "SN-99001122", "happened": "two digits were exchanged when it was typed; " + longWord, "decided": longChinese}})
	r.end("operator-1")
	for n := 1; n <= 3; n++ {
		who := seats[2+n].who
		r.begin(4+n, who)
		r.add(transcript.Entry{Kind: transcript.KindBag, Who: who, Key: "ZMK", Part: n, Verdict: transcript.Match, Details: map[string]string{
			"event": "received", "serial": fmt.Sprintf("BAG-77000%d", n), "outer": fmt.Sprintf("OUT-88000%d", n), "channel": "courier one", "state": "intact"}})
		r.add(transcript.Entry{Kind: transcript.KindBag, Who: who, Key: "ZMK", Part: n, Details: map[string]string{"event": "opened",
			"serial": fmt.Sprintf("BAG-77000%d", n)}})
		r.end(who)
	}
	for n := 1; n <= 3; n++ {
		who := seats[2+n].who
		r.begin(7+n, who)
		if n == 2 {
			r.add(transcript.Entry{Kind: transcript.KindChecked, Who: who, Key: "ZMK", Part: n, Check: cmacOf("FFEEDD"), Expected: cmacOf("112131"),
				Verdict: transcript.Differs})
			r.add(transcript.Entry{Kind: transcript.KindVoid, Who: who, Key: "ZMK", Part: n})
			r.now = r.now.Add(20 * time.Hour)
			r.step = 0
			r.add(transcript.Entry{Kind: transcript.KindResumed, Details: map[string]string{"torn": "117"}})
			r.add(transcript.Entry{Kind: transcript.KindDeviation, People: []string{"leader-1"}, Details: map[string]string{
				"expected": "no break", "happened": "the power failed", "decided": "all components are typed again"}})
			r.begin(7+n, who)
		}
		digits := fmt.Sprintf("1%d2%d3%d", n-1, n-1, n-1)
		r.add(transcript.Entry{Kind: transcript.KindEntered, Who: who, Key: "ZMK", Part: n, Check: cmacOf(digits)})
		r.add(transcript.Entry{Kind: transcript.KindChecked, Who: who, Key: "ZMK", Part: n, Check: cmacOf(digits), Expected: cmacOf(digits),
			Verdict: transcript.Match})
		r.end(who)
	}
	r.begin(11, "operator-1")
	r.add(transcript.Entry{Kind: transcript.KindMade, Key: "ZMK", Check: cmacOf("A1B2C3D4E5")})
	r.end("operator-1")
	r.begin(12, "operator-1")
	r.add(transcript.Entry{Kind: transcript.KindChecked, Key: "ZMK", Check: cmacOf("A1B2C3D4E5"), Expected: cmacOf("A1B2C3D4E5"), Verdict: transcript.Match})
	r.end("operator-1")
	r.begin(13, "operator-1")
	r.add(transcript.Entry{Kind: transcript.KindKept, Key: "ZMK", Check: cmacOf("A1B2C3D4E5"), Details: map[string]string{"label": "ZMK-PARTNER-2026#1"}})
	r.end("operator-1")
	r.begin(14, "operator-1")
	r.add(transcript.Entry{Kind: transcript.KindExported, Key: "ZMK", Check: cmacOf("A1B2C3D4E5"), Details: map[string]string{
		"file": "zmk-partner.tr31", "sha256": strings.ToLower(cardOf("block")), "header": "D0144K0AB00E0000"}})
	r.end("operator-1")
	r.begin(15, "operator-1")
	r.add(transcript.Entry{Kind: transcript.KindLoaded, Key: "ZMK", Check: cmacOf("A1B2C3"), Details: map[string]string{
		"device": "SN-99001122", "slot": "0x1F", "proof": "device computed the check value", "firmware": "4.2.1"}})
	r.end("operator-1")
	for n := 1; n <= 3; n++ {
		r.begin(15+n, seats[2+n].who)
		r.add(transcript.Entry{Kind: transcript.KindDestroyed, Who: seats[2+n].who, Key: "ZMK", Part: n, Details: map[string]string{"how": "cross-cut and pulped"}})
		r.end(seats[2+n].who)
	}
	for n := 19; n < 59; n++ {
		r.begin(n, "leader-1")
		r.add(transcript.Entry{Kind: transcript.KindSaid, Details: map[string]string{"text": s.Steps[n-1].Text}})
		r.end("leader-1")
	}
	r.begin(60, "leader-1")
	r.add(transcript.Entry{Kind: transcript.KindClosing, Who: "leader-1"})
	r.add(transcript.Entry{Kind: transcript.KindNote, Note: []byte("note")})
	var signers []string
	for _, p := range seats[:5] {
		signers = append(signers, p.who)
	}
	return &ceremony.Verified{
		Document: &transcript.Document{Head: head, Records: r.records, State: transcript.Closed, Signers: signers, Missing: []string{"custodian-c1"}},
		Script:   s, Program: programOf(s),
		Findings: []script.Finding{{ID: "compared-differs", Level: script.Warning, Requirement: "PCI PIN 9-2", Where: "steps.4",
			What: text.Raw("what was seen differs and the ceremony went on"), Fix: text.Raw("see the deviation")}},
	}
}

// written is what a writer of the package writes.
func written(t *testing.T, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

package diagnose_test

// A log in any form of characters says the same, keys that stand in it are told of and never shown, and a long log is read
// to its end.

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"poskey/pkg/diagnose"
)

const chineseLog = "2026-11-23 09:00:00 终端T1 主密钥校验失败，期望8D0A74B8，实际43C6CCCB\r\n2026-11-23 09:01:00 终端T1 被触发，密钥全清\r\n"

func TestALogInAnyCharactersSaysTheSame(t *testing.T) {
	want, _ := readLog(t, chineseLog)
	packed := new(bytes.Buffer)
	z := gzip.NewWriter(packed)
	_, _ = z.Write([]byte(chineseLog))
	_ = z.Close()
	forms := map[string]string{"gzip": packed.String(), "mark": "\uFEFF" + chineseLog}
	for name, e := range map[string]encoding.Encoding{"gbk": simplifiedchinese.GBK, "utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"utf-16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM)} {
		coded, err := e.NewEncoder().String(chineseLog)
		if err != nil {
			t.Fatal(err)
		}
		forms[name] = coded
	}
	for name, coded := range forms {
		got, _ := readLog(t, coded)
		if len(got) != len(want) || got[0].Text != want[0].Text || got[1].Kind != want[1].Kind || got[0].Where != "T1" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestOneLineOfAnotherCodeDoesNotSpoilTheOthers(t *testing.T) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("终端被触发，密钥全清\n")
	if err != nil {
		t.Fatal(err)
	}
	events, _ := readLog(t, gbk+"密钥错误，返回-301\xff\n")
	if len(events) != 2 || events[0].Kind != diagnose.EventTamper || !strings.HasPrefix(events[1].Text, "密钥错误") {
		t.Errorf("%+v", events)
	}
}

func TestADamagedPackedLogIsAnError(t *testing.T) {
	if _, _, err := diagnose.ReadLog(strings.NewReader("\x1f\x8bnothing"), diagnose.LogOptions{}); err == nil {
		t.Error("it was read")
	}
}

func TestAKeyThatStandsInALogIsToldOfWithItsLine(t *testing.T) {
	const odd = "0123456789ABCDEFFEDCBA9876543210" // a test key: each byte has odd parity
	ears := hearing(t)
	for line, exposed := range map[string]bool{
		"load failed, TMK=" + odd:                                     true,
		"主密钥明文：83E2C1A4F0B7961D2C3D4E5F60718293":                      true,
		"component 2: 83E2 C1A4 F0B7 961D 2C3D 4E5F 6071 8293":        true,
		"writeKey cryptogram " + odd + " failed":                      false,
		"writeKey error, TMK=83E2C1A4F0B7961D2C3D4E5F60718293":        false,
		"key error, padding 01010101010101010101010101010101":         false,
		"load failed, sha256 of the key block " + odd + odd:           false,
		"密钥下载失败 62域=83E2C1A4F0B7961D2C3D4E5F6071829383E2C1A4F0B7961D": false,
	} {
		events, sum := readLogBy(t, ears, "2026-11-23 09:00:00 boot\n"+line+"\n")
		r := diagnosed(t, diagnose.Case{Log: events})
		raw, err := json.Marshal(r)
		if err != nil || hexRun(string(raw)) >= 16 || sum.Blotted != 1 {
			t.Errorf("%q: %v, %d hidden: %s", line, err, sum.Blotted, raw)
		}
		told := strings.Contains(strings.Join(causesOf(r), " "), "likely key-exposed")
		if told != exposed || exposed && !strings.Contains(string(raw), "line 2") {
			t.Errorf("%q: %v, want exposed %v", line, causesOf(r), exposed)
		}
	}
}

func TestALogOfSeveralDevicesSaysWhichHasWhat(t *testing.T) {
	events, _ := readLog(t, "SN=A1 tamper detected\nSN=A2 the key has expired\nSN=A3 trade approved DE39=00\n")
	n := notes(diagnosed(t, diagnose.Case{Log: events}))
	if !strings.Contains(n, "A1: ") || !strings.Contains(n, "A2: ") || strings.Contains(n, "A3") || !strings.Contains(n, "key-expired, line 2") {
		t.Errorf("notes: %s", n)
	}
}

func TestWhatWorksLeavesRoomForWhatDoesNot(t *testing.T) {
	var b strings.Builder
	for i := range 900 {
		fmt.Fprintf(&b, "TID=T%d trade DE39=00 approved\n", i%300)
	}
	b.WriteString("TID=T9 tamper detected, all keys erased\n")
	events, sum, err := diagnose.ReadLog(strings.NewReader(b.String()), diagnose.LogOptions{MaxEvents: 100})
	if err != nil || sum.Cut || len(events) > 100 || events[len(events)-1].Kind != diagnose.EventTamper {
		t.Errorf("%v %+v %d", err, sum, len(events))
	}
}

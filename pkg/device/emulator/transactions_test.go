package emulator

import (
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

const (
	exampleIK  = "6AC292FAA1315B4D858AB3A3D7D5933A" // of the X9.24 example
	exampleKSN = "FFFF9876543210E00000"
	otherKSN   = "FFFF9876543210C00000"
	keyM3      = "89E88CF7931444F334BD7547FC3F380C"
)

// send says a transaction frame, take wants one and acknowledges it.
func (h *host) send(payload string) {
	h.t.Helper()
	h.raw(string(packed(table.STX, table.ETX, []byte(strings.ReplaceAll(payload, "|", "\x1c")))))
}

func (h *host) take(payload string) {
	h.t.Helper()
	h.hear("\x06" + string(packed(table.STX, table.ETX, []byte(payload))))
	h.raw("\x06")
}

// admin says an admin frame and wants this answer, and the end.
func (h *host) admin(payload, answer string) {
	h.t.Helper()
	h.say(payload)
	h.hear("\x06" + string(golden(answer)))
	h.raw("\x06")
	h.hear("\x04")
}

func TestEveryGoldenFrameIsReadAsItIs(t *testing.T) {
	type vector struct{ ID, Kind, Payload, LRC string }
	n := 0
	for _, v := range testvec.Load[vector](t, "visa_frames.json") {
		if v.Kind != "transaction" {
			continue
		}
		n++
		body := strings.ReplaceAll(v.Payload, "|", "\x1c")
		wire := append([]byte("\x02"+body+"\x03"), testvec.Hex(t, v.LRC)...)
		if got := packed(table.STX, table.ETX, []byte(body)); string(got) != string(wire) {
			t.Errorf("%s is %X, want %X", v.ID, got, wire)
		}
		tape := tape{}
		tape.push(wire)
		if tok := tape.next(); tok.kind != frame || tok.start != table.STX || string(tok.body) != body {
			t.Errorf("%s is read as %v %q", v.ID, tok.kind, tok.body)
		}
	}
	if n < 5 {
		t.Errorf("only %d golden frames were tried", n)
	}
}

func TestSerialNumbersAreStoredAfterTheCommit(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		h.admin("06", "06000000000000")
		h.say("05PK00000001")
		h.hear("\x06" + string(golden("05PK00000001")))
		h.raw("\x04")
		h.quiet()
		h.admin("06", "06000000000000")
		h.admin("05PK00000001", "05PK00000001")
		h.admin("06", "06PK00000001")
		h.say("05PK00000001234")
		h.hear("\x04")
		h.say("05PK-1")
		h.hear("\x04")
	})
	converse(t, Config{Port: Visa(device.ProfileVeriFone)}, "", func(h *host) {
		h.admin("M04", "M04000-000-000")
		h.say("05PK00000001")
		h.hear("\x04")
		h.admin("05PK00000001234567", "05PK00000001234567")
		h.admin("06", "06PK00000001234567")
	})
}

func TestSettingsAreAnswered(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		h.admin("087", "080")
		h.admin("08A", "081")
		h.admin("1341", "130")
		h.admin("1382", "130")
		h.admin("138\x43", "130")
		h.admin("139", "131")
		h.admin("1344", "131")
		h.send("961")
		h.hear("\x06")
		h.send("962")
		h.hear("\x04")
		h.say("25")
		h.say("190")
		h.say("171")
		h.quiet()
	})
	converse(t, Config{Port: Visa(device.ProfileVeriFone)}, "", func(h *host) {
		h.say("087")
		h.hear("\x06\x04")
		h.say("191")
		h.hear("\x06\x04")
		h.admin("25", "251")
		h.send("960")
		h.hear("\x06")
		h.admin("25", "250")
		h.say("193")
		h.hear("\x04")
	})
}

func TestAnotherKeyModeErasesTheKeys(t *testing.T) {
	converse(t, Config{Port: Visa(device.ProfileVeriFone)}, "", func(h *host) {
		load := func() { h.load("025"+keyTest[:16], "025"+keyTest[:16]) }
		load()
		h.say("15SPAIN")
		h.hear("\x06\x04")
		h.admin("0451", "040")
		load()
		h.say("15SPAIN")
		h.hear("\x06\x04")
		h.admin("0451", "04F") // no attributes
		h.load("025"+keyTest, "02?4")
		h.load("02F"+keyTest[:16], "02?E")
		h.load("025"+blockA, "02?A")
	})
}

func TestInitialKeysComeInClearAndInBlocks(t *testing.T) {
	converse(t, Config{}, keyK1, func(h *host) {
		h.send("90" + exampleIK + exampleKSN)
		h.take("910")
		h.send("90" + block90) // again, and not used yet: the answer may have been lost
		h.take("910")
		h.send("94" + exampleIK + exampleKSN)
		h.take("911A")                      // two engines with one KSN would use every key twice
		h.send("94" + exampleIK + otherKSN) // the keys may be equal
		h.take("910")
		for i, slot := range table.InitialSlots() {
			r, ok := h.term.Engine(slot)
			next := []string{"FFFF9876543210E00001", "FFFF9876543210C00001"}[i]
			if !ok || r.KSN != next || r.Left != 1048575 || r.Check.String() != "AF8C07 (ecb-zero)" {
				t.Errorf("engine %s: %+v, %v", slot, r, ok)
			}
		}
		if _, ok := h.term.SlotCheck("90"); ok {
			t.Error("the initial key is still there")
		}
	})
}

func TestInitialKeysAreRefusedWithTheirCodes(t *testing.T) {
	changed := strings.Replace(block90, "5F44", "5F45", 1)
	for name, c := range map[string]struct {
		cfg            Config
		klk            string
		payload, reply string
	}{
		"clear outside the mode":  {Config{InjectModeOff: true}, "", "90" + exampleIK + exampleKSN, "9111"},
		"no hex in the key":       {Config{}, "", "90" + exampleIK[:31] + "G" + exampleKSN, "9112"},
		"no hex in the KSN":       {Config{}, "", "90" + exampleIK + exampleKSN[:19] + "g", "9112"},
		"single length":           {Config{}, "", "90" + exampleIK[:16] + exampleKSN, "9114"},
		"a counter in the KSN":    {Config{}, "", "90" + exampleIK + exampleKSN[:19] + "1", "911A"},
		"no memory":               {Config{Faults: []Fault{FullSlots}}, "", "90" + exampleIK + exampleKSN, "9113"},
		"the limit":               {Config{MaxLoads: 1}, keyK1, "90" + exampleIK + exampleKSN, "910"},
		"block, no KLK":           {Config{}, "", "90" + block90, "911D"},
		"block, another KLK":      {Config{}, keyTest, "90" + block90, "911C"},
		"block, changed":          {Config{}, keyK1, "90" + changed, "911C"},
		"block, another length":   {Config{}, keyK1, "90" + block90[:90], "911A"},
		"block of version A":      {Config{}, keyK1, "90" + blockA, "911A"},
		"block without a KSN":     {Config{}, keyK1, "90" + blockB, "911A"},
		"an expired KLK":          {Config{Faults: []Fault{ExpiredKey}}, keyK1, "90" + block90, "911D"},
		"the KLK as initial key":  {Config{}, keyK1, "90" + keyK1 + exampleKSN, "9114"},
		"a block, which is good":  {Config{InjectModeOff: true}, keyK1, "90" + block90, "910"},
		"a KSN without leading F": {Config{}, "", "90" + exampleIK + "00009876543210E00000", "910"},
	} {
		t.Run(name, func(t *testing.T) {
			converse(t, c.cfg, c.klk, func(h *host) {
				h.send(c.payload)
				h.take(c.reply)
				if _, ok := h.term.Engine("90"); ok != (c.reply == "910") {
					t.Errorf("loaded: %v", ok)
				}
			})
		})
	}
}

// TestEnginesCountForReal: the PIN block under each KSN is what the host computes from the initial key.
func TestEnginesCountForReal(t *testing.T) {
	converse(t, Config{PIN: "1234"}, "", func(h *host) {
		h.send("90" + exampleIK + exampleKSN)
		h.take("910")
		h.send("960")
		h.hear("\x06")
		for n := 1; n <= 20; n++ {
			ksn := fmt.Sprintf("FFFF9876543210E%05X", n)
			h.send("70.4012345678909||100")
			h.take("710" + ksn[4:] + hostPINBlock(h.t, ksn))
		}
		if r, _ := h.term.Engine("90"); r.KSN != "FFFF9876543210E00015" {
			t.Errorf("the next is %s", r.KSN)
		}
		h.send("961")
		h.hear("\x06")
		h.send("70.4012345678909||100")
		h.take("71A")
		h.send("70.401234567890A||100")
		h.take("712")
	})
}

// hostPINBlock computes a PIN block as the host does. PIN 1234, account 4012345678909.
func hostPINBlock(t *testing.T, ksn string) string {
	t.Helper()
	at, err := dukpt.ParseKSN(ksn)
	if err != nil {
		t.Fatal(err)
	}
	ik, err := dukpt.NewIK(dukpt.TDES, testKey(t, exampleIK))
	if err != nil {
		t.Fatal(err)
	}
	defer ik.Wipe()
	tx, err := ik.Transaction(at)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Wipe()
	key, err := tx.Working(dukpt.PIN, "")
	if err != nil {
		t.Fatal(err)
	}
	defer key.Wipe()
	block := testvec.Hex(t, "041274EDCBA9876F") // 041234FFFFFFFFFF and 0000401234567890
	c, err := key.Cipher()
	if err != nil {
		t.Fatal(err)
	}
	c.Encrypt(block, block)
	return strings.ToUpper(hex.EncodeToString(block))
}

func TestAnExhaustedEngineSaysSo(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		ksn, err := dukpt.ParseKSN("FFFF9876543210FFF800") // the last counter
		if err != nil {
			t.Fatal(err)
		}
		ik, err := dukpt.NewIK(dukpt.TDES, testKey(h.t, exampleIK))
		if err != nil {
			t.Fatal(err)
		}
		dev, err := dukpt.NewDevice(ik, ksn)
		if err != nil {
			t.Fatal(err)
		}
		h.term.s.putEngine("90", &engine{dev: dev, alg: keys.TDES128})
		h.send("70.4012345678909||100")
		h.hear("\x06\x02710")
		h.hear(strings.TrimLeft(ksn.String(), "F"))
		h.hear(hostPINBlock(h.t, ksn.String()))
		h.hear("\x03")
		h.one(string(lastByte(packed(table.STX, table.ETX,
			[]byte("710"+strings.TrimLeft(ksn.String(), "F")+hostPINBlock(h.t, ksn.String()))))))
		h.raw("\x06")
		h.send("70.4012345678909||100")
		h.take("71F")
		if _, why := h.term.Transaction("90"); why != RefusedExhausted {
			t.Errorf("refusal %q", why)
		}
	})
}

func lastByte(b []byte) []byte { return b[len(b)-1:] }

func TestMasterKeysEncryptPINs(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		working := "00112233445566778899AABBCCDDEEFF"
		h.load("023"+keyTest, "023"+keyTest)
		h.admin("083", "080")
		h.send("70.4012345678909|" + under(t, keyTest, working) + "|100")
		h.take("71.00401" + under(t, working, "041274EDCBA9876F"))
		h.admin("084", "080")
		h.send("70.4012345678909|" + under(t, keyTest, working) + "|100")
		h.take("719")
		h.send("70.4012345678909|12|100")
		h.take("715")
	})
	converse(t, Config{Port: Visa(device.ProfileVeriFone)}, "", func(h *host) {
		h.send("70.4012345678909|" + keyTest + "|100")
		h.take("711")
		h.send("70.4012345678909|12|100")
		h.take("712")
		h.send("90" + exampleIK + exampleKSN)
		h.take("910")
		h.send("70.4012345678909||100")
		h.take("73.000009876543210E00001" + hostPINBlock(h.t, "FFFF9876543210E00001"))
	})
}

// under encrypts hex in ECB mode under a TDES key.
func under(t *testing.T, key, clear string) string {
	t.Helper()
	c, err := cipherx.NewTDES(testvec.Hex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	out := testvec.Hex(t, clear)
	cipherx.ECBEncrypt(c, out, out)
	return strings.ToUpper(hex.EncodeToString(out))
}

// retail computes ISO 9797-1 algorithm 3 out of single DES, apart from the code that the terminal uses.
func retail(t *testing.T, key string, message []byte) string {
	t.Helper()
	k := testvec.Hex(t, key)
	left, err := cipherx.NewTDES(k[:8])
	if err != nil {
		t.Fatal(err)
	}
	right, err := cipherx.NewTDES(k[8:])
	if err != nil {
		t.Fatal(err)
	}
	padded := append(append([]byte(nil), message...), make([]byte, (8-len(message)%8)%8)...)
	cipher.NewCBCEncrypter(left, make([]byte, 8)).CryptBlocks(padded, padded)
	mac := padded[len(padded)-8:]
	right.Decrypt(mac, mac)
	left.Encrypt(mac, mac)
	return strings.ToUpper(hex.EncodeToString(mac))
}

const noSession = "00000000000000000000000000000000"

func TestZ66ProvesKeys(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		h.load("02B"+keyTest+"|M3G", "02B"+keyTest+"\x1cM3G")
		h.load("023"+keyK1, "023"+keyK1)
		// Over eight zero bytes it is the check value in full.
		h.send("Z66600B|" + noSession + "||0000000000000000")
		h.take("Z67008D7B4FB629D0885")
		h.send("Z66400B|" + noSession + "||any text")
		h.take("Z670" + retail(t, keyTest, []byte("any text")))
		h.send("Z66400B|" + noSession + "||any longer text")
		h.take("Z670" + retail(t, keyTest, []byte("any longer text")))
		// A K0 slot: the host chooses a session key.
		h.send("Z664003|" + under(t, keyK1, keyM3) + "||message")
		h.take("Z670" + retail(t, keyM3, []byte("message")))
		// In several packets.
		h.send("Z66500B|" + noSession + "||one ")
		h.take("Z671")
		h.send("Z66501B|" + noSession + "||two ")
		h.take("Z671")
		h.send("Z66402B|" + noSession + "||three")
		h.take("Z670" + retail(t, keyTest, []byte("one two three")))
	})
}

func TestTwoSingleLengthKeysMakeOneMACKey(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		for slot, digits := range map[string]string{"B": keyTest[:16], "C": keyTest[16:]} {
			k, err := keys.New(keys.DES, secret.Copy(testvec.Hex(t, digits)))
			if err != nil {
				t.Fatal(err)
			}
			if err := h.term.LoadDirect(deviceSlot(slot), k, "M1", 'G'); err != nil {
				t.Fatal(err)
			}
			k.Wipe()
		}
		h.send("Z66600B|" + noSession + "|C|0000000000000000")
		h.take("Z67008D7B4FB629D0885")
		h.send("Z66600B|" + noSession + "||0000000000000000")
		h.take("Z670" + singleMAC(t, keyTest[:16]))
		h.send("Z66600B|" + noSession + "|D|0000000000000000")
		h.take("Z674")
	})
}

func singleMAC(t *testing.T, key string) string {
	t.Helper()
	c, err := cipherx.NewTDES(testvec.Hex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 8)
	c.Encrypt(out, out)
	return strings.ToUpper(hex.EncodeToString(out))
}

func TestZ66IsRefusedWithItsCodes(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		h.load("02B"+keyTest+"|M3G", "02B"+keyTest+"\x1cM3G")
		h.load("023"+keyK1, "023"+keyK1)
		h.load("02C"+keyM3+keyM3[:16]+"|K0D", "02C"+keyM3+keyM3[:16]+"\x1cK0D")
		for payload, code := range map[string]string{
			"Z66200B|" + noSession + "||text":                  table.MACType,
			"Z66401B|" + noSession + "||text":                  table.MACSequence,
			"Z664X0B|" + noSession + "||text":                  table.MACSequence,
			"Z66400D|" + noSession + "||text":                  table.MACNoKey,
			"Z66400B|" + noSession + "|C|text":                 table.MACNoSecondKey,
			"Z66400B|" + noSession + "||":                      table.MACLength,
			"Z66600B|" + noSession + "||0":                     table.MACContent,
			"Z66600B|" + noSession + "||0g":                    table.MACContent,
			"Z66600B|" + noSession:                             table.MACContent,
			"Z66400B|00||text":                                 table.MACSession,
			"Z66400B|" + noSession[:30] + "XX||text":           table.MACSession,
			"Z66400B|" + keyTest + "||text":                    table.MACSessionUnfit,
			"Z664003|" + noSession + "||text":                  table.MACSessionUnfit,
			"Z66400B|" + noSession + noSession[:16] + "||text": table.MACSession,
		} {
			h.send(payload)
			h.take("Z67" + code)
		}
	})
}

// TestTheKeyInjectModeHasTwoLimits: 60 s without a key, 15 minutes in any case.
func TestTheKeyInjectModeHasTwoLimits(t *testing.T) {
	cfg := Config{InjectModeOff: true, Env: keys.Env{Now: time.Now}, Accounts: accounts(t)}
	refused := func(h *host) {
		h.t.Helper()
		h.say("020" + keyTest)
		h.hear("\x04")
	}
	converse(t, cfg, "", func(h *host) {
		refused(h)
		h.enter()
		h.load("020"+keyTest, "020"+keyTest)
		time.Sleep(59 * time.Second)
		h.load("020"+keyTest, "020"+keyTest)
		time.Sleep(59 * time.Second)
		h.admin("080", "080") // keeps it
		time.Sleep(59 * time.Second)
		h.load("020"+keyTest, "020"+keyTest)
		time.Sleep(60 * time.Second)
		refused(h)

		h.enter()
		for begun := time.Now(); time.Since(begun) < 15*time.Minute-time.Second; time.Sleep(30 * time.Second) {
			h.load("020"+keyTest, "020"+keyTest)
		}
		refused(h)

		h.enter()
		h.say("0401") // any other message ends it
		h.hear("\x06" + string(golden("04FK0\x1cD\x1cT")))
		h.raw("\x06")
		h.hear("\x04")
		refused(h)

		h.enter()
		h.term.LeaveInjectMode()
		refused(h)
	})
}

func (h *host) enter() {
	h.t.Helper()
	a, b := secret.Copy([]byte(DefaultKeyLoaderA)), secret.Copy([]byte(DefaultKeyLoaderB))
	defer a.Wipe()
	defer b.Wipe()
	if err := h.term.EnterInjectMode(a, b); err != nil {
		h.t.Fatal(err)
	}
	if !h.term.InInjectMode() || h.term.Status().Screen != "KEY INJECT MODE" {
		h.t.Errorf("screen %q", h.term.Status().Screen)
	}
}

// TestTheFirstClearKeyErasesAllOthers: from then on nobody knows which of them belong together.
func TestTheFirstClearKeyErasesAllOthers(t *testing.T) {
	converse(t, Config{InjectModeOff: true, Env: keys.Env{Now: time.Now}, Accounts: accounts(t)}, keyK1, func(h *host) {
		h.send("90" + block90)
		h.take("910")
		h.load("020"+blockA, "020"+blockA)
		h.enter()
		h.load("021"+keyTest, "021"+keyTest)
		h.holds("0", "")
		h.holds("F", "")
		h.holds("1", keyTest)
		h.load("022"+keyK1, "022"+keyK1)
		h.holds("1", keyTest) // one session: they stay
		if _, ok := h.term.Engine("90"); !ok {
			t.Error("the DUKPT engine is gone")
		}
	})
}

func TestTheKeyInjectModeTakesTwoPasswords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term := New(Config{InjectModeOff: true, Env: keys.Env{Now: time.Now}, Accounts: accounts(t)})
		a, b := secret.Copy([]byte(DefaultKeyLoaderA)), secret.Copy([]byte(DefaultKeyLoaderB))
		wrong := secret.Copy([]byte("wrong"))
		for _, s := range []*secret.Bytes{a, b, wrong} {
			defer s.Wipe()
		}
		for _, pair := range [][2]*secret.Bytes{{a, wrong}, {wrong, b}, {b, a}, {a, a}, {b, b}} {
			if err := term.EnterInjectMode(pair[0], pair[1]); err == nil || term.InInjectMode() {
				t.Errorf("wrong passwords open the mode")
			}
		}
		if err := term.EnterInjectMode(a, b); err != nil || !term.InInjectMode() {
			t.Errorf("%v", err)
		}
	})
}

// TestAESInitialKeysAreAnExtension: no documented packet carries one.
func TestAESInitialKeysAreAnExtension(t *testing.T) {
	klk, ik := aesKey(t, 1), aesKey(t, 2)
	p, err := keyblock.NewProtector('D', klk)
	if err != nil {
		t.Fatal(err)
	}
	h := keyblock.Header{Version: 'D', Usage: "B1", Algorithm: 'A', Mode: 'X', KeyVersion: "00", Exportability: 'N',
		Context: '0', Reserved: '0'}
	h.SetOpt("IK", "1234567890123456")
	block, _, err := p.Wrap(zeros{}, h, ik, keyblock.WrapOptions{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	converse(t, Config{Port: Visa(device.ProfilePoskey)}, "", func(h *host) {
		if err := h.term.LoadDirect("F", klk, "K0", 'D'); err != nil {
			t.Fatal(err)
		}
		h.send("90" + block)
		h.take("910")
		if r, _ := h.term.Engine("90"); r.KSN != "123456789012345600000001" {
			t.Errorf("%+v", r)
		}
		tx, why := h.term.Transaction("90")
		if why != Accepted || tx.KSN().String() != "123456789012345600000001" {
			t.Errorf("%q", why)
		}
		tx.Wipe()
	})
	converse(t, Config{}, keyK1, func(h *host) {
		h.send("90" + block)
		h.take("911A")
	})
}

func aesKey(t *testing.T, seed byte) *keys.Key {
	t.Helper()
	sec := secret.New(16)
	for i := range sec.Expose() {
		sec.Expose()[i] = seed + byte(37*i)
	}
	k, err := keys.New(keys.AES128, sec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

//go:build linux || darwin

package agent

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"poskey/internal/secret"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// FuzzFrameMalleability: a frame that is read is written again as the same bytes, and what is refused leaves nothing.
func FuzzFrameMalleability(f *testing.F) {
	var b bytes.Buffer
	one := secret.Copy([]byte("TEST secret"))
	if err := writeFrame(&b, frame{[]byte(`{"op":"import"}`), []*secret.Bytes{one, secret.New(0)}}); err != nil {
		f.Fatal(err)
	}
	one.Wipe()
	f.Add(b.Bytes())
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Add(bytes.Repeat([]byte{0, 0, 0, 1}, 20))
	f.Fuzz(func(t *testing.T, raw []byte) {
		live := secret.Live()
		r := bytes.NewReader(raw)
		got, err := readFrame(r)
		if err != nil {
			if got.head != nil || got.secrets != nil || secret.Live() != live {
				t.Fatalf("something is left beside the error %v", err)
			}
			return
		}
		var back bytes.Buffer
		if err := writeFrame(&back, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Bytes(), raw[:len(raw)-r.Len()]) {
			t.Error("the frame came back as other bytes")
		}
		got.wipe()
		if secret.Live() != live {
			t.Error("secrets are left")
		}
	})
}

// FuzzSession lets a command of the same user say anything: it is answered or hung up on, and the agent goes on.
func FuzzSession(f *testing.F) {
	say := func(heads ...string) []byte {
		b := bytes.NewBufferString(greeting)
		for _, h := range heads {
			if err := writeFrame(b, frame{head: []byte(h)}); err != nil {
				f.Fatal(err)
			}
		}
		return b.Bytes()
	}
	work := string(toJSON(f, question{opBegin, toJSON(f, packIntent(intent(custody.KeyGenerate, "A#1")))}))
	key := string(toJSON(f, hsm.Key{Attributes: hsm.Attributes{Algorithm: keys.AES128}, Block: "D0112", Len: 16}))
	f.Add(say(`{"op":"hello","args":{"Store":"`+storeID+`"}}`, `{"op":"status"}`))
	f.Add(say(work, `{"op":"generate","args":{"Attributes":{"Algorithm":"aes-128"}}}`, `{"op":"done","args":{"Result":"ok"}}`))
	f.Add(say(work, `{"op":"reveal","args":{"Key":`+key+`}}`, `{"op":"close"}`))
	f.Add(say(work, `{"op":"prober","args":{"Material":[]}}`,
		`{"op":"probe","args":{"Expr":{"op":"xor","of":[{"op":"part"},{"op":"zeros","n":16}]}}}`))
	f.Add(say(work, `{"op":"form","args":{"Parts":[{}]}}`, `{"op":"split","args":{"Spec":{"Parts":-1}}}`))
	f.Add(say(work, `{"op":"wrap","args":{"Header":{"Version":68,"Optional":[{"ID":"x","Data":"\u0000"}]}}}`))
	f.Add(say(work, `{"op":"derive","args":{"KSN":"FFFF9876543210E00001"}}`, `{"op":"identify"}`, `{"op":"examine"}`))
	f.Add(say(`{"op":"note","args":{"Entry":{"Operation":"key.generate"},"Outcome":{"Result":"ok"}}}`))
	f.Add(say(`{"op":"checkpoint","args":{"Terminal":true}}`, `{"op":"seal","args":1}`))
	f.Add(say(`{"op":"endorse","args":{"Intent":{"Activity":"device.unlock"},"Requests":["AAAA"]}}`))
	f.Add([]byte("poskey agent 3\n"))
	s, _ := freely(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.Contains(raw, []byte(opSeal)) {
			return // it would end the agent, as it should
		}
		live := secret.Live()
		ours, theirs := pair(t)
		c := &session{server: s, conn: theirs}
		if !s.enter(c) {
			t.Fatal("the agent takes no connection")
		}
		go func() {
			_, _ = ours.Write(raw)
			_ = ours.CloseWrite()
		}()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		s.serve(c)
		_ = ours.Close()
		if now := secret.Live(); now != live {
			t.Errorf("%d secrets are left", now-live)
		}
		if s.panics.Load() != 0 {
			t.Error("a bug ended the connection")
		}
		if works, _, _ := s.desk.count(); works != 0 {
			t.Errorf("%d operations are left", works)
		}
	})
}

// pair gives both ends of a connection within this process.
func pair(t testing.TB) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends []*net.UnixConn
	for _, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(file)
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		ends = append(ends, conn.(*net.UnixConn))
	}
	return ends[0], ends[1]
}

// FuzzExprMalleability: an expression that is read is written as the same document.
func FuzzExprMalleability(f *testing.F) {
	for _, e := range exprs() {
		f.Add(toJSON(f, packExpr(e)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var w wireExpr
		if decodeStrict(raw, &w) != nil {
			return
		}
		e, err := w.unpack()
		if err != nil {
			if e != nil {
				t.Fatal("an expression beside an error")
			}
			return
		}
		again, err := packExpr(e).unpack()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(toJSON(t, packExpr(again)), toJSON(t, packExpr(e))) {
			t.Error("it came back as another one")
		}
	})
}

func exprs() []hsm.Expr {
	p := hsm.Part(0)
	return []hsm.Expr{
		p, hsm.Zeros(8), hsm.XOR{p, hsm.Part(1)}, hsm.Sum{p, p}, hsm.Join{p, hsm.Zeros(8)}, hsm.Slice{Of: p, From: 1, To: 9},
		hsm.Edit{Of: p, Digit: 3, Delta: 5}, hsm.Transpose{Of: p, Digit: 2}, hsm.FixParity{Of: p},
		hsm.Crypt{Of: p, Key: hsm.Part(1), Algorithm: keys.TDES128, Mode: hsm.CBC, Encrypt: true},
		hsm.KeyXOR{Of: p, Mask: 0x45}, hsm.Text{Of: p, Lower: true}, corrected(p),
	}
}

func corrected(p hsm.Expr) hsm.Expr {
	s := slip.Slip{Kind: slip.Wrong, Digits: []slip.Digit{{At: 3, Delta: 4}}, Length: 1, Weight: 0.5, Odd: true}
	return hsm.Corrected{Of: p, Digits: 31, Slip: s, Size: 16}
}

func TestEveryExpressionCrosses(t *testing.T) {
	for _, e := range exprs() {
		raw := toJSON(t, packExpr(e))
		var w wireExpr
		if err := decodeStrict(raw, &w); err != nil {
			t.Fatal(err)
		}
		back, err := w.unpack()
		if err != nil {
			t.Errorf("%T: %v", e, err)
			continue
		}
		if got := toJSON(t, packExpr(back)); string(got) != string(raw) {
			t.Errorf("%T: %s came back as %s", e, raw, got)
		}
	}
	deep := hsm.Expr(hsm.Part(0))
	for range maxExprDepth + 1 {
		deep = hsm.FixParity{Of: deep}
	}
	if _, err := packExpr(deep).unpack(); err == nil {
		t.Error("a deeper one than any was taken")
	}
	if _, err := packExpr(nil).unpack(); err == nil {
		t.Error("none was taken for one")
	}
}

func TestUnknownMembersAreRefused(t *testing.T) {
	var q question
	for _, raw := range []string{`{"op":"status","more":1}`, `{"op":"status"} {}`, `{"op":1}`, ``, `[]`, `{`} {
		if err := decodeStrict(json.RawMessage(raw), &q); err == nil {
			t.Errorf("%q was taken", raw)
		}
	}
}

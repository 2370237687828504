//go:build cgo && linux

package pkcs11

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testtoken"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func contained(text, piece string) bool { return strings.Contains(text, piece) }

// boundaryIn makes a master key in the token and opens the boundary.
func boundaryIn(t testing.TB, u URI, o Options) hsm.Boundary {
	t.Helper()
	if err := Initialise(context.Background(), u, o); err != nil {
		t.Fatal(err)
	}
	b, err := Open(context.Background(), u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func TestATokenThatIsNotThereIsNotFound(t *testing.T) {
	_, u := softhsm(t)
	for what, change := range map[string]func(*URI){
		"another label":  func(u *URI) { u.Token = "elsewhere" },
		"another serial": func(u *URI) { u.Serial = "0" },
		"another slot":   func(u *URI) { u.Slot, u.HasSlot = 3, true },
		"no such module": func(u *URI) { u.Module = filepath.Join(t.TempDir(), "none.so") },
	} {
		other := u
		change(&other)
		b, err := Open(t.Context(), other, options(NewModules()))
		if !fault.Is(err, fault.NotFound) || b != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	b, err := Open(t.Context(), u, options(NewModules()))
	if !fault.Is(err, fault.NotFound) || b != nil || !contained(err.Error(), "poskey-test-wrap") {
		t.Errorf("no master key yet: %v", err)
	}
}

func TestAFileThatIsNoModuleIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "module.so")
	if err := os.WriteFile(path, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Slots(t.Context(), URI{Module: path}, Options{}); !fault.Is(err, fault.DeviceFailed) {
		t.Errorf("no library: %v", err)
	}
	if _, err := Slots(t.Context(), URI{Module: filepath.Dir(path)}, Options{}); !fault.Is(err, fault.Usage) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Slots(t.Context(), URI{}, Options{}); !fault.Is(err, fault.Usage) {
		t.Errorf("none: %v", err)
	}
	if _, err := Slots(t.Context(), URI{Module: testtoken.NSSModule(t)}, Options{}); !fault.Is(err,
		fault.Usage) || !contained(err.Error(), "nss-configdir") {
		t.Errorf("NSS without its folder: %v", err)
	}
	missing := URI{Module: testtoken.NSSModule(t), ConfigDir: filepath.Join(t.TempDir(), "none")}
	if _, err := Slots(t.Context(), missing, Options{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("NSS with a folder that is not there: %v", err)
	}
}

func TestAWrongPINFailsToAuthenticate(t *testing.T) {
	_, soft := softhsm(t)
	for name, u := range map[string]URI{"softhsm": soft, "nss": nss(t)} {
		live := secret.Live()
		o := options(NewModules())
		o.PIN = pin("00000000")
		if _, err := Connect(t.Context(), u, o); !fault.Is(err, fault.AuthFailed) {
			t.Errorf("%s: %v", name, err)
		}
		o.PIN = nil
		if _, err := Connect(t.Context(), u, o); !fault.Is(err, fault.InputNeeded) {
			t.Errorf("%s without a PIN: %v", name, err)
		}
		o.PIN = func(context.Context) (*secret.Bytes, error) { return nil, fault.New(fault.Interrupted, "no") }
		if _, err := Connect(t.Context(), u, o); !fault.Is(err, fault.Interrupted) {
			t.Errorf("%s, asking was interrupted: %v", name, err)
		}
		o.PIN = pin(testtoken.PIN)
		tok, err := Connect(t.Context(), u, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o.PIN = pin("00000000") // while somebody is logged in the token itself would take any
		if _, err := Connect(t.Context(), u, o); !fault.Is(err, fault.AuthFailed) {
			t.Errorf("%s, logged in already: %v", name, err)
		}
		if err := tok.Close(); err != nil {
			t.Error(err)
		}
		if now := secret.Live(); now != live {
			t.Errorf("%s: %d secrets are live, %d were before", name, now, live)
		}
	}
}

// TestAWrongPINIsCounted: SoftHSM2 tells that a wrong PIN was given; it never locks, so locking is tested on return codes.
func TestAWrongPINIsCounted(t *testing.T) {
	_, u := softhsm(t)
	o := options(NewModules())
	o.PIN = pin("00000000")
	_, err := Connect(t.Context(), u, o)
	if !fault.Is(err, fault.AuthFailed) || !contained(err.Error(), "counts wrong PINs") {
		t.Errorf("error %v", err)
	}
	lib, err := Slots(t.Context(), u, o)
	if err != nil || lib.Slots[0].Token.PINState != PINLow {
		t.Errorf("%+v, error %v; want the state %s", lib.Slots, err, PINLow)
	}
}

func TestReturnCodesHaveTheirKinds(t *testing.T) {
	for code, want := range map[p11.Error]fault.Kind{
		p11.CKR_DEVICE_REMOVED: fault.DeviceFailed, p11.CKR_TOKEN_NOT_PRESENT: fault.DeviceFailed,
		p11.CKR_SESSION_HANDLE_INVALID: fault.DeviceFailed, p11.CKR_GENERAL_ERROR: fault.DeviceFailed,
		p11.CKR_SESSION_COUNT: fault.Busy, p11.CKR_OPERATION_ACTIVE: fault.Busy,
		p11.CKR_DEVICE_MEMORY: fault.DeviceFailed,
	} {
		err := failed(code, text.New("tried"))
		if !fault.Is(err, want) || !contained(err.Error(), "CKR_") {
			t.Errorf("%v: %v", code, err)
		}
	}
	for state, says := range map[PINState]string{PINGood: "wrong", PINLow: "counts", PINFinal: "one more",
		PINLocked: "locked now"} {
		if err := loginFailed(p11.Error(p11.CKR_PIN_INCORRECT), state); !fault.Is(err,
			fault.AuthFailed) || !contained(err.Error(), says) {
			t.Errorf("%q: %v", state, err)
		}
	}
	if err := loginFailed(p11.Error(p11.CKR_PIN_LOCKED), PINGood); !fault.Is(err, fault.Busy) {
		t.Errorf("a locked PIN: %v", err)
	}
	if err := loginFailed(p11.Error(p11.CKR_PIN_EXPIRED), PINGood); !fault.Is(err, fault.AuthFailed) {
		t.Errorf("an expired PIN: %v", err)
	}
	if err := loginFailed(p11.Error(p11.CKR_DEVICE_ERROR), PINGood); !fault.Is(err, fault.DeviceFailed) {
		t.Errorf("a device error: %v", err)
	}
	if err := failed(nil, text.New("tried")); err != nil {
		t.Errorf("no error became %v", err)
	}
	if err := failed(errors.New("odd"), text.New("tried")); !fault.Is(err, fault.DeviceFailed) {
		t.Errorf("somebody's error: %v", err)
	}
}

func TestATokenRemovedMidWayFailsAsADevice(t *testing.T) {
	soft, u := softhsm(t)
	b := boundaryIn(t, u, options(NewModules()))
	a := hsm.Attributes{Algorithm: keys.AES128}
	k, err := b.Generate(t.Context(), a, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(soft.Dir); err != nil {
		t.Fatal(err)
	}
	tok := b.(*boundary).Token // SoftHSM2 goes on with what is in its memory until its sessions end
	if err := tok.m.CloseAllSessions(tok.slot); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Generate(t.Context(), a, hsm.Policy{}); !fault.Is(err, fault.DeviceFailed) {
		t.Errorf("generate: %v", err)
	}
	if _, err := b.CheckValue(t.Context(), k, "", 0); !fault.Is(err, fault.DeviceFailed) {
		t.Errorf("check value: %v", err)
	}
}

func TestAMasterKeyIsNeverReplaced(t *testing.T) {
	_, u := softhsm(t)
	o := options(NewModules())
	b := boundaryIn(t, u, o)
	k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Initialise(t.Context(), u, o); !fault.Is(err, fault.FileExists) {
		t.Errorf("a second time: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), u, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if v, err := again.CheckValue(t.Context(), k, "", 0); err != nil || v != k.Check {
		t.Errorf("after opening anew the key has check value %s, error %v; want %s", v, err, k.Check)
	}
}

func TestAMasterKeyThatCouldLeaveIsNotUsed(t *testing.T) {
	_, u := softhsm(t)
	o := options(NewModules())
	tok, err := Connect(t.Context(), u, o)
	if err != nil {
		t.Fatal(err)
	}
	err = tok.with(t.Context(), func(s *session) error {
		for _, label := range []string{"poskey-test-wrap", "poskey-test-mac"} {
			list := s.attributes(template{keyType: p11.CKK_AES, wrapped: true, valueLen: 32})
			list = append(list[:2], append(list[3:], p11.NewAttribute(p11.CKA_TOKEN, true),
				p11.NewAttribute(p11.CKA_LABEL, label))...)
			if _, err := s.m.GenerateKey(s.h, mechanism(p11.CKM_AES_KEY_GEN, nil), list); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tok.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), u, o); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("an extractable master key: %v", err)
	}
	u.Object = ""
	if _, err := Open(t.Context(), u, o); !fault.Is(err, fault.Usage) {
		t.Errorf("no name of a master key: %v", err)
	}
}

// failReader fails the test: what is made inside draws nothing from this process.
type failReader struct{ t *testing.T }

func (r failReader) Read(b []byte) (int, error) {
	r.t.Error("randomness of this process was drawn")
	return rand.Read(b)
}

func TestWithoutAllowanceKeysStayInside(t *testing.T) {
	_, soft := softhsm(t)
	for name, u := range map[string]URI{"softhsm": soft, "nss": nss(t)} {
		t.Run(name, func(t *testing.T) { staysInside(t, u) })
	}
}

func staysInside(t *testing.T, u URI) {
	o := options(NewModules())
	o.Allow = false
	o.Env.Rand = failReader{t}
	o.Notice = func(n Notice) { t.Errorf("%s was done in this process", n.Job) }
	b := boundaryIn(t, u, o)
	ctx := t.Context()
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.TDES192, keys.AES128, keys.AES192, keys.AES256,
		keys.HMACSHA1, keys.HMACSHA256, keys.HMACSHA512} {
		k, err := b.Generate(ctx, hsm.Attributes{Algorithm: alg}, hsm.Policy{})
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if v, err := b.CheckValue(ctx, k, "", 0); err != nil || v != k.Check {
			t.Errorf("%s: check value %s, error %v; want %s", alg, v, err, k.Check)
		}
		if alg.IsBlockCipher() {
			if v, err := b.CheckValue(ctx, k, kcv.CMAC, 10); err != nil || len(v.Digits) != 10 {
				t.Errorf("%s by cmac: %s, error %v", alg, v, err)
			}
			if _, err := b.CheckData(ctx, k); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
		}
		if c, err := b.Compare(ctx, k, kcv.Expected{Digits: k.Check.Digits}, ""); err != nil || !c.Match {
			t.Errorf("%s: %+v, error %v", alg, c, err)
		}
		if kept, err := b.Keep(ctx, k, "TEST#1"); err != nil || kept.Label != "TEST#1" || kept.Check != k.Check {
			t.Errorf("%s: %+v, error %v", alg, kept, err)
		}
		if clear, err := b.Reveal(ctx, k); !fault.Is(err,
			fault.NotPermitted) || clear != nil || !contained(err.Error(), "software=allow") {
			t.Errorf("%s: reveal: %v", alg, err)
		}
		if _, err := b.CheckValue(ctx, k, kcv.SHA256, 0); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s by sha256: %v", alg, err)
		}
		if _, err := b.Prober(ctx, []hsm.Key{k}); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("%s: prober: %v", alg, err)
		}
	}
}

func TestEveryFallbackIsTold(t *testing.T) {
	_, u := softhsm(t)
	var told []Job
	o := options(NewModules())
	o.Notice = func(n Notice) {
		if n.Text.IsZero() {
			t.Errorf("%s has no text", n.Job)
		}
		told = append(told, n.Job)
	}
	b := boundaryIn(t, u, o)
	k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.AES128}, hsm.Policy{})
	if err != nil || len(told) != 0 {
		t.Fatalf("%v, told %v", err, told)
	}
	clear, err := b.Reveal(t.Context(), k)
	clear.Wipe()
	if err != nil || len(told) != 1 || told[0] != JobReveal {
		t.Errorf("%v, told %v", err, told)
	}
	refusing := u
	refusing.Software = SoftwareRefuse // goes before what the program allows
	second, err := Open(t.Context(), refusing, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if _, err := second.Reveal(t.Context(), k); !fault.Is(err, fault.NotPermitted) || len(told) != 1 {
		t.Errorf("software=refuse: %v, told %v", err, told)
	}
}

func TestKeysOfTheTokenAreListed(t *testing.T) {
	_, soft := softhsm(t)
	for name, u := range map[string]URI{"softhsm": soft, "nss": nss(t)} {
		o := options(NewModules())
		boundaryIn(t, u, o)
		tok, err := Connect(t.Context(), u, o)
		if err != nil {
			t.Fatal(err)
		}
		all, err := tok.Keys(t.Context())
		if err != nil || len(all) != 2 {
			t.Fatalf("%s: %+v, error %v", name, all, err)
		}
		seen := map[string]bool{}
		for _, k := range all {
			seen[k.Label] = true
			if k.Type != "aes" || k.Len != 32 || !k.Sensitive || k.Extractable || k.Check != (kcv.Value{}) {
				t.Errorf("%s: %+v", name, k)
			}
		}
		if !seen["poskey-test-wrap"] || !seen["poskey-test-mac"] {
			t.Errorf("%s: %v", name, seen)
		}
		if err := tok.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTheSelftestFindsWhatTheModulesDo holds the table against what is known of both modules.
func TestTheSelftestFindsWhatTheModulesDo(t *testing.T) {
	_, soft := softhsm(t)
	for name, tt := range map[string]struct {
		u          URI
		cannot     []string
		cannotKeep bool
	}{
		"softhsm": {soft, []string{"value-ecb-zero-des", "combine-xor"}, false},
		"nss":     {nss(t), []string{"value-cmac-tdes-128", "value-cmac-tdes-192", "keeps-unextractable"}, true},
	} {
		o := options(NewModules())
		o.Allow = false
		tok, err := Connect(t.Context(), tt.u, o)
		if err != nil {
			t.Fatal(err)
		}
		all, err := tok.Selftest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var fails []string
		for _, x := range all {
			if x.Wrong || x.Needed && !x.Works || x.Text.IsZero() || (x.Err == nil) != x.Works {
				t.Errorf("%s: %+v", name, x)
			}
			if !x.Works && !x.IsJob() {
				fails = append(fails, x.Step)
			}
			if x.IsJob() && x.Place != PlaceNone {
				t.Errorf("%s: %s is done without allowance", name, x.Step)
			}
		}
		if strings.Join(fails, " ") != strings.Join(tt.cannot, " ") {
			t.Errorf("%s cannot do %v, want %v", name, fails, tt.cannot)
		}
		if err := tok.Close(); err != nil {
			t.Error(err)
		}
	}
}

//go:build cgo && linux

package pkcs11

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/secret"
	"poskey/internal/testtoken"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

func env() keys.Env { return keys.Env{Rand: rand.Reader, Now: time.Now} }

// pin gives a PIN as a command would.
func pin(digits string) func(context.Context) (*secret.Bytes, error) {
	return func(context.Context) (*secret.Bytes, error) { return secret.Copy([]byte(digits)), nil }
}

// softhsm makes a SoftHSM2 with one token, for this test alone.
func softhsm(t testing.TB) (testtoken.SoftHSM, URI) {
	t.Helper()
	soft := testtoken.NewSoftHSM(t, t.TempDir())
	soft.Token(t, "poskey test")
	t.Setenv("SOFTHSM2_CONF", soft.Conf)
	return soft, URI{Token: "poskey test", Module: soft.Module, Object: "poskey-test"}
}

func options(m *Modules) Options {
	return Options{PIN: pin(testtoken.PIN), Env: env(), Allow: true, Modules: m}
}

// nss makes an NSS database with a PIN, for this test alone.
func nss(t testing.TB) URI {
	t.Helper()
	u := URI{Token: "NSS Certificate DB", Module: testtoken.NSSModule(t), ConfigDir: t.TempDir(), Object: "poskey-test"}
	m, err := NewModules().use(u)
	if err != nil {
		t.Fatal(err)
	}
	slot, _, err := m.find(u)
	if err != nil {
		t.Fatal(err)
	}
	h, err := m.OpenSession(slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{m.Login(h, p11.CKU_SO, ""), m.InitPIN(h, testtoken.PIN), m.Logout(h),
		m.CloseSession(h), m.drop()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// opener makes boundaries in one token, with another master key each time: the suite has no more than two open at once.
// A connection is held all the while, so the module stays initialised and logged in; making and opening the database of
// NSS takes half a second each time.
func opener(t *testing.T, u URI, o Options) func(t *testing.T) hsm.Boundary {
	t.Helper()
	held, err := Connect(t.Context(), u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := held.Close(); err != nil {
			t.Error(err)
		}
	})
	const masters = 3
	name := func(i int64) URI {
		u := u
		u.Object = fmt.Sprint("poskey-", i%masters)
		return u
	}
	for i := range int64(masters) {
		if err := Initialise(t.Context(), name(i), o); err != nil {
			t.Fatal(err)
		}
	}
	var count atomic.Int64
	return func(t *testing.T) hsm.Boundary {
		t.Helper()
		b, err := Open(t.Context(), name(count.Add(1)), o)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

package dukpt_test

import (
	"fmt"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

// savedDevice loads a made-up initial key at a counter.
func savedDevice(t testing.TB, ksn string, alg keys.Algorithm) *dukpt.Device {
	t.Helper()
	at, err := dukpt.ParseKSN(ksn)
	if err != nil {
		t.Fatal(err)
	}
	sec := secret.New(alg.KeyLen())
	for i := range sec.Expose() {
		sec.Expose()[i] = byte(17*i + 3)
	}
	k, err := keys.New(alg, sec)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	ik, err := dukpt.NewIK(at.Scheme(), k)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dukpt.NewDevice(ik, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Wipe)
	return d
}

func TestSavedDevicesGoOnWhereTheyWere(t *testing.T) {
	live := secret.Live()
	for ksn, alg := range map[string]keys.Algorithm{
		"FFFF9876543210E00000": keys.TDES128, "FFFF9876543210E0001F": keys.TDES128,
		"123456789012345600000000": keys.AES128, "1234567890123456FFFF0000": keys.AES256,
		"FFFF9876543210FFF800": keys.TDES128, // the last but none: the end of life comes on the way
	} {
		t.Run(ksn, func(t *testing.T) {
			d := savedDevice(t, ksn, alg)
			for range 70 {
				saved, err := d.Save()
				if err != nil {
					t.Fatal(err)
				}
				again, err := dukpt.RestoreDevice(saved)
				saved.Wipe()
				if err != nil {
					t.Fatal(err)
				}
				want, _ := d.State()
				got, err := again.State()
				if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("%v, %v, want %v", got, err, want)
				}
				d.Wipe()
				d = again
				t.Cleanup(again.Wipe)
				tx, err := d.Next()
				if fault.Is(err, fault.EndOfLife) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				tx.Wipe()
			}
		})
	}
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

func TestDamagedSavedDevicesAreRefused(t *testing.T) {
	d := savedDevice(t, "FFFF9876543210E00003", keys.TDES128)
	saved, err := d.Save()
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Wipe()
	whole := saved.Expose()
	for name, change := range map[string]func(b []byte) []byte{
		"nothing":            func([]byte) []byte { return nil },
		"a byte less":        func(b []byte) []byte { return b[:len(b)-1] },
		"another version":    func(b []byte) []byte { b[0]++; return b },
		"another scheme":     func(b []byte) []byte { b[1] = 12; return b },
		"another key length": func(b []byte) []byte { b[2] = 24; return b },
		"another counter":    func(b []byte) []byte { b[12]++; return b },
		"another device":     func(b []byte) []byte { b[3]++; return b },
		"a missing register": func(b []byte) []byte { b[23] ^= 1; return b },
	} {
		b := secret.Take(change(append([]byte(nil), whole...)))
		got, err := dukpt.RestoreDevice(b)
		b.Wipe()
		if !fault.Is(err, fault.Malformed) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

package dukpt

import (
	"crypto/des"
	"testing"

	"poskey/internal/testvec"
)

// devices gives the KSNs of many devices under one key set, so that no two derivations in a row are the same.
func devices(b testing.TB, first string) []KSN {
	b.Helper()
	base := ksnOf(b, first)
	all := make([]KSN, 1024)
	for i := range all {
		all[i] = base
		all[i].b[4], all[i].b[5] = byte(i>>8), byte(i)
	}
	return all
}

// BenchmarkIK: the BDK's ciphers are made once.
func BenchmarkIK(b *testing.B) {
	for _, c := range []struct{ name, bdk, ksn string }{
		{"tdes", tdesBDK, tdesKSN},
		{"aes-128", aesBDK, aesKSN},
		{"aes-192", aesBDK + aesBDK[:16], aesKSN},
		{"aes-256", aesBDK + aesBDK, aesKSN},
	} {
		b.Run(c.name, func(b *testing.B) {
			ksns := devices(b, c.ksn)
			bdk := bdkOf(b, ksns[0].Scheme(), c.bdk)
			dst := make([]byte, bdk.Algorithm().KeyLen())
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := bdk.DeriveIK(dst, ksns[i%len(ksns)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(1e3*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "M/s")
		})
	}
}

// BenchmarkIKPerKSN makes the ciphers anew for every KSN, with crypto/des alone, as the Go libraries of others do. It
// is what BenchmarkIK is measured against.
func BenchmarkIKPerKSN(b *testing.B) {
	ksns := devices(b, tdesKSN)
	bdk := testvec.Hex(b, tdesBDK)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if len(naiveIK(b, bdk, ksns[i%len(ksns)])) != 16 {
			b.Fatal("no key")
		}
		i++
	}
	b.ReportMetric(1e3*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "M/s")
}

// naiveIK is A.6 written down without thought for speed.
func naiveIK(t testing.TB, bdk []byte, ksn KSN) []byte {
	t.Helper()
	r := ksn.Initial().Bytes()[:8]
	var out []byte
	for _, c := range []byte{0, 0xC0} {
		key := make([]byte, 24)
		for i := range key {
			key[i] = bdk[i%16]
			if i%8 < 4 {
				key[i] ^= c
			}
		}
		b, err := des.NewTripleDESCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		part := make([]byte, 8)
		b.Encrypt(part, r)
		out = append(out, part...)
	}
	return out
}

// BenchmarkTransaction derives the key of a counter with as many bits as may be set.
func BenchmarkTransaction(b *testing.B) {
	for _, c := range []struct{ name, bdk, ksn string }{
		{"tdes-10-bits", tdesBDK, "FFFF9876543210FFF800"},
		{"aes-128-16-bits", aesBDK, "1234567890123456FFFF0000"},
		{"aes-256-16-bits", aesBDK + aesBDK, "1234567890123456FFFF0000"},
	} {
		b.Run(c.name, func(b *testing.B) {
			ksn := ksnOf(b, c.ksn)
			ik := ikOf(b, c.bdk, ksn)
			b.ReportAllocs()
			for b.Loop() {
				txn, err := ik.Transaction(ksn)
				if err != nil {
					b.Fatal(err)
				}
				txn.Wipe()
			}
		})
	}
}

// BenchmarkWorking derives a PIN key and a data key from a transaction key.
func BenchmarkWorking(b *testing.B) {
	for _, c := range []struct {
		name, bdk, ksn string
		use            Use
	}{
		{"tdes-pin", tdesBDK, "FFFF9876543210E00001", PIN},
		{"tdes-data", tdesBDK, "FFFF9876543210E00001", DataRequest},
		{"aes-128-pin", aesBDK, "123456789012345600000001", PIN},
	} {
		b.Run(c.name, func(b *testing.B) {
			ksn := ksnOf(b, c.ksn)
			txn := txnOf(b, ikOf(b, c.bdk, ksn), ksn)
			b.ReportAllocs()
			for b.Loop() {
				k, err := txn.Working(c.use, "")
				if err != nil {
					b.Fatal(err)
				}
				k.Wipe()
			}
		})
	}
}

// BenchmarkDevice is one transaction of a terminal: its key and the future keys.
func BenchmarkDevice(b *testing.B) {
	for _, c := range []struct{ name, bdk, ksn string }{{"tdes", tdesBDK, tdesKSN}, {"aes-128", aesBDK, aesKSN}} {
		b.Run(c.name, func(b *testing.B) {
			d := loaded(b, c.bdk, ksnOf(b, c.ksn))
			b.ReportAllocs()
			for b.Loop() {
				txn, err := d.Next()
				if err != nil {
					d = loaded(b, c.bdk, ksnOf(b, c.ksn))
					continue
				}
				txn.Wipe()
			}
		})
	}
}

// loaded is a terminal that is about to use the KSN's counter, or its first one.
func loaded(t testing.TB, bdk string, ksn KSN) *Device {
	t.Helper()
	ik, err := bdkOf(t, ksn.Scheme(), bdk).IK(ksn)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDevice(ik, ksn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Wipe)
	return d
}

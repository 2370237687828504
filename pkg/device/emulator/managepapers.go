package emulator

// Certificates for the management agent: made once, for this machine, by an authority that nobody keeps.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

// Papers are the certificates with which a terminal and its hosts know each other, in files of one folder.
type Papers struct {
	CA       string // certificate of the authority; its private key is not kept
	Cert     string // of the terminal
	Key      string
	HostCert string // of a host
	HostKey  string
}

// papersLife is how long they are good.
const papersLife = 5 * 365 * 24 * time.Hour

func papersIn(dir string) Papers {
	in := func(name string) string { return filepath.Join(dir, name) }
	return Papers{CA: in("ca.crt"), Cert: in("terminal.crt"), Key: in("terminal.key"), HostCert: in("host.crt"),
		HostKey: in("host.key")}
}

// MakePapers gives the certificates in a folder, and makes them where there is none: an authority, a certificate for a
// terminal at 127.0.0.1, ::1 and localhost, and one for a host. The folder appears whole or not at all, 0700, its files
// 0600. They are for emulators alone. Errors: failure when the folder cannot be written, and when it is there without
// its files.
func MakePapers(env keys.Env, dir string) (Papers, error) {
	p := papersIn(dir)
	if _, err := os.Stat(dir); err == nil {
		return p, p.whole()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Papers{}, fault.WrapAs(fault.Failure, err, "certificates of the emulator")
	}
	if env.Rand == nil || env.Now == nil {
		return Papers{}, fault.New(fault.Bug, "certificates take randomness and a clock")
	}
	files, err := issueAll(env)
	if err != nil {
		return Papers{}, fault.WrapAs(fault.Failure, err, "make certificates for the emulator")
	}
	if err := writeFolder(dir, files); err != nil {
		return Papers{}, fault.WrapAs(fault.Failure, err, "certificates of the emulator")
	}
	return p, nil
}

func (p Papers) whole() error {
	for _, path := range []string{p.CA, p.Cert, p.Key, p.HostCert, p.HostKey} {
		if _, err := os.Stat(path); err != nil {
			return fault.WrapAs(fault.Failure, err,
				"the emulator's certificates are not whole; take their folder away and new ones are made")
		}
	}
	return nil
}

// writeFolder writes files into a folder beside its place and moves it there.
func writeFolder(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".new-") // 0700
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(made, name), content, 0o600); err != nil {
			return errors.Join(err, os.RemoveAll(made))
		}
	}
	if err := os.Rename(made, dir); err != nil {
		return errors.Join(err, os.RemoveAll(made))
	}
	return nil
}

// issueAll makes all certificates, with the names of their files.
func issueAll(env keys.Env) (map[string][]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), env.Rand)
	if err != nil {
		return nil, err
	}
	template, err := paper(env, "poskey emulator, test authority")
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	raw, err := x509.CreateCertificate(env.Rand, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	ca, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"ca.crt": pemOf("CERTIFICATE", raw)}
	for name, use := range map[string]x509.ExtKeyUsage{"terminal": x509.ExtKeyUsageServerAuth, "host": x509.ExtKeyUsageClientAuth} {
		if err := issue(env, files, name, use, ca, key); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func issue(env keys.Env, files map[string][]byte, name string, use x509.ExtKeyUsage, ca *x509.Certificate, by *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), env.Rand)
	if err != nil {
		return err
	}
	template, err := paper(env, "poskey emulator, test "+name)
	if err != nil {
		return err
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{use}
	if use == x509.ExtKeyUsageServerAuth {
		template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	raw, err := x509.CreateCertificate(env.Rand, template, ca, &key.PublicKey, by)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	files[name+".crt"], files[name+".key"] = pemOf("CERTIFICATE", raw), pemOf("PRIVATE KEY", private)
	return nil
}

func paper(env keys.Env, name string) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := env.Rand.Read(serial); err != nil {
		return nil, err
	}
	serial[0] &= 0x7F
	now := env.Now()
	return &x509.Certificate{SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(papersLife)}, nil
}

func pemOf(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

// server is the terminal's side of TLS: version 1.3, and nobody without a certificate of the authority.
func (p Papers) server() (*tls.Config, error) {
	raw, err := os.ReadFile(p.CA)
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "certificates of the emulator")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fault.New(fault.Failure, "%s has no certificate", p.CA)
	}
	own, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		return nil, fault.New(fault.Failure, "%s and %s are no certificate with its private key", p.Cert, p.Key)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert, SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"}}, nil
}

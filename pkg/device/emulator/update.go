package emulator

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
)

// Manifest says what a software update is. Its vendor signs it.
type Manifest struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	Counter uint64 `json:"counter"` // rises with every release: a terminal takes no lower one than it has
	SHA256  string `json:"sha256"`  // of the image, in hex
}

const (
	manifestFormat = "poskey.emulator.manifest/v1"
	manifestDomain = "poskey emulator manifest v1\n"
	maxManifest    = 64 << 10
)

// signed is how a manifest travels: the signature is over manifestDomain and the bytes of the manifest as they stand.
type signed struct {
	Format    string          `json:"format"`
	Manifest  json.RawMessage `json:"manifest"`
	Signature []byte          `json:"signature"`
}

// SignManifest makes the manifest of an image, as its vendor does.
func SignManifest(vendor ed25519.PrivateKey, m Manifest, image []byte) ([]byte, error) {
	sum := sha256.Sum256(image)
	m.SHA256 = hex.EncodeToString(sum[:])
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fault.WrapAs(fault.Bug, err, "write a manifest")
	}
	return json.Marshal(signed{manifestFormat, raw, ed25519.Sign(vendor, append([]byte(manifestDomain), raw...))})
}

// openManifest reads a manifest and believes it if the vendor signed it. Errors: malformed, mac_mismatch.
func openManifest(vendor ed25519.PublicKey, raw []byte) (Manifest, error) {
	var s signed
	var m Manifest
	if len(raw) > maxManifest || strictJSON(raw, &s) != nil || s.Format != manifestFormat {
		return Manifest{}, fault.New(fault.Malformed, "the manifest of the update cannot be read")
	}
	if len(vendor) != ed25519.PublicKeySize ||
		!ed25519.Verify(vendor, append([]byte(manifestDomain), s.Manifest...), s.Signature) {
		return Manifest{}, fault.New(fault.MACMismatch, "the manifest of the update is not signed by the terminal's vendor")
	}
	if strictJSON(s.Manifest, &m) != nil || m.Version == "" {
		return Manifest{}, fault.New(fault.Malformed, "the manifest of the update cannot be read")
	}
	return m, nil
}

func strictJSON(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// update takes other software, if the vendor made it for this model and it is newer than what is there.
func (t *Terminal) update(account string, o device.Order) error {
	m, err := openManifest(t.cfg.VendorKey, o.Manifest)
	if err == nil {
		err = t.suitsManifest(m, o.Image)
	}
	if err != nil {
		t.report(Event{Kind: Denied, Account: account, Detail: "update"})
		return err
	}
	t.mu.Lock()
	e := Event{Kind: Updated, Detail: m.Version}
	why := t.change(func() {
		t.s.firmware, t.s.counter = m.Version, m.Counter
		e = t.note(e)
	})
	t.mu.Unlock()
	if err := t.done(why, e); err != nil {
		return err
	}
	t.restart("update")
	return nil
}

func (t *Terminal) suitsManifest(m Manifest, image []byte) error {
	t.mu.Lock()
	model, counter, has := t.modelName(), t.s.counter, t.s.firmware
	t.mu.Unlock()
	sum := sha256.Sum256(image)
	switch {
	case m.Model != model:
		return fault.New(fault.NotPermitted, "the update is for model %q, this is %q", text.Redact(m.Model), model)
	case m.SHA256 != hex.EncodeToString(sum[:]):
		return fault.New(fault.ChecksumMismatch, "the image is not the one that the manifest names")
	case m.Counter <= counter:
		return fault.New(fault.NotPermitted,
			"version %s (release %d) is not newer than %s (release %d): there is no going back",
			text.Redact(m.Version), m.Counter, has, counter)
	}
	return nil
}

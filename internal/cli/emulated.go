package cli

// What kind of terminal the flags of device emulate ask for, and what the factory puts into it.

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/url"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// emulated is what kind of terminal the flags ask for.
func (a *App) emulated(ctx context.Context, o emulateOpts) (emulator.Config, error) {
	port, err := portOf(o)
	if err != nil {
		return emulator.Config{}, err
	}
	faults, err := emulator.ParseFaults(o.faults)
	if err != nil {
		return emulator.Config{}, err
	}
	vendor, err := emulator.ParseVendor(o.vendor)
	if err != nil {
		return emulator.Config{}, err
	}
	environment, err := custody.ParseEnvironment(o.environment)
	if err != nil {
		return emulator.Config{}, err
	}
	cfg := emulator.Config{Env: a.Env, Port: port, Faults: faults, Seed: o.seed, InjectModeOff: o.noInject, MaxLoads: o.maxLoads, OpenBatch: o.openBatch, Settled: o.settled,
		OnEvent: a.eventPrinter(), Vendor: vendor, Lang: emulator.English, Serial: o.serial, Model: o.model, POIVersion: o.poi, Firmware: o.firmware,
		Environment: environment, Dir: o.state}
	if a.Say.Lang() == i18n.Chinese {
		cfg.Lang = emulator.Chinese
	}
	for _, path := range o.trust {
		f, err := readOfficerFile(ctx, path)
		if err != nil {
			return emulator.Config{}, err
		}
		cfg.Approvers = append(cfg.Approvers, f.card)
	}
	if o.vendorKey != "" {
		if cfg.VendorKey, err = readVendorKey(ctx, o.vendorKey); err != nil {
			return emulator.Config{}, err
		}
	}
	if o.manage != "" {
		if o.state == "" {
			return emulator.Config{}, fault.New(fault.Usage, "--manage needs --state: the certificates of the agent dialect lie there")
		}
		cfg.Accounts, err = emulator.DefaultAccounts()
	}
	return cfg, err
}

// maxVendorKey bounds what is read of a public key.
const maxVendorKey = 4 << 10

// readVendorKey reads the public key of a software vendor: PEM (PUBLIC KEY), or 64 hex digits.
func readVendorKey(ctx context.Context, path string) (ed25519.PublicKey, error) {
	raw, err := readWhole(ctx, path, maxVendorKey)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(raw); block != nil {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if key, ok := parsed.(ed25519.PublicKey); err == nil && ok {
			return key, nil
		}
	} else if key, err := hex.DecodeString(strings.TrimSpace(string(raw))); err == nil && len(key) == ed25519.PublicKeySize {
		return key, nil
	}
	return nil, fault.New(fault.Malformed, "%s is no public key of Ed25519, in PEM or as 64 hex digits", path)
}

// variant refuses a profile or a way to write slots that the dialect does not have, in the words for a URI that names it.
func (o *emulateOpts) variant() error {
	query := url.Values{}
	for name, said := range map[string]string{"profile": o.profile, "slots": o.slots} {
		if said != "" {
			query.Set(name, said)
		}
	}
	_, err := device.ParseURI(o.dialect + "+tcp://127.0.0.1:1?" + query.Encode())
	return err
}

func portOf(o emulateOpts) (emulator.Port, error) {
	if o.dialect == device.Visa || o.dialect == device.Futurex {
		if err := o.variant(); err != nil {
			return nil, err
		}
	}
	switch o.dialect {
	case device.Visa:
		return emulator.Visa(o.profile), nil
	case device.Futurex:
		return emulator.Futurex(o.slots, o.profile), nil
	}
	return nil, fault.New(fault.Usage, "dialect %q: the emulator speaks visa and futurex on its line, and agent with --manage", text.Redact(o.dialect))
}

// outfit is what a terminal gets in the factory, before anybody can reach it.
type outfit struct {
	klk  *hsm.Key // nil for none
	slot device.Slot
	lock device.LockKind
}

// outfit takes the KLK in, once for many terminals.
func (a *App) outfit(ctx context.Context, o emulateOpts) (f outfit, err error) {
	f.slot = klkSlot(o)
	if o.lock != "" {
		if f.lock, err = device.ParseLock(o.lock); err != nil {
			return f, err
		}
	}
	if o.klk == "" {
		return f, nil
	}
	k, err := a.klk(ctx, o.klk, true)
	f.klk = &k
	return f, err
}

// furnish does what a factory does.
func (a *App) furnish(ctx context.Context, t *emulator.Terminal, f outfit) error {
	if f.klk != nil {
		if err := a.factoryKey(ctx, t, f.slot, *f.klk); err != nil {
			return err
		}
	}
	switch f.lock {
	case "":
	case device.LockTamper:
		t.Tamper("case")
	default:
		t.SetLock(f.lock, "")
	}
	return nil
}

func klkSlot(o emulateOpts) device.Slot {
	switch {
	case o.klkSlot != "":
		return device.Slot(o.klkSlot)
	case o.dialect == device.Futurex:
		return "00"
	}
	return "F"
}

func (a *App) factoryKey(ctx context.Context, t *emulator.Terminal, slot device.Slot, k hsm.Key) error {
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	clear, err := b.Reveal(ctx, k)
	if err != nil {
		return err
	}
	key, err := keys.New(k.Algorithm, clear)
	if err != nil {
		return err
	}
	defer key.Wipe()
	mode := byte('D')
	if t.Dialect() == device.Futurex {
		mode = 'N' // a KTK; with D it would be a master key
	}
	return t.LoadDirect(slot, key, keys.UsageKEK, mode)
}

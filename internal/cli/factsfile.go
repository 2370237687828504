package cli

// Facts in a file, for programs: everything that the commands of diagnose take, in one document.

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
	"poskey/pkg/unionpay"
)

// factsSchema is the only schema that is read.
const factsSchema = "poskey.facts/v1"

// Bounds of a file of facts, and of each list in it: a search takes its time for every comparison.
const (
	maxFacts = 1 << 20
	mostOf   = 500
)

// factsDoc is the document. Keys are given as SRC, as on the command line; what is left out is not known.
type factsDoc struct {
	Schema string        `json:"schema"`
	Checks []factsCheck  `json:"checks"`
	SignIn *factsSignIn  `json:"sign_in"`
	Block  *factsBlock   `json:"block"`
	Said   []factsSaid   `json:"said"`
	Log    string        `json:"log"` // a file
	Device *factsDevice  `json:"device"`
	Wanted []factsWanted `json:"wanted"`
	Loads  []factsLoad   `json:"loads"`
}

type factsCheck struct {
	Algorithm    string   `json:"algorithm"`
	Expected     string   `json:"expected"`
	Got          string   `json:"got"`
	Method       string   `json:"method"`
	Key          string   `json:"key"`
	KBPK         string   `json:"kbpk"`
	Parts        []string `json:"parts"`
	PartExpected []string `json:"part_expected"`
	Cryptogram   string   `json:"cryptogram"`
	KEK          string   `json:"kek"`
	KEKExpected  string   `json:"kek_expected"`
	BDK          string   `json:"bdk"`
	KSN          string   `json:"ksn"`
	Search       *int     `json:"search"`
	Slot         string   `json:"slot"`
	Label        string   `json:"label"`
}

type factsSignIn struct {
	Code    string            `json:"code"`
	Field62 string            `json:"field62"`
	Message string            `json:"message"`
	Trade   string            `json:"trade"`
	TMK     []string          `json:"tmk"`
	KBPK    string            `json:"kbpk"`
	Shown   map[string]string `json:"shown"`

	TMKCryptogram string `json:"tmk_cryptogram"`
	TMKExpected   string `json:"tmk_expected"`
}

type factsBlock struct {
	Block  string   `json:"block"`
	KBPK   []string `json:"kbpk"`
	Device string   `json:"device"`
	Slot   string   `json:"slot"`
}

type factsSaid struct {
	Text   string `json:"text"`
	Vendor string `json:"vendor"`
	Table  string `json:"table"`
	Where  string `json:"where"`
}

// factsDevice is a device to be asked, by its address.
type factsDevice struct {
	Address string `json:"address"`
	Serial  string `json:"serial"`
}

type factsWanted struct {
	Slot   string `json:"slot"`
	Label  string `json:"label"`
	Check  string `json:"kcv"`
	Method string `json:"method"`
	KSN    string `json:"ksn"`
}

// readFacts reads a document of facts, strictly: a field that nobody knows would be a fact that nobody looks at.
func readFacts(ctx context.Context, path string) (factsDoc, error) {
	raw, err := readWhole(ctx, path, maxFacts)
	if err != nil {
		return factsDoc{}, err
	}
	if err := strictFacts(raw, reflect.TypeFor[factsDoc]()); err != nil {
		return factsDoc{}, fault.Wrap(err, "%s", text.Redact(path))
	}
	var doc factsDoc
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return factsDoc{}, fault.New(fault.Malformed, "%s: %s", text.Redact(path), text.OneLine(text.Redact(err.Error()), 200))
	}
	if d.More() {
		return factsDoc{}, fault.New(fault.Malformed, "%s: one document is wanted, and more follows", text.Redact(path))
	}
	if doc.Schema != factsSchema {
		return factsDoc{}, fault.New(fault.Malformed, "%s: schema %q is not read; it is %s", text.Redact(path), text.Redact(doc.Schema), factsSchema)
	}
	for name, n := range map[string]int{"checks": len(doc.Checks), "said": len(doc.Said), "wanted": len(doc.Wanted), "loads": len(doc.Loads)} {
		if n > mostOf {
			return factsDoc{}, fault.New(fault.TooLarge, "%s: %s has %d entries; a document takes %d of them at most: make several documents",
				text.Redact(path), name, n, mostOf)
		}
	}
	return doc, nil
}

// runDiagnoseFacts diagnoses a whole case.
func runDiagnoseFacts(ctx context.Context, a *App, path string, o diagnosisOpts) error {
	doc, err := readFacts(ctx, path)
	if err != nil {
		return err
	}
	p := &probers{app: a}
	defer p.close()
	c, err := a.caseOf(ctx, doc, p)
	if err != nil {
		return err
	}
	return a.diagnosed(ctx, "diagnose", c, o)
}

// caseOf turns a document into facts, the way the commands turn their flags into them.
func (a *App) caseOf(ctx context.Context, doc factsDoc, p *probers) (diagnose.Case, error) {
	c := diagnose.Case{}
	for i, check := range doc.Checks {
		one, err := a.checkFacts(ctx, check, p)
		if err != nil {
			return c, fault.Wrap(err, "checks[%d]", i)
		}
		c.Checks = append(c.Checks, one)
	}
	var err error
	if s := doc.SignIn; s != nil {
		o := diagnoseSignInOpts{code: s.Code, field62: s.Field62, message: s.Message, trade: s.Trade, tmks: s.TMK, kbpk: s.KBPK}
		for _, name := range unionpay.KeyNames() {
			if v, there := s.Shown[string(name)]; there {
				o.shown = append(o.shown, string(name)+"="+v)
			}
		}
		o.wrapped, o.wrappedExpected = s.TMKCryptogram, s.TMKExpected
		if (o.field62 == "") == (o.message == "") || len(o.tmks) == 0 && o.wrapped == "" {
			return c, fault.New(fault.Malformed, "sign_in: it takes tmk or tmk_cryptogram, and either field62 or message")
		}
		if c.SignIn, err = a.signInFacts(ctx, o, p); err != nil {
			return c, fault.Wrap(err, "sign_in")
		}
	}
	if b := doc.Block; b != nil {
		one, err := a.blockCase(ctx, diagnoseBlockOpts{kbpks: b.KBPK, device: b.Device, slot: b.Slot}, b.Block, p)
		if err != nil {
			return c, fault.Wrap(err, "block")
		}
		c.Block, c.Checks = one.Block, append(c.Checks, one.Checks...)
	}
	for _, s := range doc.Said {
		c.Said = append(c.Said, diagnose.Said{Text: s.Text, Vendor: s.Vendor, Table: s.Table, Where: s.Where})
	}
	if doc.Log != "" {
		if c.Ears, err = diagnose.NewEars(); err != nil {
			return c, err
		}
		if c.Log, _, err = a.readLog(ctx, doc.Log, diagnoseLogOpts{}, c.Ears); err != nil {
			return c, fault.Wrap(err, "log")
		}
	}
	return c, a.deviceFacts(ctx, doc, &c, p)
}

// checkFacts is one comparison.
func (a *App) checkFacts(ctx context.Context, f factsCheck, p *probers) (diagnose.Check, error) {
	o := diagnoseKCVOpts{alg: f.Algorithm, expected: f.Expected, got: f.Got, method: f.Method, key: f.Key, kbpk: f.KBPK,
		cryptogram: f.Cryptogram, kek: f.KEK, kekExpected: f.KEKExpected, bdk: f.BDK, ksn: f.KSN, parts: f.Parts, partExpected: f.PartExpected, search: defaultSearch}
	if f.Search != nil {
		o.search, o.searchGiven = *f.Search, true
	}
	if err := o.fits(); err != nil {
		return diagnose.Check{}, err
	}
	facts, err := diagnoseFacts(o)
	if err != nil {
		return diagnose.Check{}, err
	}
	if err := a.diagnoseProber(ctx, o, &facts, p); err != nil {
		return diagnose.Check{}, err
	}
	return diagnose.Check{Facts: facts, Slot: device.Slot(factsName(f.Slot)), Label: factsName(f.Label)}, nil
}

// deviceFacts asks the device that the document names, and adds what it says should be in there.
func (a *App) deviceFacts(ctx context.Context, doc factsDoc, c *diagnose.Case, p *probers) error {
	if d := doc.Device; d != nil {
		asked, serial, err := a.deviceCase(ctx, diagnoseDeviceOpts{managedOpts: managedOpts{device: d.Address}})
		if err != nil {
			return fault.Wrap(err, "device")
		}
		c.Device, c.Line, c.Takes, c.Refusals = asked.Device, asked.Line, asked.Takes, asked.Refusals
		if serial, err = meantSerial(serial, d.Serial); err != nil {
			return fault.Wrap(err, "device")
		}
		if len(doc.Wanted) == 0 && serial != "" && c.Device != nil {
			if err := a.fromInventory(ctx, c, serial, d.Serial != "", p); err != nil {
				return err
			}
		}
	}
	for i, l := range doc.Loads {
		load, err := l.fact()
		if err != nil {
			return fault.Wrap(err, "loads[%d]", i)
		}
		c.Loads = append(c.Loads, load)
	}
	for i, w := range doc.Wanted {
		wanted, err := w.fact()
		if err != nil {
			return fault.Wrap(err, "wanted[%d]", i)
		}
		c.Wanted = append(c.Wanted, wanted)
	}
	return nil
}

// fact is a key that should be in the device.
func (w factsWanted) fact() (diagnose.Wanted, error) {
	check, err := w.check()
	if err != nil {
		return diagnose.Wanted{}, err
	}
	method, err := factsMethod(w.Method)
	if err != nil {
		return diagnose.Wanted{}, err
	}
	ksn, err := factsKSN(w.KSN)
	if err != nil {
		return diagnose.Wanted{}, err
	}
	return diagnose.Wanted{Slot: device.Slot(factsName(w.Slot)), Label: factsName(w.Label), KSN: ksn,
		Check: kcv.Value{Method: method, Digits: check.Digits}}, nil
}

// check is the check value of the key. The sheet of a DUKPT key may have its key serial number alone.
func (w factsWanted) check() (kcv.Expected, error) {
	if w.KSN != "" {
		return optionalGiven(w.Check)
	}
	return givenKCV(w.Check)
}

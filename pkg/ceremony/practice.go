package ceremony

// Tools for a rehearsal: everything is done as in the ceremony, with throw-away keys and throw-away people, and nothing
// of it can be taken for the real thing.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// testPrefix begins the name of everything that a rehearsal makes.
const testPrefix = "TEST-"

// practicePassphrase opens the identities of a rehearsal. Everybody may know it.
const practicePassphrase = "test rehearsal"

// IsPractice reports a card of a rehearsal: everybody knows its passphrase.
func IsPractice(c custody.Card) bool { return strings.HasPrefix(c.Name(), transcript.MarkRehearsal) }

// PracticeOptions are what a rehearsal needs from outside.
type PracticeOptions struct {
	Env   keys.Env
	Paper io.Writer // what would be printed
	// Write takes a key block of throw-away keys; nil: it is computed and dropped.
	Write func(name string, block []byte) error
	// Load and Save keep the throw-away identities, so that a rehearsal can be resumed; nil: they last as long as the
	// tools. Load gives nil for one that is not there.
	Load func(person string) ([]byte, error)
	Save func(person string, file []byte) error
}

// Practice are the tools of a rehearsal. It is for one goroutine. Close it on every way out.
type Practice struct {
	o        PracticeOptions
	boundary hsm.Boundary
	people   map[string]*custody.Locked
	keys     map[string]hsm.Key
	kept     map[string]string // label by key
	others   map[string]hsm.Key
	sheets   map[string][]*component.Part
	ledger   []Held
}

// NewPractice makes the tools of a rehearsal.
func NewPractice(o PracticeOptions) (*Practice, error) {
	b, err := hsm.NewSoft(o.Env)
	if err != nil {
		return nil, err
	}
	if o.Paper == nil {
		o.Paper = io.Discard
	}
	return &Practice{o: o, boundary: b, people: map[string]*custody.Locked{}, keys: map[string]hsm.Key{},
		kept:   map[string]string{},
		others: map[string]hsm.Key{}, sheets: map[string][]*component.Part{}}, nil
}

// Close wipes everything.
func (p *Practice) Close() error {
	p.wipeSheets()
	return p.boundary.Close()
}

func (p *Practice) wipeSheets() {
	for id, parts := range p.sheets {
		component.WipeAll(parts)
		delete(p.sheets, id)
	}
}

// Passphrase is what everybody types in a rehearsal. It is shown with the question.
func (p *Practice) Passphrase() string { return practicePassphrase }

// Ledger is what would be in the ledger.
func (p *Practice) Ledger() []Held { return append([]Held(nil), p.ledger...) }

// Identity draws a throw-away identity for somebody, always one of environment test.
func (p *Practice) Identity(_ context.Context, who script.Person) (*custody.Locked, error) {
	if locked := p.people[who.ID]; locked != nil {
		return locked, nil
	}
	file, err := p.identityFile(who)
	if err != nil {
		return nil, err
	}
	locked, err := custody.ParseIdentity(file)
	if err != nil {
		return nil, err
	}
	p.people[who.ID] = locked
	return locked, nil
}

func (p *Practice) identityFile(who script.Person) ([]byte, error) {
	if p.o.Load != nil {
		if file, err := p.o.Load(who.ID); err != nil || file != nil {
			return file, err
		}
	}
	id, err := custody.NewOfficer(p.o.Env, custody.Officer{ID: who.ID, Name: transcript.MarkRehearsal + " " + who.ID,
		Roles:       []custody.Role{custody.Custodian},
		Environment: custody.Test})
	if err != nil {
		return nil, err
	}
	defer id.Wipe()
	passphrase := secret.Copy([]byte(practicePassphrase))
	defer passphrase.Wipe()
	file, err := id.Lock(p.o.Env, passphrase, custody.FloorCost())
	if err != nil || p.o.Save == nil {
		return file, err
	}
	return file, p.o.Save(who.ID, file)
}

// testLabel is a label of the script as a rehearsal has it.
func testLabel(k *script.Key) string {
	label := k.Label
	for _, o := range k.Outputs {
		if o.To == script.ToStore {
			label = o.Label
		}
	}
	if label == "" {
		return ""
	}
	return marked(label)
}

// marked begins a name with TEST, unless it does already.
func marked(name string) string {
	if strings.HasPrefix(name, testPrefix) {
		return name
	}
	return testPrefix + name
}

// Generate draws a throw-away key.
func (p *Practice) Generate(ctx context.Context, k *script.Key) (Made, error) {
	made, err := p.boundary.Generate(ctx, AttributesOf(k), hsm.Policy{})
	if err != nil {
		return Made{}, err
	}
	p.keys[k.ID] = made
	return Made{Check: made.Check, Label: testLabel(k)}, nil
}

func (p *Practice) key(k *script.Key) (hsm.Key, error) {
	made, ok := p.keys[k.ID]
	if !ok {
		return hsm.Key{}, fault.New(fault.NotFound, "the key %s is not there", k.ID)
	}
	return made, nil
}

// Split cuts a throw-away key.
func (p *Practice) Split(ctx context.Context, k *script.Key) ([]*component.Part, error) {
	made, err := p.key(k)
	if err != nil {
		return nil, err
	}
	return p.boundary.Split(ctx, made, SpecOf(k))
}

// Form combines practice sheets.
func (p *Practice) Form(ctx context.Context, k *script.Key, f hsm.Forming) (Made, error) {
	made, err := p.boundary.Form(ctx, f)
	if err != nil {
		return Made{}, err
	}
	p.keys[k.ID] = made
	return Made{Check: made.Check, Label: testLabel(k)}, nil
}

// Find draws a key in the place of one that would be in the store.
func (p *Practice) Find(ctx context.Context, k *script.Key) (Made, error) {
	if made, ok := p.keys[k.ID]; ok {
		return Made{Check: made.Check, Label: testLabel(k)}, nil
	}
	return p.Generate(ctx, k)
}

// Keep keeps a key in the memory of the rehearsal.
func (p *Practice) Keep(_ context.Context, k *script.Key, o *script.Output) (Made, error) {
	made, err := p.key(k)
	if err != nil {
		return Made{}, err
	}
	label := testLabel(k)
	if o != nil && o.Label != "" {
		label = marked(o.Label)
	}
	p.kept[k.ID] = label
	return Made{Check: made.Check, Label: label}, nil
}

// Export closes a key block under a throw-away KBPK; its label says TEST.
func (p *Practice) Export(ctx context.Context, k *script.Key, o *script.Output) (Exported, error) {
	made, err := p.key(k)
	if err != nil {
		return Exported{}, err
	}
	version := o.Version
	if version == 0 {
		version = 'D'
	}
	kbpk, err := p.protector(ctx, o.KBPK, version)
	if err != nil {
		return Exported{}, err
	}
	h := made.Header(version)
	h.SetOpt("LB", testPrefix+"REHEARSAL")
	w, err := p.boundary.Wrap(ctx, made, kbpk, h, keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(made.Algorithm),
		AllowWeak: true})
	if err != nil {
		return Exported{}, err
	}
	name := marked(o.File)
	if p.o.Write != nil {
		if err := p.o.Write(name, []byte(w.Block+"\n")); err != nil {
			return Exported{}, err
		}
	}
	sum := sha256.Sum256([]byte(w.Block + "\n"))
	return Exported{File: name, Header: w.Block[:16], SHA256: strings.ToUpper(hex.EncodeToString(sum[:])),
		Check: made.Check}, nil
}

// protector draws the KBPK that a label stands for.
func (p *Practice) protector(ctx context.Context, label string, version byte) (hsm.Key, error) {
	id := label + "/" + string(rune(version))
	if k, ok := p.others[id]; ok {
		return k, nil
	}
	alg := keys.AES256
	if version < 'D' {
		alg = keys.TDES192
	}
	k, err := p.boundary.Generate(ctx, hsm.Attributes{Algorithm: alg, Usage: hsm.ProtectorUsage(version)}, hsm.Policy{})
	if err == nil {
		p.others[id] = k
	}
	return k, err
}

// Load loads nothing: no device gets a throw-away key.
func (p *Practice) Load(_ context.Context, k *script.Key, o *script.Output) (Loaded, error) {
	made, err := p.key(k)
	if err != nil {
		return Loaded{}, err
	}
	return Loaded{Device: marked(o.Device), Slot: o.Slot, Proof: "rehearsal: nothing was loaded", Check: made.Check}, nil
}

// DestroyKey forgets a throw-away key.
func (p *Practice) DestroyKey(_ context.Context, k *script.Key, _ string) error {
	if _, err := p.key(k); err != nil {
		return err
	}
	delete(p.keys, k.ID)
	delete(p.kept, k.ID)
	return nil
}

// InitStore draws a master key and seals it to the cards, as a store would, and drops both.
func (p *Practice) InitStore(_ context.Context, k *script.Key, cards []custody.Card) (Made, error) {
	master, err := keys.Generate(p.o.Env.Rand, keys.AES256)
	if err != nil {
		return Made{}, err
	}
	defer master.Wipe()
	plan := custody.Plan{Store: testPrefix + "rehearsal", Environment: custody.Test, Threshold: max(2, k.Threshold)}
	sealed, err := custody.Seal(p.o.Env, master, cards, plan)
	if err != nil {
		return Made{}, err
	}
	return Made{Check: sealed.Check(), Set: "", Label: ""}, nil
}

// Print prints to the paper that was handed in.
func (p *Practice) Print(_ context.Context, write func(io.Writer) error) error {
	return write(p.o.Paper)
}

// Practice gives the sheet of a part that a partner would have sent.
func (p *Practice) Practice(ctx context.Context, k *script.Key, part int) (*component.Part, bool, error) {
	if k.Source != script.Components || part < 1 || part > len(k.Parts) {
		return nil, false, nil
	}
	if p.sheets[k.ID] == nil {
		drawn, err := p.boundary.Generate(ctx, AttributesOf(k), hsm.Policy{})
		if err != nil {
			return nil, false, err
		}
		parts, err := p.boundary.Split(ctx, drawn, SpecOf(k))
		if err != nil {
			return nil, false, err
		}
		p.sheets[k.ID] = parts
	}
	sheet := *p.sheets[k.ID][part-1]
	sheet.Value = sheet.Value.Clone()
	return &sheet, true, nil
}

// Hold keeps the ledger in memory.
func (p *Practice) Hold(_ context.Context, h Held) error {
	p.ledger = append(p.ledger, h)
	return nil
}

// Forget drops everything that was not kept.
func (p *Practice) Forget(context.Context) error {
	p.wipeSheets()
	for id := range p.keys {
		if p.kept[id] == "" {
			delete(p.keys, id)
		}
	}
	return nil
}

// Package hsm is the boundary: outside it a key is a key block, only inside it is a key clear.
//
// A [Boundary] does what a payment HSM does: it generates a key, forms one from components, imports, derives by DUKPT,
// wraps, unwraps, examines, splits, computes check values. What it hands out is a [Key]: an X9.143 block under the
// boundary's own master key with the public attributes. Commands hold Keys and never key bytes; clear bytes go in once,
// at [Boundary.Import] and [Boundary.Form], and come out only where the trade wants them clear: components
// ([Boundary.Split]) and [Boundary.Reveal].
//
// Drivers: [NewSoft] lives as long as the command, with a master key drawn at its start, and serves the person who
// holds the keys. [NewMaster] has a master key that lasts, that of a store, and is strict. Others join behind the same
// interface.
//
// # Attributes
//
// They are decided when a key is born and stand in its block, under the MAC; a handle that says otherwise is refused.
// No call changes them but for [Boundary.Keep], which gives a key without a label its label. Every boundary holds to
// this:
//
//	KBPK        usage K0 or K1 for versions A to D, K4 for D and E; mode B, E or N to close, B, D or N to open
//	usage       a block says the key's own
//	mode        the key's own or a narrower one: B becomes E or D; C becomes G or V; T becomes S or D; N what fits the usage
//	algorithm   the key's own, with its hash for HMAC
//	export      N goes into no block; E leaves as E or N; S as S, E or N (X9.143 6.3.5: S is the loosest)
//	labels      of somebody's block make nobody's key ours; ours go into no block for somebody else
//	transaction keys of DUKPT go into no block and onto no sheets
//
// A strict boundary ([Info].Strict) also refuses to show, to cut into components or to translate what is not
// exportable. It takes no single DES key in, whatever a [Policy] says. Without leave for weak keys it closes no block
// under a KBPK that is weaker than the key (PCI PIN 10-1) or weak in itself, and under single DES never. It tells check
// values by the rule of PCI PIN 15-1 ([CheckValueRule]), compares values of no fewer than four digits and no more than
// ten (eight where a check value has no more; longer ones are refused), says of a block that does not open only what a
// MAC of eight bytes or more proves, and answers a diagnosis in verdicts, about a closed list of forms ([StrictProber]).
//
// What it does not do: it does not know who asks. A key-encrypting key that one person knows takes every exportable key
// out in two calls; that bringing one in takes two people is for the agent (pkg/agent) and its approvals to see to.
// Soft boundaries translate what is not exportable, with a warning, for whoever holds both KBPKs.
//
// A key that was compared with an expected check value is another type, [Checked], than one that was not. Loading into
// a device asks for the first.
package hsm

import (
	"context"

	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Boundary is the interface of a (software or hardware) security module. Its methods may be called from several
// goroutines, Close too. Clear secrets handed in are taken over and wiped, also when the call fails. A Key that another
// boundary made, or whose block, attributes or length were changed outside, is refused. A call whose context has ended
// does nothing and fails as interrupted. The suite in hsmtest holds every driver to this.
type Boundary interface {
	// Info says what this boundary is.
	Info() Info

	// Generate makes a key inside.
	Generate(ctx context.Context, a Attributes, p Policy) (Key, error)
	// Import takes a clear key in.
	Import(ctx context.Context, clear *secret.Bytes, a Attributes, p Policy) (Key, error)
	// Form combines components inside, after every check that can be made before.
	Form(ctx context.Context, f Forming) (Key, error)
	// Split cuts a key into components; these leave the boundary in clear, each for one custodian. A transaction key is
	// not split.
	Split(ctx context.Context, k Key, spec component.Spec) ([]*component.Part, error)

	// Derive derives a key by DUKPT, from a BDK or an initial key. The result has the attributes of what it is for and
	// the base's exportability; a transaction key is never exportable. Errors are those of [Derivation.Check],
	// malformed for a base of the wrong algorithm, and weak_key as p says.
	Derive(ctx context.Context, base Key, d Derivation, p Policy) (Key, error)

	// CheckValue computes a check value cut to digits; 0 digits is the default length.
	CheckValue(ctx context.Context, k Key, m kcv.Method, digits int) (kcv.Value, error)
	// Compare holds the key against an expected value by a method; "" is the algorithm's default. A value with more
	// digits than the method gives, or than a strict boundary compares, is an error of kind malformed_length.
	Compare(ctx context.Context, k Key, expected kcv.Expected, m kcv.Method) (kcv.Comparison, error)
	// Identify tells by which algorithm and method the key gives a value; alg "" tries all that have its length.
	Identify(ctx context.Context, k Key, expected kcv.Expected, alg keys.Algorithm) ([]kcv.Match, error)

	// CheckData gives the content of a KC, KP or PK block for the key.
	CheckData(ctx context.Context, k Key) (string, error)
	// Keep closes a key of this boundary again with its label; all else stays. A key with another label is refused
	// (kind not_permitted), and so is no label at all (usage).
	Keep(ctx context.Context, k Key, label string) (Key, error)

	// Wrap closes a key block over k under the KBPK.
	Wrap(ctx context.Context, k, kbpk Key, h keyblock.Header, o keyblock.WrapOptions) (Wrapped, error)
	// Unwrap opens a key block under the KBPK.
	Unwrap(ctx context.Context, b *keyblock.Block, kbpk Key, p Policy) (Opened, error)
	// Translate opens under one KBPK and closes under another, in one step inside.
	Translate(ctx context.Context, b *keyblock.Block, from, to Key, change Change) (Translated, error)
	// Examine finds out why a block does not open.
	Examine(ctx context.Context, b *keyblock.Block, kbpk Key) ([]keyblock.Finding, error)

	// Reveal gives the clear bytes; the caller wipes them.
	Reveal(ctx context.Context, k Key) (*secret.Bytes, error)
	// Prober answers a diagnosis about the material, in the order given. The caller closes it.
	Prober(ctx context.Context, material []Key) (ProbeCloser, error)

	// Close wipes everything the boundary holds; later calls fail, and a second Close does nothing.
	Close() error
}

// Info describes a boundary.
type Info struct {
	Driver string // soft, pkcs11
	Name   string
	// Strict: its keys are those of a store or a token. What a key may do is decided by its attributes alone, and of
	// what it is the boundary tells no more than check values by rule and verdicts.
	Strict bool
}

// Attributes is what a key is for. Zero values take the defaults of the algorithm and the usage.
type Attributes struct {
	Algorithm     keys.Algorithm
	Usage         keys.Usage
	Mode          byte
	Exportability byte
	// Label says whose key it is: NAME#VERSION of a store, "" for a key that lives as long as its command. It stands in
	// the key's own block (optional block LB) and in no block for somebody else, unless the header given has it too.
	Label string
}

// Defaults fills what was left open: data encryption as the most harmless usage, the usage's own mode, exportable.
func (a Attributes) Defaults() Attributes {
	if a.Usage == "" {
		a.Usage = keys.UsageData
	}
	if a.Mode == 0 {
		a.Mode = a.Usage.DefaultMode()
	}
	if a.Exportability == 0 {
		a.Exportability = 'E'
	}
	return a
}

// Policy says what is tolerated when a key comes into being or into use.
type Policy struct {
	AllowWeak bool // the user said --allow-weak
	Inspect   bool // the key is only looked at; nothing is refused, everything is reported
}

// Key is a key outside the boundary.
type Key struct {
	Attributes
	Block  string          // X9.143 version D under the boundary's master key; means nothing to anybody else
	Len    int             // bytes
	Check  kcv.Value       // by the algorithm's default method; empty where it has none
	Weak   []keys.Weakness // what was reported when the key came in
	Parity keys.Parity
}

// Strength is the key's strength in bits.
func (k Key) Strength() int { return k.Algorithm.Strength(k.Len) }

// Forming is a key to be put together from components.
type Forming struct {
	Parts        []*component.Part
	Attributes   Attributes
	Policy       Policy
	PartExpected []kcv.Expected // check values of the parts, in their order; none or one for each
	Expected     *kcv.Expected  // check value of the key, when it is known
}

// Wrapped is a key block made for somebody else.
type Wrapped struct {
	Block    string
	Warnings []keyblock.Warning
}

// Opened is a key out of somebody else's block.
type Opened struct {
	Key      Key
	Warnings []keyblock.Warning
}

// Change says what is different in a translated block. Zero values keep what was.
type Change struct {
	Version   byte
	Plain     bool // without length obfuscation
	AllowWeak bool
}

// Translated is a block under its new KBPK.
type Translated struct {
	Key      Key
	Block    string
	Warnings []keyblock.Warning // of opening and of closing
}

// ProbeCloser is a Prober with what it holds.
type ProbeCloser interface {
	Prober
	Close() error
}

// Witness says what a key was compared with before it was used.
type Witness string

// The witnesses, strongest first.
const (
	ByExpected Witness = "expected"     // a check value from outside
	BySheet    Witness = "sheet"        // the check value on the component sheets
	ByBlock    Witness = "block"        // the KC block of its key block
	ByStore    Witness = "store"        // the check value in the inventory
	ByOperator Witness = "operator"     // a person saw the check value and said yes
	Uncompared Witness = "not_compared" // nobody compared anything
)

// Checked is a key together with the proof that somebody looked at its check value. It is made by [Verify] and [Accept]
// only; loading asks for it, so that an unchecked load does not compile.
type Checked struct {
	key        Key
	by         Witness
	comparison kcv.Comparison
}

// Key gives the key.
func (c Checked) Key() Key { return c.key }

// By gives the witness.
func (c Checked) By() Witness { return c.by }

// Comparison gives the comparison, zero for ByOperator and Uncompared.
func (c Checked) Comparison() kcv.Comparison { return c.comparison }

package script

// The script as it is in memory.

import (
	"time"

	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Schema is the schema of a script.
const Schema = "poskey.ceremony/v1"

// Kind is what a ceremony is for. What a script of a kind must have is in [Kinds].
type Kind string

// The kinds.
const (
	ZMKExchange Kind = "zmk-exchange" // our zone master key, made here, its components sent to a partner
	ZMKReceive  Kind = "zmk-receive"  // a partner's zone master key, formed from the components they sent
	TMK         Kind = "tmk"          // terminal master key, KBPK or BDK, made here for own terminals
	Destruction Kind = "destruction"  // components, or a key of the store, destroyed before a witness
	StoreMaster Kind = "store-master" // the master key of a store, cut to its officers
	Reissue     Kind = "reissue"      // a component handed to a new custodian
	Injection   Kind = "injection"    // keys loaded into terminals
	HSMScribe   Kind = "hsm-scribe"   // the HSM does the secret work; poskey leads, checks and records
	Custom      Kind = "custom"       // none of these
)

// Script is a whole ceremony: who, which keys, which steps. It comes from [Parse] and is not changed.
type Script struct {
	Kind         Kind
	Title        string
	Purpose      string
	Organisation string
	Place        string
	Starts       time.Time // planned; zero when it was not said
	Environment  custody.Environment
	People       []Person
	Roles        map[Role]Seat
	Keys         []Key
	Steps        []Step

	raw   []byte
	lines map[string]int // of the fields, by their path
}

// Raw is the script as it was reviewed, byte for byte.
func (s *Script) Raw() []byte { return append([]byte(nil), s.raw...) }

// Person is somebody in the room.
type Person struct {
	ID       string // as on their officer's card
	Name     string
	Employee string // number or badge; optional
	Manager  string // whom they report to
	Card     string // fingerprint of the officer's card, 64 digits; needed in production
	Partner  bool   // of another organisation
}

// Role is a role in the ceremony that is no custodian's: those have their parts.
type Role string

// The roles.
const (
	Leader        Role = "leader"         // reads the script aloud
	Operator      Role = "operator"       // sits at the keyboard
	Witness       Role = "witness"        // sees that it goes by the script; holds no part
	SecondWitness Role = "second-witness" // of production: two people declare that the room is as it should be
)

// Seat is who does it, and who stands in. IDs of people; Backup may be empty.
type Seat struct {
	Primary, Backup string
}

// Source is where a key comes from.
type Source string

// The sources.
const (
	Generate   Source = "generate"   // drawn inside the boundary
	Components Source = "components" // formed from parts that are typed in
	Stored     Source = "store"      // a key of the store
	InHSM      Source = "hsm"        // it exists in an HSM alone; check values are read off it
)

// Key is a key of the ceremony.
type Key struct {
	ID            string // short name within the script, letters of a label
	Algorithm     keys.Algorithm
	Usage         keys.Usage
	Mode          byte // 0: the usage's own
	Exportability byte // 0: E
	Source        Source
	Label         string        // of a key that is in the store already
	Check         *kcv.Expected // where known
	CheckText     string        // as it is written
	Scheme        string        // xor or shamir; "" without parts
	Threshold     int           // parts that form the key; all of them for xor
	Parts         []Part
	Outputs       []Output
}

// Part is one component.
type Part struct {
	Number    int
	Custodian Seat
	Former    Seat   // reissue: who held it until now
	Bag       string // serial of the bag it is in, or goes into; "" when it is read during the ceremony
	Outer     string // serial of the outer bag
	Channel   string // courier or way; different for each part that travels
	SerialBy  string // who tells the bag's serial to the other side, apart from the bag
	Check     *kcv.Expected
	CheckText string
}

// OutputKind is where a key goes.
type OutputKind string

// The outputs.
const (
	ToStore  OutputKind = "store"  // under Label
	ToBlock  OutputKind = "block"  // a key block for a partner in File, under the key KBPK of the store
	ToSheets OutputKind = "sheets" // a sheet for each part
	ToDevice OutputKind = "device" // into the device with the inventory's serial number, by Plan
)

// Output is where a key goes.
type Output struct {
	To      OutputKind
	Label   string // store: NAME
	File    string // block: a name without folders; it lies with the record
	KBPK    string // block, device: label in the store
	Version byte   // block: A to E; 0 is D or, for TDES under TDES, B
	Device  string // device: serial number in the inventory
	Slot    string // device
}

// Verb is what is done in a step.
type Verb string

// The verbs. [Verbs] says of each who does it, what it needs and what it leaves.
const (
	Attend      Verb = "attend"       // everybody logs in; the script's fingerprint is confirmed
	Declare     Verb = "declare"      // two people declare what the room is like
	Read        Verb = "read"         // Text is read aloud and confirmed
	Inspect     Verb = "inspect"      // what stands on Item is typed, and compared with Expect
	MakeKey     Verb = "generate"     // Key is drawn inside the boundary
	PrintPart   Verb = "print"        // the sheet of Key and Part, to its custodian
	SealPart    Verb = "seal"         // the sheet goes into a bag; its serial is typed twice
	SendPart    Verb = "send"         // the bag is given to its channel
	ReceivePart Verb = "receive"      // the bag is there: serial compared, its state looked at
	EnterPart   Verb = "enter"        // the custodian types the component
	FormKey     Verb = "form"         // the components become the key
	CompareKey  Verb = "compare"      // the other side's check value is typed and compared
	KeepKey     Verb = "keep"         // into the store, for use; Output
	ExportKey   Verb = "export"       // key block; Output
	LoadKey     Verb = "load"         // into a device; Output
	DestroyPart Verb = "destroy-part" // sheet or bag destroyed before the witness
	DestroyKey  Verb = "destroy-key"  // in the store
	Scribe      Verb = "scribe"       // Text is done on the HSM; the check value it shows is typed by two people
	InitStore   Verb = "init-store"   // the master key is drawn and cut to officers
	Pause       Verb = "pause"        // nobody works until everybody is back
	Close       Verb = "close"        // everybody signs
)

// Step is one step as it is written.
type Step struct {
	Do      Verb
	By      string // a role; a part's custodian does what is done with a part
	Key     string
	Part    int
	Output  string        // store, block or device, where the key has several: kind, or kind:NAME
	Text    string        // what is read aloud, or done
	Item    string        // inspect: what is looked at
	Expect  string        // inspect: what should stand on it
	Method  string        // destroy: how
	Minutes time.Duration // planned
}

// Person finds one by id; ok is false when there is none.
func (s *Script) Person(id string) (p Person, ok bool) {
	for _, p := range s.People {
		if p.ID == id {
			return p, true
		}
	}
	return Person{}, false
}

// Key finds one by id.
func (s *Script) Key(id string) (k *Key, ok bool) {
	for i := range s.Keys {
		if s.Keys[i].ID == id {
			return &s.Keys[i], true
		}
	}
	return nil, false
}

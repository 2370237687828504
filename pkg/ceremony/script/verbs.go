package script

// The table of verbs: who does it, what it needs, and which requirements it answers.

import (
	"strings"

	"poskey/internal/text"
)

// VerbInfo is a row of the table of verbs.
type VerbInfo struct {
	Verb         Verb
	Says         text.Text // what people are told that it is
	Irreversible bool
	Requirements []string // of PCI PIN: "6-1", "8-1"
	Needs        []string // fields that a step with it has, beside do
	May          []string // fields that it may have, beside text and minutes
	Custodian    bool     // with a part, its custodian does it
	Actor        Role     // who does it otherwise, unless the step says by
	Seconder     Role     // who confirms it; "" nobody
}

// Verbs is the table.
func Verbs() []VerbInfo {
	by, key, part := "by", "key", "part"
	return []VerbInfo{
		{Verb: Attend, Says: text.New("everybody logs in and the fingerprint of the script is confirmed"),
			Requirements: []string{"6-1", "7-2"}, Actor: Leader, Seconder: Witness},
		{Verb: Declare, Says: text.New("two people declare what the room and the machine are like"),
			Requirements: []string{"6-2", "13-9"}, Actor: Witness, Seconder: SecondWitness},
		{Verb: Read, Says: text.New("a text is read aloud and confirmed"), Requirements: []string{"28"},
			Needs: []string{"text"}, May: []string{by}, Actor: Leader},
		{Verb: Inspect, Says: text.New("a number is read off and compared"),
			Requirements: []string{"13-1"}, Needs: []string{"item"}, May: []string{by,
				"expect"}, Actor: Operator, Seconder: Witness},
		{Verb: MakeKey, Says: text.New("a key is drawn inside the boundary"), Requirements: []string{"5-1", "6-1"},
			Needs: []string{key}, May: []string{by}, Actor: Operator, Seconder: Witness},
		{Verb: PrintPart, Says: text.New("the sheet of a component is printed for its custodian"),
			Requirements: []string{"6-3", "8-2"}, Needs: []string{key, part}, Custodian: true, Seconder: Witness},
		{Verb: SealPart, Says: text.New("a component goes into a tamper-evident bag"), Requirements: []string{"6-3", "9-4"},
			Needs: []string{key, part}, Custodian: true, Seconder: Witness},
		{Verb: SendPart, Says: text.New("a sealed bag is given to its courier"), Irreversible: true,
			Requirements: []string{"8-1", "26-1"}, Needs: []string{key, part}, Custodian: true, Seconder: Witness},
		{Verb: ReceivePart, Says: text.New("a bag is there, its serial is compared and its state looked at"),
			Requirements: []string{"8-1", "9-2", "26-1"}, Needs: []string{key, part}, Custodian: true, Seconder: Witness},
		{Verb: EnterPart, Says: text.New("a custodian types a component"), Requirements: []string{"12-1", "12-2"},
			Needs: []string{key, part}, Custodian: true, Seconder: Witness},
		{Verb: FormKey, Says: text.New("the components become the key"), Requirements: []string{"12-1", "12-4", "15-1"},
			Needs: []string{key}, May: []string{by}, Actor: Operator, Seconder: Witness},
		{Verb: CompareKey, Says: text.New("the check value of the other side is typed and compared"),
			Requirements: []string{"15-1"}, Needs: []string{key}, May: []string{by}, Actor: Operator, Seconder: Witness},
		{Verb: KeepKey, Says: text.New("a key is taken into the store for use"), Irreversible: true,
			Requirements: []string{"26-1"}, Needs: []string{key}, May: []string{by,
				"output"}, Actor: Operator, Seconder: Witness},
		{Verb: ExportKey, Says: text.New("a key block is written for a partner"), Irreversible: true,
			Requirements: []string{"8-1", "10-1"}, Needs: []string{key}, May: []string{by,
				"output"}, Actor: Operator, Seconder: Witness},
		{Verb: LoadKey, Says: text.New("a key is loaded into a device"), Irreversible: true, Requirements: []string{"12-1",
			"30-1"}, Needs: []string{key}, May: []string{by, "output"}, Actor: Operator, Seconder: Witness},
		{Verb: DestroyPart, Says: text.New("a component is destroyed before a witness"), Irreversible: true,
			Requirements: []string{"24-2.2", "24-2.3", "26-1"}, Needs: []string{key, part,
				"method"}, Custodian: true, Seconder: Witness},
		{Verb: DestroyKey, Says: text.New("a key of the store is destroyed before a witness"), Irreversible: true,
			Requirements: []string{"24-2.2"}, Needs: []string{key,
				"method"}, May: []string{by}, Actor: Operator, Seconder: Witness},
		{Verb: Scribe, Says: text.New("something is done on the HSM and what it shows is typed by two people"),
			Requirements: []string{"5-1", "12-1"}, Needs: []string{key, "text"}, May: []string{by,
				part}, Custodian: true, Actor: Operator, Seconder: Witness},
		{Verb: InitStore, Says: text.New("the master key of a store is drawn and cut to its officers"), Irreversible: true,
			Requirements: []string{"12-5", "6-1"}, Needs: []string{key}, May: []string{by}, Actor: Operator, Seconder: Witness},
		{Verb: Pause, Says: text.New("nobody works until everybody is back"), May: []string{by}, Actor: Leader},
		{Verb: Close, Says: text.New("everybody signs the record"), Requirements: []string{"7-2", "26-1"}, Actor: Leader,
			Seconder: Witness},
	}
}

func verbNames() []string {
	var all []string
	for _, v := range Verbs() {
		all = append(all, string(v.Verb))
	}
	return all
}

// verbOf gives the row of a verb that [Parse] let pass.
func verbOf(verb Verb) VerbInfo {
	for _, v := range Verbs() {
		if v.Verb == verb {
			return v
		}
	}
	return VerbInfo{}
}

// KindInfo is a row of the table of kinds.
type KindInfo struct {
	Kind   Kind
	Says   text.Text
	Steps  [][]Verb // of each list at least one step is in a script of the kind
	Source []Source // at least one key has one of these; none: all will do
}

// Kinds is what a script of a kind must have, in the order of their use.
func Kinds() []KindInfo {
	return []KindInfo{
		{ZMKExchange, text.New("a zone master key is made here and its components go to a partner"), [][]Verb{{MakeKey},
			{PrintPart}, {SealPart}, {SendPart}}, []Source{Generate}},
		{ZMKReceive, text.New("a partner's zone master key is formed from the components they sent"), [][]Verb{{ReceivePart},
			{EnterPart}, {FormKey}}, []Source{Components}},
		{TMK, text.New("a terminal master key, KBPK or BDK is made for own terminals"), [][]Verb{{MakeKey, FormKey},
			{KeepKey}}, []Source{Generate, Components}},
		{Destruction, text.New("components or a key of the store are destroyed before a witness"), [][]Verb{{DestroyPart,
			DestroyKey}}, nil},
		{StoreMaster, text.New("the master key of a store is drawn and cut to its officers"), [][]Verb{{InitStore}},
			[]Source{Generate}},
		{Reissue, text.New("a component is handed to a new custodian"), [][]Verb{{ReceivePart}, {SealPart}}, []Source{Stored,
			InHSM}},
		{Injection, text.New("keys are loaded into terminals"), [][]Verb{{LoadKey}}, nil},
		{HSMScribe, text.New("the HSM does the secret work, poskey leads, checks and records"), [][]Verb{{Scribe}},
			[]Source{InHSM}},
		{Custom, text.New("none of the other kinds"), nil, nil},
	}
}

func kindNames() []string {
	var all []string
	for _, k := range Kinds() {
		all = append(all, string(k.Kind))
	}
	return all
}

// words lists verbs, sources and the like for an error.
func words[T ~string](all []T) string { return strings.Join(names(all), "/") }

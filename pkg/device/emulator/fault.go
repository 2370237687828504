package emulator

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device/manage"
	"poskey/pkg/kcv"
)

// Fault is a way to misbehave, by name, or an order NAME=VALUE.
type Fault string

// The faults.
const (
	DropACK               Fault = "drop-ack"
	LostACK               Fault = "lost-ack"
	NAKFirst2             Fault = "nak-first-2"
	BadLRC                Fault = "bad-lrc"
	NoEOT                 Fault = "no-eot"
	WrongEcho             Fault = "wrong-echo"
	Slow                  Fault = "slow"
	SplitWrites           Fault = "split-writes"
	JoinedWrites          Fault = "joined-writes"
	DisconnectBeforeEcho  Fault = "disconnect-before-echo"
	DisconnectAfterCommit Fault = "disconnect-after-commit"
	CutAt                 Fault = "cut-at"
	PowerCut              Fault = "power-cut"
	FlashCorrupt          Fault = "flash-corrupt"
	KCVMethod             Fault = "kcv-method"
	TamperAt              Fault = "tamper-at"
	FullSlots             Fault = "full-slots"
	ExpiredKey            Fault = "expired-key"
	WrongClock            Fault = "clock"
	ParityChanged         Fault = "parity-changed"
	HalvesSwapped         Fault = "halves-swapped"
	SingleDES             Fault = "single-des"
	SlotAsHex             Fault = "slot-as-hex"
	LowBattery            Fault = "low-battery"
	Refuse                Fault = "refuse"
	Random                Fault = "random"
)

// kcvEcho, as the method of a check value, repeats what the loader said.
const kcvEcho = "echo"

// FaultInfo explains a fault.
type FaultInfo struct {
	Name    Fault
	Value   string // form of the value; "" takes none, [X] may be left out
	Meaning text.Text
	// Cause is the id in the catalogue of root causes that a diagnosis of the terminal names; "" where there is none, or
	// none of its own, and NoCause says why.
	Cause   string
	NoCause text.Text
}

// Faults lists the faults with their causes, for help and for the error about an unknown one.
func Faults() []FaultInfo {
	out := faultRows()
	for i := range out {
		out[i].Cause = causeOf(out[i].Name)
		if out[i].Cause == "" {
			out[i].NoCause = whyNoCause(out[i].Name)
		}
	}
	return out
}

// Cause is the id in the catalogue of root causes of this very order; "" where nothing is wrong.
func (f Fault) Cause() string {
	if f.Name() == Refuse {
		return manage.CodeOf(f.Value()).Cause
	}
	return causeOf(f.Name())
}

// causeOf gives what a terminal with the fault suffers from.
func causeOf(name Fault) string {
	switch name {
	case Refuse, SplitWrites, JoinedWrites:
		return ""
	case PowerCut, LowBattery:
		return "power-loss"
	case FlashCorrupt:
		return "storage-corrupt"
	case TamperAt:
		return "tamper"
	case FullSlots: // the catalogue has nothing about memory that is used up; what is seen, and mended, is the slot
		return "empty-slot"
	case ExpiredKey:
		return "key-expired"
	case WrongClock:
		return "injector-clock"
	case KCVMethod:
		return "kcv-method"
	case ParityChanged:
		return "parity-bit-typo"
	case HalvesSwapped:
		return "halves-swapped"
	case SingleDES: // the key is there at half its length
		return "length-class"
	case SlotAsHex:
		return "wrong-slot"
	}
	return "link-fault"
}

func whyNoCause(name Fault) text.Text {
	if name == Refuse {
		return text.New("that of the code")
	}
	return text.New("a line may do so: nothing is wrong")
}

func faultRows() []FaultInfo {
	return []FaultInfo{
		{Name: DropACK, Meaning: text.New("frames are answered, but never acknowledged first")},
		{Name: LostACK, Meaning: text.New("the first acknowledgement of an answer is not heard")},
		{Name: NAKFirst2, Meaning: text.New("every frame is refused as damaged twice before it is taken")},
		{Name: BadLRC, Meaning: text.New("every answer is sent with a wrong LRC first, and right when asked again")},
		{Name: NoEOT, Meaning: text.New("exchanges are not ended with EOT")},
		{Name: WrongEcho, Meaning: text.New("one digit of a key's echo is changed")},
		{Name: Slow, Meaning: text.New("every frame is dealt with only after the host's time-out (6 s unless set otherwise)")},
		{Name: SplitWrites, Meaning: text.New("every byte is written by itself")},
		{Name: JoinedWrites, Meaning: text.New("acknowledgement and answer are written at once")},
		{Name: DisconnectBeforeEcho, Meaning: text.New("the line is cut after a key has come, before its echo")},
		{Name: DisconnectAfterCommit, Meaning: text.New("the line is cut after a key was stored, before the end is said")},
		{Name: CutAt, Value: "N", Meaning: text.New("the line is cut once, after so many bytes in both directions together")},
		{Name: PowerCut, Meaning: text.New("power fails after every store, before it is answered; the state is kept, all else is lost")},
		{Name: FlashCorrupt, Value: "SLOT", Meaning: text.New("the memory of one slot is damaged: the key in it cannot be read any more")},
		{Name: KCVMethod, Value: "METHOD[/DIGITS]",
			Meaning: text.New("check values are told by another method or length; echo repeats the loader's")},
		{Name: TamperAt, Value: "EVENT|N", Meaning: text.New("the tamper switch trips at an event (stored, connected, ...) or at the Nth frame")},
		{Name: FullSlots, Meaning: text.New("there is no memory left for any key")},
		{Name: ExpiredKey, Value: "[SLOT]", Meaning: text.New("the key in a slot has expired; without a slot, the one that protects others")},
		{Name: WrongClock, Value: "+26h", Meaning: text.New("the terminal's clock is wrong by so much")},
		{Name: ParityChanged, Meaning: text.New("keys are stored with their parity bits turned over")},
		{Name: HalvesSwapped, Meaning: text.New("keys are stored with their halves swapped")},
		{Name: SingleDES, Meaning: text.New("of every key only the first eight bytes are stored, repeated")},
		{Name: SlotAsHex, Meaning: text.New("slot numbers are read as hex (futurex)")},
		{Name: LowBattery, Value: "[MILLIVOLTS]", Meaning: text.New("the backup battery is low; below 2000 mV it is empty, which is a tamper")},
		{Name: Refuse, Value: "CODE", Meaning: text.New("the agent dialect answers every request with this refusal (busy, login-needed, forged, ...)")},
		{Name: Random, Value: "5%", Meaning: text.New("each exchange has this chance of one of the faults of the line")},
	}
}

// Name is the fault without its value.
func (f Fault) Name() Fault {
	name, _, _ := strings.Cut(string(f), "=")
	return Fault(name)
}

// Value is what was ordered with it.
func (f Fault) Value() string {
	_, value, _ := strings.Cut(string(f), "=")
	return value
}

// ParseFaults reads orders of faults, NAME or NAME=VALUE. Error: usage.
func ParseFaults(names []string) ([]Fault, error) {
	var out []Fault
	for _, name := range names {
		f := Fault(name)
		info, ok := faultInfo(f.Name())
		if !ok {
			return nil, fault.New(fault.Usage, "unknown fault %q; known: %s", text.Redact(name), knownFaults())
		}
		if !f.valid(info) {
			return nil, fault.New(fault.Usage, "fault %q: the form is %s", text.Redact(name), info.form())
		}
		out = append(out, f)
	}
	return out, nil
}

func faultInfo(name Fault) (FaultInfo, bool) {
	for _, info := range Faults() {
		if info.Name == name {
			return info, true
		}
	}
	return FaultInfo{}, false
}

func knownFaults() string {
	var known []string
	for _, f := range Faults() {
		known = append(known, string(f.Name))
	}
	return strings.Join(known, " ")
}

// form is how the order is written.
func (i FaultInfo) form() string {
	switch {
	case i.Value == "":
		return string(i.Name)
	case i.Value[0] == '[':
		return string(i.Name) + "[=" + i.Value[1:]
	}
	return string(i.Name) + "=" + i.Value
}

// valid reports whether the value can be what it is for.
func (f Fault) valid(info FaultInfo) bool {
	value := f.Value()
	given := f != f.Name()
	if !given {
		return info.Value == "" || info.Value[0] == '['
	}
	switch info.Name {
	case CutAt:
		return isNumber(value)
	case LowBattery:
		return isNumber(value)
	case FlashCorrupt, ExpiredKey:
		return value != "" && len(value) <= 3
	case TamperAt:
		return value != ""
	case Refuse:
		return slices.ContainsFunc(manage.Codes(), func(row manage.Code) bool { return row.Code == value })
	case WrongClock:
		_, err := time.ParseDuration(value)
		return err == nil
	case Random:
		_, ok := chance(value)
		return ok
	case KCVMethod:
		name, digits, more := strings.Cut(value, "/")
		_, err := kcv.ParseMethod(name)
		return (err == nil || name == kcvEcho) && (!more || isNumber(digits) && number(digits) > 0)
	}
	return false
}

func isNumber(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0
}

// number reads a number that was checked before; anything else is 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// chance reads 5%.
func chance(s string) (p float64, ok bool) {
	digits, ok := strings.CutSuffix(s, "%")
	p, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || math.IsNaN(p) || p < 0 || p > 100 {
		return 0, false
	}
	return p / 100, true
}

// orders are the faults of one terminal.
type orders struct {
	values   map[Fault]string // nil without any
	offset   time.Duration    // of the clock
	chance   float64
	cut      *atomic.Int64 // bytes until the line is cut; below zero never
	frames   *atomic.Int64 // frames until the switch trips
	tamperAt EventKind
	tripped  *atomic.Bool // tamperAt has happened
}

func newOrders(faults []Fault) orders {
	o := orders{}
	if len(faults) == 0 {
		return o
	}
	o.values = map[Fault]string{}
	o.cut, o.frames, o.tripped = &atomic.Int64{}, &atomic.Int64{}, &atomic.Bool{}
	o.cut.Store(-1)
	for _, f := range faults {
		o.values[f.Name()] = f.Value()
		switch f.Name() {
		case CutAt:
			o.cut.Store(int64(number(f.Value())))
		case WrongClock:
			o.offset, _ = time.ParseDuration(f.Value())
		case Random:
			o.chance, _ = chance(f.Value())
		case TamperAt:
			if n := number(f.Value()); n > 0 {
				o.frames.Store(int64(n))
			} else {
				o.tamperAt = EventKind(f.Value())
			}
		}
	}
	return o
}

func (o *orders) on(f Fault) bool {
	_, on := o.values[f]
	return on
}

func (o *orders) value(f Fault) (string, bool) {
	v, on := o.values[f]
	return v, on
}

// tampersAt reports, once, that the switch trips at an event.
func (o *orders) tampersAt(kind EventKind) bool {
	return o.tamperAt != "" && o.tamperAt == kind && o.tripped.CompareAndSwap(false, true)
}

// lineFaults are those that the fault random draws from.
func lineFaults() []Fault {
	return []Fault{DropACK, LostACK, NAKFirst2, BadLRC, NoEOT, WrongEcho, SplitWrites, DisconnectBeforeEcho,
		DisconnectAfterCommit, PowerCut, CutAt}
}

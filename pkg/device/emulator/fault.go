package emulator

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Fault is a way to misbehave, by name.
type Fault string

// The faults.
const (
	DropACK               Fault = "drop-ack"
	NAKFirst2             Fault = "nak-first-2"
	BadLRC                Fault = "bad-lrc"
	NoEOT                 Fault = "no-eot"
	WrongEcho             Fault = "wrong-echo"
	Slow                  Fault = "slow"
	SplitWrites           Fault = "split-writes"
	JoinedWrites          Fault = "joined-writes"
	DisconnectBeforeEcho  Fault = "disconnect-before-echo"
	DisconnectAfterCommit Fault = "disconnect-after-commit"
)

// FaultInfo explains a fault.
type FaultInfo struct {
	Name    Fault
	Meaning text.Text
}

// Faults lists the faults, for help and for the error about an unknown one.
func Faults() []FaultInfo {
	return []FaultInfo{
		{DropACK, text.New("frames are answered, but never acknowledged first")},
		{NAKFirst2, text.New("every frame is refused as damaged twice before it is taken")},
		{BadLRC, text.New("every answer is sent with a wrong LRC first, and right when asked again")},
		{NoEOT, text.New("exchanges are not ended with EOT")},
		{WrongEcho, text.New("one digit of a key's echo is changed")},
		{Slow, text.New("every frame is dealt with only after the host's time-out (6 s unless set otherwise)")},
		{SplitWrites, text.New("every byte is written by itself")},
		{JoinedWrites, text.New("acknowledgement and answer are written at once")},
		{DisconnectBeforeEcho, text.New("the line is cut after a key has come, before its echo")},
		{DisconnectAfterCommit, text.New("the line is cut after a key was stored, before the end is said")},
	}
}

// ParseFaults reads names of faults.
func ParseFaults(names []string) ([]Fault, error) {
	var known []string
	table := map[string]bool{}
	for _, f := range Faults() {
		known = append(known, string(f.Name))
		table[string(f.Name)] = true
	}
	var out []Fault
	for _, name := range names {
		if !table[name] {
			return nil, fault.New(fault.Usage, "unknown fault %q; known: %s", text.Redact(name), strings.Join(known, " "))
		}
		out = append(out, Fault(name))
	}
	return out, nil
}

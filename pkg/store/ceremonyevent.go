package store

// What may happen to a part of a key, and who knows it afterwards.

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// PartEvent is what happened to a part of a key.
type PartEvent string

// The events.
const (
	PartPrinted   PartEvent = "printed"   // its sheet came out of the printer, before its custodian
	PartEntered   PartEvent = "entered"   // its custodian typed it
	PartSealed    PartEvent = "sealed"    // its open sheet went into a bag, by the hands of its custodian
	PartDealt     PartEvent = "dealt"     // it was cut inside the boundary and sealed to its officer's card
	PartSent      PartEvent = "sent"      // its bag was given to a courier
	PartReceived  PartEvent = "received"  // its bag is there
	PartOpened    PartEvent = "opened"    // its bag was opened
	PartDestroyed PartEvent = "destroyed" // its sheet, or its bag with the sheet in it, is no more
)

// PartEvents lists them.
func PartEvents() []PartEvent {
	return []PartEvent{PartPrinted, PartEntered, PartSealed, PartDealt, PartSent, PartReceived, PartOpened, PartDestroyed}
}

// Tells reports whether somebody to whom this happened with a part knows its digits from then on, or can open them without
// anybody else: they had the open sheet in their hands, or it was sealed to their card. The other events are about a closed
// bag, or about a sheet that they had seen before. It is the one rule about who has seen a part (PCI PIN 8-2, 21-2.4).
func (e PartEvent) Tells() bool {
	switch e {
	case PartPrinted, PartEntered, PartSealed, PartDealt, PartOpened:
		return true
	case PartSent, PartReceived, PartDestroyed:
	}
	return false
}

func (e PartEvent) check() error {
	if slices.Contains(PartEvents(), e) {
		return nil
	}
	var known []string
	for _, k := range PartEvents() {
		known = append(known, string(k))
	}
	return fault.New(fault.Usage, "%q is nothing that happens to a part of a key; known: %s", text.Redact(string(e)),
		strings.Join(known, " "))
}

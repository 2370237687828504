package inject

import "poskey/internal/text"

// CheckID names one thing that the preflight looks at.
type CheckID string

// The checks, in their order.
const (
	CheckIdentity    CheckID = "identity"    // the device is the one that was meant
	CheckInventory   CheckID = "inventory"   // it is on the list and may be loaded (PCI PIN 30-3)
	CheckPOI         CheckID = "poi-version" // it may take a clear key (PCI PIN 32-9)
	CheckCondition   CheckID = "condition"   // lock, tamper, battery, clock
	CheckStrength    CheckID = "strength"    // no key under a weaker one (PCI PIN 10-1)
	CheckReplacement CheckID = "replacement" // what the slot holds now
	CheckTransport   CheckID = "transport"   // how the key crosses the line
)

// Check is a finding of the preflight that did not stop it. What stops it is an error.
type Check struct {
	ID    CheckID
	Doubt bool // not in order, or not known
	Text  text.Text
}

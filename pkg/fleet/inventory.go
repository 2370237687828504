package fleet

// The list of expected devices, taken from the inventory of the store.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/store"
)

// SerialHere stands in an address for the serial number of a device.
const SerialHere = "{serial}"

// Choice says which devices of the inventory are meant, and where each is reached: the inventory has no addresses.
type Choice struct {
	State   store.DeviceState // "" is expected
	Model   string            // "" is any
	Prefix  string            // of the serial
	Address string            // a URI with [SerialHere]
}

// FromInventory makes a list of devices of the inventory. Errors: usage for an address that would be the same for all,
// not_found when no device is chosen, malformed for a serial number that fits into no address.
func FromInventory(ctx context.Context, db *store.Store, c Choice) (Manifest, error) {
	if !strings.Contains(c.Address, SerialHere) {
		return Manifest{}, fault.New(fault.Usage, "the address of devices of the inventory has %s where their serial numbers go", SerialHere)
	}
	if c.State == "" {
		c.State = store.Expected
	}
	var all []Expected
	for d, err := range db.Devices(ctx, store.DeviceFilter{State: c.State, Prefix: c.Prefix}) {
		if err != nil {
			return Manifest{}, err
		}
		if c.Model != "" && d.Model != c.Model {
			continue
		}
		e := Expected{Serial: d.Serial, Device: strings.ReplaceAll(c.Address, SerialHere, d.Serial), Model: d.Model, POIVersion: d.POIVersion}
		if !fitsAddress(d.Serial) {
			return Manifest{}, fault.New(fault.Malformed, "serial %s fits into no address; list the device with its own", text.Redact(d.Serial))
		}
		if err := e.check(); err != nil {
			return Manifest{}, fault.Wrap(err, "the inventory")
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return Manifest{}, fault.New(fault.NotFound, "no device of the inventory is chosen")
	}
	return settleList(all), nil
}

// fitsAddress reports a serial number that an address takes as it is: another one could end a host name, or begin a
// parameter.
func fitsAddress(serial string) bool {
	return strings.Trim(serial, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

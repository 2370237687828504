package futurex

import (
	"context"
	"errors"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex/table"
)

// Serial asks for the serial number. Blanks behind it are padding; one of zeros alone was never set.
func (d *driver) Serial(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.serial(ctx)
}

func (d *driver) serial(ctx context.Context) (string, error) {
	ask, err := AskSerial()
	if err != nil {
		return "", err
	}
	defer ask.Wipe()
	reply, err := d.s.question(ctx, ask)
	if err == nil {
		err = done(reply)
	}
	if err != nil {
		return "", fault.Wrap(err, "ask for the serial number")
	}
	serial := strings.TrimRight(reply.Serial, " ")
	if strings.Trim(serial, "0") == "" {
		return "", nil
	}
	return serial, nil
}

func done(r Reply) error {
	if r.Code == table.Done {
		return nil
	}
	err, _ := refusal(r)
	return err
}

// SetSerial gives the terminal a serial number of 16 letters and digits, and reads it back.
func (d *driver) SetSerial(ctx context.Context, serial string) error {
	ask, err := SetSerial(serial)
	if err != nil {
		return err
	}
	defer ask.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	reply, err := d.s.question(ctx, ask) // setting it twice is setting it once
	if err == nil {
		err = done(reply)
	}
	if err != nil {
		return fault.Wrap(err, "set the serial number")
	}
	now, err := d.serial(ctx)
	if err != nil {
		return err
	}
	if now != serial && strings.Trim(serial, "0") != "" {
		return fault.New(fault.DeviceFailed, "the terminal took the serial number %s and reports %q", serial, now)
	}
	return nil
}

// EraseAll deletes every key. When the answer is lost the error is of kind outcome_unknown; deleting again harms
// nothing.
func (d *driver) EraseAll(ctx context.Context) error {
	ask, err := DeleteAll()
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err = d.delete(ctx, ask)
	return fault.Wrap(err, "erase all keys")
}

// Erase deletes what is in a slot. The dialect wants the type of the key too and cannot be asked for it, so a key of
// each type is deleted. It is right when one was there, and no other was refused for another reason than not to be.
func (d *driver) Erase(ctx context.Context, slot device.Slot) error {
	n, err := d.layout.ParseSlot(slot)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	deleted := false
	var last error
	for _, typ := range table.TypeCodes() {
		ask, err := d.layout.DeleteKey(n, typ)
		if err != nil {
			return err
		}
		was, err := d.delete(ctx, ask)
		if err != nil && !notThere(err) {
			return fault.Wrap(err, "erase slot %s", slot)
		}
		if err != nil {
			last = err
		}
		deleted = deleted || was
	}
	if !deleted {
		return fault.Wrap(last, "erase slot %s", slot)
	}
	return nil
}

// notThere tells the answers that mean no more than that no key of this type is in the slot.
func notThere(err error) bool {
	var code *device.CodeError
	return errors.As(err, &code) && (code.Code == table.DeleteFailed || code.Code == table.TypeWrong)
}

// delete runs command 05 or 06 once.
func (d *driver) delete(ctx context.Context, ask Frame) (deleted bool, err error) {
	defer ask.Wipe()
	reply, sent, err := d.s.order(ctx, ask)
	switch {
	case sent:
		return false, fault.WrapAs(fault.OutcomeUnknown, err, "it may or may not be deleted; deleting again harms nothing")
	case err != nil:
		return false, err
	}
	if err := done(reply); err != nil {
		return false, err
	}
	return true, nil
}

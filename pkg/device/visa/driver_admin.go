package visa

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa/table"
)

// Serial asks for the serial number.
func (d *driver) Serial(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.serial(ctx, table.AskSerial)
}

// PermanentSerial asks for VeriFone's serial number of the unit.
func (d *driver) PermanentSerial(ctx context.Context) (string, error) {
	if err := d.onlyVeriFone(table.AskUnit); err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.serial(ctx, table.AskUnit)
}

func (d *driver) serial(ctx context.Context, id string) (serial string, err error) {
	ask, err := NewFrame(Admin, []byte(id))
	err = d.ask(ctx, ask, err, func(data []byte) (err error) { serial, err = parseSerial(data); return err })
	return serial, fault.Wrap(err, "ask for the serial number")
}

// SetSerial gives the terminal a serial number: it repeats it, is told to store it, and is asked for it. What it then
// answers decides, whatever became of the end of the exchange.
func (d *driver) SetSerial(ctx context.Context, serial string) error {
	frame, err := SetSerialFrame(serial, d.profile)
	if err != nil {
		return err
	}
	defer frame.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	echo, err := d.s.request(ctx, frame)
	if err != nil {
		return fault.Wrap(err, "set the serial number, nothing stored")
	}
	defer echo.Wipe()
	if err := mayCommit(ctx, frame, echo); err != nil {
		d.s.abort()
		return fault.Wrap(err, "set the serial number, nothing stored")
	}
	ctx = context.WithoutCancel(ctx)
	_ = d.s.finish(ctx, echo)
	switch now, err := d.serial(ctx, table.AskSerial); {
	case err != nil:
		return fault.Wrap(err, "whether the serial number was stored is not known")
	case now != serial:
		return fault.New(fault.DeviceFailed, "the terminal took serial number %s and then reports %q", serial, now)
	}
	return nil
}

// SelectKey selects the key for PIN entry.
func (d *driver) SelectKey(ctx context.Context, slot device.Slot) error {
	frame, err := SelectKeyFrame(slot)
	if err != nil {
		return err
	}
	return fault.Wrap(d.order(ctx, frame, table.SelectErrors()), "select slot %s", slot)
}

// onlyVeriFone refuses a packet that no other terminal knows: it would be ignored, and the host wait in vain.
func (d *driver) onlyVeriFone(packet string) error {
	if d.isVeriFone() {
		return nil
	}
	return fault.New(fault.Usage, "packet %s is VeriFone's; with such a terminal say so: ?profile=verifone", packet)
}

// SelectEngine selects a DUKPT engine.
func (d *driver) SelectEngine(ctx context.Context, engine int) error {
	if err := d.onlyVeriFone(table.SelectEngine); err != nil {
		return err
	}
	frame, err := SelectEngineFrame(engine)
	if err != nil {
		return err
	}
	return fault.Wrap(d.order(ctx, frame, nil), "select DUKPT engine %d", engine)
}

// Engine asks which DUKPT engine is selected.
func (d *driver) Engine(ctx context.Context) (engine int, err error) {
	if err := d.onlyVeriFone(table.AskEngine); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	ask, err := NewFrame(Admin, []byte(table.AskEngine))
	err = d.ask(ctx, ask, err, func(data []byte) (err error) { engine, err = parseEngine(data); return err })
	return engine, fault.Wrap(err, "ask for the DUKPT engine")
}

// EraseBySetKeyMode changes VeriFone's key management, and erases keys.
func (d *driver) EraseBySetKeyMode(ctx context.Context, packet, mode string) error {
	if err := d.onlyVeriFone(packet); err != nil {
		return err
	}
	frame, err := KeyModeFrame(packet, mode)
	if err != nil {
		return err
	}
	return fault.Wrap(d.order(ctx, frame, nil), "set the key management to %s", mode)
}

// order runs a packet that tells the terminal to do something. UIC answers with a code; VeriFone with ACK and EOT alone,
// which in UIC's terms is a refusal.
func (d *driver) order(ctx context.Context, frame Frame, codes []device.CodeInfo) error {
	defer frame.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	answer, _, err := d.s.put(ctx, question{ask: frame, answer: frame.ID(), ended: d.isVeriFone()})
	if err != nil || answer == (Frame{}) {
		return err
	}
	defer answer.Wipe()
	err = parseCode(frame.ID(), answer.Data(), codes)
	_ = d.s.finish(ctx, answer)
	return err
}

// SetSpeed changes the line on both sides.
func (d *driver) SetSpeed(ctx context.Context, baud int, mode string) error {
	frame, err := SetLineFrame(baud, mode)
	if err != nil {
		return err
	}
	defer frame.Wipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	speed, ok := d.s.line.Speed()
	if !ok {
		return fault.New(fault.Usage, "this line has no speed that could follow: over TCP the terminal server has it")
	}
	err = d.ask(ctx, frame, nil, func(data []byte) error { return parseCode(table.SetLine, data, table.LineErrors()) })
	if err != nil {
		return fault.Wrap(err, "set the line to %d %s", baud, mode)
	}
	return fault.Wrap(d.follow(context.WithoutCancel(ctx), speed, baud, mode), "set the line to %d %s", baud, mode)
}

// follow changes the host's side and finds out where the terminal is. Its answers do not matter, only that there are
// some: any slot will do, and a refusal too.
func (d *driver) follow(ctx context.Context, speed line.SpeedChanger, baud int, mode string) error {
	oldBaud, oldMode := speed.LineSettings()
	if err := speed.SetLine(baud, mode); err != nil {
		return err
	}
	lost := d.answers(ctx)
	if lost == nil {
		return nil
	}
	if err := speed.SetLine(oldBaud, oldMode); err != nil {
		return err
	}
	if d.answers(ctx) == nil {
		return fault.New(fault.DeviceFailed, "the terminal agreed, but still answers at %d %s; the line is back there",
			oldBaud, oldMode)
	}
	return fault.Wrap(lost, "the terminal agreed, and then answers neither so nor at %d %s, where the line is again",
		oldBaud, oldMode)
}

// answers asks something harmless.
func (d *driver) answers(ctx context.Context) error {
	_, err := d.readSlot(ctx, "0")
	if fault.Is(err, fault.DeviceFailed) {
		return nil
	}
	return err
}

package visa

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
)

// MAC computes a MAC over the message, sent as bytes.
func (d *driver) MAC(ctx context.Context, slot device.Slot, session, message []byte) ([]byte, error) {
	return d.ComputeMAC(ctx, MACRequest{Slot: slot, Session: session, Message: message})
}

// ComputeMAC runs packets Z66 until the terminal gives the MAC.
func (d *driver) ComputeMAC(ctx context.Context, m MACRequest) ([]byte, error) {
	frames, err := m.frames()
	if err != nil {
		return nil, fault.Wrap(err, "MAC with slot %s", m.Slot)
	}
	defer wipeAll(frames)
	d.mu.Lock()
	defer d.mu.Unlock()
	var mac []byte
	for i, f := range frames {
		if mac, err = d.macPart(ctx, f, i == len(frames)-1); err != nil {
			return nil, fault.Wrap(err, "MAC with slot %s", m.Slot)
		}
	}
	return mac, nil
}

// macPart sends one packet: the last one is answered by the MAC, those before it by "ready".
func (d *driver) macPart(ctx context.Context, f Frame, last bool) ([]byte, error) {
	answer, _, err := d.s.put(ctx, question{ask: f, answer: table.ComputeMACDone})
	if err != nil {
		return nil, err
	}
	defer answer.Wipe()
	code, mac, err := parseMAC(answer.Data())
	if err != nil {
		d.s.abort()
		return nil, err
	}
	_ = d.s.acknowledge() // the answer is here; that its ACK gets lost changes nothing
	switch {
	case last && code == table.MACDone, !last && code == table.MACReady:
		return mac, nil
	case code == table.MACDone, code == table.MACReady:
		return nil, fault.New(fault.DeviceLink, "packet Z67: the terminal lost count of the packets of the message")
	}
	return nil, refusal(table.ComputeMACDone+code, code, table.MACErrors())
}

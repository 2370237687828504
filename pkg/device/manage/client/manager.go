package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

// Serial asks for the serial number.
func (d *driver) Serial(ctx context.Context) (string, error) {
	var m manage.Serial
	if err := d.ask(ctx, question{method: http.MethodGet, path: manage.PathSerial}, &m); err != nil {
		return "", fault.Wrap(err, "ask the serial number")
	}
	if serialName(m.Serial) != m.Serial {
		return "", bad("serial")
	}
	return m.Serial, nil
}

// SetSerial gives the terminal a serial number, and reads it back. It takes a session.
func (d *driver) SetSerial(ctx context.Context, serial string) error {
	raw, err := body(manage.Serial{Serial: serial})
	if err != nil {
		return err
	}
	var m manage.Serial
	q := question{method: http.MethodPut, path: manage.PathSerial, body: raw, shown: " " + string(raw)}
	if err := changes(d.ask(ctx, q, &m), "set the serial number"); err != nil {
		return err
	}
	got, err := d.Serial(ctx)
	if err != nil {
		return err
	}
	if got != serial {
		return fault.New(fault.DeviceFailed, "the terminal took the serial number and reports %q", manage.Blot(got))
	}
	return nil
}

// changes names the place of an error; one beside which the terminal may have done it is an unknown outcome.
func changes(err error, place string) error {
	var cut *lost
	if errors.As(err, &cut) {
		err = fault.WrapAs(fault.OutcomeUnknown, cut.cause,
			"the terminal may or may not have done it; ask for its status before anything else")
	}
	return fault.Wrap(err, "%s", place)
}

// Erase empties a slot. It takes a session.
func (d *driver) Erase(ctx context.Context, slot device.Slot) error {
	path, err := slotPath(slot)
	if err != nil {
		return err
	}
	return changes(d.ask(ctx, question{method: http.MethodDelete, path: path}, &manage.Done{}), "erase slot "+string(slot))
}

// EraseAll empties every slot. It takes a session.
func (d *driver) EraseAll(ctx context.Context) error {
	return changes(d.ask(ctx, question{method: http.MethodDelete, path: manage.PathSlots}, &manage.Done{}), "erase all slots")
}

// Login opens a session, which lasts as long as the connection.
func (d *driver) Login(ctx context.Context, l device.Login) error {
	raw, err := loginBody(l)
	if err != nil {
		return err
	}
	defer raw.Wipe()
	q := question{method: http.MethodPost, path: manage.PathLogin, body: raw.Expose(), shown: blotLogin(l.Account), repeated: inConfidence(l)}
	return fault.Wrap(d.ask(ctx, q, &manage.LoggedIn{}), "log in at the terminal")
}

// inConfidence sees a password, as it was typed or as it was sent, or a one-time code in an answer.
func inConfidence(l device.Login) func(answer string) bool {
	return func(answer string) bool {
		words := []byte(answer)
		sent := secret.New(base64.StdEncoding.EncodedLen(l.Password.Len()))
		defer sent.Wipe()
		base64.StdEncoding.Encode(sent.Expose(), l.Password.Expose())
		has := func(b []byte) bool { return len(b) > 0 && bytes.Contains(words, b) }
		return has(l.Password.Expose()) || has(bytes.TrimRight(sent.Expose(), "=")) || has([]byte(l.Code))
	}
}

// loginBody puts the document together in memory that is wiped.
func loginBody(l device.Login) (*secret.Bytes, error) {
	head, err := body(manage.Login{Account: l.Account, Code: l.Code, Password: []byte{}})
	if err != nil {
		return nil, err
	}
	const slot = `"password":""`
	at := bytes.Index(head, []byte(slot)) + len(slot) - 1 // no quotation mark of the others stands so: theirs are escaped
	rest := head[at+1:]
	head = head[:at]
	n := base64.StdEncoding.EncodedLen(l.Password.Len())
	out := secret.New(len(head) + n + 1 + len(rest))
	b := out.Expose()
	copy(b, head)
	if l.Password.Len() > 0 {
		base64.StdEncoding.Encode(b[len(head):], l.Password.Expose())
	}
	b[len(head)+n] = '"'
	copy(b[len(head)+n+1:], rest)
	return out, nil
}

// Status asks how the terminal is.
func (d *driver) Status(ctx context.Context) (device.Status, error) {
	var m manage.Status
	if err := d.ask(ctx, question{method: http.MethodGet, path: manage.PathStatus}, &m); err != nil {
		return device.Status{}, fault.Wrap(err, "ask for the status")
	}
	s, err := statusOf(m)
	return s, fault.Wrap(err, "ask for the status")
}

// Ask announces an order and gives its challenge; nil where it takes no approval.
func (d *driver) Ask(ctx context.Context, o device.Order) ([]byte, error) {
	if err := manage.CheckOrder(o); err != nil {
		return nil, err
	}
	order := orderOf(o)
	raw, err := body(order)
	if err != nil {
		return nil, err
	}
	var m manage.Challenge
	q := question{method: http.MethodPost, path: manage.PathChallenge, body: raw, shown: blotOrder(order, 0)}
	if err := d.ask(ctx, q, &m); err != nil {
		return nil, fault.Wrap(err, "ask for a challenge")
	}
	switch _, takes := manage.Approvals(o); {
	case takes != (len(m.Challenge) > 0):
		return nil, fault.New(fault.DeviceFailed,
			"whether this order takes officers' approvals is not for the terminal to say, and it says otherwise; nothing was ordered")
	case !takes:
		return nil, nil
	}
	return m.Challenge, nil
}

// Do carries an order out.
func (d *driver) Do(ctx context.Context, o device.Order, approvals [][]byte) error {
	if err := manage.CheckOrder(o); err != nil {
		return err
	}
	order := orderOf(o)
	raw, err := body(manage.Carry{Order: order, Approvals: approvals})
	if err != nil {
		return err
	}
	q := question{method: http.MethodPost, path: manage.PathOrder, body: raw, shown: blotOrder(order, len(approvals))}
	return changes(d.ask(ctx, q, &manage.Done{}), "order "+string(o.Verb))
}

func orderOf(o device.Order) manage.Order {
	return manage.Order{Verb: string(o.Verb), Lock: string(o.Lock), Reason: o.Reason, Manifest: o.Manifest, Image: o.Image}
}

// Logs gives events.
func (d *driver) Logs(ctx context.Context, after uint64, most int) ([]device.LogEvent, error) {
	if most < 1 {
		return nil, nil
	}
	most = min(most, manage.MaxEvents)
	path := manage.PathLogs + "?after=" + strconv.FormatUint(after, 10) + "&most=" + strconv.Itoa(most)
	var m manage.Logs
	if err := d.ask(ctx, question{method: http.MethodGet, path: path}, &m); err != nil {
		return nil, fault.Wrap(err, "ask for the log")
	}
	events := eventsOf(m.Events)
	if len(events) > most || !inOrder(events, after) {
		return nil, fault.Wrap(bad("events out of order"), "ask for the log")
	}
	return events, nil
}

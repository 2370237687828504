package agent

// The other side: a command that asks an agent.

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/audit"
)

// Client speaks with the agent of a store. Every operation has a connection of its own.
type Client struct {
	socket, store string
}

func errNoAgentRuns() error {
	return fault.New(fault.Sealed, "the store is sealed: no agent runs for it; its officers unseal it")
}

// Dial finds the agent of a store behind a socket. Errors: sealed when there is none, so that the store's officers have
// to unseal it; busy when one is there and takes no more connections; not_permitted when it is the agent of another
// store, or somebody else's; version_unsupported for an agent of another version.
func Dial(ctx context.Context, socket, store string) (*Client, error) {
	c := &Client{socket, store}
	l, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	l.close()
	return c, nil
}

// link is one connection to an agent.
type link struct {
	conn   *net.UnixConn
	socket string
}

func (c *Client) connect(ctx context.Context) (*link, error) {
	conn, err := dialSocket(ctx, c.socket)
	if err != nil {
		return nil, err
	}
	l := &link{conn, c.socket}
	defer context.AfterFunc(ctx, l.close)()
	if _, err = io.WriteString(conn, greeting); err == nil {
		err = l.greeted()
	}
	if err != nil {
		l.close()
		return nil, l.broken(ctx, err)
	}
	if _, err = l.ask(ctx, opHello, helloArgs{c.store}, nil, nil, nil); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *link) greeted() error {
	said := make([]byte, len(greeting))
	if _, err := io.ReadFull(l.conn, said); err != nil {
		return err
	}
	if string(said) != greeting {
		return fault.New(fault.VersionUnsupported, "the agent is of another version than this program; seal the store and "+
			"unseal it again")
	}
	return nil
}

// broken says what a connection that failed means. An agent that is gone has sealed the store; one that is there has
// not, whatever it did to this connection.
func (l *link) broken(ctx context.Context, err error) error {
	switch kind := fault.KindOf(err); {
	case ctx.Err() != nil:
		return fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the agent was not waited for")
	case kind != fault.Failure:
		return err
	}
	for range lookAgain {
		conn, err := dialSocket(ctx, l.socket)
		switch {
		case fault.Is(err, fault.Sealed):
			return fault.New(fault.Sealed, "the store is sealed: the agent ended")
		case err != nil:
			return err
		}
		again := &link{conn, l.socket}
		stop := context.AfterFunc(ctx, again.close)
		_, err = io.WriteString(conn, greeting)
		if err == nil {
			err = again.greeted()
		}
		stop()
		again.close()
		if err == nil {
			break
		}
		breathe(ctx) // it may be about to end
	}
	return fault.New(fault.Busy, "the agent is there and ended the connection; try again")
}

// lookAgain is how often a command looks whether an agent that hung up is about to end.
const lookAgain = 10

func (l *link) close() { _ = l.conn.Close() } // a second one does nothing

// ask asks one question. Secrets handed over stay the caller's; those of the answer become the caller's. result may be
// nil.
func (l *link) ask(
	ctx context.Context, op string, args any, in []*secret.Bytes, files []*os.File, result any,
) ([]*secret.Bytes, error) {
	raw, err := encode(args)
	if err != nil {
		return nil, err
	}
	head, err := encode(question{op, raw})
	if err != nil {
		return nil, err
	}
	if err := l.write(frame{head, in}, files); err != nil {
		return nil, l.broken(ctx, err)
	}
	f, err := readFrame(l.conn)
	if err != nil {
		return nil, l.broken(ctx, err)
	}
	if err := f.answer(result); err != nil {
		f.wipe()
		return nil, err
	}
	return f.secrets, nil
}

func (l *link) write(f frame, files []*os.File) error {
	if len(files) == 0 {
		return writeFrame(l.conn, f)
	}
	var b bytes.Buffer // no secrets go with descriptors
	if err := writeFrame(&b, frame{head: f.head}); err != nil {
		return err
	}
	if err := sendFiles(l.conn, b.Next(1), files); err != nil {
		return err
	}
	_, err := l.conn.Write(b.Bytes())
	return err
}

func (f *frame) answer(result any) error {
	var a answer
	if err := decodeStrict(f.head, &a); err != nil {
		return err
	}
	if a.Error != nil {
		return a.Error.unpack()
	}
	if result == nil {
		return nil
	}
	if len(a.Result) == 0 {
		a.Result = json.RawMessage("null")
	}
	return decodeStrict(a.Result, result)
}

// once asks one question on a connection of its own.
func (c *Client) once(ctx context.Context, op string, args any, files []*os.File, result any) error {
	l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	defer context.AfterFunc(ctx, l.close)()
	_, err = l.ask(ctx, op, args, nil, files, result)
	return err
}

// files lists what is handed over, in the order of the protocol.
func (a *Approvers) files() []*os.File {
	var all []*os.File
	if a.Terminal != nil {
		all = append(all, a.Terminal)
	}
	return append(all, a.Passphrases...)
}

// Begin admits an operation. Where officers have to approve, it lasts until they have.
func (c *Client) Begin(ctx context.Context, in Intent) (Work, error) {
	l, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	hurry := context.AfterFunc(ctx, l.close)
	var begun wireBegun
	_, err = l.ask(ctx, opBegin, packIntent(in), nil, in.Approvers.files(), &begun)
	if err == nil && !hurry() {
		err = fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the agent was not waited for")
	}
	if err != nil {
		hurry()
		l.close()
		return nil, err
	}
	mark, err := begun.Mark.unpack()
	if err != nil {
		l.close()
		return nil, err
	}
	return &remote{link: l, mark: mark, officers: begun.Officers, info: begun.Info}, nil
}

// Note records something that is over.
func (c *Client) Note(ctx context.Context, e audit.Entry, o audit.Outcome) error {
	return c.once(ctx, opNote, wireNote{packEntry(e), o}, nil, nil)
}

// Checkpoint lets officers sign the audit log.
func (c *Client) Checkpoint(ctx context.Context, in Intent) ([]byte, error) {
	var signed []byte
	err := c.once(ctx, opCheckpoint, packIntent(in), in.Approvers.files(), &signed)
	return signed, err
}

// Status says how the agent stands.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var w wireStatus
	if err := c.once(ctx, opStatus, nil, nil, &w); err != nil {
		return Status{}, err
	}
	return w.unpack()
}

// Seal ends the agent. It returns when the keys are wiped and that is recorded.
func (c *Client) Seal(ctx context.Context, who audit.Actor) error {
	return c.once(ctx, opSeal, who, nil, nil)
}

// Close lets the client go; the agent stays.
func (c *Client) Close() error { return nil }

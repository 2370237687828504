package agent

// Frames: what crosses the socket. Secrets stand beside the JSON and never in it, and are read straight into locked
// memory.

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// greeting is what both sides say first. Another version says another number.
const greeting = "poskey agent 2\n"

// Bounds of a frame.
const (
	maxHead    = 1 << 20 // bytes of JSON
	maxSecrets = 16
	maxSecret  = 8 << 10 // bytes of one
)

// frame is one question or answer: a JSON document and secrets.
type frame struct {
	head    []byte
	secrets []*secret.Bytes
}

func (f *frame) wipe() { wipeAll(f.secrets) }

func wipeAll(secrets []*secret.Bytes) {
	for _, s := range secrets {
		s.Wipe()
	}
}

// writeFrame writes a frame: the length of the head in four bytes, the number of secrets in one, their lengths in four
// bytes each, the head, the secrets.
func writeFrame(w io.Writer, f frame) error {
	if len(f.head) > maxHead || len(f.secrets) > maxSecrets {
		return fault.New(fault.TooLarge, "%d bytes with %d secrets are more than an agent is asked at one time", len(f.head),
			len(f.secrets))
	}
	out := make([]byte, 0, 5+4*len(f.secrets)+len(f.head))
	out = binary.BigEndian.AppendUint32(out, uint32(len(f.head)))
	out = append(out, byte(len(f.secrets)))
	for _, s := range f.secrets {
		if s.Len() > maxSecret {
			return fault.New(fault.TooLarge, "a secret of %d bytes is more than an agent takes", s.Len())
		}
		out = binary.BigEndian.AppendUint32(out, uint32(s.Len()))
	}
	if _, err := w.Write(append(out, f.head...)); err != nil {
		return err
	}
	for _, s := range f.secrets {
		if s.Len() == 0 {
			continue
		}
		if _, err := w.Write(s.Expose()); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads a frame. The caller wipes its secrets. io.EOF is the end between two frames.
func readFrame(r io.Reader) (frame, error) {
	var start [5]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return frame{}, err
	}
	n, count := binary.BigEndian.Uint32(start[:]), int(start[4])
	if n > maxHead || count > maxSecrets {
		return frame{}, fault.New(fault.TooLarge, "a frame of %d bytes with %d secrets", n, count)
	}
	lengths := make([]byte, 4*count)
	if _, err := io.ReadFull(r, lengths); err != nil {
		return frame{}, cut(err)
	}
	f := frame{head: make([]byte, n)}
	if _, err := io.ReadFull(r, f.head); err != nil {
		return frame{}, cut(err)
	}
	for i := range count {
		size := binary.BigEndian.Uint32(lengths[4*i:])
		if size > maxSecret {
			f.wipe()
			return frame{}, fault.New(fault.TooLarge, "a secret of %d bytes is more than an agent takes", size)
		}
		s := secret.New(int(size))
		f.secrets = append(f.secrets, s)
		if _, err := io.ReadFull(r, s.Expose()); err != nil {
			f.wipe()
			return frame{}, cut(err)
		}
	}
	return f, nil
}

// cut is the end in the middle of something.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// decodeStrict reads one JSON document and nothing else: unknown members and what follows are refused.
func decodeStrict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil { // its words may repeat values
		return fault.New(fault.Malformed, "the document is not one of this protocol")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Malformed, "more follows after the document")
	}
	return nil
}

// question is the head of a frame to an agent.
type question struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args,omitempty"`
}

// answer is the head of a frame from an agent.
type answer struct {
	Error  *wireError      `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// encode makes the JSON of a document; the values of this protocol can always be written.
func encode(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fault.New(fault.Bug, "a value of the protocol cannot be written")
	}
	return raw, nil
}

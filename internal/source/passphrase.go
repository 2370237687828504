package source

import (
	"bytes"
	"context"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
)

// ReadPassphrase reads a passphrase: typed and hidden, or the one line of a file that only its owner can read, of a
// descriptor, or of stdin. A line end behind it is left out; nothing else is changed. What a passphrase may be is for its
// user to say. what names it in the prompt and in errors.
func (r *Reader) ReadPassphrase(ctx context.Context, src string, what text.Text) (*secret.Bytes, error) {
	spec, err := ParseSRC(src)
	if err != nil || spec.Kind != Prompt && spec.Kind != File && spec.Kind != FD && spec.Kind != Stdin {
		return nil, fault.New(fault.Usage, "%s: a passphrase is typed (prompt) or comes from file:PATH, fd:N or -", what)
	}
	raw, err := r.read(ctx, spec, what)
	if err != nil {
		return nil, fault.Wrap(err, "%s (%s)", what, spec.where())
	}
	defer raw.Wipe()
	line := raw.Expose()
	if spec.Kind != Prompt {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	}
	return secret.Copy(line), nil
}

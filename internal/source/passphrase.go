package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strconv"

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
		return nil, fault.Wrap(err, "%s (%s)", what, spec.Where())
	}
	defer raw.Wipe()
	line := raw.Expose()
	if spec.Kind != Prompt {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	}
	return secret.Copy(line), nil
}

// OpenPassphrase opens the file or the descriptor that a passphrase comes from, for another process to read.
func OpenPassphrase(ctx context.Context, src string) (*os.File, error) {
	spec, err := ParseSRC(src)
	switch {
	case err == nil && spec.Kind == File:
		return openPrivate(ctx, spec.Arg)
	case err == nil && spec.Kind == FD:
		return openFD(spec.Arg)
	}
	return nil, fault.New(fault.Usage, "passphrases that the agent reads are all typed, or come from file:PATH and fd:N")
}

// FirstLine reads a passphrase from a descriptor: up to the end of its first line, or of what there is.
func FirstLine(ctx context.Context, f *os.File) (*secret.Bytes, error) {
	line, err := secret.ReadLine(Abortable(ctx, f), maxLine)
	switch {
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.MalformedLength, "nothing there: the input is empty")
	case errors.Is(err, secret.ErrLongLine):
		return nil, fault.New(fault.TooLarge, "the descriptor gave more than a passphrase has")
	}
	return line, fault.WrapAs(fault.Failure, err, "read")
}

// maxLine is more than any passphrase has, in bytes.
const maxLine = 2048

func openFD(arg string) (*os.File, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n > 1<<20 {
		return nil, fault.New(fault.Usage, "%q is not the number of a descriptor", text.Redact(arg))
	}
	return OpenFD(n)
}

// OpenFD gives an open descriptor of this process as a file. Error: not_found for one that is not open.
func OpenFD(n int) (*os.File, error) {
	f := os.NewFile(uintptr(n), "fd "+strconv.Itoa(n))
	if f == nil {
		return nil, fault.New(fault.NotFound, "descriptor %d is not open", n)
	}
	if _, err := f.Stat(); err != nil {
		return nil, fault.New(fault.NotFound, "descriptor %d is not open", n)
	}
	return f, nil
}

package source

import (
	"bytes"
	"context"
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
		return nil, fault.Wrap(err, "%s (%s)", what, spec.where())
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

func openPrivate(ctx context.Context, path string) (*os.File, error) {
	f, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !Exposed(info) {
		return f, nil
	}
	_ = f.Close()
	if err != nil {
		return nil, openError(err, path)
	}
	return nil, fault.New(fault.FileExposed, "others than its owner can read the passphrase in the file (mode %04o)", info.Mode().Perm())
}

func openFD(arg string) (*os.File, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n > 1<<20 {
		return nil, fault.New(fault.Usage, "%q is not the number of a descriptor", text.Redact(arg))
	}
	f := os.NewFile(uintptr(n), "fd "+arg)
	if f == nil {
		return nil, fault.New(fault.NotFound, "descriptor %d is not open", n)
	}
	if _, err := f.Stat(); err != nil {
		return nil, fault.New(fault.NotFound, "descriptor %d is not open", n)
	}
	return f, nil
}

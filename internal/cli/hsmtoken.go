package cli

// --hsm: the soft boundary or a PKCS#11 token.

import (
	"bytes"
	"context"
	"errors"
	"io"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/hsm/pkcs11"
)

// softURI names the boundary in this process.
const softURI = "soft:"

// checkHSM refuses names of boundaries that nobody knows. A PIN may stand in them, so they are not repeated.
func (a *App) checkHSM() error {
	uri := a.flags.hsmURI
	switch {
	case uri == softURI:
		return nil
	case pkcs11.IsURI(uri):
		_, err := pkcs11.Parse(uri)
		return fault.Wrap(err, "--hsm")
	}
	return fault.New(fault.Usage, "--hsm: a boundary is soft: or a token, pkcs11:token=LABEL?module-path=/PATH.so")
}

func errTokenElsewhere() error {
	return fault.New(fault.Usage, "keys given on the spot are worked with in soft:; --hsm pkcs11:… is for poskey hsm, "+
		"and for poskey store init, which puts a store's master key into the token")
}

// token gives the name of the token in --hsm.
func (a *App) token() (pkcs11.URI, error) {
	if !pkcs11.IsURI(a.flags.hsmURI) {
		return pkcs11.URI{}, fault.New(fault.Usage, "soft: has no slots and no keys of its own; name a token: --hsm 'pkcs11:token=LABEL?module-path=/PATH.so'")
	}
	u, err := pkcs11.Parse(a.flags.hsmURI)
	return u, fault.Wrap(err, "--hsm")
}

// tokenOptions is how a token is opened for a person: the PIN from its file or the terminal, and a warning each time a
// clear key comes into this process.
func (a *App) tokenOptions(u pkcs11.URI) pkcs11.Options {
	return pkcs11.Options{
		PIN:    func(ctx context.Context) (*secret.Bytes, error) { return a.pin(ctx, u) },
		Env:    a.Env,
		Notice: func(n pkcs11.Notice) { a.render.Warn(text.New("%s: the token does not do that itself", n.Text)) },
	}
}

// maxPIN is more than any token takes.
const maxPIN = 255

func (a *App) pin(ctx context.Context, u pkcs11.URI) (*secret.Bytes, error) {
	if u.PINFile == "" {
		return a.Console.Secret(ctx, a.Say.T("PIN of the token %s (hidden): ", text.Redact(u.Token)))
	}
	pin, err := readPIN(ctx, u.PINFile)
	return pin, fault.Wrap(err, "the PIN's file")
}

// readPIN reads the first line of a file that its owner alone may read.
func readPIN(ctx context.Context, path string) (*secret.Bytes, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "read")
	}
	if source.Exposed(info) {
		return nil, fault.New(fault.FileExposed, "others than its owner can read the file (mode %04o); chmod 600 it, and change the PIN", info.Mode().Perm())
	}
	buf := secret.New(maxPIN + 2)
	defer buf.Wipe()
	n, err := io.ReadFull(source.Abortable(ctx, f), buf.Expose())
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fault.WrapAs(fault.Failure, err, "read")
	}
	line := bytes.TrimRight(buf.Expose()[:n], "\r\n")
	switch {
	case len(line) == 0:
		return nil, fault.New(fault.MalformedLength, "nothing there: the input is empty")
	case len(line) > maxPIN || bytes.ContainsAny(line, "\r\n"):
		return nil, fault.New(fault.Malformed, "a PIN is one line of at most %d characters", maxPIN)
	}
	return secret.Copy(line), nil
}

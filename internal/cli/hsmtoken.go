package cli

// --hsm: the soft boundary or a PKCS#11 token.

import (
	"bytes"
	"context"

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

// pin reads the PIN of a token: from the file that the token's name says, or typed.
func (a *App) pin(ctx context.Context, u pkcs11.URI) (*secret.Bytes, error) {
	what, src := text.New("PIN of the token %s", text.Redact(u.Token)), string(source.Prompt)
	if u.PINFile != "" {
		what, src = text.New("the PIN"), string(source.File)+":"+u.PINFile
	}
	pin, err := a.sources().ReadPassphrase(ctx, src, what)
	if err != nil {
		return nil, err
	}
	if pin.Len() == 0 && u.PINFile != "" { // typed as nothing it is asked for at the token's own pad
		pin.Wipe()
		return nil, fault.New(fault.MalformedLength, "nothing there: the input is empty")
	}
	if pin.Len() > maxPIN || bytes.ContainsAny(pin.Expose(), "\r\n") {
		pin.Wipe()
		return nil, fault.New(fault.Malformed, "a PIN is one line of at most %d characters", maxPIN)
	}
	return pin, nil
}

// connect opens the token of --hsm.
func (a *App) connect(ctx context.Context) (*pkcs11.Token, error) {
	u, err := a.token()
	if err != nil {
		return nil, err
	}
	return pkcs11.Connect(ctx, u, a.tokenOptions(u))
}

// hsmTokenDoc is what a token says of itself in an answer.
type hsmTokenDoc struct {
	Label         string          `json:"label"`
	Manufacturer  string          `json:"manufacturer"`
	Model         string          `json:"model"`
	Serial        string          `json:"serial"`
	Initialised   bool            `json:"initialised"`
	LoginRequired bool            `json:"login_required"`
	PINSet        bool            `json:"pin_set"`
	PINState      pkcs11.PINState `json:"pin_state,omitempty"`
}

func tokenDoc(t pkcs11.TokenInfo) *hsmTokenDoc {
	return &hsmTokenDoc{t.Label, t.Manufacturer, t.Model, t.Serial, t.Initialised, t.LoginRequired, t.PINSet, t.PINState}
}

func tokenState(t *hsmTokenDoc) text.Text {
	switch {
	case t.PINState == pkcs11.PINLocked:
		return text.New("PIN locked")
	case t.PINState == pkcs11.PINFinal:
		return text.New("one PIN try left")
	case t.PINState == pkcs11.PINLow:
		return text.New("wrong PINs were given")
	case t.LoginRequired && !t.PINSet:
		return text.New("no PIN set")
	case !t.LoginRequired:
		return text.New("ready, needs no PIN")
	}
	return text.New("ready")
}

package cli

// Stores whose master key is in a PKCS#11 token: this process asks the token itself, and no agent runs.

import (
	"context"
	"time"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm/pkcs11"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// logPatience is how long a command waits for the log while another one writes it.
const logPatience = 5 * time.Second

// tokenOf is the token of a store as this machine reaches it: --hsm or POSKEY_HSM. What the inventory says of it is a name
// for people: a module is code, and whoever can write a row must not choose which code runs here, nor what may be clear.
func (a *App) tokenOf(id store.Identity) (pkcs11.URI, error) {
	if a.onToken() {
		return a.token()
	}
	if uri := a.Getenv("POSKEY_HSM"); uri != "" {
		u, err := pkcs11.Parse(uri)
		return u, fault.Wrap(err, "POSKEY_HSM")
	}
	return pkcs11.URI{}, fault.New(fault.Usage, "the master key of store %s is in a token (%s): say how it is reached, with --hsm "+
		"'pkcs11:token=LABEL?module-path=/PATH.so' or POSKEY_HSM", id.ID, text.Redact(id.Master.Token))
}

// tokenAuthority opens the token of a store.
func (a *App) tokenAuthority(ctx context.Context, url store.URL, id store.Identity) (agent.Authority, error) {
	u, err := a.tokenOf(id)
	if err != nil {
		return nil, err
	}
	options := a.tokenOptions(u)
	options.Object, options.ProbeRecord = id.ID, agent.RecordProbe
	boundary, err := pkcs11.Open(ctx, u, options)
	if err != nil {
		return nil, err
	}
	a.holding.later(boundary.Close)
	path, err := a.auditPath(url, id.ID)
	if err != nil {
		return nil, err
	}
	log, err := a.takeLog(ctx, path, id)
	if err != nil {
		return nil, err
	}
	a.holding.later(log.Close)
	return agent.NewLocal(boundary, log, agent.LocalTerms{Environment: custody.Environment(id.Environment)})
}

// takeLog waits for its turn: one process at a time has the log of a store.
func (a *App) takeLog(ctx context.Context, path string, id store.Identity) (*audit.Log, error) {
	identity := audit.Identity{Store: id.ID, Environment: audit.Environment(id.Environment)}
	for end := a.Env.Now().Add(logPatience); ; {
		log, err := audit.Open(path, identity, audit.Options{Now: a.Env.Now, Who: whoAmI()})
		if !fault.Is(err, fault.Busy) || !a.Env.Now().Before(end) {
			return log, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// onToken tells that the command names a token.
func (a *App) onToken() bool { return pkcs11.IsURI(a.flags.hsmURI) }

// initTokenStore makes a store whose master key is in a token.
func (a *App) initTokenStore(ctx context.Context, url store.URL, environment custody.Environment, o storeInitOpts) error {
	if len(o.officers) > 0 || o.threshold != 0 {
		return fault.New(fault.Usage, "the master key is made in the token: --officer and --threshold are for stores that officers open")
	}
	u, err := a.token()
	if err != nil {
		return err
	}
	if err := makeFolderOf(url); err != nil {
		return err
	}
	id, err := vault.CreateOnToken(ctx, a.Env, vault.TokenBirth{URL: url, Environment: environment, Token: pkcs11.URI{Token: u.Token, Serial: u.Serial}.String(), Who: whoAmI(),
		LogPath: func(id string) (string, error) { return a.newAuditPath(url, id) },
		MakeKey: func(ctx context.Context, object string) error {
			options := a.tokenOptions(u)
			options.Object = object
			return pkcs11.Initialise(ctx, u, options)
		}})
	if err != nil {
		return err
	}
	log, err := a.auditPath(url, id.ID)
	if err != nil {
		return err
	}
	doc := storeInitDoc{Store: id.ID, URL: url.Redacted(), Environment: id.Environment, Master: id.Master.Kind, Log: log}
	return a.render.Answer("store.init", doc, func(p *render.Page) {
		p.Good(text.New("The store is made. Its master key is in the token; whoever may use the token may use the store."))
		p.Fields(
			render.F(text.New("store"), id.ID),
			render.F(text.New("at"), doc.URL),
			render.F(text.New("environment"), p.T(environment.Text())),
			render.F(text.New("token"), u.Token),
			render.F(text.New("audit log"), log),
		)
	})
}

package cli

// Stores whose master key is in a PKCS#11 token: this process asks the token itself.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// tokenAuthority opens the token of a store.
func (a *App) tokenAuthority(_ context.Context, _ store.URL, _ store.Identity) (agent.Authority, error) {
	return nil, fault.New(fault.Usage, "token stores are being wired")
}

// onToken tells that the command names a token.
func (a *App) onToken() bool { return strings.HasPrefix(a.flags.hsmURI, "pkcs11:") }

// initTokenStore makes a store whose master key is in a token.
func (a *App) initTokenStore(_ context.Context, _ store.URL, _ custody.Environment, _ storeInitOpts) error {
	return fault.New(fault.Usage, "token stores are being wired")
}

//go:build cgo && linux

package pkcs11

import (
	"testing"

	"poskey/pkg/hsm/hsmtest"
)

func TestSoftHSMPassesTheSuite(t *testing.T) {
	_, u := softhsm(t)
	hsmtest.Run(t, opener(t, u, options(NewModules())))
}

func TestNSSPassesTheSuite(t *testing.T) {
	hsmtest.Run(t, opener(t, nss(t), options(NewModules())))
}

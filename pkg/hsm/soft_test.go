package hsm_test

import (
	"crypto/rand"
	"testing"
	"time"

	"poskey/pkg/hsm"
	"poskey/pkg/hsm/hsmtest"
	"poskey/pkg/keys"
)

func env() keys.Env { return keys.Env{Rand: rand.Reader, Now: time.Now} }

func openSoft(t *testing.T) hsm.Boundary {
	t.Helper()
	b, err := hsm.NewSoft(env())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSoftPassesTheSuite(t *testing.T) { hsmtest.Run(t, openSoft) }

package hsm_test

import (
	"context"
	"crypto/rand"
	"io"
	"testing"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/component"
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

// dry is a random source that fails after so many bytes.
func dry(after int64) keys.Env {
	return keys.Env{Rand: io.LimitReader(rand.Reader, after), Now: time.Now}
}

// makeAndCut does what it can with a source of so many bytes.
func makeAndCut(t *testing.T, after int64) error {
	b, err := hsm.NewSoft(dry(after))
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	k, err := b.Generate(t.Context(), hsm.Attributes{Algorithm: keys.TDES128}, hsm.Policy{})
	if err != nil {
		if k.Block != "" {
			t.Errorf("after %d bytes: a key beside the error %v", after, err)
		}
		return err
	}
	parts, err := b.Split(t.Context(), k, component.Spec{Scheme: component.XOR, Parts: 9})
	component.WipeAll(parts)
	return err
}

func TestARandomSourceThatFailsMakesNoKeyAndLeavesNoSecret(t *testing.T) {
	live, enough := secret.Live(), int64(0)
	for ; makeAndCut(t, enough) != nil; enough++ {
		if now := secret.Live(); now != live {
			t.Fatalf("after %d bytes: %d secrets are left", enough, now-live)
		}
		if enough == 1000 {
			t.Fatal("1,000 random bytes are not enough for a key in nine parts")
		}
	}
	if least := int64(32 + 16 + 8*16); enough < least { // master key, key, eight components
		t.Errorf("%d random bytes were enough, which is less than the keys have (%d)", enough, least)
	}
}

func TestSoftPassesTheSuite(t *testing.T) { hsmtest.Run(t, openSoft) }

// openMaster is a strict boundary over a master key of its own, whose probers record to nowhere.
func openMaster(t *testing.T) hsm.Boundary {
	t.Helper()
	master, err := keys.Generate(rand.Reader, keys.AES256)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hsm.NewMasterWith(env(), master, hsm.Options{
		Info:        hsm.Info{Driver: "soft", Name: "a store's, in a test"},
		ProbeRecord: func(context.Context, hsm.Probe) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAMasterKeyThatLastsPassesTheSuite(t *testing.T) { hsmtest.Run(t, openMaster) }

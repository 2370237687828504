package emulator

import (
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// TestEverythingAtOnce lets many hands at one terminal: nothing is torn, nobody waits for ever, and after the tamper no
// key is left, whoever was about to store one.
func TestEverythingAtOnce(t *testing.T) {
	live := secret.Live()
	var term *Terminal
	var mu sync.Mutex
	said := map[EventKind]int{}
	term = inDir(t, ownDir(t), func(c *Config) {
		c.Accounts = accounts(t)
		c.OnEvent = func(e Event) {
			_ = term.Status() // hearers may look
			mu.Lock()
			defer mu.Unlock()
			said[e.Kind]++
		}
	})
	term.storeInitial(t, "90")
	seen := map[string]bool{}
	var hands sync.WaitGroup
	for hand := range 4 {
		hands.Go(func() {
			for n := range 15 {
				k, err := keys.New(keys.TDES128, secret.Copy(fmt.Appendf(nil, "%08d%08d", hand, n)))
				if err != nil {
					t.Error(err)
				}
				p, why := term.Offer(Offer{Slot: device.Slot(fmt.Sprint(hand)), Clear: k, Usage: "P0", Mode: 'E'})
				if why == Accepted {
					_, why = p.Commit()
				}
				if why != Accepted && why != RefusedTampered && why != RefusedBusy {
					t.Errorf("refusal %q", why)
				}
				p.Drop()
			}
		})
		hands.Go(func() {
			for range 15 {
				tx, why := term.Transaction("90")
				if why != Accepted {
					continue
				}
				mu.Lock()
				if seen[tx.KSN().String()] {
					t.Errorf("KSN %s came twice", tx.KSN())
				}
				seen[tx.KSN().String()] = true
				mu.Unlock()
				tx.Wipe()
			}
		})
		hands.Go(func() {
			for range 15 {
				term.SetLock(device.LockSignIn, "out of step")
				_ = term.Status()
				term.setUnlock(device.LockSignIn)
				term.StillInjecting(true)
				_ = term.SetSerial(fmt.Sprint("PK", hand))
			}
		})
	}
	hands.Go(func() {
		time.Sleep(100 * time.Millisecond)
		term.Tamper("case")
	})
	hands.Wait()
	if st := term.Status(); !st.Tamper.Tripped || len(st.Slots)+len(st.Initial) != 0 {
		t.Errorf("%+v", st)
	}
	if said[Tampered] != 1 || said[Stored] == 0 || len(seen) == 0 {
		t.Errorf("events %v, %d transactions", said, len(seen))
	}
	term.Wipe()
	if _, why := term.Offer(Offer{Slot: "0", Block: blockA}); why != RefusedStorage {
		t.Errorf("a wiped terminal: %q", why)
	}
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

// TestAStoreIsCheapInMemory: what 1500 loads a second of a fleet take of a terminal is a small part of a core.
func TestAStoreIsCheapInMemory(t *testing.T) {
	term := New(Config{Env: keys.Env{Rand: rand.Reader, Now: time.Now}})
	defer term.Wipe()
	if err := term.LoadDirect("F", testKey(t, keyK1), "K0", 'D'); err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(50, func() {
		term.s.spent = nil // each is the first of its KSN
		p, why := term.Offer(Offer{Slot: "90", Block: block90})
		if why == Accepted {
			_, why = p.Commit()
		}
		if why != Accepted {
			t.Fatal(why)
		}
	})
	if allocs > 400 {
		t.Errorf("a load makes %v allocations", allocs)
	}
}

package custody

import (
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/selftest"
)

func TestEverySelftestPassesAndFailsWhenItIsBroken(t *testing.T) {
	live := secret.Live()
	all := SelfTests()
	for _, test := range all {
		if o := test.Run(t.Context()); o.Err != nil || o.Unknown != "" || test.Group != selftest.Custody {
			t.Errorf("%s: %v %s", test.Name, o.Err, o.Unknown)
		}
		if o := test.Break().Run(t.Context()); !o.Failed() || !fault.Is(o.Err, fault.SelftestFailed) {
			t.Errorf("%s passes though it is broken: %v", test.Name, o.Err)
		}
	}
	if len(all) < 9 {
		t.Errorf("only %d self-tests", len(all))
	}
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets are left", now-live)
	}
}

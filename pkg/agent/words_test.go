package agent

import (
	"testing"

	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

func TestEveryActivityIsRecordedInWordsThatTheLogHas(t *testing.T) {
	has := map[audit.Operation]bool{}
	for _, o := range audit.Operations() {
		has[o.Operation] = true
	}
	for _, r := range custody.Rules() {
		if r.Activity == custody.AuditCheckpoint { // the log records it itself
			continue
		}
		if !has[operationOf(r.Activity)] {
			t.Errorf("%s is recorded as %s, which has no words", r.Activity, operationOf(r.Activity))
		}
	}
	for _, e := range []custody.EventKind{custody.IdentityOpened, custody.PassphraseWrong, custody.ShareRevealed,
		custody.ShareRefused, custody.MasterOpened, custody.MasterReshared, custody.Authorised, custody.ApprovalUsed,
		custody.ApprovalRefused} {
		if entry, _ := (&ledger{}).eventEntry(custody.Event{Kind: e}); !has[entry.Operation] {
			t.Errorf("the event %s is recorded as %s, which has no words", e, entry.Operation)
		}
	}
}

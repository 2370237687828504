package agent

import (
	"fmt"
	"strings"
	"testing"

	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
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

func TestWhatACommandSaysPushesNothingOffTheScreen(t *testing.T) {
	g := &gate{store: "test-0001-0002-0003", environment: custody.Production}
	details := audit.Details{"for": "the monthly list", "to-approve": "sign the audit log (a checkpoint)"}
	for i := range 24 {
		details[audit.Field(fmt.Sprintf("detail-%02d", i))] = strings.Repeat("密", 200)
	}
	in := Intent{Details: details, Who: audit.Actor{ID: strings.Repeat("x", 300)}, Count: 3, Request: audit.DigestOf(nil)}
	a := custody.Action{Activity: custody.KeySplit, Label: "TPK#1", Check: kcv.Value{Digits: "08D7B4", Method: kcv.ECBZero}}
	lines := g.asked(a, in, text.New("officer 1 of 2"))
	if len(lines) > 20 {
		t.Errorf("%d rows do not fit a screen of 24 with the prompt and three tries", len(lines))
	}
	for i, want := range []string{"key store", "to approve: split", "for: TPK#1", "check value: 08D7B4", "lines of the batch: 3", "officer 1"} {
		if got := lines[len(lines)-6+i].String(); !strings.HasPrefix(got, want) {
			t.Errorf("row %d from the end is %q, want %q", 6-i, got, want)
		}
	}
	for _, l := range lines {
		columns := 0
		for _, c := range l.String() {
			if columns++; c >= 0x1100 {
				columns++
			}
		}
		if columns > 90 {
			t.Errorf("a row of %d columns: %q", columns, l)
		}
	}
}

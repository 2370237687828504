//go:build unix

package cli

// The pages of a diagnosis that a real browser is shown.

import (
	"context"
	"slices"
	"strings"
	"testing"

	"poskey/internal/i18n"
	"poskey/pkg/diagnose"
)

func diagnosisPages(t *testing.T) []shownPage {
	t.Helper()
	families := []string{"right", "slot-16", "several", "block", "parts", "message", "hostile"}
	all := append(slices.DeleteFunc(drawnCases(t), func(d drawnCase) bool { return !slices.Contains(families, d.name) }), loggedCase(t))
	if len(all) != len(families)+1 {
		t.Fatalf("there are %d cases", len(all))
	}
	var pages []shownPage
	for i := range all {
		pages = append(pages, shownPage{all[i].name, func(t *testing.T, lang i18n.Lang) string { return pageOf(t, lang, &all[i]) }})
	}
	return pages
}

func loggedCase(t *testing.T) drawnCase {
	t.Helper()
	events, _, err := diagnose.ReadLog(strings.NewReader("2026-03-04 11:00:00 TAMPER detected, all keys erased "+injected+"\n"+
		"2026-03-04 11:00:05 PED error -301 key missing slot 1\n"), diagnose.LogOptions{Vendor: "pax"})
	if err != nil {
		t.Fatal(err)
	}
	d := drawnCase{name: "log", c: diagnose.Case{Log: events, Now: pageDay()}}
	if d.r, err = diagnose.Diagnose(context.Background(), d.c); err != nil {
		t.Fatal(err)
	}
	return d
}

package cli

import (
	"bytes"
	"strings"
	"testing"

	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/pkg/playbook"
)

// TestAPlaybookIsNoWiderThanTheTerminal: but for its commands, which are copied.
func TestAPlaybookIsNoWiderThanTheTerminal(t *testing.T) {
	book, err := playbook.Open(playbook.English)
	if err != nil {
		t.Fatal(err)
	}
	page, ok := book.Page("tamper")
	if !ok {
		t.Fatal("there is no page tamper")
	}
	for room, most := range map[int]int{0: widestPage, 50: 50, 80: 80, 300: widestPage} {
		var out bytes.Buffer
		r := &render.Renderer{Out: &out, Say: i18n.New(i18n.English), Format: render.Table, Width: room}
		if err := r.Answer("test", struct{}{}, func(p *render.Page) { playbookPage(p, &page) }); err != nil {
			t.Fatal(err)
		}
		widest := 0
		for line := range strings.Lines(out.String()) {
			if !strings.Contains(line, " poskey ") {
				widest = max(widest, render.Columns(strings.TrimSuffix(line, "\n")))
			}
		}
		if widest > most || widest < most-12 {
			t.Errorf("with room for %d columns the widest line has %d", room, widest)
		}
	}
}

package cli

// A page of what to do, as it is shown.

import (
	"strconv"
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/playbook"
)

func playbookPage(p *render.Page, page *playbook.Page) {
	p.Heading(text.Raw(page.Title))
	p.Blank()
	for _, s := range page.Means {
		wrapped(p, "", s)
	}
	points(p, text.New("technical causes"), page.Technical)
	points(p, text.New("operational causes"), page.Operational)
	points(p, text.New("management causes"), page.Management)
	steps(p, text.New("checks"), page.Checks)
	steps(p, text.New("fix"), page.Fix)
	points(p, text.New("prevention"), page.Prevention)
	points(p, text.New("impact on trade"), page.Trade)
	points(p, text.New("impact on risk"), page.Risk)
	points(p, text.New("stop and call"), page.Stop)
	points(p, text.New("record"), page.Record)
}

func points(p *render.Page, head text.Text, all []string) {
	if len(all) == 0 {
		return
	}
	p.Blank()
	p.Heading(head)
	for _, s := range all {
		wrapped(p, "- ", s)
	}
}

func steps(p *render.Page, head text.Text, all []playbook.Step) {
	p.Blank()
	p.Heading(head)
	for i, s := range all {
		number := strconv.Itoa(i+1) + ". "
		wrapped(p, number, s.Text)
		if s.Command != "" {
			p.Raw(strings.Repeat(" ", len(number)+2) + s.Command)
		}
	}
}

// widestPage is how wide a page is where the terminal has more room, or nobody counts columns.
const widestPage = 100

// wrapped writes a paragraph with what stands before it, its lines below each other.
func wrapped(p *render.Page, before, s string) {
	width := widestPage
	if room := p.Room(); room > 0 {
		width = min(width, room)
	}
	for i, line := range render.Wrap(s, width-len(before)) {
		if i > 0 {
			before = strings.Repeat(" ", len(before))
		}
		p.Raw(before + line)
	}
}

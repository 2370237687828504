package cli

// How a run stands, and its account, as they are shown.

import (
	"strconv"
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/fleet"
)

func countsPage(p *render.Page, c fleet.Counts) {
	p.Grid([]text.Text{text.New("on the list"), text.New("confirmed"), text.New("failed"), text.New("quarantined"), text.New("rejected"), text.New("left")},
		[][]string{{strconv.Itoa(c.Listed), strconv.Itoa(c.Confirmed), strconv.Itoa(c.Failed), strconv.Itoa(c.Quarantined), strconv.Itoa(c.Rejected),
			strconv.Itoa(c.Left)}})
}

func reconcilePage(p *render.Page, account *fleet.Account, files []string) {
	switch run := account.Plan.Run; {
	case !account.Balanced():
		p.Bad(text.New("Run %s: not every device is accounted for.", run))
	case account.Untouched > 0:
		p.Bad(text.New("Run %s: nobody was at %d devices.", run, account.Untouched))
	default:
		p.Good(text.New("Run %s: every device is accounted for.", run))
	}
	countsPage(p, account.Counts)
	if len(account.Findings) > 0 {
		p.Blank()
		var rows [][]string
		for _, f := range account.Findings {
			open := p.T(text.New("to know"))
			if f.Open {
				open = p.T(text.New("open"))
			}
			rows = append(rows, []string{open, string(f.Kind), p.T(f.Text), serials(f.Serials)})
		}
		p.Grid([]text.Text{text.New("state"), text.New("finding"), text.New("what"), text.New("devices")}, rows)
	}
	for _, path := range files {
		p.Line(text.New("written: %s", path))
	}
}

// serials shows a few and counts the rest.
func serials(all []string) string {
	const shown = 4
	if len(all) <= shown {
		return strings.Join(all, " ")
	}
	return strings.Join(all[:shown], " ") + " +" + strconv.Itoa(len(all)-shown)
}

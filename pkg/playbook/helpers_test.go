package playbook

// What tests read out of a page.

// leads gives the ids of the pages that a page names in backquotes, each once, in the order of the text.
func leads(p Page) []string {
	ids, met := []string{}, map[string]bool{p.ID: true}
	for _, words := range textsOf(p) {
		for _, id := range quoted(words) {
			if !met[id] {
				met[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// textsOf gives everything that people read, from top to bottom.
func textsOf(p Page) []string {
	all := []string{p.Title}
	for _, list := range [][]string{
		p.Means, p.Technical, p.Operational, p.Management, stepsOf(p.Checks), stepsOf(p.Fix),
		p.Prevention, p.Trade, p.Risk, p.Stop, p.Record,
	} {
		all = append(all, list...)
	}
	return all
}

func stepsOf(steps []Step) []string {
	texts := make([]string, len(steps))
	for i, s := range steps {
		texts[i] = s.Text
	}
	return texts
}

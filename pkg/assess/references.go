package assess

// Where controls come from.

import "slices"

// The standards, as a reference names them.
const (
	pciPIN  = "PCI PIN v3.1"
	pciDSS  = "PCI DSS 4.0.1"
	pciPTS  = "PCI PTS POI"
	jrt0120 = "JR/T 0120-2016"
	gmt0028 = "GM/T 0028"
	notice  = "银发〔2021〕259号"
	sp57    = "NIST SP 800-57 part 1"
)

// seen lists the clauses whose text was seen. Others of PCI PIN are to be looked up before they are quoted; of PCI DSS others are not named.
func seen(standard string) []string {
	switch standard {
	case pciPIN:
		return []string{"5-1", "6-3", "8-1", "8-2", "9-2", "9-4", "15-1", "20-1", "21-2.4", "24-2.3", "29", "30-1", "30-3"}
	case pciDSS:
		return []string{"3.6.1.2", "3.7.6", "3.7.8"}
	}
	return nil
}

// clause refers to one clause.
func clause(standard, number string) Reference {
	return Reference{Standard: standard, Clause: number, Confirmed: slices.Contains(seen(standard), number)}
}

// pin refers to clauses of PCI PIN.
func pin(numbers ...string) []Reference { return clauses(pciPIN, numbers) }

// dss refers to clauses of PCI DSS.
func dss(numbers ...string) []Reference { return clauses(pciDSS, numbers) }

func clauses(standard string, numbers []string) []Reference {
	var all []Reference
	for _, n := range numbers {
		all = append(all, clause(standard, n))
	}
	return all
}

// whole refers to standards without a clause.
func whole(standards ...string) []Reference {
	var all []Reference
	for _, s := range standards {
		all = append(all, Reference{Standard: s})
	}
	return all
}

// ownRule is for what poskey asks for by itself.
func ownRule() []Reference { return whole("poskey") }

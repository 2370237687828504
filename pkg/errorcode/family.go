package errorcode

import (
	"fmt"
	"slices"
	"strconv"

	"poskey/internal/text"
)

// family is a numbering whose codes are a base and an ordinal. People say the ordinal ("key error 14") and leave
// the base out, which is why a bare 14 has many readings.
type family struct {
	ID      string   // ped-300, newland-1300, castles-0x2900
	Base    int64    // the code with ordinal 0
	Down    bool     // codes are Base - ordinal; else Base + ordinal
	Vendors []string // whose tables use it
}

// numbering is a family with what ranking has to know of it.
type numbering struct {
	family
	lo, hi int64  // ordinals
	shared int64  // the last ordinal that all of the PED lineage have in common with it
	weight Weight // of a bare ordinal when nobody says the vendor; empty: only when somebody does
	own    bool   // the numbers have nothing to do with the PED lineage
}

// lineage are the families that share ordinals 1 to 34 and more: copies of one PED library under other bases.
func lineage() []string { return []string{"ped-300", "lc610n-4500", "morefun-7000"} }

// numberings lists the families in the order in which bare ordinals are ranked inside one weight.
func numberings() []numbering {
	ped := func(id string, base, shared int64, vendors ...string) numbering {
		return numbering{family{id, base, true, vendors}, 1, mostOrdinal, shared, High, false}
	}
	down := func(id string, base int64, weight Weight, vendor string) numbering {
		return numbering{family{id, base, true, []string{vendor}}, 1, 99, 99, weight, true}
	}
	up := func(id string, base, hi int64, weight Weight, vendor string) numbering {
		return numbering{family{id, base, false, []string{vendor}}, 1, hi, hi, weight, true}
	}
	return []numbering{
		ped("ped-300", -300, 49, "pax", "ped-300-family", "basewin"),
		ped("lc610n-4500", -4500, 49, "lc610n"),
		ped("morefun-7000", -7000, 34, "morefun"),
		down("newland-1300", -1300, High, "newland"),
		down("newland-1200", -1200, Medium, "newland"),
		down("newland-1700", -1700, Medium, "newland"),
		down("sunmi-40000", -40000, Medium, "sunmi"),
		down("kozen-40000", -40000, Medium, "kozen"),
		up("telpo-1000", 1000, 99, Medium, "telpo"),
		down("nexgo-7000", -7000, Medium, "nexgo"),
		up("castles-0x2900", 0x2900, 0xFF, Low, "castles"),
		up("castles-0x2B00", 0x2B00, 0xFF, Low, "castles"),
		down("kozen-40100", -40100, "", "kozen"),
		down("kozen-40200", -40200, "", "kozen"),
		down("kozen-40400", -40400, "", "kozen"),
		up("telpo-2000", 2000, 99, "", "telpo"),
		down("sunmi-60000", -60000, "", "sunmi"),
		down("sunmi-70000", -70000, "", "sunmi"),
		down("xinguodu-100", -100, "", "xinguodu"),
	}
}

// code gives the code of an ordinal.
func (f family) code(ordinal int64) int64 {
	if f.Down {
		return f.Base - ordinal
	}
	return f.Base + ordinal
}

// ordinal gives the ordinal of a row's value. The 16-bit print of a negative code is the same code.
func (n *numbering) ordinal(vendor string, value int64) (int64, bool) {
	if !slices.Contains(n.Vendors, vendor) {
		return 0, false
	}
	if n.Down && value >= 1<<15 && value < 1<<16 {
		value -= 1 << 16
	}
	ordinal := value - n.Base
	if n.Down {
		ordinal = -ordinal
	}
	return ordinal, ordinal >= n.lo && ordinal <= n.hi
}

// base gives the base as the family's vendors print their codes.
func (f family) base() string {
	if f.Base >= 0x2900 {
		return fmt.Sprintf("0x%04X", f.Base)
	}
	return strconv.FormatInt(f.Base, 10)
}

// place orders the rows of one ordinal: by family, then by vendor.
func (d *Dictionary) place(family int, e *entry) int {
	return family*8 + slices.Index(d.families[family].Vendors, e.vendor)
}

// bareWeight gives the weight of a bare ordinal. Beyond the ordinals that the lineage shares it is a guess like
// others.
func (n *numbering) bareWeight(ordinal int64) Weight {
	if n.weight == High && ordinal > n.shared {
		return Medium
	}
	return n.weight
}

// why says what speaks for an ordinal of the family. alike is how many tables of the lineage say the same of it.
func (n *numbering) why(ordinal int64, alike int) text.Text {
	switch {
	case n.ID == "nexgo-7000":
		return text.New("ordinal %d of a numbering that looks like the PED lineage and is another: key length is 8 in it",
			ordinal)
	case !n.own && alike > 1:
		return text.New("ordinal %d of the PED lineage: %d tables of it say the same", ordinal, alike)
	case !n.own:
		return text.New("ordinal %d of the PED lineage, base %s", ordinal, n.base())
	case n.weight == High:
		return text.New("ordinal %d of a numbering of its own, base %s: independent of the PED lineage", ordinal, n.base())
	}
	return text.New("ordinal %d of a numbering of its own, base %s", ordinal, n.base())
}

package errorcode

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// vendorName is what people call a vendor, beside its id.
type vendorName struct {
	id      string
	name    text.Words
	aliases []string
}

// vendorNames lists the names. A vendor that is not here goes by its id.
func vendorNames() []vendorName {
	same := func(id, name string, aliases ...string) vendorName {
		return vendorName{id, text.Words{EN: name, ZH: name}, aliases}
	}
	both := func(id, en, zh string, aliases ...string) vendorName {
		return vendorName{id, text.Words{EN: en, ZH: zh}, aliases}
	}
	return []vendorName{
		both("basewin", "Basewin", "盛本 Basewin", "盛本"),
		both("castles", "Castles", "虹堡 Castles", "虹堡"),
		same("fiserv-sitef", "Fiserv SiTef", "sitef", "fiserv"),
		both("generic-cn", "Chinese terminals, any vendor", "国内终端，不分厂商", "generic"),
		both("gicc", "GICC (Germany)", "GICC（德国）"),
		same("ibm-cca", "IBM CCA", "ibm", "cca"),
		both("ingenico", "Ingenico", "银捷尼科 Ingenico", "银捷尼科"),
		both("iso8583-1987", "ISO 8583:1987, one implementation", "ISO 8583:1987，一种实现"),
		both("iso8583-1993", "ISO 8583:1993, one implementation", "ISO 8583:1993，一种实现"),
		same("kozen", "Kozen/xCheng", "xcheng"),
		both("landi", "Landi", "联迪 Landi", "联迪"),
		both("lc610n", "LC610N PED module", "LC610N 密码模块"),
		same("magtek-dynapro", "MagTek DynaPro", "magtek", "dynapro"),
		both("morefun", "MoreFun (attribution inferred)", "魔方 MoreFun（归属为推断）", "魔方"),
		both("newland", "Newland", "新大陆 Newland", "新大陆"),
		both("nexgo", "Nexgo", "新国都 Nexgo", "新国都"),
		same("pagarme-mpos", "Pagar.me mPOS", "pagarme", "pagar.me"),
		both("pax", "PAX", "百富 PAX", "百富"),
		both("ped-300-family", "PED family, base -300", "PED 同族，基数 -300"),
		same("pkcs11", "PKCS #11", "cryptoki"),
		same("postilion", "Postilion"),
		both("sunmi", "Sunmi", "商米 Sunmi", "商米"),
		both("telpo", "Telpo", "天波 Telpo", "天波"),
		same("thales-payshield", "Thales payShield", "payshield", "thales"),
		same("uic-pp791", "UIC PP791", "uic"),
		both("unionpay", "UnionPay", "银联", "中国银联", "cup", "union pay"),
		both("verifone-adk", "Verifone ADK", "惠尔丰 Verifone ADK", "verifone", "惠尔丰"),
		both("verifone-adyen", "Verifone at Adyen", "Adyen 的 Verifone 终端", "adyen"),
		same("visa", "Visa"),
		both("wizarpos", "WizarPOS", "慧银 WizarPOS", "慧银"),
		both("xinguodu", "Xinguodu", "新国都", "新国都"),
	}
}

func nameOf(id string) vendorName {
	for _, v := range vendorNames() {
		if v.id == id {
			return v
		}
	}
	return vendorName{id: id, name: text.Words{EN: id, ZH: id}}
}

// called reports whether people call the vendor so: 2 exactly, 1 in part, 0 not. name is squashed.
func (v vendorName) called(name string) int {
	best := 0
	for _, known := range append([]string{v.id, v.name.EN, v.name.ZH}, v.aliases...) {
		known = squash(known)
		switch {
		case known == name:
			return 2
		case len(name) >= 3 && strings.Contains(known, name):
			best = 1
		}
	}
	return best
}

// vendorsCalled lists the ids of the vendors with a name: those it names exactly, else those it names in part.
func (d *Dictionary) vendorsCalled(name string) []string {
	name = squash(name)
	var exact, part []string
	for _, t := range d.tables {
		if name == "" || slices.Contains(exact, t.Vendor) || slices.Contains(part, t.Vendor) {
			continue
		}
		switch nameOf(t.Vendor).called(name) {
		case 2:
			exact = append(exact, t.Vendor)
		case 1:
			part = append(part, t.Vendor)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return part
}

// scope says which rows a question is about.
type scope struct {
	narrow  bool   // a vendor or a table was named
	tables  []bool // by number
	vendors []string
}

func (s *scope) has(e *entry) bool { return !s.narrow || s.tables[e.tableNo] }

// scopeOf finds the tables that a question names.
func (d *Dictionary) scopeOf(q Query) (*scope, error) {
	s := &scope{narrow: q.Vendor != "" || q.Table != "", tables: make([]bool, len(d.tables))}
	if q.Vendor != "" {
		if s.vendors = d.vendorsCalled(q.Vendor); len(s.vendors) == 0 {
			if near := d.vendorsNear(q.Vendor); len(near) > 0 {
				return nil, fault.New(fault.NotFound, "no vendor %q in the dictionary; is %s meant? known: %s",
					shown(q.Vendor), strings.Join(near, ", "), d.knownVendors())
			}
			return nil, fault.New(fault.NotFound, "no vendor %q in the dictionary; known: %s", shown(q.Vendor), d.knownVendors())
		}
	}
	wanted, of := squash(q.Table), d.vendorsCalled(q.Table)
	for n, t := range d.tables {
		if q.Vendor != "" && !slices.Contains(s.vendors, t.Vendor) {
			continue
		}
		inName := wanted != "" && strings.Contains(squash(t.Name), wanted)
		s.tables[n] = q.Table == "" || inName || slices.Contains(of, t.Vendor)
		if s.tables[n] && !slices.Contains(s.vendors, t.Vendor) {
			s.vendors = append(s.vendors, t.Vendor)
		}
	}
	if !slices.Contains(s.tables, true) {
		return nil, fault.New(fault.NotFound, "no table %q in the dictionary; known: %s",
			shown(q.Table), d.knownTables(s.vendors))
	}
	return s, nil
}

func (d *Dictionary) knownVendors() string {
	var ids []string
	for _, v := range d.Vendors() {
		ids = append(ids, v.ID)
	}
	return strings.Join(ids, ", ")
}

// knownTables names the tables of some vendors, or of all.
func (d *Dictionary) knownTables(vendors []string) string {
	var all []string
	for _, t := range d.tables {
		if len(vendors) == 0 || slices.Contains(vendors, t.Vendor) {
			all = append(all, t.Vendor+" "+t.Name)
		}
	}
	return strings.Join(all, "; ")
}

// vendorsIn lists the vendors that a text names, by word: people write "新大陆 密钥错误14".
func (d *Dictionary) vendorsIn(f *folded) []string {
	var all []string
	for i := range d.called {
		if slices.ContainsFunc(d.called[i].words, f.hasWord) {
			all = append(all, d.called[i].id)
		}
	}
	return all
}

// called is a vendor with the words that name it in a text.
type called struct {
	id    string
	words []string
}

func calledSo() []called {
	var all []called
	for _, v := range vendorNames() {
		words := slices.DeleteFunc(append([]string{v.id}, v.aliases...), func(w string) bool {
			return w == "generic" || w == "cup" // words of other things, too
		})
		all = append(all, called{v.id, words})
	}
	return all
}

package assess

// Management: policies, risk, training, audits, officers and who stands in for them.

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
)

func managementControls() []Control {
	return dimension(Management, []Control{
		{ID: "MG-01", Scope: OfStore, Weight: 4, measure: ofStore(managersApart), Refs: pin("25-1"),
			Ask: sentence("Do the custodians who can put the master key together report to more than one manager?",
				"足以合成主密钥的保管员是否分属不同上级？"),
			Fix: sentence("choose custodians of different departments (poskey officer new --reports-to, poskey store reshare); small firms write the exception down",
				"从不同部门选任保管员（poskey officer new --reports-to、poskey store reshare）；小机构须书面说明例外")},
		{ID: "MG-02", Scope: OfStore, Weight: 4, measure: ofStore(cardsInDate), Refs: pin("25-1"),
			Ask: sentence("Is every officer's identity in date?", "每名授权人员的身份是否都在有效期内？"),
			Fix: sentence("make new identities and reshare while the old ones are good (poskey officer new, poskey store reshare)",
				"在旧身份失效前建立新身份并重新分持（poskey officer new、poskey store reshare）")},
		{ID: "MG-03", Scope: OfStore, Weight: 4, measure: ofStore(reserveThere), Refs: pin("25-1"),
			Ask: sentence("Are there more custodians with a share than it takes to open the store?", "持有主密钥份额的保管员是否多于开库所需人数？"),
			Fix: sentence("give shares to reserve custodians (poskey store reshare --holder)", "向替补保管员分发份额（poskey store reshare --holder）")},
		{ID: "MG-04", Scope: OfSite, Weight: 4, Refs: append(dss("3.7.8"), pin("25-1")...),
			Ask: sentence("Has every custodian signed for their duties, with date and management's signature?", "每名保管员是否签署了职责确认书，并有日期和管理层签字？"),
			Fix: sentence("let them sign the custodian form, and keep it for as long as the keys", "签署保管员确认书，保存期不短于密钥寿命")},
		{ID: "MG-05", Scope: OfSite, Weight: 4, Refs: append(pin("28", "33", "7-1"), whole(pciDSS)...),
			Ask: sentence("Are the procedures for keys written down, approved, and known to those who follow them?", "密钥管理规程是否成文、经批准，并为执行人所熟知？"),
			Fix: sentence("write them from the ceremony scripts (poskey ceremony new), and have them read and signed each year",
				"以仪式脚本为基础编写（poskey ceremony new），每年组织学习并签字")},
		{ID: "MG-06", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			Ask: sentence("Was the risk assessed within a year: terminals, loading, transport, people, suppliers?", "一年内是否做过风险评估，涵盖终端、灌装、运输、人员和供应商？"),
			Fix: sentence("assess it, with an owner and a date for each risk", "开展评估，为每项风险指定责任人和期限")},
		{ID: "MG-07", Scope: OfSite, Weight: 3, Refs: append(whole(pciDSS), pin("25-1")...),
			Ask: sentence("Are custodians, operators and merchants' staff trained each year, terminals that were swapped or opened among it?",
				"保管员、操作员和商户人员是否每年接受培训，包括识别被调换或被拆的终端？"),
			Fix: sentence("train them; rehearse a ceremony (poskey ceremony rehearse), and keep the lists", "组织培训，演练仪式（poskey ceremony rehearse），保存签到记录")},
		{ID: "MG-08", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			Ask: sentence("Are people checked before they handle keys, within what the law allows?", "接触密钥的人员上岗前是否在法律允许范围内做过背景审查？"),
			Fix: sentence("agree on it with personnel and the law department", "与人事和法务部门制定办法")},
		{ID: "MG-09", Scope: OfSite, Weight: 4, Refs: append(pin("26-1"), whole(pciDSS)...),
			Ask: sentence("Did somebody who handles no keys audit logs, inventory and components within a year?",
				"一年内是否由不接触密钥的人员审计过日志、台账和分量？"),
			Fix: sentence("hand them poskey audit export, poskey store verify and poskey custody parts", "向其提供 poskey audit export、poskey store verify 和 poskey custody parts 的结果")},
		{ID: "MG-10", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			Ask: sentence("Do contracts with repairers, loaders, carriers and hosts say who keeps which rule, and is it checked?",
				"与维修、灌装、运输和托管方的合同是否明确各自责任并加以检查？"),
			Fix: sentence("make a table of duties for each of them, and ask for their attestation each year", "为每家供应商列出责任分工表，每年索取合规证明")},
		{ID: "MG-11", Scope: OfSite, Weight: 3, Refs: append(pin("30-1"), whole(pciDSS)...),
			Ask: sentence("Was the list of terminals compared with what is really there within a year?", "一年内是否对终端台账做过实物盘点？"),
			Fix: sentence("count by serial number, and look into every difference (poskey device list)", "按序列号盘点，逐一查明差异（poskey device list）")},
	})
}

func managersApart(s *StoreEvidence, _ time.Time) Finding {
	if byToken(s) {
		return notApplicable(text.New("a token store asks no officers"))
	}
	holders, silent := 0, 0
	for i := range s.Officers {
		if !s.Officers[i].Share {
			continue
		}
		if holders++; s.Officers[i].Manager == "" {
			silent++
		}
	}
	switch one := oneManager(s); {
	case s.Threshold == 0 || holders == 0:
		return noEvidence(text.New("how the master key is shared cannot be read"))
	case len(one) > 0:
		return notMet(text.New("managers whose people can put the master key together: %d", len(one)), one...)
	case silent > 0:
		return noEvidence(text.New("of %d custodians it is not said whom they report to", silent))
	}
	return met(text.New("no manager has enough of %d custodians", holders))
}

// oneManager lists managers to whom enough of the custodians report.
func oneManager(s *StoreEvidence) []string {
	count, all := map[string]int{}, []string(nil)
	for i := range s.Officers {
		o := &s.Officers[i]
		if !o.Share || o.Manager == "" || s.Threshold == 0 {
			continue
		}
		name := strings.ToLower(strings.Join(strings.Fields(o.Manager), " "))
		if count[name]++; count[name] == s.Threshold {
			all = append(all, o.Manager)
		}
	}
	slices.Sort(all)
	return all
}

func cardsInDate(s *StoreEvidence, now time.Time) Finding {
	if len(s.Officers) == 0 {
		return notApplicable(text.New("the store has no officers"))
	}
	var late []string
	for i := range s.Officers {
		if !now.Before(s.Officers[i].Expires) {
			late = append(late, s.Officers[i].ID)
		}
	}
	return judged(late, text.New("all of %d identities are in date", len(s.Officers)), text.New("identities that are over: %d", len(late)))
}

func reserveThere(s *StoreEvidence, now time.Time) Finding {
	switch {
	case byToken(s):
		return notApplicable(text.New("a token store asks no officers"))
	case s.Threshold == 0:
		return noEvidence(text.New("how the master key is shared cannot be read"))
	}
	able := 0
	for i := range s.Officers {
		if o := &s.Officers[i]; o.Share && o.inDate(now) {
			able++
		}
	}
	switch {
	case able > s.Threshold:
		return met(text.New("it takes %d of %d officers", s.Threshold, able))
	case able == s.Threshold:
		return notMet(text.New("it takes all %d officers: one who is away, or leaves, closes the store for good", able))
	}
	return notMet(text.New("it takes %d officers to open the store, and %d with a share are in date", s.Threshold, able))
}

package assess

// Incident response: reporting, triage, team, lessons; what is open, and what is over its time.

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/incident"
	"poskey/pkg/store"
)

func responseControls() []Control {
	return dimension(Response, []Control{
		{ID: "IR-01", Scope: OfSite, Weight: 5, measure: ofIncidents(unlessUnread(allContained)), Refs: append(pin("22"), whole(pciDSS)...),
			Ask: sentence("Is every incident contained?", "所有事件是否都已控制？"),
			Fix: sentence("go through the steps that contain it (poskey incident show, poskey incident contain)", "按步骤完成控制（poskey incident show、poskey incident contain）")},
		{ID: "IR-02", Scope: OfSite, Weight: 4, measure: ofIncidents(unlessUnread(nothingOverdue)), Refs: append(pin("22"), whole(pciDSS)...),
			Ask: sentence("Is no step of an incident over its time?", "是否没有逾期的事件处理步骤？"),
			Fix: sentence("do it or say why it is skipped (poskey incident add)", "完成该步骤，或说明跳过的理由（poskey incident add）")},
		{ID: "IR-03", Scope: OfSite, Weight: 3, measure: ofIncidents(unlessUnread(closedInTime)), Refs: whole(pciDSS),
			Ask: sentence("Was every incident closed within ninety days after it was contained?", "事件是否在控制后九十天内结案？"),
			Fix: sentence("finish the steps, write the lessons down and close it by two people (poskey incident close)", "完成剩余步骤，总结教训，由两人结案（poskey incident close）")},
		{ID: "IR-04", Scope: OfSite, Weight: 4, measure: ofIncidents(recordsWhole), Refs: ownRule(),
			Ask: sentence("Do the records of all incidents verify?", "所有事件记录是否校验通过？"),
			Fix: sentence("compare with the copy of the acquirer or the auditor; treat a changed record as an incident of its own", "与收单机构或审计员的副本比对；记录被改动本身即为一起事件")},
		{ID: "IR-05", Scope: OfSite, Weight: 5, measure: ofStore(compromisedOut), Refs: append(pin("18-2", "22"), whole(sp57)...),
			Ask: sentence("Is no compromised key in a terminal?", "是否没有终端仍装有已泄露的密钥？"),
			Fix: sentence("lock these terminals and load successors (poskey device lock, poskey key rotate, poskey inject)", "锁定相关终端并灌装后继密钥（poskey device lock、poskey key rotate、poskey inject）")},
		{ID: "IR-06", Scope: OfSite, Weight: 3, measure: ofStore(suspicionSettled), Refs: pin("22"),
			Ask: sentence("Was a decision made about every suspended key within thirty days?", "挂起的密钥是否在三十天内作出处理决定？"),
			Fix: sentence("clear it (poskey key activate) or give it up (poskey key compromise)", "排除疑点后恢复（poskey key activate），或宣布泄露（poskey key compromise）")},
		{ID: "IR-07", Scope: OfSite, Weight: 4, Refs: append(pin("22"), whole(pciDSS)...),
			Ask: sentence("Does everybody know whom to call day and night about a lost, opened or strange terminal, and the acquirer's and schemes' times for being told?",
				"是否人人知道终端丢失、被拆或异常时全天候向谁报告，以及向收单机构和卡组织报告的时限？"),
			Fix: sentence("put the numbers at each place of work, and try them", "在各工作点张贴电话并实际拨测")},
		{ID: "IR-08", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			Ask: sentence("Is a team named, with substitutes, who decide about keys, terminals, evidence and the press?",
				"是否指定了事件处理小组及替补人员，分别负责密钥、终端、证据和对外沟通？"),
			Fix: sentence("name them and give them the right to stop business", "书面任命，并授予暂停业务的权限")},
		{ID: "IR-09", Scope: OfSite, Weight: 3, Refs: append(pin("22"), whole(pciDSS)...),
			Ask: sentence("Are there rules by which reports are sorted, with who is told and how soon?", "是否有事件分级规则，明确通知对象和时限？"),
			Fix: sentence("write a page with examples: suspected key, opened terminal, lost bag, wrong key, many failed checks", "编写一页带示例的规则：疑似泄露、终端被拆、密封袋丢失、错灌、批量校验失败")},
		{ID: "IR-10", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			Ask: sentence("Was an incident played through within a year, and written up?", "一年内是否进行过事件演练并形成记录？"),
			Fix: sentence("rehearse with a test store and emulated terminals", "用测试密钥库和模拟终端演练")},
	})
}

func incidentsThat(e *Evidence, which func(*incident.Summary) bool) []string {
	var ids []string
	for i := range e.Incidents {
		if which(&e.Incidents[i]) {
			ids = append(ids, e.Incidents[i].ID)
		}
	}
	return ids
}

// unlessUnread holds back what a record that does not verify may have otherwise.
func unlessUnread(look func(e *Evidence) Finding) func(e *Evidence) Finding {
	return func(e *Evidence) Finding {
		broken := incidentsThat(e, func(s *incident.Summary) bool { return s.Broken != nil })
		if f := look(e); f.Verdict == NotMet || len(broken) == 0 {
			return f
		}
		return noEvidence(text.New("records that do not verify tell nothing: %s", strings.Join(broken[:min(len(broken), fewNames)], " ")))
	}
}

func allContained(e *Evidence) Finding {
	open := incidentsThat(e, func(s *incident.Summary) bool { return s.State == incident.Open })
	return judged(open, text.New("no incident is open without being contained"), text.New("incidents that are not contained: %d", len(open)))
}

func nothingOverdue(e *Evidence) Finding {
	late := incidentsThat(e, func(s *incident.Summary) bool { return len(s.Overdue) > 0 })
	return judged(late, text.New("no step is over its time"), text.New("incidents with steps over their time: %d", len(late)))
}

const closeWithin = 90 * day

func closedInTime(e *Evidence) Finding {
	late := incidentsThat(e, func(s *incident.Summary) bool {
		return s.State == incident.Contained && !within(s.Contained, e.Now, closeWithin)
	})
	return judged(late, text.New("none has waited longer"), text.New("incidents that wait for being closed: %d", len(late)))
}

func recordsWhole(e *Evidence) Finding {
	broken := incidentsThat(e, func(s *incident.Summary) bool { return s.Broken != nil })
	return judged(broken, text.New("records that verify: %d", len(e.Incidents)), text.New("records that do not verify: %d", len(broken)))
}

// loadedIn lists slots with keys that are in a state, or derived from one, as SERIAL/SLOT.
func loadedIn(s *StoreEvidence, states ...store.State) []string {
	bad := map[store.Ref]bool{}
	for i := range s.Keys {
		for _, state := range states {
			if s.Keys[i].State == state {
				bad[s.Keys[i].Ref()] = true
			}
		}
	}
	var slots []string
	if len(bad) == 0 {
		return nil
	}
	for i := range s.Devices {
		for _, k := range s.Devices[i].Keys {
			if bad[k.Key] {
				slots = append(slots, s.Devices[i].Serial+"/"+k.Slot)
			}
		}
	}
	return slots
}

func compromisedOut(s *StoreEvidence, _ time.Time) Finding {
	if !slices.ContainsFunc(s.Devices, func(d store.Device) bool { return len(d.Keys) > 0 }) {
		return notApplicable(text.New("the inventory has no key in a terminal"))
	}
	slots := loadedIn(s, store.Compromised, store.DestroyedCompromised)
	return judged(slots, text.New("no compromised key is in one of %d terminals", len(s.Devices)),
		text.New("slots with a compromised key, or one derived from it: %d", len(slots)))
}

const decideWithin = 30 * day

func suspicionSettled(s *StoreEvidence, now time.Time) Finding {
	if keysInUse(s) == 0 {
		return notApplicable(noKeys())
	}
	var late []string
	for i := range s.Keys {
		if k := &s.Keys[i]; k.State == store.Suspended && !within(k.Suspended, now, decideWithin) {
			late = append(late, k.Ref().String())
		}
	}
	return judged(late, text.New("no key has been suspended for longer"), text.New("keys that have been suspended for longer: %d", len(late)))
}

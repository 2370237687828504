package assess

// User authentication: passwords, second factor, roles, at terminals and at the store.

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/store"
)

func authenticationControls() []Control {
	return dimension(Authentication, []Control{
		{ID: "UA-01", Scope: OfTerminal, Weight: 3, measure: ofDevice(fewDenials), Refs: append(whole(pciDSS), whole(jrt0120)...),
			Ask: sentence("Does the terminal's log show fewer than three denied log-ins in ninety days?", "九十天内终端日志中被拒绝的登录是否少于三次？"),
			Fix: sentence("ask who it was; change the password, and look at cameras and shifts (poskey device logs)", "查明是谁；更换密码，核对监控和班次（poskey device logs）")},
		{ID: "UA-02", Scope: OfTerminal, Weight: 2, measure: ofDevice(notBarred), Refs: whole(pciDSS),
			Ask: sentence("Is the terminal free of a lock after wrong passwords?", "终端是否未因密码错误次数超限而锁定？"),
			Fix: sentence("find out who tried, wait or let the supervisor reset it (poskey device unlock)", "查明尝试者，等待解锁或由主管重置（poskey device unlock）")},
		{ID: "UA-03", Scope: OfTerminal, Weight: 4, measure: ofDevice(twoAdministrators), Refs: pin("12-3", "14-3"),
			Ask: sentence("Are both administrators' passwords set at the terminal, and different?", "终端的两名管理员密码是否均已设置且不相同？"),
			Fix: sentence("let each administrator set a password that the other one does not know", "由两名管理员各自设置对方不知道的密码")},
		{ID: "UA-04", Scope: OfStore, Weight: 4, measure: ofLog(fewFailures), Refs: whole(pciDSS),
			Ask: sentence("Are there fewer than three failed log-ins of officers and devices in the audit log?", "审计日志中授权人员和设备的登录失败是否少于三次？"),
			Fix: sentence("ask each officer about theirs (poskey audit show --result refused); open an incident if nobody knows of them",
				"逐一询问相关授权人员（poskey audit show --result refused）；无人认领则登记事件")},
		{ID: "UA-05", Scope: OfStore, Weight: 4, measure: ofStore(namedOfficers), Refs: append(pin("12-1"), dss("3.7.6")...),
			Ask: sentence("Do named officers approve what is done with keys, and not whoever can use the token?",
				"密钥操作是否由具名授权人员批准，而不是谁能用令牌谁就能操作？"),
			Fix: sentence("use a store whose master key is shared by officers, or guard the token's PIN by two people", "使用由授权人员分持主密钥的密钥库，或令牌 PIN 由两人分掌")},
		{ID: "UA-06", Scope: OfStore, Weight: 4, measure: ofStore(rolesFilled), Refs: append(pin("25-1"), whole(pciDSS)...),
			Ask: sentence("Is there an officer for each role: administrator, custodian, operator, auditor?", "管理员、密钥保管员、操作员、审计员四种角色是否都有人担任？"),
			Fix: sentence("make an identity for each role and admit it (poskey officer new, poskey store reshare)", "为缺少的角色建立身份并吸纳（poskey officer new、poskey store reshare）")},
		{ID: "UA-07", Scope: OfStore, Weight: 4, measure: ofStore(secondAdministrator), Refs: pin("25-1"),
			Ask: sentence("Are there two administrators or more, so that one who is away does not stop the house?", "是否有两名或以上管理员，避免一人缺席即停摆？"),
			Fix: sentence("admit a second administrator (poskey officer new --role administrator, poskey store reshare)", "吸纳第二名管理员（poskey officer new --role administrator、poskey store reshare）")},
		{ID: "UA-08", Scope: OfStore, Weight: 5, measure: ofStore(nobodyOpensAlone), Refs: append(pin("12-1", "21-2.4"), dss("3.7.6")...),
			Ask: sentence("Does it take two officers or more to open the store?", "打开密钥库是否需要两名或以上授权人员？"),
			Fix: sentence("share the master key anew with a threshold of two or more (poskey store reshare --threshold)", "以二人或以上的门限重新分持主密钥（poskey store reshare --threshold）")},
		{ID: "UA-09", Scope: OfTerminal, Weight: 5, Refs: append(pin("14-3"), whole(pciDSS)...),
			Ask: sentence("Were the factory passwords of terminals and loaders changed, those of administrator 99 and supervisor 00 among them?",
				"终端和灌装设备的出厂密码（包括 99 号管理员和 00 号主管）是否已修改？"),
			Fix: sentence("change them at delivery, each terminal another one, and record that it was done", "到货即改，一机一密，并记录")},
		{ID: "UA-10", Scope: OfSite, Weight: 4, Refs: whole(pciDSS),
			Ask: sentence("Do administrators of terminals, of their management and of the key machine use a second factor?",
				"终端、终端管理系统和密钥主机的管理员是否使用双因素认证？"),
			Fix: sentence("give out one-time password devices or cards; poskey's officers have a file and a passphrase", "配发动态口令或智能卡；poskey 授权人员需同时持有身份文件和口令")},
		{ID: "UA-11", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			Ask: sentence("Are there rules for passwords (length, first change, lock-out, no sharing), and are they followed?",
				"是否有并执行密码规则（长度、首次修改、锁定、不得共用）？"),
			Fix: sentence("write them down, enforce them where a system can, and sample the rest", "形成制度，系统能强制的强制，其余抽查")},
		{ID: "UA-12", Scope: OfSite, Weight: 4, Refs: append(whole(pciDSS), pin("25-1")...),
			Ask: sentence("Has every person an account of their own, and is it closed on the day they leave?", "是否一人一账号，离岗当天即关闭？"),
			Fix: sentence("let personnel tell security of leavers; take officers out at once (poskey store reshare)", "人事离岗即通知安全部门；立即移除授权人员（poskey store reshare）")},
	})
}

func fewDenials(d *DeviceEvidence, _ *Evidence) Finding {
	if len(d.events()) == 0 {
		return noEvidence(text.New("no event of the terminal's log was read"))
	}
	n := denials(d.recent())
	if n >= DefaultWatch().FailedLogins {
		return notMet(text.New("denied log-ins: %d", n), d.serial())
	}
	return d.unlessCut(met(text.New("denied log-ins: %d", n)))
}

// recent are the events of the last ninety days by the terminal's own clock; all of them where it has none.
func (d *DeviceEvidence) recent() []device.LogEvent {
	var all []device.LogEvent
	for _, e := range d.events() {
		if e.At.IsZero() || d.Status.Now.Sub(e.At) <= deniedWithin {
			all = append(all, e)
		}
	}
	return all
}

const deniedWithin = 90 * day

// denials counts what a terminal's log says of people it did not let in. One line may stand for many.
func denials(events []device.LogEvent) int {
	n := 0
	for _, e := range events {
		if e.Kind == "denied" && aboutLogin(e.Detail) {
			n += timesIn(e.Detail)
		}
	}
	return n
}

func aboutLogin(detail string) bool {
	return slices.ContainsFunc([]string{"password", "barred", "code", "no login"}, func(s string) bool { return strings.Contains(detail, s) })
}

// timesIn reads how often an event came: "password, 5 times".
func timesIn(detail string) int {
	before, found := strings.CutSuffix(detail, " times")
	at := strings.LastIndexByte(before, ' ')
	n, err := strconv.Atoi(before[at+1:])
	if !found || err != nil || n < 1 || n > 1_000_000 {
		return 1
	}
	return n
}

func notBarred(d *DeviceEvidence, _ *Evidence) Finding {
	if d.locked(device.LockPassword) || d.locked(device.LockPINRate) {
		return notMet(text.New("the terminal is locked after wrong or too many entries"), d.serial())
	}
	return met(text.New("no lock of that kind is on"))
}

func twoAdministrators(d *DeviceEvidence, _ *Evidence) Finding {
	if d.locked(device.LockDualAdmin) {
		return notMet(text.New("the passwords of its two administrators are missing, equal or not changed"), d.serial())
	}
	return met(text.New("no lock of that kind is on"))
}

func fewFailures(l *LogEvidence, _ time.Time) Finding {
	n := l.FailedLogins
	return isSo(n < DefaultWatch().FailedLogins, text.New("failed log-ins: %d", n), text.New("failed log-ins: %d", n))
}

func byToken(s *StoreEvidence) bool { return s.Identity.Master.Kind == store.ByToken }

func namedOfficers(s *StoreEvidence, _ time.Time) Finding {
	if byToken(s) {
		return notMet(text.New("whoever may use the token may do everything"))
	}
	return met(text.New("officers in office: %d", len(s.Officers)))
}

func rolesFilled(s *StoreEvidence, now time.Time) Finding {
	if byToken(s) {
		return notApplicable(text.New("a token store asks no officers"))
	}
	var empty []string
	for _, r := range custody.AllRoles() {
		if !slices.ContainsFunc(s.Officers, func(o OfficerFact) bool { return o.inDate(now) && slices.Contains(o.Roles, string(r)) }) {
			empty = append(empty, string(r))
		}
	}
	return judged(empty, text.New("every role has an officer"), text.New("roles without an officer whose identity is in date: %d", len(empty)))
}

// inDate: who is not can do nothing any more.
func (o *OfficerFact) inDate(now time.Time) bool { return now.Before(o.Expires) }

func administrators(s *StoreEvidence, now time.Time) []string {
	var all []string
	for i := range s.Officers {
		if o := &s.Officers[i]; o.inDate(now) && slices.Contains(o.Roles, string(custody.Administrator)) {
			all = append(all, s.Officers[i].ID)
		}
	}
	return all
}

func secondAdministrator(s *StoreEvidence, now time.Time) Finding {
	if byToken(s) {
		return notApplicable(text.New("a token store asks no officers"))
	}
	all := administrators(s, now)
	if len(all) < 2 {
		return notMet(text.New("administrators: %d", len(all)), all...)
	}
	return met(text.New("administrators: %d", len(all)))
}

func nobodyOpensAlone(s *StoreEvidence, _ time.Time) Finding {
	switch {
	case byToken(s):
		return noEvidence(text.New("who knows the token's PIN is for people to say"))
	case s.Threshold == 0:
		return noEvidence(text.New("how the master key is shared cannot be read"))
	case s.Threshold < 2:
		return notMet(text.New("one officer opens the store alone"))
	}
	return met(text.New("it takes %d of %d officers", s.Threshold, s.Shares))
}

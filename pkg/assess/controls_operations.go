package assess

// Operations: who may do what and what is written down of it, and the keys: their lives, loads, owners and strength.

import (
	"slices"
	"time"

	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/device"
	"poskey/pkg/store"
)

func operationsControls() []Control {
	return dimension(Operations, slices.Concat(logControls(), keyControls(), loadControls(), shopControls()))
}

func logControls() []Control {
	return []Control{
		{ID: "OP-01", Scope: OfStore, Weight: 5, measure: logWhole, Refs: append(pin("26-1"), whole(pciDSS)...),
			Ask: sentence("Does the audit log verify from its first record to its last?", "审计日志从首条到末条是否全部校验通过？"),
			Fix: sentence("find the place (poskey audit verify), hold it against copies, and open an incident", "定位（poskey audit verify），与副本比对，并登记事件")},
		{ID: "OP-02", Scope: OfStore, Weight: 4, measure: ofLog(checkpointed), Refs: whole(pciDSS),
			Ask: sentence("Did officers sign a checkpoint of the audit log within thirty days?", "三十天内是否有授权人员签署过审计日志检查点？"),
			Fix: sentence("sign one and keep copies with the officers (poskey audit checkpoint --to)", "签署检查点并由授权人员保存副本（poskey audit checkpoint --to）")},
		{ID: "OP-03", Scope: OfStore, Weight: 3, measure: ofLog(checkpointKnown), Refs: whole(pciDSS),
			Ask: sentence("Is the newest checkpoint signed by officers who are known?", "最新检查点是否由已知授权人员签署？"),
			Fix: sentence("verify with the officers' cards (poskey audit verify --officer --quorum)", "用授权人员卡校验（poskey audit verify --officer --quorum）")},
		{ID: "OP-04", Scope: OfStore, Weight: 3, measure: ofLog(allFinished), Refs: pin("26-1"),
			Ask: sentence("Has every operation in the audit log an outcome?", "审计日志中的每项操作是否都有结果？"),
			Fix: sentence("look at what became of them (poskey store verify), and say so", "查清结果（poskey store verify）并予以记录")},
		{ID: "OP-05", Scope: OfStore, Weight: 2, measure: ofLog(clockKept), Refs: whole(pciDSS),
			Ask: sentence("Did the clock of the audit log never go back or run ahead?", "审计日志的时钟是否从未倒退或超前？"),
			Fix: sentence("find out who set it, and keep it synchronised (poskey audit verify names the records)", "查明调整者并保持同步（poskey audit verify 列出相关记录）")},
		{ID: "OP-06", Scope: OfStore, Weight: 5, measure: ofLog(twoForClearKeys), Refs: append(pin("12-1", "12-3"), dss("3.7.6")...),
			Ask: sentence("Did two people or more approve each operation on clear keys in production?", "生产环境中每次明文密钥操作是否都有两人或以上批准？"),
			Fix: sentence("look at who was there; treat the keys as suspected (poskey key suspend) until it is settled", "核实当时在场人员；查清前将密钥按疑似泄露处理（poskey key suspend）")},
		{ID: "OP-07", Scope: OfStore, Weight: 3, measure: ofLog(nothingShown), Refs: append(pin("6-1"), dss("3.7.6")...),
			Ask: sentence("Was no key shown in clear in the time that is looked at?", "考察期内是否没有密钥被明文显示？"),
			Fix: sentence("ask why it was needed, rotate it, and exchange key blocks instead (poskey key export)", "问明原因并轮换，改用密钥块交换（poskey key export）")},
		{ID: "OP-08", Scope: OfStore, Weight: 2, measure: ofLog(boundaryTested), Refs: whole(gmt0028),
			Ask: sentence("Was the boundary that holds the keys tested within ninety days?", "九十天内是否对密钥边界做过自检？"),
			Fix: sentence("test it (poskey hsm selftest, poskey selftest)", "执行自检（poskey hsm selftest、poskey selftest）")},
		{ID: "OP-09", Scope: OfSite, Weight: 3, Refs: append(pin("26-1"), whole(pciDSS)...),
			Ask: sentence("Are copies of audit log and checkpoints kept where those who write the log cannot reach them?", "审计日志和检查点的副本是否存放在日志写入者接触不到的地方？"),
			Fix: sentence("hand them to the auditor at fixed times (poskey audit export, poskey audit checkpoint --to)", "定期移交审计员（poskey audit export、poskey audit checkpoint --to）")},
	}
}

func keyControls() []Control {
	return []Control{
		{ID: "OP-10", Scope: OfStore, Weight: 5, measure: ofStore(withinPeriod), Refs: append(whole(sp57), whole(pciDSS)...),
			Ask: sentence("Is no key in use past the end of its cryptoperiod?", "是否没有密钥超过使用期限仍在使用？"),
			Fix: sentence("rotate it (poskey key rotate), then retire the old one (poskey key retire)", "轮换（poskey key rotate），再停用旧密钥（poskey key retire）")},
		{ID: "OP-11", Scope: OfStore, Weight: 3, measure: ofStore(periodSet), Refs: append(whole(sp57), whole(pciDSS)...),
			Ask: sentence("Has every active key an end of its cryptoperiod?", "每个使用中的密钥是否都有使用期限？"),
			Fix: sentence("rotate it: its successor gets one (poskey key rotate)", "轮换后的新密钥会带有期限（poskey key rotate）")},
		{ID: "OP-12", Scope: OfSite, Weight: 5, measure: ofStore(uniquePerTerminal), Refs: pin("20-1"),
			Ask: sentence("Are the keys in different terminals different (no equal check values beyond chance)?", "不同终端中的密钥是否各不相同（校验值相同不超出偶然）？"),
			Fix: sentence("load each terminal a key of its own: derived or from a key set (poskey inject, poskey fleet plan)", "一机一密：使用分散密钥或密钥集（poskey inject、poskey fleet plan）")},
		{ID: "OP-13", Scope: OfStore, Weight: 4, measure: ofStore(noTwins), Refs: pin("19", "20-1"),
			Ask: sentence("Has every key of the store a check value of its own (but for chance)?", "密钥库中每个密钥的校验值是否互不相同（偶然除外）？"),
			Fix: sentence("find out whether it is one key under two names (poskey key list --kcv), and destroy one", "确认是否同一密钥重复登记（poskey key list --kcv），并销毁其一")},
		{ID: "OP-14", Scope: OfSite, Weight: 5, measure: ofStore(nobodyKnowsAll), Refs: append(pin("8-2", "21-2.4"), dss("3.7.6")...),
			Ask: sentence("Has nobody ever seen as many parts of a key as form it?", "是否没有任何人见过足以组成密钥的全部分量？"),
			Fix: sentence("rotate that key with other custodians (poskey custody parts, poskey key rotate)", "更换保管员并轮换该密钥（poskey custody parts、poskey key rotate）")},
		{ID: "OP-15", Scope: OfStore, Weight: 4, measure: ofStore(formedByTwo), Refs: append(pin("12-1", "21-2"), dss("3.6.1.2")...),
			Ask: sentence("Was every key that was formed from components formed by two custodians or more?", "由分量合成的密钥是否都有两名或以上保管员参与？"),
			Fix: sentence("form it anew in a ceremony with two custodians (poskey ceremony new), and retire this one", "由两名保管员在仪式中重新合成（poskey ceremony new），停用旧密钥")},
		{ID: "OP-16", Scope: OfStore, Weight: 4, measure: ofStore(parentsStrong), Refs: pin("10-1"),
			Ask: sentence("Is every key exchanged under a key that is at least as strong?", "每个密钥是否都由强度不低于它的密钥保护？"),
			Fix: sentence("move the partner to a stronger key (poskey key rotate of the parent, with another algorithm)", "将上级密钥换成更强的算法（对上级密钥执行 poskey key rotate）")},
		{ID: "OP-17", Scope: OfStore, Weight: 5, measure: ofStore(noSingleDES), Refs: append(pin("12-5"), whole(sp57)...),
			Ask: sentence("Is no single-length DES key in use?", "是否没有单长度 DES 密钥在使用？"),
			Fix: sentence("replace it by AES, SM4 or triple DES (poskey generate, poskey key retire)", "改用 AES、SM4 或三重 DES（poskey generate、poskey key retire）")},
		{ID: "OP-18", Scope: OfTerminal, Weight: 3, measure: ofSlots(slotParityOdd), Refs: append(pin("12-5"), whole(sp57)...),
			Ask: sentence("Are the DES keys in the terminal of odd parity, as far as it tells?", "终端中的 DES 密钥（在其可报告范围内）是否均为奇校验？"),
			Fix: sentence("load the key again with its parity set; its check value stays the same", "修正奇偶校验后重新灌装；校验值不变")},
		{ID: "OP-19", Scope: OfTerminal, Weight: 4, measure: ofSlots(slotKeysInTime), Refs: whole(sp57),
			Ask: sentence("Is no key in the terminal past its end?", "终端中是否没有过期密钥？"),
			Fix: sentence("load the successor (poskey key rotate, poskey inject)", "灌装后继密钥（poskey key rotate、poskey inject）")},
		{ID: "OP-20", Scope: OfTerminal, Weight: 4, measure: ofSlots(countersLeft), Refs: whole("ANSI X9.24-3"),
			Ask: sentence("Has each DUKPT engine of the terminal ten thousand transactions left or more?", "终端的每个 DUKPT 引擎是否还剩一万笔以上？"),
			Fix: sentence("load another initial key (poskey inject with a key set)", "灌装新的初始密钥（poskey inject 使用密钥集）")},
		{ID: "OP-21", Scope: OfStore, Weight: 3, measure: ofStore(numbersLeft), Refs: ownRule(),
			Ask: sentence("Has every key set a tenth of its numbers left or more?", "每个密钥集是否还剩十分之一以上的编号？"),
			Fix: sentence("add another range (poskey keyset add)", "新增号段（poskey keyset add）")},
	}
}

func loadControls() []Control {
	return []Control{
		{ID: "OP-22", Scope: OfTerminal, Weight: 4, measure: inInventory, Refs: pin("29", "30-1"),
			Ask: sentence("Is the terminal in the inventory, and confirmed there?", "终端是否已在台账中并处于已确认状态？"),
			Fix: sentence("look into where it comes from, then add it or reject it (poskey device add, poskey device reject)", "查明来历后登记或拒绝（poskey device add、poskey device reject）")},
		{ID: "OP-23", Scope: OfTerminal, Weight: 4, measure: slotsAsListed, Refs: append(pin("15-1"), pin("20-1")...),
			Ask: sentence("Do the check values that the terminal tells agree with the inventory?", "终端报告的校验值是否与台账一致？"),
			Fix: sentence("find out which key is in the slot (poskey diagnose device), and load the right one", "查明槽位中的密钥（poskey diagnose device），灌装正确密钥")},
		{ID: "OP-24", Scope: OfSite, Weight: 4, measure: ofStore(loadsSettled), Refs: pin("30-3"),
			Ask: sentence("Is the outcome of every load known?", "每次灌装的结果是否都已明确？"),
			Fix: sentence("ask the terminals again, and settle or give up (poskey fleet reconcile, poskey inject)", "再次询问终端并核清或放弃（poskey fleet reconcile、poskey inject）")},
		{ID: "OP-25", Scope: OfSite, Weight: 4, measure: ofStore(devicesAccounted), Refs: pin("30-3"),
			Ask: sentence("Is every terminal accounted for that anything was sent to?", "凡发送过密钥的终端是否都已核清？"),
			Fix: sentence("look at each of them (poskey device list, poskey fleet reconcile)", "逐台核对（poskey device list、poskey fleet reconcile）")},
		{ID: "OP-26", Scope: OfTerminal, Weight: 2, measure: ofDevice(notLocked), Refs: whole(jrt0120),
			Ask: sentence("Is the terminal free of locks by acquirer, place, sign-in or operator?", "终端是否没有远程、移机、签到或操作员锁定？"),
			Fix: sentence("find out why it was locked, then let whoever may lift it do so (poskey device unlock)", "查明锁定原因，由有权者解锁（poskey device unlock）")},
	}
}

func shopControls() []Control {
	return []Control{
		{ID: "OP-27", Scope: OfSite, Weight: 4, Refs: pin("24-2.3", "24-2.2"),
			Ask: sentence("Are components destroyed once their key is loaded and confirmed, before a witness who is no custodian of it?",
				"密钥灌装并确认后，其分量是否在非保管员见证下销毁？"),
			Fix: sentence("destroy them with an affidavit (poskey custody bags shows what is left)", "销毁并签署证明（poskey custody bags 显示未销毁部分）")},
		{ID: "OP-28", Scope: OfSite, Weight: 4, Refs: pin("19"),
			Ask: sentence("Are test and production kept apart: machines, stores, keys, terminals?", "测试与生产的主机、密钥库、密钥、终端是否分离？"),
			Fix: sentence("make a store of its own for tests; never load a test key in the field", "为测试单独建库；现场绝不灌装测试密钥")},
		{ID: "OP-29", Scope: OfTerminal, Weight: 3, Refs: whole(jrt0120),
			Ask: sentence("Does each operator sign in at the terminal under a number of their own, and does it lock when nobody works?",
				"每名操作员是否以自己的编号签到，无人操作时终端是否自动锁定？"),
			Fix: sentence("give out numbers and passwords; set the idle lock", "分配编号和密码，设置空闲锁定")},
		{ID: "OP-30", Scope: OfTerminal, Weight: 4, Refs: whole(jrt0120),
			Ask: sentence("Do refunds, voids and settings need a supervisor, and are they compared with the day's settlement?",
				"退货、撤销和参数修改是否需要主管授权，并与当日结算核对？"),
			Fix: sentence("set the limits at the terminal; let somebody else compare the lists each day", "在终端设置权限和限额，每日由他人核对清单")},
		{ID: "OP-31", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			Ask: sentence("Are logs of terminals, of their management and of the key machine collected and looked at each day?",
				"终端、管理系统和密钥主机的日志是否集中收集并每日查看？"),
			Fix: sentence("send them to one place; let poskey assess watch run each day", "集中存放；每日运行 poskey assess watch")},
	}
}

// logWhole asks only whether it verifies, and so counts where it does not.
func logWhole(e *Evidence) Finding {
	if e.Log == nil {
		return Finding{}
	}
	if e.Log.Broken != nil {
		return notMet(text.New("%s", e.Log.Broken)).from(FromLog, e.Now)
	}
	if f := endMissing(e); f.Verdict != "" {
		return f.from(FromLog, e.Now)
	}
	return met(text.New("%d records verify", e.Log.Report.Records)).from(FromLog, e.Now)
}

// recordedWithin is what the record of a change may be older than the change: its outcome is written after it. Where the
// outcome is missing, the intent before it is the last that there is.
func recordedWithin(l *LogEvidence) time.Duration {
	if l.Unfinished > 0 {
		return 5 * time.Second
	}
	return 100 * time.Millisecond
}

// endMissing holds the log against the store: of what is done with a key the log has a record, so a log that ends before a
// key was made, suspended or given up was cut. Where its clock went back nothing can be told by times.
func endMissing(e *Evidence) Finding {
	if e.Store == nil || clockWrong(e.Log) > 0 {
		return Finding{}
	}
	var later []string
	for i := range e.Store.Keys {
		if k := &e.Store.Keys[i]; lastChange(k).Sub(e.Log.Report.Last) > recordedWithin(e.Log) {
			later = append(later, k.Ref().String())
		}
	}
	if len(later) == 0 {
		return Finding{}
	}
	return notMet(text.New("the log ends on %s, and the store has keys that were changed later: it was cut short, or an older copy was put in its place",
		e.Log.Report.Last.UTC().Format(time.RFC3339)), later...)
}

// lastChange is when something was last done with a key that the log has a record of.
func lastChange(k *store.Key) time.Time {
	return slices.MaxFunc([]time.Time{k.Created, k.Activated, k.Suspended, k.Deactivated, k.Compromised, k.Destroyed}, time.Time.Compare)
}

func checkpointed(l *LogEvidence, now time.Time) Finding {
	if l.Checkpoint.IsZero() {
		return missing(text.New("nobody has signed the audit log"))
	}
	return howOld(l.Checkpoint, now, DefaultWatch().CheckAge, func(days int) text.Text { return text.New("the last checkpoint is %d days old", days) })
}

func checkpointKnown(l *LogEvidence, _ time.Time) Finding {
	switch r := &l.Report; {
	case r.Signed > 0:
		return met(text.New("%d of %d records are as officers signed them", r.Signed, r.Records))
	case len(r.Checkpoints) == 0:
		return missing(text.New("there is no checkpoint"))
	}
	return noEvidence(text.New("nobody who is known here signed a checkpoint; no officers' cards were given, or others"))
}

func allFinished(l *LogEvidence, _ time.Time) Finding {
	return isSo(l.Unfinished == 0, text.New("every operation has an outcome"), text.New("operations without an outcome: %d", l.Unfinished))
}

func clockKept(l *LogEvidence, _ time.Time) Finding {
	n := clockWrong(l)
	return isSo(n == 0, text.New("time never went back"), text.New("records whose time is wrong: %d", n))
}

// clockWrong counts the records whose time is not after the one before, or has not come yet.
func clockWrong(l *LogEvidence) int {
	n := 0
	for _, w := range l.Report.Warnings {
		if w.Kind == audit.ClockBack || w.Kind == audit.ClockAhead {
			n++
		}
	}
	return n
}

func twoForClearKeys(l *LogEvidence, _ time.Time) Finding {
	if l.Report.Identity.Environment == audit.Test {
		return notApplicable(text.New("test keys may be handled by one person"))
	}
	return judged(l.SingleHanded, text.New("no such operation by one person alone"), text.New("operations by one person alone: %d", len(l.SingleHanded)))
}

func nothingShown(l *LogEvidence, _ time.Time) Finding {
	return isSo(l.Reveals == 0, text.New("no key was shown"), text.New("keys that were shown in clear: %d", l.Reveals))
}

const testedWithin = 90 * day

func boundaryTested(l *LogEvidence, now time.Time) Finding {
	if l.Selftest.IsZero() {
		return noEvidence(text.New("the audit log has no such test"))
	}
	return howOld(l.Selftest, now, testedWithin, func(days int) text.Text { return text.New("the last test was %d days ago", days) })
}

func inInventory(e *Evidence) Finding {
	if e.Device == nil || e.Device.Listed == nil && e.Store == nil {
		return Finding{}
	}
	d := e.Device.Listed
	switch {
	case d == nil && e.Device.serial() == "":
		return noEvidence(text.New("the terminal does not tell its serial number"))
	case d == nil:
		return notMet(text.New("the inventory does not have the terminal"), e.Device.serial()).from(FromStore, e.Now)
	case e.Device.Status.Serial != "" && e.Device.Status.Serial != d.Serial:
		return notMet(text.New("the terminal says it is another one"), e.Device.serial()).from(FromStore, e.Now)
	case d.State != store.Confirmed:
		return notMet(text.New("the inventory has it as %s", string(d.State)), d.Serial).from(FromStore, e.Now)
	}
	return met(text.New("the inventory has it as %s", string(d.State))).from(FromStore, e.Now)
}

// slotsAsListed compares every slot for which both sides have a check value.
func slotsAsListed(e *Evidence) Finding {
	d := e.Device
	if d == nil || d.Listed == nil || !d.toldSlots() {
		return Finding{}
	}
	compared, wrong := 0, []string(nil)
	for _, k := range d.Listed.Keys {
		got, there := d.Status.CheckOf(device.Slot(k.Slot))
		if !there && d.told() { // who tells of some slots only may have it all the same
			compared, wrong = compared+1, append(wrong, plain(k.Slot))
		}
		if same, known := store.SameCheck(got, k.Check); there && known {
			compared++
			if !same {
				wrong = append(wrong, plain(k.Slot))
			}
		}
	}
	for _, slot := range unlisted(d) { // somebody else put a key there
		compared, wrong = compared+1, append(wrong, slot)
	}
	if compared == 0 {
		return noEvidence(text.New("no slot has a check value on both sides"))
	}
	return judged(wrong, text.New("slots that agree: %d", compared), text.New("slots that do not agree: %d of %d", len(wrong), compared)).
		from(FromDevice, d.SeenAt)
}

// unlisted are slots with a key of which the inventory knows nothing. One that knows of no key at all was never kept.
func unlisted(d *DeviceEvidence) []string {
	if len(d.Listed.Keys) == 0 {
		return nil
	}
	return slotNames(d.Status.Slots, func(s *device.SlotReport) bool {
		return !slices.ContainsFunc(d.Listed.Keys, func(k store.DeviceKey) bool { return k.Slot == string(s.Slot) })
	})
}

func loadsSettled(s *StoreEvidence, now time.Time) Finding {
	if s.LoadsSeen == 0 && len(s.Loads) == 0 {
		return notApplicable(text.New("nothing was loaded in the time that is looked at"))
	}
	var open []string
	for i := range s.Loads {
		if l := &s.Loads[i]; unsettled(l, now) {
			open = append(open, l.Serial+"/"+l.Slot)
		}
	}
	return judged(open, text.New("no load is left without an outcome"), text.New("loads without an outcome: %d", len(open)))
}

// unsettled: nobody knows, or whoever sent it has not said for a day.
func unsettled(l *store.Load, now time.Time) bool {
	return l.State == store.LoadUnknown || l.State == store.LoadSent && now.Sub(l.Changed) > day
}

func devicesAccounted(s *StoreEvidence, now time.Time) Finding {
	if len(s.Devices) == 0 {
		return notApplicable(text.New("the inventory has no terminal"))
	}
	var open []string
	for i := range s.Devices {
		d := &s.Devices[i]
		if d.State == store.QuarantinedDevice || d.State == store.Sent && now.Sub(d.Changed) > day {
			open = append(open, d.Serial)
		}
	}
	return judged(open, text.New("all of %d terminals are accounted for", len(s.Devices)), text.New("terminals that are not accounted for: %d", len(open)))
}

func notLocked(d *DeviceEvidence, _ *Evidence) Finding {
	var on []string
	for _, l := range d.Status.Locks {
		if !slices.Contains([]device.LockKind{device.LockTamper, device.LockPassword, device.LockPINRate, device.LockDualAdmin}, l.Kind) {
			on = append(on, plain(string(l.Kind))) // those have controls of their own
		}
	}
	return judged(on, text.New("no lock of that kind is on"), text.New("locks that are on: %d", len(on)))
}

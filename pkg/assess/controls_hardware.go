package assess

// Hardware: chip, enclosure, who gets at it, upkeep.

import (
	"slices"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

func hardwareControls() []Control {
	return dimension(Hardware, []Control{
		{ID: "HW-01", Scope: OfTerminal, Weight: 5, measure: ofDevice(notTampered), Refs: append(whole(pciPTS), pin("33")...),
			Ask: sentence("Is the terminal's tamper detection untripped?", "终端的防拆检测是否未被触发？"),
			Fix: sentence("take it out of use, open an incident (poskey incident open --kind tamper), let the vendor inspect it, inject anew",
				"立即停用并登记事件（poskey incident open --kind tamper），送厂商检查，之后重新灌装密钥")},
		{ID: "HW-02", Scope: OfTerminal, Weight: 4, measure: ofSlots(slotsWhole), Refs: whole(pciPTS),
			Ask: sentence("Can every key in the terminal be read by its secure chip?", "终端安全芯片能否读出每个槽位中的密钥？"),
			Fix: sentence("reset the terminal and inject again (poskey device reset, poskey inject); return it if a slot is damaged again",
				"复位终端并重新灌装（poskey device reset、poskey inject）；槽位再次损坏则退厂")},
		{ID: "HW-03", Scope: OfTerminal, Weight: 4, measure: ofDevice(batteryGood), Refs: whole(pciPTS),
			Ask: sentence("Is the backup battery, which keeps the keys, good?", "保持密钥的后备电池电量是否正常？"),
			Fix: sentence("have the battery changed before it is empty: an empty one erases every key", "在电池耗尽之前更换：耗尽会清除全部密钥")},
		{ID: "HW-04", Scope: OfTerminal, Weight: 2, measure: ofDevice(climateGood), Refs: ownRule(),
			Ask: sentence("Do the sensors show a place that a terminal can stand (0 to 50 °C, up to 90 % humidity)?",
				"传感器显示的环境是否适合终端工作（0 至 50 °C，湿度不超过 90%）？"),
			Fix: sentence("move the terminal away from heat and water: both trip the tamper detection", "使终端远离热源和水：两者都会触发防拆")},
		{ID: "HW-05", Scope: OfTerminal, Weight: 3, measure: ofDevice(approvalKnown), Refs: append(whole(pciPTS), pin("32-9")...),
			Ask: sentence("Is it known under which version of PCI PTS POI the terminal was approved?", "终端通过的 PCI PTS POI 版本是否已知？"),
			Fix: sentence("ask the vendor, and put it into the inventory (poskey device add --poi-version): it decides which loads are allowed",
				"向厂商查询并记入台账（poskey device add --poi-version）：它决定允许哪种灌装方式")},
		{ID: "HW-06", Scope: OfTerminal, Weight: 2, measure: ofDevice(clockRight), Refs: ownRule(),
			Ask: sentence("Does the terminal's clock agree with the host's to five minutes?", "终端时钟与主机相差是否在五分钟以内？"),
			Fix: sentence("set the terminal's clock; a clock that does not hold points to the battery", "校准终端时钟；时钟走不准往往是电池问题")},
		{ID: "HW-07", Scope: OfSite, Weight: 5, measure: ofStore(approvedGeneration), Refs: pin("5-1", "6-1"),
			Ask: sentence("Do production keys come from an approved device (HSM or POI), and not from software?",
				"生产密钥是否由经认证的设备（加密机或 POI）产生，而非软件？"),
			Fix: sentence("generate in an HSM (--hsm pkcs11:…) or take components from one, and rotate the keys that software made (poskey key rotate)",
				"在加密机中产生密钥（--hsm pkcs11:…）或使用其分量，并轮换由软件产生的密钥（poskey key rotate）")},
		{ID: "HW-08", Scope: OfStore, Weight: 4, measure: ofStore(masterInToken), Refs: append(pin("6-2"), whole(gmt0028)...),
			Ask: sentence("Is the master key of a production store kept in a hardware token?", "生产密钥库的主密钥是否保存在硬件令牌中？"),
			Fix: sentence("make the production store with a token (poskey store init --hsm pkcs11:…)",
				"用硬件令牌建立生产密钥库（poskey store init --hsm pkcs11:…）")},
		{ID: "HW-09", Scope: OfTerminal, Weight: 4, Refs: append(whole(jrt0120), whole(pciDSS)...),
			Ask: sentence("Are enclosure, seals, screws, cables and serial plate compared with photographs at delivery and at fixed intervals?",
				"是否在到货时及定期对照照片检查外壳、封签、螺丝、线缆和序列号铭牌？"),
			Fix: sentence("write a checklist with photographs for each model, with dates and the names of those who looked",
				"按型号制定带照片的检查表，记录检查日期和检查人")},
		{ID: "HW-10", Scope: OfSite, Weight: 4, Refs: pin("13", "30-3"),
			Ask: sentence("Are terminals that wait for keys or for shipping locked up, and counted when they move?",
				"待灌装和待发运的终端是否上锁保管，出入库是否清点？"),
			Fix: sentence("keep them in a locked store with a list of who went in, and count by serial number", "存放于上锁库房，登记出入人员，并按序列号清点")},
		{ID: "HW-11", Scope: OfSite, Weight: 4, Refs: pin("13", "6-1"),
			Ask: sentence("Are keys loaded in a locked room, without cameras on the entry, with two people present?",
				"密钥灌装是否在上锁的房间内、无摄像头对准输入、并有两人在场的情况下进行？"),
			Fix: sentence("set a room aside; keep a list of who entered, and look for cameras and taps before each loading",
				"设专用房间，登记进入人员；每次灌装前检查有无摄像头和搭线")},
		{ID: "HW-12", Scope: OfTerminal, Weight: 3, Refs: whole(jrt0120),
			Ask: sentence("Is there a plan for upkeep that changes batteries before their end and checks readers and keypads?",
				"是否有维护计划，在电池寿命结束前更换，并检查读卡器和密码键盘？"),
			Fix: sentence("plan it by model and date of manufacture, and record what was done", "按型号和出厂日期制定计划并记录执行情况")},
		{ID: "HW-13", Scope: OfSite, Weight: 4, Refs: pin("24-2.2"),
			Ask: sentence("Are keys erased before a terminal goes to repair, to another owner or to scrap, and is a repaired one taken in as new?",
				"终端送修、转让或报废前是否清除密钥，修复返回后是否按新机处理？"),
			Fix: sentence("erase them (poskey device reset) with two officers and record it", "由两名授权人员执行清除（poskey device reset）并留下记录")},
	})
}

func notTampered(d *DeviceEvidence, _ *Evidence) Finding {
	if d.Status.Tamper.Tripped || d.locked(device.LockTamper) {
		return notMet(text.New("the tamper detection was tripped: the keys are gone"), d.serial())
	}
	return met(text.New("the tamper detection is untripped"))
}

func slotsWhole(d *DeviceEvidence, _ *Evidence) Finding {
	if len(d.Status.Slots) == 0 {
		return notApplicable(text.New("there is no key in a slot"))
	}
	var damaged []string
	for _, s := range d.Status.Slots {
		if s.Damaged {
			damaged = append(damaged, plain(string(s.Slot)))
		}
	}
	return judged(damaged, text.New("every key can be read"), text.New("keys that cannot be read any more: %d", len(damaged)))
}

func batteryGood(d *DeviceEvidence, _ *Evidence) Finding {
	b := d.Status.Battery
	switch {
	case b.Low:
		return notMet(text.New("the backup battery is low: %d mV", b.Millivolts), d.serial())
	case b.Millivolts == 0:
		return noEvidence(text.New("the terminal does not tell how its battery is"))
	}
	return met(text.New("the backup battery has %d mV", b.Millivolts))
}

// Limits of what a terminal stands, as most makers give them; they are this assessment's own.
const (
	coldest, hottest = 0.0, 50.0
	wettest          = 90
)

func climateGood(d *DeviceEvidence, _ *Evidence) Finding {
	e := d.Status.Environment
	found := text.New("%.1f °C, %d %% humidity", e.Celsius, e.Humidity)
	switch {
	case e == (device.Environment{}):
		return noEvidence(text.New("the terminal has no sensors that tell"))
	case e.Celsius < coldest || e.Celsius > hottest || e.Humidity > wettest:
		return notMet(found, d.serial())
	}
	return met(found)
}

func approvalKnown(d *DeviceEvidence, e *Evidence) Finding {
	said := d.Status.POIVersion
	if said == "" && d.Listed != nil {
		said = d.Listed.POIVersion
	}
	if _, err := inject.ParsePOIVersion(said); err != nil {
		if e.Store == nil && d.Listed == nil {
			return noEvidence(text.New("the terminal does not tell, and no inventory was looked at"))
		}
		return notMet(text.New("neither the terminal nor the inventory tells the POI version"), d.serial())
	}
	return met(text.New("POI version %s", plain(said)))
}

const clockSkew = 5 * time.Minute

func clockRight(d *DeviceEvidence, _ *Evidence) Finding {
	off := d.Status.Now.Sub(d.SeenAt).Abs().Round(time.Second)
	if d.SeenAt.IsZero() {
		return noEvidence(text.New("nobody wrote down when the terminal was asked"))
	}
	return isSo(off <= clockSkew, text.New("the terminal's clock is off by %s", off.String()),
		text.New("the terminal's clock is off by %s", off.String()))
}

func approvedGeneration(s *StoreEvidence, _ time.Time) Finding {
	if s.Identity.Environment != store.Production {
		return notApplicable(text.New("keys of a test store may be made by software"))
	}
	if s.Identity.Master.Kind == store.ByToken {
		return noEvidence(text.New("keys are made in a token, whose approval a person has to look up"))
	}
	switch soft := keysThat(s, func(k *store.Key) bool { return k.Origin == store.Generated && k.State.InUse() }); {
	case len(soft) > 0:
		return notMet(text.New("keys in use that software made: %d", len(soft)), soft...)
	case keysInUse(s) == 0:
		return notApplicable(noKeys())
	}
	return noEvidence(text.New("where the %d keys in use were made that came from outside, a person has to say", keysInUse(s)))
}

func masterInToken(s *StoreEvidence, _ time.Time) Finding {
	switch {
	case s.Identity.Environment != store.Production:
		return notApplicable(text.New("a test store needs no token"))
	case s.Identity.Master.Kind == store.ByToken:
		return met(text.New("the master key is in a token"))
	}
	return notMet(text.New("the master key is in the memory of this machine while the store is open"))
}

// slotNames names slots in order.
func slotNames(all []device.SlotReport, which func(*device.SlotReport) bool) []string {
	var names []string
	for i := range all {
		if which(&all[i]) {
			names = append(names, plain(string(all[i].Slot)))
		}
	}
	slices.Sort(names)
	return names
}

package assess

// Data in transit: encryption, authentication, integrity, backup and restore.

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

func transitControls() []Control {
	return dimension(Transit, []Control{
		{ID: "DT-01", Scope: OfTerminal, Weight: 5, measure: ofLine(lineGuarded), Refs: append(whole(pciPTS, jrt0120), whole(pciDSS)...),
			Ask: sentence("Do host and terminal show certificates to each other on the network?", "在网络上主机与终端是否双向出示证书？"),
			Fix: sentence("reach it by agent+https with ca, cert and key, or load over a cable in the room", "使用 agent+https（ca、cert、key），或在室内用线缆灌装")},
		{ID: "DT-02", Scope: OfSite, Weight: 5, measure: noClearLoads, Refs: pin("8-1", "12-1", "32-9"),
			Ask: sentence("Did no key go to a terminal in clear in the time that is looked at?", "考察期内是否没有密钥以明文灌入终端？"),
			Fix: sentence("load key blocks under the terminal's own key (poskey inject without --clear)", "使用终端自身密钥保护的密钥块灌装（poskey inject 不带 --clear）")},
		{ID: "DT-03", Scope: OfSite, Weight: 5, measure: ofStore(newTerminalsEncrypted), Refs: pin("32-9"),
			Ask: sentence("Did terminals of POI version 5 and later get encrypted keys only?", "POI 5.x 及以后版本的终端是否只接受过加密灌装？"),
			Fix: sentence("load them encrypted, and open an incident about the clear loads (poskey incident open)", "改用加密灌装，并就明文灌装登记事件（poskey incident open）")},
		{ID: "DT-04", Scope: OfSite, Weight: 4, measure: clearLoadsOffline, Refs: pin("13-9"),
			Ask: sentence("Is the machine that handles clear keys kept off every network?", "处理明文密钥的主机是否断网？"),
			Fix: sentence("take cables out and radio off before clear keys are handled", "处理明文密钥之前拔掉网线、关闭无线")},
		{ID: "DT-05", Scope: OfStore, Weight: 4, measure: ofStore(serverVerified), Refs: whole(pciDSS),
			Ask: sentence("Is the store's server reached under TLS with its certificate verified?", "是否通过 TLS 并验证证书访问密钥库服务器？"),
			Fix: sentence("add sslmode=verify-full and sslrootcert to the store's URL", "在密钥库 URL 中加入 sslmode=verify-full 和 sslrootcert")},
		{ID: "DT-06", Scope: OfStore, Weight: 5, measure: ofLog(backedUp), Refs: whole(pciDSS),
			Ask: sentence("Is there a backup of the store that is not older than thirty days?", "密钥库是否有三十天以内的备份？"),
			Fix: sentence("make one and keep it in another place (poskey store backup)", "备份并异地保存（poskey store backup）")},
		{ID: "DT-07", Scope: OfStore, Weight: 4, Refs: whole(pciDSS),
			Ask: sentence("Was the restoring of a backup tried within a year, by the officers who would have to do it?",
				"一年内是否由实际负责的授权人员演练过从备份恢复？"),
			Fix: sentence("restore into an empty place with a test of the numbers (poskey store restore, poskey store verify)", "恢复到空白位置并核对（poskey store restore、poskey store verify）")},
		{ID: "DT-08", Scope: OfStore, Weight: 3, measure: ofStore(nothingFrozen), Refs: ownRule(),
			Ask: sentence("Is no key set frozen, as after a restoration that nobody has settled?", "是否没有密钥集处于冻结状态（如恢复后未核清）？"),
			Fix: sentence("find out how far the numbers went, then thaw it (poskey keyset thaw)", "查清编号用到何处，再解冻（poskey keyset thaw）")},
		{ID: "DT-09", Scope: OfTerminal, Weight: 4, measure: ofSlots(messagesSealed), Refs: append(whole(jrt0120), pin("18-3")...),
			Ask: sentence("Has the terminal a key for message authentication?", "终端是否装有报文认证（MAC）密钥？"),
			Fix: sentence("load a MAC key or a DUKPT initial key (poskey inject)", "灌装 MAC 密钥或 DUKPT 初始密钥（poskey inject）")},
		{ID: "DT-10", Scope: OfSite, Weight: 4, measure: ofStore(partsApart), Refs: pin("8-1"),
			Ask: sentence("Did the components of each key travel by different channels?", "每个密钥的各分量是否经由不同渠道传递？"),
			Fix: sentence("send each component by another courier or person; another day with the same one does not count", "各分量交由不同快递或人员；同一渠道不同日期不算")},
		{ID: "DT-11", Scope: OfSite, Weight: 4, Refs: append(whole(pciDSS), whole(jrt0120)...),
			Ask: sentence("Are card data and PIN blocks encrypted from the terminal to the acquirer, with the host's certificate verified?",
				"卡数据和 PIN 块从终端到收单机构是否全程加密，并验证主机证书？"),
			Fix: sentence("turn TLS with verification on in the payment application, and check it on the line", "在支付应用中启用带验证的 TLS，并抓包确认")},
		{ID: "DT-12", Scope: OfSite, Weight: 3, Refs: pin("18-3"),
			Ask: sentence("Do partners exchange keys with you as key blocks and not as bare cryptograms?", "与合作方交换密钥是否使用密钥块而非裸密文？"),
			Fix: sentence("agree on X9.143 blocks (poskey key export), and plan the change for each partner", "约定使用 X9.143 密钥块（poskey key export），并逐个合作方制定切换计划")},
	})
}

func lineGuarded(u *device.URI) Finding {
	switch {
	case u.Transport == device.Serial || u.Transport == device.PTY:
		return notApplicable(text.New("it was reached over a cable"))
	case u.Transport == device.HTTPS && u.CA != "" && u.Cert != "" && u.Key != "":
		return met(text.New("it was reached by TLS with certificates of both sides"))
	}
	return notMet(text.New("it was reached by %s, where nobody shows who they are", u.Dialect+"+"+u.Transport))
}

// noClearLoads asks the log and the journal of the store; one of them is enough to speak.
func noClearLoads(e *Evidence) Finding {
	var items []string
	logged := 0
	if e.Store != nil {
		items = clearLoads(e.Store, func(string) bool { return true })
	}
	if e.Log != nil {
		logged = e.Log.ClearLoads
	}
	bad := notMet(text.New("keys that went out in clear: %d", max(logged, len(items))), items...)
	switch {
	case len(items) > 0 && logged <= len(items):
		return bad.from(FromStore, e.Now)
	case logged > 0:
		return bad.from(FromLog, e.Now)
	case e.Log != nil && e.Log.Broken == nil:
		return met(text.New("the audit log has no clear load")).from(FromLog, e.Now)
	case e.Store != nil:
		return met(text.New("the journal has no clear load")).from(FromStore, e.Now)
	}
	return Finding{}
}

// clearLoads names slots that got a key in clear, or may have.
func clearLoads(s *StoreEvidence, of func(serial string) bool) []string {
	var items []string
	for i := range s.Loads {
		if l := &s.Loads[i]; l.Clear && gone(l) && of(l.Serial) {
			items = append(items, l.Serial+"/"+l.Slot)
		}
	}
	return items
}

// gone: what was called sent may have been heard on the line, whatever became of it.
func gone(l *store.Load) bool {
	return l.State == store.LoadSent || l.State == store.LoadConfirmed || l.State == store.LoadUnknown
}

func newTerminalsEncrypted(s *StoreEvidence, _ time.Time) Finding {
	const since = 5
	recent := map[string]bool{}
	for i := range s.Devices {
		if v, err := inject.ParsePOIVersion(s.Devices[i].POIVersion); err == nil && v >= since {
			recent[s.Devices[i].Serial] = true
		}
	}
	if len(recent) == 0 {
		return notApplicable(text.New("the inventory has no terminal of POI version 5 or later"))
	}
	bad := clearLoads(s, func(serial string) bool { return recent[serial] })
	return judged(bad, text.New("no clear load of %d such terminals", len(recent)), text.New("clear loads of such terminals: %d", len(bad)))
}

// clearLoadsOffline weighs the network where clear keys are handled, or may be.
func clearLoadsOffline(e *Evidence) Finding {
	if e.Host == nil {
		return Finding{}
	}
	if e.Host.IsUnknown("NetworksUp") {
		return noEvidence(text.New("it cannot be told on this machine"))
	}
	switch f := noClearLoads(e); {
	case len(e.Host.NetworksUp) == 0:
		return met(text.New("no network is up")).from(FromHost, e.Now)
	case f.Verdict == NotMet:
		return notMet(text.New("clear keys were loaded, and networks are up: %d", len(e.Host.NetworksUp)), e.Host.NetworksUp...).from(FromHost, e.Now)
	case f.Verdict == Met:
		return notApplicable(text.New("no clear keys are handled")).from(FromHost, e.Now)
	}
	return noEvidence(text.New("networks are up; whether clear keys are handled here was not looked at"))
}

func serverVerified(s *StoreEvidence, _ time.Time) Finding {
	switch {
	case s.LocalFile:
		return notApplicable(text.New("the store is a file of this machine"))
	case s.Loopback:
		return notApplicable(text.New("the server is on this machine"))
	}
	return isSo(s.TLS, text.New("the server's certificate is verified"), text.New("the server's certificate is not verified"))
}

func backedUp(l *LogEvidence, now time.Time) Finding {
	if l.Backup.IsZero() {
		return missing(text.New("the audit log has no backup"))
	}
	return howOld(l.Backup, now, DefaultWatch().BackupAge, func(days int) text.Text { return text.New("the last backup is %d days old", days) })
}

func nothingFrozen(s *StoreEvidence, _ time.Time) Finding {
	if len(s.KeySets) == 0 {
		return notApplicable(text.New("the store has no key set"))
	}
	var frozen []string
	for i := range s.KeySets {
		if s.KeySets[i].Frozen {
			frozen = append(frozen, s.KeySets[i].ID)
		}
	}
	return judged(frozen, text.New("none of %d key sets is frozen", len(s.KeySets)), text.New("frozen key sets: %d", len(frozen)))
}

func messagesSealed(d *DeviceEvidence, _ *Evidence) Finding {
	seals := func(s *device.SlotReport) bool { return strings.HasPrefix(string(s.Usage), "M") && !s.Damaged }
	switch names := slotNames(d.Status.Slots, seals); {
	case len(names) > 0:
		return met(text.New("slots with a MAC key: %s", strings.Join(names[:min(len(names), MaxItems)], " ")))
	case slices.ContainsFunc(d.Status.Initial, func(i device.InitialReport) bool { return i.KSN != "" && i.Left > 0 }):
		return met(text.New("MAC keys come from a DUKPT key"))
	}
	if len(slotNames(d.Status.Slots, func(s *device.SlotReport) bool { return !s.HasAttributes })) > 0 {
		return noEvidence(text.New("the terminal does not tell what its keys are for"))
	}
	return notMet(text.New("no slot has a MAC key"), d.serial())
}

func partsApart(s *StoreEvidence, _ time.Time) Finding {
	if s.Conveyed == 0 {
		return notApplicable(text.New("no component was sent, by the ledger"))
	}
	if len(s.OneWay) == 0 && s.NoWay > 0 {
		return noEvidence(text.New("of %d components that were sent the ledger does not say by which way", s.NoWay))
	}
	return judged(s.OneWay, text.New("components were sent %d times, those of one key never the same way", s.Conveyed),
		text.New("keys of which two components went the same way: %d", len(s.OneWay)))
}

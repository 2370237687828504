package assess

// Software: hardening of terminal and host, permissions, signed updates, firmware level, logging.

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
)

func softwareControls() []Control {
	return dimension(Software, slices.Concat(terminalSoftware(), hostSoftware()))
}

func terminalSoftware() []Control {
	return []Control{
		{ID: "SW-01", Scope: OfTerminal, Weight: 4, measure: ofDevice(firmwareNewest), Refs: append(whole(pciPTS), whole(pciDSS)...),
			Ask: sentence("Does the terminal run the vendor's newest firmware?", "终端固件是否为厂商最新版本？"),
			Fix: sentence("update it with two officers (poskey device update)", "由两名授权人员执行更新（poskey device update）")},
		{ID: "SW-02", Scope: OfTerminal, Weight: 4, measure: ofDevice(noClearMode), Refs: pin("32-9"),
			Ask: sentence("Is the terminal's mode for taking clear keys off?", "终端的明文灌装模式是否已关闭？"),
			Fix: sentence("leave the mode at the terminal; it ends by itself after 15 minutes", "在终端上退出该模式；15 分钟后也会自动结束")},
		{ID: "SW-03", Scope: OfTerminal, Weight: 3, measure: ofDevice(keepsLog), Refs: append(whole(jrt0120), whole(pciDSS)...),
			Ask: sentence("Does the terminal keep a log of log-ins, keys and locks, which can be read?", "终端是否保存可读取的登录、密钥和锁定日志？"),
			Fix: sentence("turn logging on, and read it (poskey device logs)", "开启日志并定期读取（poskey device logs）")},
		{ID: "SW-04", Scope: OfTerminal, Weight: 4, measure: ofDevice(storageSound), Refs: whole(pciPTS),
			Ask: sentence("Is the terminal's log free of failures to write its state or to destroy keys?", "终端日志中是否没有状态写入失败或密钥销毁失败的记录？"),
			Fix: sentence("take the terminal out of use and return it: its memory is not to be trusted", "停用并退厂：其存储已不可信")},
		{ID: "SW-05", Scope: OfTerminal, Weight: 4, Refs: append(whole(pciPTS), whole(pciDSS)...),
			Ask: sentence("Does the terminal install nothing but software whose signature it has verified?", "终端是否只安装通过签名验证的软件？"),
			Fix: sentence("ask the vendor for the proof, and try it with an image that was changed", "向厂商索取证明，并用被改动的安装包做一次验证")},
		{ID: "SW-06", Scope: OfTerminal, Weight: 3, Refs: append(whole(jrt0120), whole(pciDSS)...),
			Ask: sentence("Are debug ports, developer mode, spare services and spare applications off in terminals in the field?",
				"现场终端的调试口、开发者模式、多余服务和多余应用是否已关闭或卸载？"),
			Fix: sentence("write down the build that is meant to be, and compare samples with it", "固定基线版本，并抽样比对")},
	}
}

func hostSoftware() []Control {
	return []Control{
		{ID: "SW-07", Scope: OfSite, Weight: 4, Refs: pin("6-2", "13-9"),
			measure: ofHost("MemoryLocked", func(h *HostEvidence) Finding {
				return isSo(h.MemoryLocked, text.New("memory with keys is locked"), text.New("memory with keys cannot be locked: it may go to the disk"))
			}),
			Ask: sentence("Can poskey lock the memory that holds keys?", "poskey 能否锁定存放密钥的内存？"),
			Fix: sentence("raise the limit of locked memory for the user (ulimit -l)", "提高该用户的锁定内存上限（ulimit -l）")},
		{ID: "SW-08", Scope: OfSite, Weight: 4, Refs: pin("6-2", "13-9"),
			measure: ofHost("CoreDumpsOff", func(h *HostEvidence) Finding {
				return isSo(h.CoreDumpsOff, text.New("core dumps are off"), text.New("a crash would write memory into a file"))
			}),
			Ask: sentence("Are core dumps off?", "核心转储是否已关闭？"),
			Fix: sentence("turn them off for the user (ulimit -c 0) and in the system's crash handler", "为该用户关闭（ulimit -c 0），并关闭系统的崩溃收集")},
		{ID: "SW-09", Scope: OfSite, Weight: 3, Refs: pin("6-2", "13-9"),
			measure: ofHost("Swap", func(h *HostEvidence) Finding {
				return judged(h.Swap, text.New("there is no swap"), text.New("memory may go to swap: %d places", len(h.Swap)))
			}),
			Ask: sentence("Is the machine without swap?", "主机是否未启用交换空间？"),
			Fix: sentence("turn swap off (swapoff -a), or encrypt it with a key that is lost at each start", "关闭交换空间（swapoff -a），或用每次开机即弃的密钥加密")},
		{ID: "SW-10", Scope: OfSite, Weight: 3, Refs: pin("6-2"),
			measure: ofHost("TracingHeld", func(h *HostEvidence) Finding {
				return isSo(h.TracingHeld, text.New("other processes of the user cannot trace this one"), text.New("other processes of the user can read this one's memory"))
			}),
			Ask: sentence("Are other processes of the same user kept from reading poskey's memory?", "是否已阻止同一用户的其他进程读取 poskey 的内存？"),
			Fix: sentence("restrict tracing on the machine (kernel.yama.ptrace_scope of 1 or more on Linux)", "限制进程跟踪（Linux 上 kernel.yama.ptrace_scope 设为 1 或以上）")},
		{ID: "SW-11", Scope: OfSite, Weight: 2, Refs: whole(pciDSS),
			measure: ofHost("Root", func(h *HostEvidence) Finding {
				return isSo(!h.Root, text.New("poskey runs as a user without special rights"), text.New("poskey runs as the system's administrator"))
			}),
			Ask: sentence("Does poskey run as a user of its own and not as the administrator?", "poskey 是否以专用普通用户运行，而非管理员？"),
			Fix: sentence("make a user for it, and give that one the store's folder", "建立专用用户，并把密钥库目录交给它")},
		{ID: "SW-12", Scope: OfSite, Weight: 2, Refs: whole(pciDSS),
			measure: ofHost("Randomised", func(h *HostEvidence) Finding {
				return isSo(h.Randomised, text.New("addresses are randomised"), text.New("addresses are the same at each start"))
			}),
			Ask: sentence("Does the system randomise addresses in memory?", "系统是否启用内存地址随机化？"),
			Fix: sentence("turn it on (kernel.randomize_va_space=2 on Linux)", "启用该功能（Linux 上 kernel.randomize_va_space=2）")},
		{ID: "SW-13", Scope: OfSite, Weight: 4, Refs: append(pin("13-9"), whole(pciDSS)...),
			measure: ofHost("Encrypted", func(h *HostEvidence) Finding {
				return isSo(h.Encrypted, text.New("the disk of the store is encrypted"), text.New("the disk of the store is not encrypted"))
			}),
			Ask: sentence("Is the disk that holds the store encrypted?", "密钥库所在磁盘是否加密？"),
			Fix: sentence("encrypt it, and keep the recovery key with two people", "加密磁盘，恢复密钥由两人分别保管")},
		{ID: "SW-14", Scope: OfSite, Weight: 2, Refs: whole(pciDSS),
			measure: ofHost("UmaskTight", func(h *HostEvidence) Finding {
				return isSo(h.UmaskTight, text.New("new files are the user's own"), text.New("new files can be read by others"))
			}),
			Ask: sentence("Are new files kept from others by default?", "新建文件默认是否对他人不可读？"),
			Fix: sentence("set the umask of the user to 077", "将该用户的 umask 设为 077")},
		{ID: "SW-15", Scope: OfSite, Weight: 4, Refs: whole(pciDSS),
			measure: ofHost("OthersCanRead", func(h *HostEvidence) Finding {
				return judged(h.OthersCanRead, text.New("others can read no file of poskey"), text.New("files that others can read: %d", len(h.OthersCanRead)))
			}),
			Ask: sentence("Are store, audit log, incidents and assessments kept from other users?", "密钥库、审计日志、事件记录和评估记录是否对其他用户不可读？"),
			Fix: sentence("chmod 600 each file and chmod 700 its folder", "文件设为 600，目录设为 700")},
		{ID: "SW-16", Scope: OfSite, Weight: 3, Refs: whole(pciDSS),
			measure: ofHost("ClockSynced", func(h *HostEvidence) Finding {
				return isSo(h.ClockSynced, text.New("the clock is synchronised"), text.New("nothing keeps the clock right"))
			}),
			Ask: sentence("Is the clock that stamps the audit log kept right?", "为审计日志加时间戳的时钟是否保持同步？"),
			Fix: sentence("synchronise it; on a machine without network set it before each ceremony, before witnesses", "启用校时；无网络的主机在每次仪式前当众校准")},
		{ID: "SW-17", Scope: OfStore, Weight: 4, measure: ofStore(fileClosed), Refs: whole(pciDSS),
			Ask: sentence("Can nobody but its user get at the file of the store?", "密钥库文件是否只有其所属用户可以访问？"),
			Fix: sentence("chmod 600 the file and chmod 700 its folder", "文件设为 600，目录设为 700")},
		{ID: "SW-18", Scope: OfSite, Weight: 3, Refs: append(whole(pciDSS), pin("13-9")...),
			Ask: sentence("Are system and programs of the key machine updated from a checked source, and is nothing else installed there?",
				"密钥主机的系统和程序是否从可信来源更新，且不安装其他软件？"),
			Fix: sentence("keep a list of what is installed with hashes; carry updates in by two people", "维护带哈希值的软件清单；更新由两人带入")},
	}
}

func firmwareNewest(d *DeviceEvidence, _ *Evidence) Finding {
	has := d.Status.Firmware
	switch {
	case d.Latest == "":
		return noEvidence(text.New("nobody said which firmware is the newest (it has %s)", plain(has)))
	case has == "":
		return noEvidence(text.New("the terminal does not tell its firmware"))
	case behind(has, d.Latest):
		return notMet(text.New("it has %s, the newest is %s", plain(has), plain(d.Latest)), d.serial())
	}
	return met(text.New("it has %s", plain(has)))
}

// behind compares versions number by number; words that are no numbers only for being the same.
func behind(has, latest string) bool {
	a, b := strings.Split(bare(has), "."), strings.Split(bare(latest), ".")
	for i := range max(len(a), len(b)) {
		x, xOK := part(a, i)
		y, yOK := part(b, i)
		if !xOK || !yOK {
			return !strings.EqualFold(bare(has), bare(latest))
		}
		if x != y {
			return x < y
		}
	}
	return false
}

func bare(version string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(version), "v"), "V")
}

// part is a number of a version; those that are not written are 0.
func part(all []string, i int) (uint64, bool) {
	if i >= len(all) {
		return 0, true
	}
	n, err := strconv.ParseUint(all[i], 10, 63)
	return n, err == nil
}

func noClearMode(d *DeviceEvidence, _ *Evidence) Finding {
	return isSo(!d.Status.InjectMode, text.New("the terminal takes no clear keys now"), text.New("the terminal takes clear keys now"))
}

func keepsLog(d *DeviceEvidence, _ *Evidence) Finding {
	switch n := len(d.events()); {
	case n > 0:
		return met(text.New("events of its log that were read: %d", n))
	case d.Events == nil:
		return noEvidence(text.New("the terminal's log was not asked for"))
	}
	return notMet(text.New("the terminal's log is empty"), d.serial())
}

func storageSound(d *DeviceEvidence, _ *Evidence) Finding {
	events := d.events()
	if len(events) == 0 {
		return noEvidence(text.New("no event of the terminal's log was read"))
	}
	var bad []string
	for _, e := range events {
		if failedToStore(e) {
			bad = append(bad, plain(e.Kind)+" "+e.At.UTC().Format(time.RFC3339))
		}
	}
	if len(bad) > 0 {
		return notMet(text.New("such failures: %d", len(bad)), bad...)
	}
	return d.unlessCut(met(text.New("no such failure in %d events", len(events))))
}

// unlessCut holds back what only a whole log can tell.
func (d *DeviceEvidence) unlessCut(f Finding) Finding {
	if events := d.events(); !d.Whole && events[0].Seq > 1 {
		return noEvidence(text.New("only the last %d events of its log were read, which show none or few; --login reads all of it", len(events)))
	}
	return f
}

func failedToStore(e device.LogEvent) bool {
	return slices.Contains([]string{"keys-not-destroyed", "state-not-written", "corrupted"}, e.Kind)
}

func fileClosed(s *StoreEvidence, _ time.Time) Finding {
	const others = 0o077
	switch {
	case !s.LocalFile:
		return notApplicable(text.New("the store is on a server"))
	case s.FileMode == 0 || s.DirMode == 0:
		return noEvidence(text.New("the file's permissions were not looked at"))
	case s.FileMode&others != 0 && s.DirMode&others != 0 || s.DirMode&0o022 != 0:
		return notMet(text.New("permissions are %04o of the file and %04o of its folder", s.FileMode, s.DirMode))
	}
	return met(text.New("permissions are %04o of the file and %04o of its folder", s.FileMode, s.DirMode))
}

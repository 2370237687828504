package emulator

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
)

// Vendor names whose screen texts and codes a terminal shows.
type Vendor string

// The vendors. Generic shows a bare ordinal, as applications do that hide whose terminal it is.
const (
	Generic  Vendor = "generic"
	PAX      Vendor = "pax"
	Newland  Vendor = "newland"
	Verifone Vendor = "verifone"
	Landi    Vendor = "landi"
	UIC      Vendor = "uic"
	Ingenico Vendor = "ingenico"
	WizarPOS Vendor = "wizarpos"
)

// Screen languages.
const (
	English = "en"
	Chinese = "zh"
)

// VendorInfo is a row of the table of screens.
type VendorInfo struct {
	Vendor Vendor
	Model  string // what the terminal calls itself unless it is told otherwise
	// Codes gives what stands behind the word for a key error. A refusal without a row shows the word alone.
	Codes map[Refusal]string
	// Tamper is what stands there after the switch has tripped; "" is the general word.
	Tamper string
	Source string // of codes and tamper text; the words around them are this project's
}

// Vendors is the table of screens. Codes are those of the vendors' own tables, as far as they are public.
func Vendors() []VendorInfo {
	return []VendorInfo{
		{Generic, "POSKEY-EMU", ordinals(""), "",
			"ordinals of the -300 family (PAX, Basewin, LC610N); 14 is key length in four tables of one lineage"},
		{PAX, "POSKEY-EMU-PAX", ordinals("-3"), "POS BE ATTACKED",
			"PED library, base -300; tamper: support.onslip.com, PED Tampered POS Be Attacked"},
		{Newland, "POSKEY-EMU-NEWLAND", map[Refusal]string{
			RefusedLength: "-1314", RefusedTooLong: "-1314", RefusedUsage: "-1703", RefusedMode: "-1703",
			RefusedAlgorithm: "-1312", RefusedKEKUsage: "-1312", RefusedNoKEK: "-1309", RefusedEmpty: "-1309",
			RefusedDamaged: "-1311", RefusedKEKBroken: "-1311", RefusedDuplicate: "-1702", RefusedSlot: "-1202",
			RefusedFull: "-1308", RefusedStorage: "-1308", RefusedTampered: "-4005",
		}, "-4005", "NDK crypto module, key manager and platform; NAPI key policy"},
		{Verifone, "POSKEY-EMU-VERIFONE", map[Refusal]string{
			RefusedLength: "0x00120005", RefusedUsage: "0x00120022", RefusedMode: "0x00120022",
			RefusedAlgorithm: "0x00120022", RefusedTooLong: "0x00120022", RefusedNoKEK: "0x00120011",
			RefusedEmpty: "0x00120018", RefusedDuplicate: "0x00120026", RefusedMAC: "0x00120025",
			RefusedDecryption: "0x00120025", RefusedCheck: "0x001B000F", RefusedKEKCheck: "0x001B000F",
			RefusedExpired: "0x0000007F", RefusedExhausted: "0x0012001B", RefusedLimit: "43", RefusedTampered: "101",
		}, "TAMPERED", "ADK secError and RESP_CODE; tamper: docs.adyen.com, terminal turns on, tampered"},
		{Landi, "POSKEY-EMU-LANDI", map[Refusal]string{
			RefusedUsage: "ERROR_BAD_KEY_USAGE", RefusedMode: "ERROR_BAD_MODE_OF_KEY_USE",
			RefusedNoKEK: "ERROR_NO_SUCH_KEY", RefusedEmpty: "ERROR_NO_SUCH_KEY", RefusedMAC: "ERROR_FAIL_TO_AUTH",
			RefusedCheck: "ERROR_FAIL_TO_AUTH", RefusedKEKCheck: "ERROR_FAIL_TO_AUTH",
			RefusedDuplicate: "ERROR_SAME_KEY_VALUE_DETECTED", RefusedBlockForm: "ERROR_KEYBUNDLE_ERR",
			RefusedDecryption: "ERROR_KEYBUNDLE_ERR", RefusedExhausted: "ERROR_DUKPT_COUNTER_OVERFLOW",
			RefusedKEKUsage: "ERROR_INCOMPATIBLE_KEY_SYSTEM",
		}, "", "USDK PinpadError, symbols: the numbers are not public"},
		{UIC, "POSKEY-EMU-UIC", map[Refusal]string{
			RefusedDuplicate: "02/2", RefusedFull: "02/3", RefusedStorage: "02/3", RefusedForm: "02/4",
			RefusedLength: "02/4", RefusedDecryption: "02/7", RefusedBlockForm: "02/A", RefusedVersion: "02/A",
			RefusedTooLong: "02/B", RefusedMAC: "02/C", RefusedNoKEK: "02/D", RefusedKEKUsage: "02/D",
			RefusedUsage: "02/E", RefusedMode: "02/E", RefusedAlgorithm: "02/E", RefusedLimit: "02/F",
		}, "", "UIC PP791 Programmer's Manual, message 02"},
		{Ingenico, "POSKEY-EMU-INGENICO", nil, "ALERT IRRUPTION!",
			"easymanua.ls/ingenico/axium-rx7000, page 7; key codes are not public"},
		{WizarPOS, "POSKEY-EMU-WIZARPOS", nil, "Tamper detected! Please contact WizarPOS!",
			"smartpossdk.gitbook.io, learning tampered events; key codes are not public"},
	}
}

// ordinals are the codes of the -300 family, behind a prefix: 14 or -314.
func ordinals(prefix string) map[Refusal]string {
	out := map[Refusal]string{}
	for why, n := range map[Refusal]string{
		RefusedNoKEK: "01", RefusedEmpty: "01", RefusedSlot: "12", RefusedKEKSlot: "13", RefusedKEKUsage: "26",
		RefusedCheck: "25", RefusedKEKCheck: "25", RefusedUsage: "10", RefusedMode: "09", RefusedAlgorithm: "10",
		RefusedLength: "14", RefusedTooLong: "14", RefusedForm: "14", RefusedTampered: "20", RefusedLocked: "20",
		RefusedExhausted: "24", RefusedNotInject: "31", RefusedDamaged: "33", RefusedKEKBroken: "33",
		RefusedStorage: "33", RefusedDuplicate: "36", RefusedFull: "43", RefusedMAC: "48",
	} {
		if prefix == "" {
			n = strings.TrimPrefix(n, "0")
		}
		out[why] = prefix + n
	}
	return out
}

// ParseVendor reads a vendor's name. Error: usage.
func ParseVendor(s string) (Vendor, error) {
	known := ""
	for _, v := range Vendors() {
		if string(v.Vendor) == s {
			return v.Vendor, nil
		}
		known += " " + string(v.Vendor)
	}
	return "", fault.New(fault.Usage, "unknown vendor %q; known:%s", text.Redact(s), known)
}

func vendorInfo(v Vendor) VendorInfo {
	all := Vendors()
	for _, info := range all {
		if info.Vendor == v {
			return info
		}
	}
	return all[0]
}

// words of the screen, English and Chinese.
func words() map[string][2]string {
	return map[string][2]string{
		"ready":     {"READY", "待机"},
		"inject":    {"KEY INJECT MODE", "密钥注入模式"},
		"loaded":    {"KEY LOADED", "密钥下载成功"},
		"key error": {"KEY ERROR ", "密钥错误"},
		"tampered":  {"TAMPERED", "安全触发"},
		"undone":    {"KEYS ON DISK NOT ERASED", "磁盘密钥未销毁"},
		"locked":    {"TERMINAL LOCKED", "终端已锁定"},
		"password":  {"TOO MANY WRONG PASSWORDS", "密码错误次数超限"},
		"pin-rate":  {"PIN ENTRY TOO FREQUENT", "密码输入过于频繁"},
		"sign-in":   {"SIGN IN AGAIN", "请重新签到"},
		"moved":     {"TERMINAL WAS MOVED", "终端已移机"},
		"dual":      {"CHANGE ADMINISTRATOR PASSWORDS", "请修改管理员密码"},
		"auth":      {"AUTHENTICATION FAILED", "认证失败"},
		"battery":   {"BACKUP BATTERY LOW", "备用电池电量低"},
		"remote":    {"LOCKED BY THE ACQUIRER 58", "终端已锁定58"},
	}
}

// screen is what stands on the display. The lock is held.
func (t *Terminal) screen() string {
	say := func(word string) string {
		w := words()[word]
		if t.cfg.Lang == Chinese {
			return w[1]
		}
		return w[0]
	}
	switch info := vendorInfo(t.cfg.Vendor); {
	case t.undone != nil:
		return say("undone")
	case t.s.tamper.Tripped && info.Tamper != "":
		return info.Tamper
	case t.s.tamper.Tripped:
		return say("tampered")
	case len(t.s.locks) > 0:
		return say(lockWord(t.s.locks[0].Kind))
	case t.last != Accepted:
		return strings.TrimSpace(say("key error") + info.Codes[t.last])
	case t.injecting() && t.inject.on:
		return say("inject")
	case t.loaded:
		return say("loaded")
	case t.s.millivolts < lowBattery:
		return say("battery")
	}
	return say("ready")
}

func lockWord(k device.LockKind) string {
	switch k {
	case device.LockPassword:
		return "password"
	case device.LockPINRate:
		return "pin-rate"
	case device.LockSignIn:
		return "sign-in"
	case device.LockRemote:
		return "remote"
	case device.LockLocation:
		return "moved"
	case device.LockDualAdmin:
		return "dual"
	case device.LockMutualAuth:
		return "auth"
	}
	return "locked"
}

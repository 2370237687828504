package diagnose

// What a line of a log says: its kind, its code, its causes.

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/pkg/errorcode"
)

// logEars listen to lines. They are made once for a log.
type logEars struct {
	topics     []topic
	plain      []topic // those of lines without a word of failure
	dictionary *errorcode.Dictionary
	vendor     string
	values     []*regexp.Regexp
	value      *regexp.Regexp
	until      *regexp.Regexp
	answer     *regexp.Regexp
	heat       *regexp.Regexp
	calm       *calmer
	healthy    pattern
	worth      quickWords

	failure, success, traded, signIn, load, restart, login, link, people, sending, entry, keys, program pattern
}

func newLogEars(o LogOptions) *logEars {
	return &logEars{topics: topics(), plain: plainTopics(), dictionary: o.Dictionary, vendor: o.Vendor,
		values: valuePatterns(),
		value:  regexp.MustCompile(`(?i)(?:kcv|check ?value|校验值)[^0-9A-Za-z]{0,4}([0-9A-F]{4,15})\b`),
		until: regexp.MustCompile(`(?i)(?:valid until|valid to|expires(?: on| at)?|expiry(?: date)?|有效期至|到期日|` +
			`到期)\s*[:=]?\s*(\d{4}-\d\d-\d\d)`),
		answer: regexp.MustCompile(`(?i)(?:de ?39|f39|field ?39|rc|rsp|resp(?:onse)?(?: ?code)?|应答码|返回码|响应码)\s*[:= ` +
			`]?\s*["']?([0-9A-Z]{2})\b`),
		heat: regexp.MustCompile(`(?i)(?:temperature|temp\.?|` +
			`温度)[^0-9-]{0,12}(-?\d{1,3}(?:\.\d+)?).{0,16}?(?:limit|max(?:imum)?|上限|` +
			`限值)[^0-9-]{0,6}(-?\d{1,3}(?:\.\d+)?)`),
		calm: newCalmer(), worth: newQuickWords(wordsWorthHearing), healthy: patternOf(wordsOfHealth),
		failure: patternOf(wordsOfFailure), success: patternOf(wordsOfSuccess), traded: patternOf(wordsOfTrade),
		signIn: patternOf(wordsOfSignIn),
		load:   patternOf(wordsOfLoad), restart: patternOf(wordsOfRestart), login: patternOf(wordsOfLogin),
		link:   patternOf(wordsOfLink),
		people: patternOf(wordsOfPeople), sending: patternOf(wordsOfSending), entry: patternOf(wordsOfEntry),
		keys:    patternOf("key|tmk|pik|mak|tdk|ipek|bdk|zmk|slot|密钥|槽"),
		program: patternOf("client|application|app |service|客户端|应用|服务")}
}

// Words of lines. What begins or ends with a blank is a word of its own there.
const (
	wordsOfFailure = "error|err |fail|refus|reject|mismatch|wrong|invalid|denied|deny|bad |unable|cannot|" +
		"could not|nak|exception|fatal|not |no |missing|differs|expired|lost|alarm|warn|limit|exceed|" +
		"错|失败|拒绝|不符|不一致|不正确|异常|无法|不存在|没有|未|故障|超时|告警|报警|过期|丢失|无效"
	wordsOfSuccess = "ok |success|succeeded|done|loaded|stored|accepted|passed|complete|confirmed|approved|" +
		"verified|成功|通过|完成|正常"
	wordsOfTrade  = "approved|交易成功|批准"
	wordsOfSignIn = "sign in|signin|signed in|sign on|signon|logon|log on|0800|0810|签到"
	wordsOfLoad   = "load|inject|stored|key write|write key|store key|key update|kld|灌|注入|装载|下载密钥|下载主密钥|密钥下载|" +
		"写密钥|写入密钥"
	wordsOfRestart = "reboot|restarted|restarting|system start|booted|boot complete|booting|power on|started up|" +
		"startup|cold start|watchdog|开机|重启|重新启动|上电|启动完成"
	wordsOfLogin = "login failed|log in failed|login denied|wrong password|password wrong|incorrect password|" +
		"authentication failure|access denied for|denied for account|登录失败|口令错误|操作员密码错|管理员密码错"
	wordsOfLink = "timeout|time out|timed out|no response|no answer|lrc|crc error|crc mismatch|bad crc|" +
		"checksum error|nak |naks|retransmi|connection reset|connection lost|link down|frame damaged|" +
		"damaged frame|broken frame|超时|无应答|无响应|连接中断|连接断开|通讯失败|通信失败|通讯错误|通信错误|校验和错"
	wordsOfPeople = "pin entry|key press|keypress|card|swipe|idle|screen|printer|session|login|密码输入|输密|刷卡|插卡|" +
		"挥卡|按键|屏幕|打印"
	wordsOfSending = "mail|wechat|whatsapp|sms|chat|usb stick|fax|photo|微信|邮件|短信|传真|拍照|u盘"
	wordsOfHealth  = "tamper|self test|self check|selftest|selfcheck|sensor|temperature|battery|mac error|pin " +
		"error|key error|lrc error|crc error|" +
		"自检|防拆|触发|传感|温度|电池|密钥错误|密钥异常"
	wordsOfEntry = "mistyped|typed wrong|entry wrong|entries differ|wrong digit|digit wrong|" +
		"component rejected|component refused|component+mismatch|component+wrong|component+fail|sheet+wrong|" +
		"分量+错|分量+不符|分量+失败|分量+不一致|输入错|输错|两次输入不一致"
)

// hear fills an event from a line's words, and reports whether it is one. A line of trouble is heard again without
// what it takes back: "tamper: none" is no tamper.
func (l *logEars) hear(e *Event, said string) bool {
	low := strings.ToLower(said)
	if !l.worth.in(low) {
		return false
	}
	before, h := *e, hear(said)
	found := l.hearAll(e, said, h)
	if found && !e.Failed && e.Kind != EventPlace || before.Kind != "" {
		return found
	}
	if found {
		rest, calm := l.calm.calmed(said)
		if !calm {
			return true
		}
		*e = before
		if unicodeWord(rest) && l.hearAll(e, rest, hear(rest)) {
			return true
		}
		*e = before
		e.Kind = EventHealthy
		return true
	}
	if l.healthy.in(h) {
		e.Kind = EventHealthy
	}
	return e.Kind != ""
}

// hearAll fills an event from words.
func (l *logEars) hearAll(e *Event, said string, h heard) bool {
	low := strings.ToLower(said)
	failing := l.failure.in(h)
	l.checkValues(e, said)
	differ(e)
	if m := submatch(l.until, said, hasAny(low, "valid", "expir", "有效期", "到期")); m != nil {
		if day, err := time.Parse(time.DateOnly, m[1]); err == nil {
			e.Until = day
		}
	}
	if e.Kind != "" {
		return true // a program said so in fields of its own
	}
	if hasAny(low, "temp", "温度") && l.overLimit(said) {
		e.Kind, e.Causes, e.Names, e.Failed = EventPlace, causes(CauseEnvironment, CauseTamper), true, true
		return true
	}
	for _, look := range []func(*Event, heard, string, bool) bool{l.words, l.codes, l.worked, l.failed} {
		if look(e, h, said, failing) {
			return true
		}
	}
	return e.Kind != ""
}

// wordsWorthHearing are parts of words of which a line that tells of keys has one.
const wordsWorthHearing = "key kcv check mac pin ped tamper attack irruption sign load inject error err fail boot " +
	"start power battery " +
	"log password clear plain seal bag sheet component expire firmware version timeout time-out timed lrc crc nak " +
	"certificate clock exception client reset erased temperature humid memory flash storage refus reject approved " +
	"39 rc " +
	"code stored 0800 0810 dukpt ksn answer response service connection damaged parity valid self sensor mesh " +
	"密钥 校验 错 失败 触发 攻击 签到 灌 注入 下载 交易 应答 返回 重启 开机 上电 断电 掉电 电池 密码 明文 信封 封条 分量 过期 到期 " +
	"有效期 固件 版本 超时 证书 时钟 温度 潮湿 高温 存储 内存 拒绝 通讯 通信 服务 成功 拆 锁 主密 键盘 客户端 终端号 自检 传感"

// quickWords are parts of words to be looked for in many lines: by the first two bytes of each, most are not in a
// line.
type quickWords struct {
	words []string
	gates []uint16
}

func newQuickWords(words string) quickWords {
	q := quickWords{words: strings.Fields(words)}
	for _, w := range q.words {
		q.gates = append(q.gates, gateOfWord(w[0], w[1]))
	}
	return q
}

// in reports whether a line has one of the words. It is in lower case.
func (q *quickWords) in(low string) bool {
	var has [gateBits / 64]uint64
	for i := 0; i+1 < len(low); i++ {
		n := gateOfWord(low[i], low[i+1])
		has[n/64] |= 1 << (n % 64)
	}
	for i, w := range q.words {
		if n := q.gates[i]; has[n/64]&(1<<(n%64)) != 0 && strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// submatch looks for a pattern where it may be.
func submatch(pattern *regexp.Regexp, s string, maybe bool) []string {
	if !maybe {
		return nil
	}
	return pattern.FindStringSubmatch(s)
}

// overLimit reports whether a line tells of a temperature above its limit.
func (l *logEars) overLimit(said string) bool {
	m := l.heat.FindStringSubmatch(said)
	if m == nil {
		return false
	}
	is, err1 := strconv.ParseFloat(m[1], 64)
	most, err2 := strconv.ParseFloat(m[2], 64)
	return err1 == nil && err2 == nil && is > most
}

// checkValues takes the check values of a line.
func (l *logEars) checkValues(e *Event, said string) {
	if low := strings.ToLower(said); !strings.Contains(low, "kcv") && !strings.Contains(low, "check") &&
		!strings.Contains(low, "校验") &&
		!strings.Contains(low, "expect") {
		return
	}
	if e.Expected == "" && e.Got == "" {
		if expected, got, ok := matchValues(l.values, said); ok {
			e.Expected, e.Got = expected.Digits, got.Digits
		} else if m := l.value.FindStringSubmatch(said); m != nil && hasDigit(m[1]) {
			e.Got = checkField(m[1])
		}
	}
	differ(e)
}

// differ makes a mismatch of an event with two values that differ.
func differ(e *Event) {
	if e.Expected != "" && e.Got != "" && !strings.EqualFold(e.Expected, e.Got) {
		e.Failed = true
		if e.Kind == "" || e.Kind == EventLoaded || e.Kind == EventLoadFailed {
			e.Kind = EventMismatch
			if len(e.Causes) == 0 {
				e.Causes = ofMismatch()
			}
		}
	}
}

// kindOf gives the kind of event that a saying tells of.
func kindOf(s *saying, h heard) EventKind {
	switch s.causes[0] {
	case CauseTamper:
		return EventTamper
	case CauseKeyExposed:
		if h.has("clear|plain|明文") {
			return EventClearKey
		}
		return EventExposed
	case CauseKeyExpired:
		return EventExpired
	case CausePowerLoss:
		return EventPower
	case CauseFirmwareOld:
		return EventFirmware
	case CauseLinkFault:
		return EventLink
	case CauseStorageCorrupt:
		return EventStorage
	case CauseEnvironment:
		return EventPlace
	case CauseInjectorClock:
		return EventClock
	case CausePINBlock:
		return EventPINError
	case CauseMistypedDigit:
		return EventSlip
	case CauseKeysRolled, CauseMACRule:
		if h.has("mac|a0") {
			return EventMACError
		}
		if h.has("pin|55|99") {
			return EventPINError
		}
	}
	if !s.names && s.causes[0] == CauseWrongBinding {
		return EventSignInFailed
	}
	if !s.names && s.page == SituationCheckFailed {
		return EventMismatch
	}
	return EventCode
}

// plainly reports whether a line says what it says of a cause without a word of failure: others name things that a
// healthy log names too.
func plainly(c Cause) bool {
	return slices.Contains(causes(CauseTamper, CauseKeyExposed, CauseKeyExpired, CausePowerLoss, CauseKeyService,
		CausePinpadPort), c)
}

// plainTopics are the topics with the sayings alone that need no word of failure.
func plainTopics() []topic {
	var all []topic
	for _, t := range topics() {
		plain := slices.DeleteFunc(slices.Clone(t.sayings), func(s saying) bool {
			return len(s.causes) == 0 ||
				!plainly(s.causes[0])
		})
		if len(plain) > 0 {
			all = append(all, topicOf(plain, t.first))
		}
	}
	return all
}

// words takes what sayings tell of.
func (l *logEars) words(e *Event, h heard, _ string, failing bool) bool {
	topics := l.topics
	if !failing {
		topics = l.plain
	}
	for _, s := range heardWith(h, topics) {
		if len(s.causes) == 0 || l.traded.in(h) && s.causes[0] != CauseTamper {
			continue
		}
		if !s.names && l.success.in(h) && !h.has("fail|mismatch|wrong|error|失败|错|不") {
			continue
		}
		kind := kindOf(&s, h)
		if kind == EventCode && e.Kind != "" || e.Names && !s.names || rankOfKind(kind) >= rankOfKind(e.Kind) &&
			e.Kind != "" {
			continue
		}
		e.Kind, e.Causes, e.Names, e.Failed = kind, s.causes, s.names, true
	}
	if l.entry.in(h) && rankOfKind(EventSlip) < rankOfKind(e.Kind) {
		e.Kind, e.Failed = EventSlip, true
	}
	if l.sending.in(h) && h.has("key |component|密钥|分量") && h.has("sent|send|发送|发给|传给") {
		e.Kind, e.Causes, e.Names, e.Failed = EventExposed, causes(CauseKeyExposed), true, true
	}
	if e.Kind == EventMACError || e.Kind == EventPINError || e.Kind == EventCode || e.Kind == EventMismatch ||
		e.Kind == EventSlip || e.Kind == EventLink || e.Kind == EventSignInFailed {
		return false // a code may say more
	}
	return e.Kind != ""
}

// rankOfKind orders kinds where a line tells of several: what explains the others comes first.
func rankOfKind(k EventKind) int {
	order := []EventKind{EventTamper, EventClearKey, EventExposed, EventStorage, EventExpired, EventFirmware,
		EventClock, EventPower, EventPlace, EventSlip, EventMACError,
		EventPINError, EventLink, EventMismatch, EventCode}
	if i := slices.Index(order, k); i >= 0 {
		return i
	}
	return len(order)
}

// codes takes the code that a line names.
func (l *logEars) codes(e *Event, h heard, said string, failing bool) bool {
	if m := submatch(l.answer, said, strings.Contains(said, "00")); m != nil && m[1] == "00" {
		return l.trade(e, h)
	}
	for _, group := range byPlace(l.dictionary.Find(said)) {
		r := l.best(group)
		lead, names := leadsOf(&r.Row)
		if len(lead) == 0 || byWords(*r) {
			continue
		}
		code := said
		if runes := []rune(said); r.End <= len(runes) && r.Start < r.End {
			code = string(runes[r.Start:r.End])
		}
		e.Code, e.Failed = checkedCode(code), true
		if r.Weight == errorcode.High && (l.vendor != "" || agree1st(group) || r.Via.How == errorcode.ByScreen ||
			r.Via.How == errorcode.WithText) {
			e.Vendor = r.Vendor
		}
		if e.Kind == EventSignInFailed && kindOfCode(r) == EventCode {
			e.Causes, e.Names = lead, names && e.Vendor != ""
			return true
		}
		if e.Kind == "" || (e.Kind == EventCode || e.Kind == EventSignInFailed) && !e.Names ||
			e.Kind == EventMismatch && len(e.Expected) == 0 {
			e.Kind, e.Causes, e.Names = kindOfCode(r), lead, names && e.Vendor != ""
		}
		return true
	}
	return e.Kind != "" && failing
}

func checkedCode(code string) string {
	if len(code) > mostLabel {
		return ""
	}
	return code
}

// best is the reading of the log's vendor, else the first.
func (l *logEars) best(group []errorcode.Reading) *errorcode.Reading {
	for i := range group {
		if group[i].Vendor == l.vendor {
			return &group[i]
		}
	}
	return &group[0]
}

func kindOfCode(r *errorcode.Reading) EventKind {
	lead, _ := leadsOf(&r.Row)
	switch {
	case r.Kind == errorcode.MAC && slices.Contains(lead, CauseKeysRolled):
		return EventMACError
	case r.Kind == errorcode.PIN && slices.Contains(lead, CauseKeysRolled):
		return EventPINError
	}
	switch lead[0] {
	case CauseTamper:
		return EventTamper
	case CauseKeyExpired:
		return EventExpired
	case CauseFirmwareOld:
		return EventFirmware
	case CauseLinkFault:
		return EventLink
	case CauseStorageCorrupt:
		return EventStorage
	case CausePowerLoss:
		return EventPower
	case CauseInjectorClock:
		return EventClock
	}
	if PlaybookOf(r.Row) == SituationCheckFailed {
		return EventMismatch
	}
	return EventCode
}

func (l *logEars) trade(e *Event, h heard) bool {
	e.Kind, e.Failed, e.Causes = EventTraded, false, nil
	if l.signIn.in(h) {
		e.Kind = EventSignedIn
	}
	return true
}

// worked takes what worked.
func (l *logEars) worked(e *Event, h heard, _ string, failing bool) bool {
	if e.Kind != "" || failing && !h.has("ok |成功|succe|done|accepted") {
		return false
	}
	switch done := l.success.in(h); {
	case l.signIn.in(h) && done:
		e.Kind = EventSignedIn
	case l.traded.in(h):
		e.Kind = EventTraded
	case l.load.in(h) && done && l.keys.in(h):
		e.Kind = EventLoaded
	case l.restart.in(h) && !l.program.in(h):
		e.Kind = EventRestart
	case e.Got != "":
		e.Kind = EventChecked
	case !e.Until.IsZero():
		e.Kind = EventValid
	}
	return e.Kind != ""
}

// failed takes what did not work and has no cause of its own.
func (l *logEars) failed(e *Event, h heard, _ string, failing bool) bool {
	switch {
	case l.login.in(h):
		e.Kind = EventLoginFailed
	case l.link.in(h) && !l.people.in(h):
		e.Kind, e.Causes = EventLink, causes(CauseLinkFault)
	case l.restart.in(h) && !l.program.in(h):
		e.Kind = EventRestart
		return true
	case !failing:
		return false
	case l.signIn.in(h):
		e.Kind = EventSignInFailed
	case l.load.in(h) && l.keys.in(h):
		e.Kind = EventLoadFailed
	default:
		return false
	}
	e.Failed = true
	return true
}

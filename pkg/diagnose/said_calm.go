package diagnose

// What takes words of trouble back: "no tamper", "errors: 0", "self test passed", 没有密钥错误; and what is counted, which
// is no code.

import (
	"strings"

	"poskey/internal/text"
)

// calmer takes out of a text what tells of no trouble.
type calmer struct {
	negated, witnessed, zero, none, well, strong, failing, rehearsed, retried, counted, pressed *sieve
}

func newCalmer() *calmer {
	const (
		trouble = `(?:error|failure|fail|failed|problem|fault|mismatch(?:es)?|alarm|tamper|tampered|tampering|` +
			`tripped|triggered|trip|attack|` +
			`attacked|damage|damaged|anomaly|anomalies|abnormality|warning|exception|timeout|issue|violation|` +
			`corruption|corrupted|` +
			`expired|exposed|compromised|difference|differences|opened|trouble)`
		noun = `(?:任何|主密钥|工作密钥|传输密钥|密钥|秘钥|校验值?|签到|通讯|通信|终端|设备|机器|安全|存储|网络|交易|什么|其他|发现|出现|发生|报|` +
			`检测|检出|监测|检查|看|见|提示|显示|收|产生|遇|MAC|PIN|PIK|MAK|TMK|KCV|的|过|有|到)`
		// What has no trouble goes with it: 密钥无异常.
		owner  = `(?:(?:主密钥|工作密钥|传输密钥|密钥|秘钥|签到|通讯|通信|终端|设备|机器|校验|MAC|PIN|PIK|MAK|TMK|KCV)\s*){0,3}`
		number = `(?:\s*(?:code\s+|代码|码|号)?[:：]?\s*-?\d{1,5}\b)?` // the code that there was none of
		// People see none: "did not see any key error", "has not reported a fault".
		seeing = `\b(?:(?:did|does|do)(?:\s+not|n['’]?t)\s+(?:see|get|show|report|detect|observe|notice|log|have|` +
			`give|return|find\s+any)|(?:have|has|had)(?:\s+not|n['’]?t)\s+(?:seen|got|gotten|had|shown|noticed|` +
			`observed|reported|logged)|never\s+(?:saw|seen|got|had|noticed|showed|reported))\s+`
		bad = `(?:错误|异常|故障|报警|告警|触发|攻击|问题|不符|不一致|失败|错|损坏|过期|泄露|泄漏|丢失|超时|中断|被拆|拆机)`
	)
	return &calmer{
		negated: newSieve(`(?i)(?:` + seeing + `|\b(?:no|not|never|without|without any|0|zero)\s+)` +
			`(?:any\s+|been\s+|one\s+|a\s+|an\s+|the\s+|yet\s+|` +
			`(?:key|keys|mac|pin|kcv|tmk|check value|security|memory|link|lrc|crc|device|terminal|known|other|` +
			`further)\s+){0,3}` + trouble + `s?\b` + number +
			`|` + trouble + `s?\b[^,;.]{0,12}\bnone\s+(?:was\s+|were\s+)?` +
			`(?:detected|seen|found|reported|observed|logged)\b` +
			`|` + owner + `(?:没有|没|未|未曾|不曾|并无|并未|从未|无)` + noun + `{0,5}` + bad + number +
			`|(?:^|[^\p{Han}]|并|也|均|都|目前|终端|设备|机器|系统)不存在` + noun + `{0,5}` + bad + number),
		zero: newSieve(`(?i)(?:errors?|count(?:er)?s?|failures?|failed|mismatch(?:es)?|alarms?|tampers?|` +
			`tampered|naks?|timeouts?|retries|` +
			`times|events?|attacks?|faults?|次数|错误数?|异常|失败|报警|告警|触发|超时)\s*(?:count(?:er)?|events?|次数|数)?\s*` +
			`(?:[:=：]\s*(?:0+(?:\s|$|次)|(?:none|no|nil|zero|false|无|否)\b)|0+(?:\s|$|次)|为0|无$)`),
		witnessed: newSieve(`(?i)` + seeing + `|出现|发现|发生|检测|检出|监测|看|见|提示|显示|遇|产生|存在`),
		none: newSieve(`(?i)^[^\pL\pN]*none\s+(?:was\s+|were\s+|has been\s+|have been\s+)?` +
			`(?:detected|seen|reported|observed|logged)\b`),
		well: newSieve(`(?i)(?:tamper|sensor|mesh|switch|batter|self.?test|self.?check|temperature|seal|` +
			`memory|flash|` +
			`触发|防拆|自检|电池|传感|温度|存储).*(?:[:=]\s*(?:none|no|nil|false|clear|closed|intact)\b|\bok\b|\bpass(?:ed)?\b|` +
			`\bnormal\b|\bgood\b|` +
			`\bhealthy\b|\bintact\b|\bwithin limits?\b|near (?:the |its )?limit|close to (?:the |its )?limit|` +
			`approaching|正常|通过|良好|完好|接近)`),
		strong: newSieve(`(?i)detect(?:ed|ion of)\b|trigger|erased|attacked|tampered|irruption|` +
			`destroyed|opened|自毁|被|已触发|触发了|清除`),
		failing: newSieve(`(?i)error|fail|mismatch|wrong|differ|denied|refus|reject|\bbad\b|lost|` +
			`damaged|corrupt|错|失败|不符|异常|故障|拒绝|坏|损`),
		rehearsed: newSieve(`(?i)\bsimulat|\bdrill\b|\bdry run\b|\brehears|\btest procedure\b|演练|模拟|演习`),
		retried: newSieve(`(?i)\bretr(?:y|ies|ied)\b.{0,12}\b(?:ok|succe\w+|passed|good)\b|(?:second|` +
			`2nd) (?:try|attempt) (?:ok|succe|passed)|重试后?(?:成功|正常|通过)`),
		counted: newSieve(`(?i)\b\d{1,5}\s+(?:(?:more|other|failed|successful|different|new|old|affected|` +
			`of|our|the|identical|big|small)\s+){0,3}(?:transactions|` +
			`shops|stores|branches|outlets|sites|locations|merchants|counters|lanes|tills|cashiers|clerks|operators|` +
			`users|employees|staff|units|pieces|boxes|cartons|pin ?pads|readers|receipts|payments|refunds|records|` +
			`lines|files|messages|calls|tickets|complaints|orders|batches|sessions|attempts|tries|years|` +
			`trades|sales|cards|customers|days|weeks|` +
			`months|hours|minutes|mins|seconds|secs|terminals|devices|machines|people|percent|euros|dollars|yuan)\b` +
			`|\d{1,5}\s*(?:笔|次(?:[^日]|$)|天|台|张|分钟|小时|秒|元|块钱|个月|个人|个(?:店|门店|商户|网点|终端|收银)|家(?:店|门店|商户|分店|网点)|%)`),
		pressed: newSieve(`(?i)\b(?:\d\s+(?:key|button)s?|(?:key|button)\s+\d)\s+` +
			`(?:(?:of|on|in|is|are|the|a|its|my|our|device|terminal|pos)\s+){0,4}` +
			`(?:pin ?pad|keypad|keyboard|sticks?|stuck|jams?|jammed|sticky|sticking|broken off|worn)\b` +
			`|\b(?:press|presses|pressed|pressing|hit|push|pushed)\s+(?:the\s+)?(?:keys?|buttons?)\s*\d?\b` +
			`|\b(?:press|presses|pressed|pressing|hit|push|pushed)\s+(?:the\s+)?\d\s+(?:keys?|buttons?)\b` +
			`|(?:数字|功能)键\s*\d?|\d\s*号?(?:数字)?(?:键|按键|按钮)(?:不灵|失灵|卡|坏|没反应|按不|没有反应)` +
			`|\b(?:keyboard|keypad|function|number|enter|cancel|` +
			`clear)\s+keys?(?:\s+\d+)?\b|` +
			`\bkeys?(?:\s+\d+)?\s+(?:is|are)?\s*(?:stuck|jammed|sticky|sticking|broken off|worn)\b|按键(?:\d+)?`),
	}
}

// calmed takes out what tells of no trouble, and reports whether there was any.
func (c *calmer) calmed(s string) (rest string, calm bool) {
	if !c.mayCalm(sift(s)) {
		return s, false
	}
	all := clauses(s)
	var kept strings.Builder
	for i, clause := range all {
		switch {
		case c.takesBack(clause), c.retried.match(sift(clause)), i+1 < len(all) && c.retried.match(sift(all[i+1])):
			kept.WriteString(", ")
		default:
			kept.WriteString(c.unsaid(clause))
		}
	}
	return kept.String(), kept.String() != s
}

// mayCalm reports whether any part of a text can tell of no trouble.
func (c *calmer) mayCalm(l *sifted) bool {
	for _, p := range []*sieve{c.negated, c.zero, c.none, c.well, c.rehearsed, c.retried} {
		if p.may(l) {
			return true
		}
	}
	return false
}

// unsaid takes out what a clause says that there was none of. Its number goes with it only where somebody looked: there
// was no key error 14, but "no key: error 14" is one.
func (c *calmer) unsaid(clause string) string {
	if !c.negated.may(sift(clause)) {
		return clause
	}
	return c.negated.re.ReplaceAllStringFunc(clause, func(none string) string {
		words := strings.TrimRight(none, "-0123456789")
		if c.witnessed.match(sift(words)) && !strings.Contains(words, "报错") {
			return " , "
		}
		return " , " + none[len(words):]
	})
}

// takesBack reports whether a clause as a whole tells that all is well.
func (c *calmer) takesBack(clause string) bool {
	l := sift(clause)
	if c.zero.match(l) || c.none.match(l) || c.rehearsed.match(l) {
		return true
	}
	if c.negated.may(l) {
		l = sift(c.negated.re.ReplaceAllString(clause, " "))
	}
	return c.well.match(l) && !c.strong.match(l) && !c.failing.match(l)
}

// clauses cuts a text where it takes breath; the signs stay with what stands before them.
func clauses(s string) []string {
	var all []string
	from := 0
	for i, r := range s {
		switch r {
		case ',', ';', '，', '；', '。', '\n', '!', '！':
		case '.':
			if i+1 < len(s) && s[i+1] != ' ' {
				continue
			}
		default:
			continue
		}
		all = append(all, s[from:i])
		from = i
	}
	return append(all, s[from:])
}

// uncounted takes numbers out that count something, and keys that are pressed: neither is a code or a key of ours.
func (c *calmer) uncounted(s string) string {
	for _, p := range []*sieve{c.counted, c.pressed} {
		if p.may(sift(s)) {
			s = p.re.ReplaceAllString(s, " , ")
		}
	}
	return s
}

// pressedKeys reports whether a text is about keys that are pressed.
func (c *calmer) pressedKeys(s string) (text.Text, bool) {
	if !c.pressed.match(sift(s)) {
		return text.Text{}, false
	}
	return text.New("it is about the screen or the keys of the device"), true
}

package diagnose

// The words of lines of a log.

import "strings"

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

// in reports whether a line has one of the words.
func (q *quickWords) in(l *sifted) bool {
	for i, w := range q.words {
		if l.word(w, q.gates[i]) {
			return true
		}
	}
	return false
}

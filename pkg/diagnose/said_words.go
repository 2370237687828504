package diagnose

// What people and screens say in words, in English and Chinese: sayings that name a cause, a lock, or no trouble of a
// key at all.

import (
	"strings"

	"poskey/internal/text"
	"poskey/pkg/device"
)

// saying is a pattern of words with what it names. A pattern is alternatives with | between them; an alternative is
// elements with + between them, all of which must be there, or with ~ between them: these must stand near each other.
// {key} stands for any of a class of words (said_classes.go). Latin words begin at the beginning of a word.
type saying struct {
	words  string
	not    string  // what takes it back
	causes []Cause // the likeliest first
	names  bool    // it names its first cause; else it only leads there
	page   string  // a situation
	lock   device.LockKind
	none   text.Text // it is no trouble of a key: what it is instead
}

const (
	notTampered = "no tamper|not tamper|untampered|without tamper|not been tamper|tamper none|tamper ok|" +
		"tamper no |tamper 0 |tamper false|tamper closed|" +
		"tamper normal|tamper status 0 |tamper status ok|tamper status normal|tamper evident|" +
		"tamper detection enabled|tamper detected false|" +
		"tampered false|tampered no |tampered 0 |tamper detected no |tamper switch closed|tamper check pass|" +
		"tamper check ok|tamper self test|" +
		"未触发|没有触发|无触发|未被攻击|没有被攻击|未被触发|触发状态正常|触发状态0|防拆正常|防拆状态正常|未拆机|没有拆机"
	allOK = "is ok|are ok|check ok|normal|passed"
)

func sayingsOfDevices() []saying {
	return []saying{
		{words: "{device}~{opened}|tamper|attacked|irruption|intrusion|security breach|all keys cleared|" +
			"all keys erased|" +
			"self destr|device opened|case opened|" +
			"安全触发|攻击触发|触发攻击|触发报警|触发告警|触发+厂商|触发+售后|触发+客服|被触发|已触发|触发了|终端触发|机器触发|pos触发|键盘触发|触发自毁|自毁|拆机|防拆|被拆|被攻击|" +
			"遭攻击|遭到攻击|受到攻击|侵入|触发锁",
			not: notTampered + "|信封|密封袋|envelope|" +
				"bag ", causes: causes(CauseTamper), names: true, lock: device.LockTamper},
		{words: "restart the client|restart client|restart the app|restart the application|relaunch|重新启动客户端|" +
			"重启客户端|重新打开客户端|重启应用|重新启动应用",
			causes: causes(CauseKeyService, CauseEmptySlot, CauseTamper), names: true, page: SituationRestartClient},
		{words: "service disconnect|service died|service crash|service has died|service stopped|" +
			"service not connected|service is not running|service is not available|" +
			"service unavailable|binder died|binder dead|security service~{down}|bind service|bind to service|" +
			"dead object|deadobject|key service~{down}|" +
			"pinpad service~{down}|" +
			"lost its service|service connection|financial service disconnect|" +
			"密钥服务|服务断开|服务已断开|服务异常|服务崩溃|服务未连接|服务未启动|绑定服务失败|服务连接失败|服务不可用|金融服务~{down}|安全服务~{down}",
			not: "out of service|" + allOK, causes: causes(CauseKeyService, CauseTamper), names: true},
		{words: "{pinpad}~{off}|check the pin pad|check pin pad|check the pinpad|check pinpad|pin pad not|" +
			"pinpad not|" +
			"pin pad is not|pinpad is not|no pin pad|no pinpad|pin pad disconnect|" +
			"pinpad disconnect|pin pad offline|pinpad offline|cannot open the pin pad|cannot open pin pad|" +
			"cannot open pinpad|open pinpad fail|open pin pad fail|" +
			"检查密码键盘|连接密码键盘|密码键盘未|密码键盘没|密码键盘不|密码键盘连接|密码键盘通讯|密码键盘通信|密码键盘异常|无密码键盘|未接密码键盘|没接密码键盘|打开密码键盘|" +
			"密码键盘初始化失败|密码键盘故障|密码键盘打开失败|外接密码键盘|外置密码键盘|内置密码键盘",
			not: "密码键盘未被|pin pad keys", causes: causes(CausePinpadPort, CauseEmptySlot), names: true},
		{words: "{battery}~{weak}|battery low|low battery|battery is low|battery empty|battery dead|" +
			"battery failure|battery fail|" +
			"battery weak|power loss|power lost|power failure|power cut|power outage|" +
			"lost power|brown out|brownout|unplugged|power was|power went|power interrupted|" +
			"断电|掉电|停电|没电|换电池|换了电池|更换了电池|拔电|拔掉电源|断了电|电池没电|电池电量低|电池低|电池电压低|电池电压过低|电池耗尽|更换电池|电量不足|突然关机|拔了电源|电源中断|欠压",
			not: "battery ok|battery normal|battery good|battery full|battery 100|backup battery ok|电池正常|" +
				"电池电量正常|后备电池正常|power loss none",
			causes: causes(CausePowerLoss, CauseTamper), names: true},
		{words: "{storage}~{bad}|memory damaged|memory is damaged|memory was damaged|memory corrupt|" +
			"slot corrupt|slot damaged|" +
			"flash error|flash fail|storage error|storage fail|storage corrupt|database corrupt|" +
			"kcv changed|check value changed|kcv has changed|check value has changed|" +
			"kcv变了|校验值变了|kcv自己变|校验值自己变|kcv无故变|flash写|写flash|保存失败|存储失败|" +
			"key database|key store corrupt|keystore corrupt|checksum of the slot|data rw fail|存储损坏|存储错误|存储异常|" +
			"存储器损坏|内存损坏|闪存错误|flash错误|读写失败|密钥库损坏|密钥文件损坏|密钥区损坏|槽位损坏",
			not: "no storage error|storage errors 0|" +
				"" + allOK, causes: causes(CauseStorageCorrupt, CausePowerLoss), names: true},
		{words: "in the sun|frozen|freezing|too cold|gets cold|gets warm|gets hot|rain water|heat wave|" +
			"太阳底下|太阳下|曝晒|暴晒|晒了|晒到|冻了|冻坏|冻住|太冷|低温|暖和|受热|淋雨|淋了雨|淋湿|太潮|" +
			"overheat|too hot|over temperature|overtemperature|temperature alarm|temperature too|" +
			"temperature out of|high temperature|humid|damp|condensation|过热|高温|温度过|温度异常|超温|潮湿|受潮|湿度过|结露|电磁干扰",
			not: allOK, causes: causes(CauseEnvironment, CauseTamper), names: true},
		{words: "firmware does not support|firmware not support|firmware doesn t support|software does not support|" +
			"not supported by the firmware|firmware+does not support|固件太老|固件老|固件过老|固件低|固件+不支持|" +
			"不支持tr31|不支持+密钥块|不支持aes|系统太老|程序太老|" +
			"firmware too old|firmware is too old|firmware old|old firmware|outdated firmware|" +
			"firmware outdated|firmware version|software too old|software version too|unsupported version|" +
			"version not supported|" +
			"version is not supported|block version not|key block version|not supported by this firmware|" +
			"needs firmware|requires firmware|requires version|upgrade the firmware|upgrade firmware|" +
			"firmware update required|" +
			"固件版本|固件过旧|固件太旧|版本过低|版本太低|版本过旧|版本不支持|不支持该版本|升级固件|程序版本低|系统版本低|需要升级",
			not: "firmware version ok|firmware version check ok|firmware version check passed|" +
				"firmware version is current|firmware versions agree|固件版本正常|固件版本正确|固件版本检查通过",
			causes: causes(CauseFirmwareOld), names: true},
		{words: "certificate+out of date|certificate+no longer valid|certificate+not valid|certificate expired|" +
			"certificate has expired|expired certificate|certificate not yet valid|" +
			"certificate is not yet|cert expired|clock is wrong|clock wrong|wrong date|date is wrong|date wrong|" +
			"wrong clock|clock skew|" +
			"clock drift|time is wrong|clock differs|clock error|date and time wrong|mutual authentication fail|" +
			"mutual authentication error|otp rejected|one time password rejected|" +
			"证书过期|证书已过期|证书未生效|证书没生效|证书还没生效|证书尚未生效|双向认证不过|双向认证不通过|双向认证没过|双向认证不成功|双向认证未通过|证书失效|日期错|日期不对|日期不正确|" +
			"日期有误|时间不对|时间错|时间不正确|时钟错|时钟不|时钟偏差|时钟异常|双向认证失败|双向认证错误|电脑日期|系统时间不",
			causes: causes(CauseInjectorClock), names: true, lock: ""},
	}
}

func sayingsOfHosts() []saying {
	return []saying{
		{words: "sign in again+batch|批次不一致|批次号不一致|batch differs|batch number differs|" +
			"batch out of", causes: causes(CauseKeysRolled), names: true},
		{words: "every trade+55|every transaction+55|every transaction+rc55|every trade+rc55|all transactions+55|" +
			"all transactions+rc55|every pin transaction|correct pin+55|right pin+55|right pin+rc55|" +
			"correct pin+rc55|" +
			"every card+pin|every card+55|all cards+pin|all cards+55|any card+pin|any card+55|所有卡+密码|所有卡+55|" +
			"每张卡+密码|每张卡+55|任何卡+密码|任何卡+55|" +
			"全部卡+密码|换卡也+密码|不管什么卡+密码|不同的卡+密码|几张卡+密码|多张卡+密码|several cards+pin|different cards+pin|每张卡都+pin|所有卡+pin",
			not: "密码键盘|pin pad|pinpad", causes: causes(CausePINBlock, CauseKeysRolled, CauseWrongTMK), names: true},
		{words: "every trade+mac|every transaction+mac|all transactions+mac|all trades+mac|each transaction+mac|" +
			"each trade+mac|always+mac|mac+from the start|mac+since installation|mac+since it was installed|" +
			"every trade+a0|every transaction+a0|all trades+a0|all transactions+a0|每笔+mac|每笔+a0|每次交易+mac|" +
			"每次交易+a0|所有交易+mac|所有交易+a0|一直+mac|一直+a0|新装+mac|新机+mac|从一开始+mac|从开始+mac|" +
			"始终+mac|每笔交易+mac|每笔交易+a0|签到成功+mac|签到正常+mac|签到成功+a0|签到正常+a0|sign in fine+mac|sign in ok+mac|" +
			"signs in+mac|sign in works+mac|sign in works+a0|signs in+a0|sign in fine+a0",
			not:    "suddenly|all of a sudden|突然|昨天还|之前正常|以前正常|刚才还|mac address|mac地址|原来正常",
			causes: causes(CauseMACRule, CauseKeysRolled, CauseWrongBinding, CauseWrongTMK), names: true},
		{words: "mac algorithm|mac rule|mac method|mac mode|mac算法|mac方式|mac计算方式|" +
			"mac计算规则", causes: causes(CauseMACRule, CauseKeysRolled), names: true},
		{words: "never match+mac|mac never|mac+never match|logon ok+mac|log on ok+mac|sign on ok+mac|cbc mac+x9|" +
			"mac+x9 19", not: "mac address",
			causes: causes(CauseMACRule, CauseKeysRolled, CauseWrongTMK), names: true},
		{words: "mac error|mac check|mac verif|mac wrong|mac is wrong|mac mismatch|mac fail|mac invalid|" +
			"mac does not|mac differs|bad mac|invalid mac|wrong mac|mac not match|mac incorrect|incorrect mac|" +
			"mac校验|mac错|mac不符|mac不正确|mac验证|mac不一致|mac有误|mac失败|a0+签到",
			not: "mac address|mac地址|mac工作密钥|key block|keyblock|tr 31|tr31|kbpk|密钥块|mac check ok|" +
				"mac check passed|mac verified|mac verification ok|" +
				"mac verification passed|mac校验通过|mac校验成功|mac校验正确|mac校验正常|mac校验ok|mac验证通过|mac验证成功",
			causes: ofMAC(), names: true},
		{words: "pin format|pin格式错|pin格式不|pin格式有误|pin密钥同步|pin密钥不同步|pik不同步|" +
			"pin key out of", causes: ofPIN(), names: true},
		{words: "sign in again|sign on again|log on again|logon again|sign on required|sign in required|" +
			"please sign in|re sign in|re logon|relogon|re log on|out of step|out of sync|key sync|keys rolled|" +
			"重新签到|请先签到|请签到|须签到|密钥不同步|密钥同步|工作密钥失效|签到失效",
			causes: causes(CauseKeysRolled, CauseWrongTMK), names: true},
		{words: "pin block|pinblock|pin块", not: "pin block ok|pinblock ok|pin block sent|" +
			"pin block built", causes: causes(CausePINBlock, CauseKeysRolled), names: true},
		{words: "{host}~97|{host}~58|{host}~03|{host}~rc97|{host}~rc03|terminal not registered|" +
			"terminal is not registered|terminal id not registered|terminal unknown|" +
			"unknown terminal|invalid terminal|terminal invalid|invalid merchant|merchant invalid|" +
			"merchant not registered|" +
			"merchant is not registered|not bound|wrong binding|terminal not bound|wrong terminal id|" +
			"wrong merchant|tid mid mismatch|" +
			"商户不存在|商户号不存在|终端不存在|终端号不存在|终端号未登记|终端未登记|终端号未注册|终端未注册|商户未登记|无效商户|商户无效|无效终端|终端无效|终端号错|终端号不|商户号错|商户号不|" +
			"未绑定|绑定错误|绑定关系|非法终端|非法商户|终端与商户",
			not:    "service|服务",
			causes: causes(CauseWrongBinding), names: true},
		{words: "sign in fail|sign on fail|logon fail|log on fail|cannot sign in|can t sign in|" +
			"unable to sign in|签到失败|签到不成功|无法签到|不能签到|签到不了|签不了到|签不上到",
			causes: causes(CauseWrongBinding, CauseWrongTMK, CauseEmptySlot, CauseLinkFault)},
	}
}

func sayingsOfKeys() []saying {
	const missing = "{key}~{gone}|工作密钥下载失败|下载工作密钥失败|工作密钥下载不|working key download fail|key missing|keys missing|" +
		"key is missing|keys are missing|key not found|key not loaded|" +
		"keys not loaded|key not present|key not exist|key does not exist|key not installed|key not injected|" +
		"keys not injected|" +
		"key lost|keys lost|keys gone|keys are gone|key is gone|no key|no master key|no tmk|" +
		"no terminal master key|no working key|no pik|tmk missing|tmk not|missing key|missing master key|" +
		"missing tmk|slot empty|slot is empty|empty slot|slots empty|slots are empty|" +
		"without a key|without keys|never injected|never loaded|lost its keys|lost its key|lost all keys|" +
		"lost the key|" +
		"密钥不存在|无主密钥|没有主密钥|没主密钥|主密钥未|未下载主密钥|未装主密钥|未灌|没灌|没有灌|密钥丢失|密钥没了|密钥丢|无密钥|没有密钥|没密钥|请下载主密钥|先下载主密钥|须下载主密钥|" +
		"需下载主密钥|确认主密钥下载|请灌密钥|请注入密钥|未注入|没有注入|" +
		"缺少密钥|缺少主密钥|缺密钥|缺主密钥|密钥为空|密钥未装|" +
		"找不到密钥|找不到主密钥|密钥未下载|密钥未注入|槽位为空|密钥被清空|密钥清空|密钥全没"
	return []saying{
		{words: missing, not: "no key lost|密钥未丢|密钥没有丢|密钥没丢|密钥没问题|信封|envelope|no key error|no key is|no key was|" +
			"no key trouble|no keys were|no key to|" +
			"no key problem|no key event|下载主密钥成功|主密钥下载成功|主密钥未过期|主密钥未变|主密钥未改|主密钥未更|key not found 0",
			causes: ofNoKey(), names: true},
		{words: "{index}~{wrong}|密钥索引+错|密钥索引+不|密钥索引+有误|密钥索引+越界|密钥索引+超|索引号错|索引错误|槽位错|槽位不|key index+wrong|" +
			"key index+invalid|" +
			"key index+error|key index+range|wrong key index|invalid key index|wrong slot|slot wrong|" +
			"index out of range|index error|another slot|slot number wrong",
			causes: ofIndex(), names: true},
		{words: "key expired|key has expired|keys have expired|keys expired|key is expired|expired key|" +
			"key validity|key no longer valid|dukpt exhausted|dukpt counter|counter exhausted|counter overflow|" +
			"ksn exhausted|dukpt overflow|" +
			"密钥过期|密钥已过期|密钥到期|密钥已到期|密钥失效日期|密钥有效期|密钥已失效|主密钥过期|计数器用尽|计数器溢出|dukpt用尽",
			not: "密钥未过期|key not expired|key validity ok|密钥有效期内|" +
				"密钥有效期正常", causes: causes(CauseKeyExpired), names: true},
		{words: "ksn~{wrong}|ksn+not increase|ksn+does not advance|ksn不变|ksn没变|ksn mismatch|ksn wrong|wrong ksn|" +
			"ksn error|ksn does not|ksn differs|ksn invalid|invalid ksn|" +
			"ksn length|ksn rejected|ksn refused|ksn not|ksn错|ksn不|ksn有误|ksn长度|ksn不匹配|密钥序列号错|密钥序列号不|" +
			"dukpt refused|dukpt rejected|tik rejected",
			causes: causes(CauseKSNMismatch, CauseIPEKBDK), names: true},
		{words: "ipek+bdk+instead|ipek+bdk+equal|ipek+bdk+same|ipek+bdk+混|ipek+bdk+相同|ipek+bdk+一样|ipek+bdk+弄错|" +
			"ipek+bdk+confus|ipek+bdk+mixed|bdk as ipek|bdk loaded as|ipek compared with|bdk当|" +
			"把bdk", causes: causes(CauseIPEKBDK, CauseKSNMismatch), names: true},
		{words: "key length|wrong length of the key|length of the key|密钥长度|密钥长短|单倍长|双倍长", not: "key length ok|" +
			"密钥长度正确|密钥长度一致",
			causes: ofLength(), names: true},
		{words: "weak key|key is weak|degenerates|halves are equal|equal halves|all zero key|key all zero|" +
			"key is all zero|弱密钥|全零密钥|密钥全零|密钥左右相同|两段相同|左半+右半+相同|左右半相同|k1 k2+refus|k1 k2+same|k1 k2+equal|" +
			"k1 k2+reject|k1等于k2|左右相同|两半相同|退化|" +
			"same halves|halves are the same|both halves+same", not: "no weak key|weak key check ok|" +
			"weak key check passed|not a weak key",
			causes: causes(CauseWeakKey, CauseMAKNeedsDoubling), names: true},
		{words: "两台+校验值+一样|两台+校验值+相同|每台+密钥+一样|每台+密钥+相同|所有终端+密钥+相同|所有终端+密钥+一样|所有机器+密钥+一样|每台+tmk+一样|" +
			"每台+tmk+相同|多台+密钥+相同|多台+校验值+相同|两台+密钥+相同|两台+密钥+一样|two terminals+same key|two terminals+same kcv|" +
			"two terminals+same check value|two devices+same|all terminals+same key|every terminal+same key|" +
			"all terminals share|same kcv+two",
			causes: causes(CauseDuplicateKCVFleet, CauseProcedure), names: true},
		{words: "duplicate key|same key already|key already loaded|key already exists|key value exist|" +
			"key already present|same key value|key not unique|密钥重复|相同密钥|密钥已存在|密钥值已存在|相同的密钥",
			not: "每台|两台|多台|所有终端|所有机器|all terminals|two terminals|two devices|every terminal|no duplicate key|" +
				"duplicate key check ok|duplicate keys 0|" +
				"duplicate key entry", causes: causes(CauseDuplicateValue), names: true},
		{words: "parity|奇偶校验|奇校验", not: "first 8 bytes|first eight bytes|first block|前8字节|前八字节|parity ok|" +
			"parity adjusted|parity none|parity n |8n1|baud|奇偶校验正确|奇偶校验通过|" +
			"奇校验通过",
			causes: ofParity(), names: true},
		{words: "wrong key type|key type wrong|key type error|key type invalid|key level|level below|" +
			"source key type|密钥类型错|密钥类型不|密钥类型有误|密钥级别|源密钥类型", causes: ofLevel(), names: true},
		{words: "stronger than its|protecting key+weak|kek weaker|weaker than the key|key strength|密钥强度|" +
			"保护密钥强度", causes: causes(CauseWeakProtector), names: true},
		{words: "{part}~{seen}|clear key|key in clear|plaintext key|key in plain|key leaked|key was seen|" +
			"key exposed|" +
			"key compromised|compromised|bag open|bag was open|bag torn|bag is torn|bag broken|seal broken|" +
			"seal is broken|envelope open|envelope was open|envelope torn|sheet was open|sheet opened|" +
			"component was seen|component seen|photo of the component|photo of the key|photographed|明文密钥|明文灌|" +
			"密钥明文|密钥泄露|密钥泄漏|信封被拆|信封已拆|信封拆开|信封破|封条破|封条被|封条损|密码信封已|分量泄露|分量泄漏|分量被|拍照|密钥被看到|photo+component|" +
			"picture+component|photo+key |whatsapp+component|whatsapp+key |" +
			"wechat+component|wechat+key |e mail+component|微信+密钥|微信+分量|微信+tmk|微信+明文|群里+密钥|群里+明文|qq+密钥|" +
			"信封+撕|封条+撕|密封袋+撕|key+emailed|tmk+emailed|zmk+emailed|component+emailed|tmk+in plain|" +
			"key+in plain text|封口+开|封口+破|封口+坏|信封+开着|信封+开口|信封+打开|封条+断|封条+开|envelope+open",
			not: "cryptogram|密文|no clear key|not compromised|clear key not|no key in clear|clear key pressed|" +
				"clear key to|" +
				"press the clear key|press clear|never in clear|clear keys 0",
			causes: causes(CauseKeyExposed), names: true},
		{words: "{same}~{slip}|third time+wrong|third time+component|third time+mistyp|" +
			"again and again+component|keeps mistyping|" +
			"第三次+错|第四次+错|第五次+错|又一次+错|屡次+错|多次+输错+分量|工位+又|操作员+又+错|总是输错|老输错|总输错|" +
			"same mistake|same slip|same station|same operator+error|同一工位|同一操作员|同一个人+错|" +
			"老是同一", causes: causes(CauseProcedure), names: true},
	}
}

func sayingsOfChecks() []saying {
	return append(sayingsOfForms(), []saying{
		{words: "mak+8个字节|mak+8字节|mak+后8位|pik ok+mak|pik right+mak|pik fine+mak|pik good+mak|pik match+mak|" +
			"pik correct+mak|" +
			"pin key ok+mac key|pin key right+mac key|pin key fine+mac key|pin key good+mac key|" +
			"pik正确+mak|pik正常+mak|pik通过+mak|pik对+mak|pin密钥正确+mac密钥|pin密钥正常+mac密钥|pin密钥通过+mac密钥|only the mak|" +
			"only mak+wrong|只有mak|仅mak|只有mac密钥",
			not: "mak ok|mac key ok|mak正确|" +
				"mac密钥正确",
			causes: causes(CauseMAKSlot16, CauseMAKNoPadding, CauseMAKNeedsDoubling, CauseField62Layout), names: true,
			page: SituationCheckFailed},
		{words: "pik and mak+wrong|pik and mak+fail|pik and mak+mismatch|both working keys|pik和mak|两个工作密钥|" +
			"pik、mak", not: "pik and mak ok|pik和mak正确",
			causes: causes(CauseWrongTMK, CauseECBCBC, CauseCipherFamily, CauseField62Layout), names: true,
			page: SituationCheckFailed},
		{words: "mak+check value|mak+kcv|mac key+check|mak check|mak+校验|mac密钥+校验|" +
			"mak校验", not: "mak check value ok|mak ok|mak校验通过|mak校验正确|mac密钥校验通过",
			causes: causes(CauseMAKSlot16, CauseMAKNoPadding, CauseWrongTMK, CauseMAKNeedsDoubling),
			page:   SituationCheckFailed},
		{words: "transport key|zmk mismatch|wrong zmk|zmk wrong|zmk check|kek mismatch|wrong kek|kek check|" +
			"kek wrong|传输密钥|zmk错|zmk不|kek错|kek不|区域主密钥错|区域主密钥不",
			not: "transport key ok|transport key loaded|transport key installed|传输密钥正确|传输密钥校验通过|传输密钥下载成功|" +
				"zmk check ok|kek check ok", causes: causes(CauseWrongTransportKey, CauseKCVLength), names: true},
		{words: "master key+mismatch|master key+wrong|wrong master key|another master key|tmk mismatch|" +
			"wrong tmk|tmk wrong|tmk differs|master key differs|主密钥不一致|主密钥不符|主密钥不对|主密钥错|主密钥不同|主密钥有误",
			not: "主密钥错误校验通过|" +
				"master key wrong 0",
			causes: causes(CauseWrongTMK, CauseWrongSlot, CauseWrongTransportKey), names: true},
		{words: "sm4+3des|sm4+des|国密+3des|国密+des|国密+国际|wrong algorithm|algorithm mismatch|algorithm differs|" +
			"算法不一致|算法不符|算法错|算法不同", causes: causes(CauseCipherFamily), names: true},
		{words: "field 62|field62|de62|62域|f62", not: "field 62 ok|field 62 length 24|field 62 length 40|" +
			"field 62 length 60|62域正常",
			causes: causes(CauseField62Layout, CauseLengthClass), names: true},
		{words: "kcv length|check value length|kcv+digits|校验值长度|校验值位数|kcv长度|" +
			"kcv位数", causes: causes(CauseKCVLength, CauseKCVCheckMode), names: true},
		{words: "kcv mode|check mode|校验模式|kcv模式", causes: causes(CauseKCVCheckMode, CauseKCVMethod), names: true},
		{words: "kcv mismatch|kcv error|kcv wrong|kcv fail|kcv differs|kcv does not|kcv not match|" +
			"kcv check fail|kcv incorrect|wrong kcv|check value mismatch|check value differs|check value wrong|" +
			"check value does not|" +
			"check value error|check value is wrong|check value not|check values differ|wrong check value|" +
			"key check fail|key check error|key verification fail|key check failed|check key fail|" +
			"校验值不|校验值错|校验值有误|校验码错|校验码不|kcv不|kcv错|kcv有误|密钥校验失败|密钥校验错|密钥校验不|校验密钥失败|密钥校验未通过|主密钥校验|工作密钥校验|校验密钥错",
			not: "no kcv mismatch|kcv mismatches 0|kcv mismatch 0|密钥校验成功|密钥校验通过|主密钥校验通过|主密钥校验成功|工作密钥校验通过|" +
				"工作密钥校验成功",
			causes: ofMismatch(), page: SituationCheckFailed},
		{words: "key block|keyblock|tr 31|tr31|密钥块", not: "key block ok|key block accepted|key block loaded|" +
			"key block sent|block version",
			causes: causes(CauseSchemeVariant, CauseWrongTransportKey, CauseFirmwareOld)},
		{words: "unwrap|decrypt the key|decrypting the key|key decryption|解密密钥|密钥解密", not: "unwrapped ok|" +
			"unwrap ok|密钥解密成功", causes: ofUnwrap()},
		{words: "key error|key fault|key failure|密钥错误|密钥异常|密钥有误|密钥出错|密钥故障|密钥失败|秘钥错误", not: "no key error|" +
			"key errors 0|key error 0",
			causes: causes(CauseWrongTMK, CauseEmptySlot, CauseLengthClass, CauseWrongSlot),
			page:   SituationCheckFailed},
	}...)
}

// sayingsOfForms are of the forms that keys and their values have: who says so much has looked.
func sayingsOfForms() []saying {
	return []saying{
		{words: "cbc+ecb|ecb+cbc|first 8 bytes+parity|first 8 bytes+rest|first eight bytes+rest|first block+rest|" +
			"first block+odd|前8字节+奇|前8字节+后|前八字节+后|" +
			"前半+奇校验+后半", causes: causes(CauseECBCBC, CauseMAKSlot16), names: true},
		{words: "cmac+legacy|cmac+ecb|kcv+cmac|check value+cmac|校验值+cmac|kcv method|kcv algorithm|" +
			"check value method|" +
			"校验值算法|校验值方法|kcv算法|kcv方法", causes: causes(CauseKCVMethod, CauseKCVLength), names: true},
		{words: "前6位一样|前六位一样|前6位相同|前六位相同|first 6+same|first six+same|first 6 digits+match|只比了+位|6位+8位|8位+6位|" +
			"6 digits+8|8 digits+6|six digits+eight|3 bytes+4 bytes|3字节+4字节+校验值|" +
			"6位+校验值+4位", not: "密码", causes: causes(CauseKCVLength, CauseKCVCheckMode), names: true},
		{words: "wants the cryptogram|expects the cryptogram|wants a cryptogram|cryptogram+plain|cryptogram+clear|" +
			"明文+密文|密文+明文|decrypted twice|encrypted twice|解密了两次|解密两次|加密两次|加密了两次|解了两遍|加密了两遍",
			not: "明文长度", causes: causes(CauseDoubleUnwrap, CauseKeyExposed), names: true},
		{words: "方向反|方向弄反|方向搞反|加密解密反|用加密去解|用解密去加|encrypt instead of decrypt|decrypt instead of encrypt|" +
			"encrypted instead of decrypted|decrypted instead of encrypted|wrong direction",
			causes: causes(CauseWrongDirection), names: true},
		{words: "halves+swapped|halves+exchanged|halves+reversed|halves+wrong order|swapped halves|" +
			"halves+other way|" +
			"左右+反了|左右半+反|左右+颠倒|前后+反了|前后半+反|两半+反|两段+反|左半+右半+反|左右写反|左右对调|左右互换|前后对调",
			causes: causes(CauseHalvesSwapped), names: true},
		{words: "fb10+agree|fb10+match|fb10+right|fb10+same|fb10+correct|fb10+一致|fb10+相同|fb10+对的|fb10+正确|" +
			"zmk length+double|zmk length+single|" +
			"zmk长度设置", causes: causes(CauseZMKLengthSetting, CauseParityRejected), names: true},
		{words: "{part}~{left}|component twice|same component+twice|component+entered twice|" +
			"component+entered again|component was missed|" +
			"component was left out|left out a component|missed a component|only two of three|" +
			"one component missing|" +
			"kcv equals component|kcv equals that of component|equals the kcv of component|分量+两遍|分量+两次|分量+重复|" +
			"分量+漏|漏+分量|" +
			"少输+分量|分量+少输|少+个分量|分量+没输|分量+输重", not: "两次输入不一致|两次输入不符",
			causes: causes(CauseComponentCount, CauseMistypedDigit), names: true},
		{words: "one component+as the key|component as the key|component as key|component as a key|" +
			"only one component|" +
			"分量当|分量+当成|分量+当作|单个分量+灌|一个分量+灌", causes: causes(CauseComponentAsKey, CauseComponentCount), names: true},
		{words: "join+halves|joined+component|concatenat|instead of xor|halves joined|appended+component|" +
			"added+instead of xor|" +
			"拼接|拼起来|拼在一起|首尾相|首尾+拼|拼成|分量+连起来|分量+接起来|没有异或|没异或|未异或",
			causes: causes(CauseConcatenated), names: true},
		{words: "62+24+003|62+24+004|62+40+001|62+60+001|62+24字节+双倍|62+24 bytes+double",
			causes: causes(CauseLengthClass, CauseField62Layout), names: true},
		{words: "抄错|抄漏|看错+位|one digit wrong|wrong digit|digit+wrong|component+typed|component+does not|" +
			"component+not match|component+differ|component+disagree|合成+不符|异或+不一样|异或后+不|xor+不一样|xor之后+不|xor后+不|" +
			"合成+不一致|合成+不对|合成后+错|" +
			"component+mismatch|component+wrong|component check|component+fail|component error|" +
			"component mistyped|mistyped|typing error|typo|分量+错|分量+不符|分量+不一致|分量+有误|分量校验|输错|输入错误的分量",
			not: "密码输错|输错密码|密码+输错|component check ok|component check passed|component check value ok|" +
				"component check value confirmed|分量校验通过|分量校验正确",
			causes: causes(CauseMistypedDigit, CauseComponentCount), names: true},
		{words: "主密钥灌错|灌错机器|装错机器|灌到别的机器|tmk+对不上|主密钥+对不上|loaded into the wrong terminal", not: "传输|zmk",
			causes: causes(CauseWrongTMK, CauseWrongSlot), names: true},
		{words: "{transport}~{wrong}|kbpk+fail|kbpk+mismatch|wrong kbpk|kbpk wrong|kbpk+does not|key block+mac|" +
			"tr 31+mac|tr31+mac|keyblock+mac|密钥块+mac|" +
			"zone master key+mismatch|zone master key+different|different zone master key|different zmk|" +
			"another zmk|" +
			"zmk import+mismatch|zmk+mismatch",
			causes: causes(CauseWrongTransportKey, CauseSchemeVariant), names: true},
	}
}

// sayingsOfPlaces are of the line and of time-outs: without a word about keys they name no trouble of one.
func sayingsOfPlaces() []saying {
	const line = "time out|timeout|timed out|timing out|no response|no answer|connection lost|connection reset|" +
		"link down|link lost|lrc|crc error|crc mismatch|crc fail|checksum error|bad checksum|retransmi|nak |" +
		"naks|cable|" +
		"超时|无响应|无应答|没反应|连接中断|连接断开|断线|通讯失败|通信失败|通讯错误|通信错误|通讯故障|通信故障|校验和错|串口"
	both := func(words ...string) string {
		var all []string
		for l := range strings.SplitSeq(line, "|") {
			for _, w := range words {
				all = append(all, l+"+"+w)
			}
		}
		return strings.Join(all, "|")
	}
	return []saying{
		{words: both("load", "inject", "key ", "keys ", "kld", "灌", "注入", "密钥"), not: "pin entry|key entry|" +
			"key store|keystore|flash|" +
			"key press|输入超时|按键|密码输入",
			causes: causes(CauseLinkFault), names: true},
	}
}

// sayingsOfLocks name a lock, who lifts it the table of pkg/device says.
func sayingsOfLocks() []saying {
	return []saying{
		{words: "too many wrong passwords|password tries|password retry|password locked|too many password|" +
			"password attempts|密码错误次数|密码超次|密码次数超限|密码已锁|口令超次", not: "持卡人|cardholder|pin tries",
			lock: device.LockPassword, page: SituationLocked},
		{words: "too frequently|too often|pin entry too|过于频繁|太频繁|频率过高|" +
			"km access denied", lock: device.LockPINRate, page: SituationLocked},
		{words: "remotely locked|remote lock|locked by the acquirer|locked by acquirer|locked by the bank|远程锁|" +
			"远程停机|被收单|机构锁|后台锁|已停机|终端停用|终端已停用|机具停用|被停用",
			lock: device.LockRemote, page: SituationLocked},
		{words: "terminal was moved|device was moved|moved from|location lock|wrong location|location does not|" +
			"outside its area|移机|搬到|搬家|换了地址|换地址|位置不符|位置异常|地理位置|位置锁|" +
			"超出区域", lock: device.LockLocation, page: SituationLocked},
		{words: "mutual authentication|双向认证", not: "mutual authentication ok|mutual authentication succeeded|" +
			"mutual authentication passed|双向认证成功|双向认证通过", lock: device.LockMutualAuth, page: SituationLocked},
		{words: "administrator passwords|administrators passwords|passwords a and b|两个管理员密码|双管理员|管理员密码相同|管理员a|" +
			"管理员b|修改管理员密码", lock: device.LockDualAdmin, page: SituationLocked},
		{words: "签到锁|sign in lock|" +
			"locked until sign in", causes: causes(CauseKeysRolled), names: true, lock: device.LockSignIn},
		{words: "terminal locked|terminal is locked|device locked|device is locked|pos locked|screen locked|" +
			"operator lock|locked screen|locked out|终端已锁|终端锁|键盘被锁|键盘锁|键盘已锁|终端被锁|机器锁|机具锁|pos锁|pos机锁|已锁定|锁屏|锁机|被锁定",
			lock: device.LockOperator, page: SituationLocked},
	}
}

// nothingOfKeys are sayings about cards, people and paper.
func nothingOfKeys() []saying {
	return []saying{
		{words: "card expired|card has expired|card is expired|expired card|卡过期|卡已过期|过期卡|卡片过期|卡片已过期|卡到期|" +
			"有效期已过", none: text.New("the card has expired")},
		{words: "insufficient funds|not enough funds|insufficient balance|not sufficient funds|余额不足|" +
			"资金不足", none: text.New("the account has not enough funds")},
		{words: "user cancel|cancelled by|canceled by|cancelled by user|customer cancel|cardholder cancel|" +
			"operation cancelled|transaction cancelled|transaction canceled|cancel pressed|用户取消|交易取消|交易已取消|取消交易|" +
			"操作取消|已取消|客户取消|持卡人取消",
			none: text.New("somebody cancelled")},
		{words: "invalid card number|card number invalid|invalid card|无效卡号|卡号无效|卡号错误|" +
			"无效卡", none: text.New("the card number is invalid")},
		{words: "card blocked|card is blocked|blocked card|pin tries exceeded|too many pin tries|卡被锁|卡已锁|密码超限|密码输入超限",
			not: "terminal|终端|操作员|管理员", none: text.New("the card is blocked")},
		{words: "挂失|没收|stolen card|lost card|card stolen|card lost|pick up card|挂失卡|没收卡|被窃卡|" +
			"吞卡", none: text.New("the card is lost or stolen")},
		{words: "insert card|insert the card|swipe|tap the card|present card|read card|card read|请插卡|请刷卡|请挥卡|" +
			"请插入|请刷|读卡|插卡", none: text.New("it is about reading the card")},
		{words: "读芯片|芯片读|read chip|chip error|chip read|磁条|二维码|扫码|sim卡|流量卡|刷不出来|读不出卡|闪付|magstripe|" +
			"magnetic stripe|qr code|sim card|contactless",
			none: text.New("it is about reading the card or about the network")},
		{words: "屏幕碎|触摸|触屏|按键失灵|touch screen|screen broken|" +
			"cracked screen", none: text.New("it is about the screen or the keys of the device")},
		{words: "原交易|退货|撤销失败|冲正失败|original transaction|refund", none: text.New("it is about another transaction")},
		{words: "out of paper|paper out|printer|no paper|缺纸|打印", none: text.New("it is about the printer")},
		{words: "wrong pin|incorrect pin|pin incorrect|pin wrong|pin is wrong|invalid pin|pin tries|密码错误|密码不正确|" +
			"密码有误|密码错|密码次数", none: text.New("the cardholder's PIN is wrong")},
		{words: "transaction timeout|transaction timed out|transaction time out|issuer timed out|交易超时|发卡行|" +
			"发卡方", none: text.New("the issuer did not answer, or refuses the card")},
		{words: "pin entry time|pin entry timed|pin entry cancel|no pin entered|pin timeout|输入超时|输密超时|密码输入超时|" +
			"密码输入取消", none: text.New("nobody entered the PIN")},
		{words: "amount|金额", none: text.New("it is about the amount")},
		{words: "approved|transaction successful|交易成功|已批准|success", none: text.New("it is an answer of success")},
		{words: "no network|no signal|wifi|network unavailable|network error|无网络|网络异常|网络错误|无信号|信号弱|" +
			"网络不可用", none: text.New("it is about the network")},
	}
}

// noTrouble says what a text is that is no trouble of a key.
func (e *Ears) noTrouble(s string) (text.Text, bool) {
	if found := heardIn(s, e.harmless); len(found) > 0 {
		return found[0].none, true
	}
	return text.Text{}, false
}

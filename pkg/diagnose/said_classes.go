package diagnose

// Classes of words: people say the same in many ways, and what counts is of what they say it.

// classOf gives the words of a class.
func classOf(name string) string {
	switch name {
	case "{key}":
		return "key |keys |tmk|pik|mak |zmk|zpk|tpk|tdk|dukpt|ipek|密钥|主密|tmk"
	case "{gone}":
		return "不存在|没有了|不见|没了|丢失|丢了|丢掉|为空|是空|空的|全没|找不到|未找到|没找到|没有找到|检测不到|" +
			"未检测到|没检测到|没有检测到|missing|lost|gone|blank|empty|not found|" +
			"not loaded|not present|not exist|does not exist|doesn t exist|not installed|disappeared|vanished"
	case "{wrong}":
		return "不对|错|不符|不一致|对不上|不匹配|不同|有误|不通过|没通过|解不开|wrong|mismatch|differ|does not match|doesn t match|" +
			"not match|incorrect|fail|invalid"
	case "{index}":
		return "密钥索引|索引号|key index|key slot|槽位号"
	case "{device}":
		return "机器|机子|终端|pos|设备|后盖|外壳|刷卡机|键盘|terminal|device|case |cover"
	case "{opened}":
		return "拧开|打开过|拆开|拆了|拆过|撬|摔|opened up|was opened|taken apart|took apart|pried|drilled|dropped"
	case "{pinpad}":
		return "密码键盘|小键盘|外接键盘|外置键盘|pin pad|pinpad"
	case "{off}":
		return "不认|认不出|松|掉线|掉了|识别不|不识别|没识别|没反应|认不到|连不上|没插|断开|没接|接触不良|not found|not detected|unplugged|" +
			"not recogni|loose|disconnected|not connected|not responding|no answer"
	case "{battery}":
		return "电池|battery"
	case "{weak}":
		return "鼓包|老化|亏电|没电|耗尽|坏了|换过|漏液|电量|电压低|swollen|dead|flat|weak|leak|low|empty|replaced|drained"
	case "{storage}":
		return "闪存|flash|存储|内存|eeprom|key store|keystore|key storage|密钥区|密钥文件|memory|key file"
	case "{bad}":
		return "坏|损|读不出|读写错|校验错|checksum|corrupt|bad |crc|damaged|unreadable"
	case "{transport}":
		return "kbpk|zmk|kek |传输密钥|区域主密钥|保护密钥|transport key|zone master key"
	case "{part}":
		return "分量|组件|密钥信封|密码信封|密钥单|纸条|component|key sheet|key envelope|custodian envelope"
	case "{seen}":
		return "拍了照|拍照|拍下|拍给|复印|看到了|偷看|泄|一个信封|同一信封|同一个信封|丢了|丢失|遗失|被偷|被盗|photo|photograph|copied|" +
			"same envelope|one envelope|stolen|lost|left on the desk|unattended"
	case "{left}":
		return "忘|漏|少|只输|只录|应该是三个|应为三个|两遍|两次|重复|forgot|missing|left out|twice|skipped"
	case "{same}":
		return "同一个操作员|同一操作员|同一个人|同一人|同一个工位|同一工位|同一班|same operator|same person|same station|same clerk|" +
			"same officer|same desk"
	case "{slip}":
		return "错|失败|wrong|fail|mistake|mistyp|error|slip"
	case "{down}":
		return "not |died|dead|crash|disconnect|stopp|unavailable|lost|gone|down|restart|hung|hang|timeout| 1 |断|" +
			"异常|崩溃|停|失败|退出|" +
			"挂了|卡死|不可用|超时|重启|返回 1"
	case "{host}":
		return "签到|sign in|sign on|signon|logon|log on"
	}
	return ""
}

package errorcode

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// announced reports whether the words right before a place announce the code there, and whether they speak of a
// response code.
func (fd *finder) announced(i int, code string) (yes, response bool) {
	end := fd.f.wordsBefore(i)
	if fd.f.endsWith(end, responseWords()) {
		return true, true
	}
	if fd.f.endsWith(end, codeWords()) {
		return true, false
	}
	small := len(code) <= 2 && all(code, isDigit)
	return (!small || fd.keys) && fd.f.endsWith(end, weakWords()) || !small && fd.f.endsWith(end, failures()), false
}

// wordsBefore steps back over what may stand between a word and its number.
func (f *folded) wordsBefore(i int) int {
	for range 4 {
		for n := 0; n < 6 && i > 0 && strings.ContainsRune(" :=#([<\"'“‘「【;,-", f.runes[i-1]); n++ {
			i--
		}
		before := i
		for _, filler := range fillers() {
			if f.endsWith(i, []string{filler}) {
				i -= len([]rune(filler))
				break
			}
		}
		if i == before {
			break
		}
	}
	return i
}

func fillers() []string {
	return []string{"is", "was", "no.", "no", "number", "num", "of", "with", "got", "value", "为", "是", "号"}
}

// endsWith reports whether the text before a place ends with one of some words.
func (f *folded) endsWith(end int, words []string) bool {
	for _, word := range words {
		start, ok := f.wordTo(end, word)
		if ok && (!isWord(f.runes[start]) || !isWord(f.rune(start-1))) {
			return true
		}
	}
	return false
}

// wordTo gives the place where a word begins that ends before a place.
func (f *folded) wordTo(end int, word string) (start int, ok bool) {
	for word != "" {
		r, size := utf8.DecodeLastRuneInString(word)
		word = word[:len(word)-size]
		if end--; end < 0 || f.runes[end] != r {
			return 0, false
		}
	}
	return end, true
}

func responseWords() []string {
	return []string{
		"应答码", "返回码", "响应码", "应答", "应答代码", "39域", "域39", "response code", "response_code",
		"responsecode", "resp code", "resp_code", "respcode", "rspcode", "rsp code", "answer code", "response",
		"resp", "rsp", "de39", "de 39", "f39", "p39", "field 39", "field39", "bit 39", "bit39", "df39",
	}
}

// codeWords announce a code whatever its size.
func codeWords() []string {
	return []string{
		"error", "errors", "err", "errcode", "errorcode", "error_code", "err_code", "errno", "code", "codes",
		"fault", "failure", "ret", "retcode", "ret_code", "rc", "resultcode", "result_code", "ped", "pinpad",
		"pin pad", "exception", "错误", "错误码", "错误代码", "错误编号", "错", "代码", "故障", "故障码", "失败码",
		"异常", "异常码", "状态码", "结果码", "返回", "返回值", "报", "报错", "报码", "密码键盘",
	}
}

// weakWords announce a small number only where the text speaks of keys.
func weakWords() []string {
	return []string{
		"result", "return", "returns", "returned", "reason", "status", "answer", "answers", "answered", "said",
		"shows", "says", "结果", "提示", "显示", "出现", "状态",
	}
}

// failures are counted as often as they are numbered: behind them a small number is no code.
func failures() []string { return []string{"failed", "fails", "fail", "失败"} }

// counted reports whether a unit stands behind a number: 14 台, 14 bytes.
func (fd *finder) counted(j int) bool {
	f := fd.f
	if f.rune(j) == ' ' {
		j++
	}
	next := f.rune(j)
	if next != 0 && strings.ContainsRune("元圆块角分笔次台个位楼年月日点秒天条张家项步域级倍字万千百", next) {
		return true
	}
	if next == '号' && f.rune(j+1) != 0 && strings.ContainsRune("机楼终线柜台店商槽", f.rune(j+1)) {
		return true
	}
	if next == '时' || next == '小' {
		return isDigit(f.rune(j+1)) || f.rune(j+1) == '时' && next == '小'
	}
	end := f.runEnd(j)
	return end > j && slices.Contains(units(), f.cut(j, end))
}

func units() []string {
	return []string{
		"times", "time", "byte", "bytes", "bit", "bits", "digit", "digits", "ms", "s", "sec", "secs", "second",
		"seconds", "min", "mins", "minute", "minutes", "hour", "hours", "day", "days", "usd", "cny", "rmb",
		"eur", "yuan", "percent", "terminals", "devices", "keys", "slots", "tries", "retries", "attempts", "mv",
		"v", "of", "mhz", "kb", "mb", "am", "pm", "am.", "pm.",
	}
}

// measured reports whether the words before a number say that it is no code.
func (fd *finder) measured(i int) bool {
	near := fd.f.cut(max(0, i-16), i)
	return strings.Contains(near, "http") || fd.f.endsWith(fd.f.wordsBefore(i), []string{
		"amount", "balance", "total", "price", "port", "slot", "index", "tid", "mid", "terminal", "merchant",
		"kcv", "check value", "line", "pid", "id", "temp", "temperature", "voltage", "seq", "batch", "version",
		"ver", "size", "length", "len", "count", "timeout", "offset", "rssi", "dbm", "date", "time", "serial",
		"sn", "level", "x", "y", "exit", "exit code", "exit status", "postcode", "zip code",
		"金额", "余额", "端口", "槽位", "索引", "终端", "商户", "校验值", "行", "第", "温度", "电压", "流水",
		"批次", "版本", "长度", "数量", "时间", "日期", "卡", "信号",
	})
}

func speaksOfHSM(f *folded) bool {
	return slices.ContainsFunc([]string{"hsm", "payshield", "thales", "加密机"}, f.hasWord)
}

func speaksOfKeys(f *folded) bool {
	return slices.ContainsFunc([]string{
		"密钥", "秘钥", "key", "keys", "ped", "pinpad", "pin pad", "密码键盘", "kcv", "dukpt", "tmk", "pik",
		"mak", "ipek", "bdk", "zmk",
	}, f.hasWord)
}

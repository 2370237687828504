package errorcode

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// firsts gives the best reading of every place, as "text=reading".
func firsts(s string, readings []Reading) []string {
	runes := []rune(s)
	var all []string
	at := -1
	for _, r := range readings {
		if r.Start != at && r.Weight != Low {
			all = append(all, string(runes[r.Start:r.End])+"="+id(r))
		}
		at = r.Start
	}
	return all
}

func TestCodesInASentenceAreFoundWithTheirPlaces(t *testing.T) {
	d := open(t)
	for said, want := range map[string]string{
		"POS机显示密钥错误14":                                                "14=pax -314",
		"terminal shows error -313 after injection, response code A0": "-313=pax -313|A0=unionpay A0",
		"Inject failed, ret=65223":                                    "65223=kozen 65223",
		"ret = -314 (PED_RET_ERR_KEY_LEN_ERR)":                        "-314=pax -314|PED_RET_ERR_KEY_LEN_ERR=pax -314",
		"payShield answered A710 to A6":                               "A710=thales-payshield A6/10",
		"HSM error A6/10":                                             "A6/10=thales-payshield A6/10",
		"PIN pad said 02/B":                                           "02/B=uic-pp791 02/B",
		"CCA return code 4/195":                                       "4/195=ibm-cca 4/195",
		"交易失败，应答码：A0，MAC校验错":                                          "A0=unionpay A0|MAC校验错=unionpay A0",
		"返回码 77，批次不一致":                                                "77=unionpay 77|批次不一致=unionpay 77",
		"密钥错误，请重新启动客户端":                                               "密钥错误，请重新启动客户端=generic-cn 密钥错误请重新启动客户端",
		"显示主密钥校验错误，怎么办":                                               "主密钥校验错误=generic-cn 主密钥校验错误",
		"screen: POS BE ATTACKED":                                     "POS BE ATTACKED=pax POS BE ATTACKED / PED TAMPERED",
		"SECURITY_KCV_ERROR -40012":                                   "SECURITY_KCV_ERROR=kozen -40012|-40012=kozen -40012",
		"err-313 err_25 Err08":                                        "-313=pax -313|25=pax -325|08=pax -308",
		"DE39=55":                                                     "55=unionpay 55",
		"39域返回99":                                                     "99=unionpay 99",
		"F39 A0 F44 14":                                               "A0=unionpay A0",
		"0xFEC6":                                                      "0xFEC6=basewin 0xFEC6",
		"error code FEC6":                                             "FEC6=basewin 0xFEC6",
		"code −３１４。":                                                  "−３１４=pax -314",
		"POS -301 -302":                                               "-301=pax -301|-302=pax -302",
		"Verifone error 0x001B000F when injecting":                    "0x001B000F=verifone-adk 0x001B000F",
		"error 2006: MACkey":                                          "2006=telpo 2006",
		"A0 MAC校验错":                                                   "A0=unionpay A0|MAC校验错=unionpay A0",
		"injection error -1314, retry 2 of 3":                         "-1314=newland -1314",
		"KCV 8D0A74 expected 43C6CC, error code 14 at 10:30:14":       "14=pax -314",
		"[10:30:14] PED error 25; 2024-05-14 10:30:15 KCV=43C6CC":     "25=pax -325",
		"key load status 14":                                          "14=pax -314",
		"Sunmi 报错 -40009":                                             "-40009=sunmi -40009",
	} {
		got := strings.Join(firsts(said, d.Find(said)), "|")
		if got != want {
			t.Errorf("%q: %s, want %s", said, got, want)
		}
	}
}

func TestWhatIsNoCodeIsNotFound(t *testing.T) {
	d := open(t)
	for _, said := range []string{
		"", "14", "2024-05-14 10:30:14.314 INFO done", "amount -301.00 CNY", "金额 -301元", "balance -314", "amount 314 CNY",
		"65223 bytes written, port 65223", "tid 10000014 mid 898110050940014", "终端号 10000014", "KCV 8D0A74", "kcv=43C6CCCB", "check value 4005",
		"KCV 40009 ok", "slot 14 index 36", "槽位14 索引25", "load key 14", "error 14 bytes read", "密钥错误14台终端", "failed 3 times", "共14次失败",
		"date 8/24 trade", "error on 8/24/2024", "version 3.14 fault 3.14", "ip 10.0.0.14 error 10.14", "6222****0014 failed", "E01 E05",
		"A920 on A4 paper", "temp -40 to 80", "温度-20", "用时14秒", "tamper switch ok", "no error", "error", "error 12:14", "error 14%",
		"RSSI -101 dBm", "4/1 and 8/24", "error 0", "rc=0", "sn 0820012345", "TMK CA5D92598DCA48CE8A4C76361A9269E9", "error 123456",
		"range 301-314 error", "HTTP status 302", "http error 404", "exit code 1", "exit status 36", "ok=10 failed=3", "失败 3", "密码14",
		"keys: ok=97 failed=3", "status 14", "显示14", "error 2 of 5", "验证码 4005", "终端号 14", "load key 14", "code 20240514", "fax +86 301", "please sign in at 10:14", "error -9999999",
	} {
		if got := d.Find(said); len(got) != 0 {
			t.Errorf("%q: %v", said, firsts(said, got))
		}
	}
}

func TestPlacesAreInCharactersOfTheText(t *testing.T) {
	d := open(t)
	said := "終端\u200b顯示：密钥\u200b错误　１４！"
	runes := []rune(said)
	seen := map[string]bool{}
	for _, r := range d.Find(said) {
		seen[string(runes[r.Start:r.End])] = true
	}
	if !seen["１４"] || !seen["密钥\u200b错误　１４"] || len(seen) != 2 {
		t.Errorf("places %v", seen)
	}
}

func TestFindIsOrderedByPlaceAndATextThatEndsInACodeComesAfterIt(t *testing.T) {
	d := open(t)
	found := d.Find("密钥错误14，应答码A0")
	var places []int
	for _, r := range found {
		places = append(places, (&ranked{Reading: r, late: r.Symbol == "密钥错误14"}).order())
	}
	if !slices.IsSorted(places) || len(found) < 10 || id(found[0]) != "pax -314" {
		t.Errorf("places %v", places)
	}
}

// TestALongTextTakesTimeInProportion: eight times the text may take twenty times as long on a busy machine, not
// sixty-four.
func TestALongTextTakesTimeInProportion(t *testing.T) {
	d := open(t)
	for _, part := range []string{
		"密钥错误14 ", "error 14 bytes ", "-313,", "a/", "A6/10/", "0xFEC6", "1", "-", "错误", "err_", "密钥错误 ", "error:::::: ", "(((((((", "no no no no ",
		"tampered ", "MAC校验错",
	} {
		short := strings.Repeat(part, 8_000/len(part))
		long := strings.Repeat(part, 64_000/len(part))
		best := func(s string) time.Duration {
			least := time.Hour
			for range 3 {
				start := time.Now()
				d.Find(s)
				least = min(least, time.Since(start))
			}
			return least
		}
		if a, b := best(short), best(long); b > 20*a && b > 100*time.Millisecond {
			t.Errorf("%q: %v and, eight times as long, %v", part, a, b)
		}
	}
}

func TestOneDictionaryMayBeAskedByMany(t *testing.T) {
	d := open(t)
	want := ids(d.Find("密钥错误14"))
	done := make(chan []string)
	for range 8 {
		go func() {
			_, _ = d.Look(Query{Text: "key length wrong"})
			done <- ids(d.Find("密钥错误14"))
		}()
	}
	for range 8 {
		if got := <-done; !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
	}
}

package errorcode_test

import (
	"testing"
	"unicode/utf8"

	"poskey/pkg/errorcode"
)

func TestTraditionalCharactersAndMisspellingsAreReadAsWhatIsMeant(t *testing.T) {
	for written, meant := range map[string]string{
		"POS機顯示金鑰錯誤，請重新啟動用戶端": "POS机显示密钥错误，请重新启动用户端",
		"主密鈅效验失败":             "主密钥校验失败",
		"秘钥检查值不符":             "密钥校验值不符",
		"密匙错误14":              "密钥错误14",
		"key error 14":        "key error 14",
		"密":                   "密",
		"":                    "",
	} {
		got := errorcode.Plain(written)
		if got != meant {
			t.Errorf("%q is read as %q, want %q", written, got, meant)
		}
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(written) || errorcode.Plain(got) != got {
			t.Errorf("%q: characters lose their places, or a second reading differs", written)
		}
	}
}

func TestATraditionalTextIsLookedUpAsItsSimplifiedForm(t *testing.T) {
	d, err := errorcode.Open()
	if err != nil {
		t.Fatal(err)
	}
	for written, code := range map[string]string{"密鑰長度錯": "-314", "主密鑰不存在": "", "PED返回錯誤－３０１": "-301"} {
		a, err := d.Look(errorcode.Query{Text: written})
		if err != nil || len(a.Readings) == 0 || a.Readings[0].Code != code {
			t.Errorf("%q: %+v %v", written, a.Readings, err)
		}
	}
}

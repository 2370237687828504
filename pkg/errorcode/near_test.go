package errorcode_test

import (
	"strings"
	"testing"

	"poskey/pkg/errorcode"
)

func TestWhatIsOneSlipAwayIsNear(t *testing.T) {
	d, err := errorcode.Open()
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{"-3144": "-314", "0xFEC66": "0xFEC6", "PED_RET_ERR_KCV_CHECK_FAI": "0xFEBB"} {
		rows := d.Near(errorcode.Query{Text: asked}, 3)
		if len(rows) == 0 || len(rows) > 3 || rows[0].Code != want {
			t.Errorf("%q: %+v", asked, rows)
		}
	}
	for _, asked := range []string{"", "14", "zzzz", strings.Repeat("9", 100), "two words"} {
		if rows := d.Near(errorcode.Query{Text: asked}, 3); len(rows) > 0 {
			t.Errorf("%q: %+v", asked, rows)
		}
	}
}

func TestAVendorWithASlipIsAskedBack(t *testing.T) {
	d, err := errorcode.Open()
	if err != nil {
		t.Fatal(err)
	}
	for typed, meant := range map[string]string{"newlnd": "newland", "nweland": "newland", "kozne": "kozen", "payshiel": "", "sunnmi": "sunmi"} {
		_, err := d.Look(errorcode.Query{Text: "14", Vendor: typed})
		if meant != "" && (err == nil || !strings.Contains(err.Error(), "is "+meant+" meant")) {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

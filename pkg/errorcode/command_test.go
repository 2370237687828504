package errorcode

import (
	"strings"
	"testing"
)

// TestTheAnswerOfAnHSMToACommandIsTheCodeAndTheCommandIsNone, whether or not the words speak of an HSM.
func TestTheAnswerOfAnHSMToACommandIsTheCodeAndTheCommandIsNone(t *testing.T) {
	d := open(t)
	for said, want := range map[string]string{
		"command A6 answered A710 when we import the ZPK": "A710=thales-payshield A6/10",
		"FA -> FB10":                   "FB10=thales-payshield 10",
		"A6->A710":                     "A710=thales-payshield A6/10",
		"BU answer BV10":               "BV10=thales-payshield BU/10",
		"BU/BV10":                      "BV10=thales-payshield BU/10",
		"response A710":                "A710=thales-payshield A6/10",
		"发送A6指令，返回A710":                "A710=thales-payshield A6/10",
		"error A6 on the HSM":          "A6=thales-payshield A6",
		"error A6, then it wrote A910": "A6=thales-payshield A6", // A9 answers A8
		"应答码A0，机型 A100":                "A0=unionpay A0",
		"response FB10":                "", // no table has errors of FA, and FA was not said
		"the A920 and the A710 stand in the same shop": "", // models
	} {
		if got := strings.Join(firsts(said, d.Find(said)), "|"); got != want {
			t.Errorf("%q: %s, want %s", said, got, want)
		}
	}
}

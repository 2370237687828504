package keyblock

import (
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// CheckData makes the content of a KC, KP or PK block: 00 and six digits by the legacy method for DES keys, 01 and ten
// digits of CMAC for the others (6.3.6.7, table 15; lengths of PCI PIN 15-1).
func CheckData(k *keys.Key) (string, error) {
	kind, method, digits := "01", kcv.CMAC, 10
	if k.Algorithm().IsDES() {
		kind, method, digits = "00", kcv.ECBZero, 6
	}
	v, err := kcv.Of(k.Algorithm(), k.Secret().Expose(), method, digits)
	if err != nil {
		return "", err
	}
	return kind + v.Digits, nil
}

package pkcs11

import (
	"strings"
	"testing"

	"poskey/internal/fault"
)

func TestNamesAreTakenApart(t *testing.T) {
	for name, want := range map[string]URI{
		"pkcs11:token=poskey?module-path=/m.so":             {Token: "poskey", Module: "/m.so"},
		"pkcs11:token=a%20b;object=poskey-1;slot-id=7":      {Token: "a b", Object: "poskey-1", Slot: 7, HasSlot: true},
		"pkcs11:serial=00ff;model=M;manufacturer=%E9%94%AE": {Serial: "00ff", Model: "M", Manufacturer: "键"},
		"pkcs11:?module-path=/m.so&pin-source=file:/pin":    {Module: "/m.so", PINFile: "/pin"},
		"pkcs11:?pin-source=file:pin&software=allow":        {PINFile: "pin", Software: SoftwareAllow},
		"pkcs11:?nss-configdir=/db&software=refuse":         {ConfigDir: "/db", Software: SoftwareRefuse},
		"pkcs11:": {},
	} {
		got, err := Parse(name)
		if err != nil || got != want {
			t.Errorf("%s: %+v, error %v; want %+v", name, got, err, want)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%s: written as %s it is %+v, error %v", name, got, again, err)
		}
	}
}

func TestNamesThatSelectNothingAreRefusedAndNotRepeated(t *testing.T) {
	const pin = "31415926"
	for name, want := range map[string]fault.Kind{
		"soft:":                                 fault.Usage,
		"token=x":                               fault.Usage,
		"pkcs11:token":                          fault.Usage,
		"pkcs11:token=":                         fault.Usage,
		"pkcs11:token=%zz":                      fault.Usage,
		"pkcs11:token=a%00b":                    fault.Usage,
		"pkcs11:token=a;token=b":                fault.Usage,
		"pkcs11:type=private":                   fault.Usage,
		"pkcs11:slot-id=-1":                     fault.Usage,
		"pkcs11:slot-id=01":                     fault.Usage,
		"pkcs11:" + pin + "=x":                  fault.Usage,
		"pkcs11:?module-path=m.so":              fault.Usage,
		"pkcs11:?module-name=m":                 fault.Usage,
		"pkcs11:?nss-configdir=db":              fault.Usage,
		"pkcs11:?nss-configdir=/d%27b":          fault.Usage,
		"pkcs11:?software=yes":                  fault.Usage,
		"pkcs11:?pin-source=" + pin:             fault.Usage,
		"pkcs11:?pin-source=file:":              fault.Usage,
		"pkcs11:?pin-value=" + pin:              fault.ArgvSecret,
		"pkcs11:" + strings.Repeat("a", maxURI): fault.Usage,
	} {
		u, err := Parse(name)
		if !fault.Is(err, want) || u != (URI{}) {
			t.Errorf("%s: %+v, error %v; want kind %s", name, u, err, want)
		}
		if err != nil && strings.Contains(err.Error(), pin) {
			t.Errorf("%s: the PIN is repeated: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"pkcs11:token=a%20b;object=x?module-path=/m.so&pin-source=file:/p",
		"pkcs11:?software=allow", "pkcs11:slot-id=3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		u, err := Parse(name)
		if err != nil {
			if u != (URI{}) {
				t.Errorf("%q: refused with %+v", name, u)
			}
			return
		}
		if again, err := Parse(u.String()); err != nil || again != u {
			t.Errorf("%q is written as %q, which is %+v, error %v", name, u, again, err)
		}
	})
}

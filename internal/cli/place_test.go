package cli

import "testing"

func TestAPasswordInAStoreURLIsSeen(t *testing.T) {
	for address, want := range map[string]bool{
		"":                                                    false,
		"sqlite:/var/lib/poskey/store.db":                     false,
		"sqlite:a:b@c.db":                                     false,
		"postgres://poskey@127.0.0.1/keys":                    false,
		"postgres://127.0.0.1/keys?user=poskey":               false,
		"postgres://poskey:TEST@127.0.0.1/keys":               true,
		" postgres://poskey:TEST@127.0.0.1/keys":              true,
		"postgres://poskey:@127.0.0.1/keys":                   true,
		"postgres://127.0.0.1/keys?user=poskey&password=TEST": true,
		"postgres://127.0.0.1/keys?sslpassword=TEST":          true,
	} {
		if got := hasPassword(address); got != want {
			t.Errorf("%q has a password: %t", address, got)
		}
	}
}

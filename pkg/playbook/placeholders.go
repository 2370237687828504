package playbook

// The closed list of placeholders. Their descriptions serve as questions to the reader.

import "poskey/internal/text"

// Placeholder is something that only the reader knows.
type Placeholder struct {
	Name string
	Text text.Text // what to give; no full stop, no question mark
}

// Placeholders lists them.
func Placeholders() []Placeholder {
	return []Placeholder{
		// the terminal
		{"device", text.New("address of the terminal, such as agent+https://HOST:PORT?ca=FILE&cert=FILE&key=FILE")},
		{"serial", text.New("serial number of the terminal")},
		{"slot", text.New("slot (key index) in the terminal")},
		{"login", text.New("account of the terminal: 99 administrator, 00 supervisor, 01… operators")},
		{"reason", text.New("reason from the list that poskey device unlock --help shows")},
		{"vendor", text.New("vendor of the terminal")},

		// keys: where they are, never their digits
		{"key", text.New("where the key is: store:LABEL, file:PATH or prompt; never its digits")},
		{"kbpk", text.New("where the key is that protects the key block (KBPK or KLK): store:LABEL, file:PATH or prompt")},
		{"newkbpk", text.New("where the KBPK of the new key block is: store:LABEL, file:PATH or prompt")},
		{"tmk", text.New("where the terminal master key (TMK) is: store:LABEL, file:PATH or prompt")},
		{"kek", text.New("where the key-encrypting key is: store:LABEL, file:PATH or prompt")},
		{"bdk", text.New("where the base derivation key (BDK) is: store:LABEL, file:PATH or prompt")},
		{"part1", text.New("where the first component is: prompt or file:PATH; its custodian gives it")},
		{"part2", text.New("where the second component is: prompt or file:PATH; its custodian gives it")},
		{"label", text.New("label of the key in the store")},
		{"store", text.New("the key store: sqlite:PATH or postgres://…")},

		// what may be seen of them
		{"alg", text.New("algorithm of the key, such as tdes-128, aes-128 or sm4")},
		{"usage", text.New("usage of the key as X9.143 names it, such as K0, P0, M3 or B0")},
		{"kcv", text.New("check value that the key should have, in hex")},
		{"got", text.New("check value that was seen instead, in hex")},
		{"kcv1", text.New("check value on the sheet of the first component")},
		{"kcv2", text.New("check value on the sheet of the second component")},
		{"cryptogram", text.New("the encrypted key, in hex")},
		{"block", text.New("the key block")},
		{"ksn", text.New("key serial number (KSN), in hex")},
		{"keyset", text.New("name of the DUKPT key set in the store")},

		// sign-in
		{"code", text.New("network management code, field 60.3 of the sign-in: 001, 003, 004 or 005")},
		{"field62", text.New("field 62 of the sign-in answer, in hex")},
		{"answer", text.New("response code of the host, field 39, such as 77, 97 or A0")},
		{"message", text.New("the captured message, in hex")},
		{"text", text.New("what the screen shows, or the code")},

		// files and people
		{"file", text.New("path of the file")},
		{"plan", text.New("path of the injection plan (YAML)")},
		{"script", text.New("path of the ceremony's script (YAML)")},
		{"run", text.New("name of the fleet run")},
		{"officer1", text.New("identity file of the first officer who approves")},
		{"officer2", text.New("identity file of the second officer who approves")},
		{"manifest", text.New("path of the signed manifest of the update")},
		{"image", text.New("path of the software")},
	}
}

// Describe says what a placeholder stands for.
func Describe(name string) (text.Text, bool) {
	for _, p := range Placeholders() {
		if p.Name == name {
			return p.Text, true
		}
	}
	return text.Text{}, false
}

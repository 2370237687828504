package testcli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The canaries: TEST keys, made up for this, that the scripts hand to poskey wherever a key can go. $CANARY is the key
// or component (ecb-zero 844876 as TDES, cmac B8A99E as AES), $CANARY2 mostly the KBPK (ecb-zero DC354F).
const (
	Canary  = "AD854CBABCAB08769B3E19D0B6982A5D"
	canary2 = "3E0E67A70179989BD5CD6BECBFD37F1C"
)

// heard is what one command said.
type heard struct {
	label            string
	out, err         []byte
	outShows, errToo bool // the script says that a key is shown here
}

// search looks for the canaries in all that a script's commands said and wrote: for the TEST keys and passphrases that
// the scripts hand to poskey, and for what poskey itself made and keeps in stores.
type search struct {
	work    string
	needles []needle
	stores  []string // on servers; those in files are found
	all     []*heard
	inputs  map[string]stamp // files of the script's own; they hold keys for poskey to read
	allowed map[string]bool
}

// stamp tells whether a file is still what it was.
type stamp struct {
	size int64
	time time.Time
}

func newSearch(work string) *search {
	return &search{work: work, needles: canaries(), inputs: map[string]stamp{}, allowed: map[string]bool{}}
}

// takeInputs notes the files that came with the script.
func (s *search) takeInputs() error {
	return s.walk(func(path string, _ stamp) error { return s.input(path) })
}

func (s *search) walk(visit func(path string, now stamp) error) error {
	return filepath.WalkDir(s.work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return visit(path, stamp{info.Size(), info.ModTime()})
	})
}

// input notes a file that the script itself has made.
func (s *search) input(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		s.inputs[path] = stamp{info.Size(), info.ModTime()}
	}
	return err
}

func (s *search) heard(label string, out, err []byte) {
	s.all = append(s.all, &heard{label: label, out: bytes.Clone(out), err: bytes.Clone(err)})
}

func (s *search) allow(path string) { s.allowed[path] = true }

func (s *search) allowLast(stream string) error {
	if len(s.all) == 0 {
		return fmt.Errorf("no command was run yet")
	}
	last := s.all[len(s.all)-1]
	if stream == "stdout" {
		last.outShows = true
	} else {
		last.errToo = true
	}
	return nil
}

// run gives a sentence for every place where a key stands and should not, and for every place that was declared to show
// one and does not: such a declaration hides what comes later.
func (s *search) run() []string {
	var found []string
	kept, err := storeSecrets(s.work, s.stores)
	if err != nil {
		found = append(found, err.Error())
	}
	s.needles = append(s.needles, kept...)
	look := func(where string, data []byte, shows bool) {
		switch form := formOf(data, s.needles); {
		case form != "" && !shows:
			found = append(found, fmt.Sprintf("%s in %s", form, where))
		case form == "" && shows:
			found = append(found, fmt.Sprintf("%s is declared to reveal a canary key, and does not", where))
		}
	}
	for _, h := range s.all {
		look("stdout of "+h.label, h.out, h.outShows)
		look("stderr of "+h.label, h.err, h.errToo)
	}
	err = s.walk(func(path string, now stamp) error {
		if s.inputs[path] == now {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		look("file "+path, data, s.allowed[path])
		delete(s.allowed, path)
		return nil
	})
	if err != nil {
		found = append(found, err.Error())
	}
	for path := range s.allowed {
		found = append(found, path+" is declared to reveal a canary key, and is not there")
	}
	return found
}

// A part of a key is as bad as the whole of it: this much in a row is what is looked for.
const (
	digitsInRow = 12
	bytesInRow  = 6
)

// needle is a secret that nothing may show: a key, or the words of a passphrase.
type needle struct {
	what string
	raw  []byte // of a key
	text string // a key's hex digits in upper case, or the words
}

func canaries() []needle {
	all := []needle{{what: "words of a passphrase", text: CanaryWords}}
	for _, key := range []string{Canary, canary2} {
		raw, _ := hex.DecodeString(key)
		all = append(all, needle{"a canary key", raw, key})
	}
	return all
}

// formOf names a secret that stands in data, whole or in part, and the form in which it does; or gives nothing.
func formOf(data []byte, needles []needle) string {
	digits, list := onlyDigits(data), onlyList(data)
	for _, n := range needles {
		if form := n.formIn(data, digits, list); form != "" {
			return n.what + " stands (" + form + ")"
		}
	}
	return ""
}

func (n needle) formIn(data, digits, list []byte) string {
	for i := 0; i+bytesInRow <= len(n.raw); i++ {
		if bytes.Contains(data, n.raw[i:i+bytesInRow]) {
			return "raw bytes"
		}
		if bytes.Contains(list, []byte(strings.Trim(fmt.Sprint(n.raw[i:i+bytesInRow]), "[]"))) {
			return "decimal bytes"
		}
	}
	text := onlyDigits([]byte(n.text))
	for i := 0; i+digitsInRow <= len(text); i++ {
		if bytes.Contains(digits, text[i:i+digitsInRow]) {
			if n.raw == nil {
				return "as text"
			}
			return "hex digits"
		}
	}
	for _, text := range []string{string(n.raw), n.text, strings.ToLower(n.text)} {
		if text != "" && containsBase64(data, text) {
			return "base64"
		}
	}
	if n.raw == nil && bytes.Contains(digits, []byte(strings.ToUpper(hex.EncodeToString([]byte(n.text))))) {
		return "hex digits"
	}
	return ""
}

// formOfKey looks for the scripts' own canaries.
func formOfKey(data []byte) string { return formOf(data, canaries()) }

// onlyDigits takes away what may stand between hex digits, and 0x and \x before them, and makes them upper case.
func onlyDigits(data []byte) []byte {
	data = bytes.ToUpper(data)
	data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte(`\X`), nil), []byte("0X"), nil)
	return bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n-:,;._|/'\"`[](){}<>*", r) {
			return -1
		}
		return r
	}, data)
}

// onlyList puts one blank between the members of lists.
func onlyList(data []byte) []byte {
	return bytes.Join(bytes.FieldsFunc(data, func(r rune) bool { return strings.ContainsRune(" \t\r\n,[]{}", r) }), []byte(" "))
}

// containsBase64 looks for the encoding of text at each of the three places where it can begin in a longer one.
func containsBase64(data []byte, text string) bool {
	for shift := range 3 {
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			coded := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
			if bytes.Contains(data, []byte(coded[(shift*8+5)/6:len(coded)-1])) { // the outer characters hold neighbours' bits
				return true
			}
		}
	}
	return false
}

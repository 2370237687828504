package i18n

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"poskey/internal/testvec"
)

// TestTheCeremonyGuideQuotesWhatScreensSay: a question or an alarm that the guide quotes is a text of the program, in the
// guide's language. Who compares the guide with the screen in the room finds the same words.
func TestTheCeremonyGuideQuotesWhatScreensSay(t *testing.T) {
	catalogue, err := ParsePO(ZH())
	if err != nil {
		t.Fatal(err)
	}
	var english, chinese []string
	for from, to := range catalogue {
		english, chinese = append(english, from), append(chinese, to)
	}
	for name, texts := range map[string][]string{"ceremony-guide.md": english, "ceremony-guide.zh.md": chinese} {
		raw, err := os.ReadFile(filepath.Join(testvec.Root(t), "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		quotes, all := quotedScreens(string(raw)), sayers(texts)
		if len(quotes) < 10 {
			t.Errorf("%s: only %d quotes were found", name, len(quotes))
		}
		for _, q := range quotes {
			if !said(q, all) {
				t.Errorf("%s quotes what no screen says: %q", name, q)
			}
		}
	}
}

// quotedScreens are the lines with a sign of the screen in blocks of screens, and alarms within the text.
func quotedScreens(page string) []string {
	sign := regexp.MustCompile(`^(\?|\*\*|>|\|) (.+)$`)
	var all []string
	inside, screen := false, false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "```") {
			inside, screen = !inside, line == "```"
			continue
		}
		quoted := []string{line}
		if !inside {
			quoted = nil
			for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1) {
				if strings.HasPrefix(code[1], "** ") {
					quoted = append(quoted, code[1])
				}
			}
		} else if !screen {
			continue
		}
		for _, q := range quoted {
			if m := sign.FindStringSubmatch(q); m != nil {
				all = append(all, m[2])
			}
		}
	}
	return all
}

// sayer finds quotes of one text.
type sayer struct {
	text string
	form *regexp.Regexp // with anything where its values stand
}

func sayers(texts []string) []sayer {
	verb := regexp.MustCompile(`%[0-9.]*[a-z]`)
	var all []sayer
	for _, text := range texts {
		words := verb.Split(text, -1)
		for i := range words {
			words[i] = regexp.QuoteMeta(words[i])
		}
		if len(strings.Join(words, "")) >= 6 { // others would say anything
			all = append(all, sayer{text, regexp.MustCompile("^" + strings.Join(words, ".+") + "$")})
		}
	}
	return all
}

// said reports whether texts say a quote, of which … leaves something out. What was typed stands behind the colon.
func said(quote string, all []sayer) bool {
	typed := regexp.MustCompile(`: ?[a-z.]*$`)
	for piece := range strings.SplitSeq(quote, "…") {
		piece = strings.TrimSpace(typed.ReplaceAllString(strings.TrimSpace(piece), ""))
		found := piece == ""
		for _, s := range all {
			found = found || strings.Contains(s.text, piece) || s.form.MatchString(piece)
		}
		if !found {
			return false
		}
	}
	return true
}

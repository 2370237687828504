package cli

import (
	"errors"
	"strings"
	"testing"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/transcript"
)

func TestDeviationAndGivingUpAreWordsOfTheirOwn(t *testing.T) {
	for typed, want := range map[string]error{"!": ceremony.ErrDeviation, " ! ": ceremony.ErrDeviation, "！": ceremony.ErrDeviation,
		"!!": ceremony.ErrAbort, "！！": ceremony.ErrAbort, "": nil, "stop!": nil, "!!!": nil, "! !": nil} {
		if got := instead(typed); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", typed, got, want)
		}
	}
	if longestInstead < len("！！") || longestInstead >= 2*typedGroup {
		t.Errorf("%d bytes: a row of a component would become a string", longestInstead)
	}
}

func TestHeadingsCarryTheWordTest(t *testing.T) {
	d := &ceremonyDesk{at: &console.Console{NoInput: true}, say: i18n.New(i18n.English)}
	if got := d.banner(); strings.Trim(got, "=") != "" {
		t.Errorf("production: %q", got)
	}
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		d.say, d.mark = i18n.New(lang), transcript.MarkTest
		if got := d.banner(); !strings.HasPrefix(got, "==== TEST ====") {
			t.Errorf("%s: %q", lang, got)
		}
	}
	d.mark = transcript.MarkRehearsal
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		d.say = i18n.New(lang)
		got := d.banner()
		if !strings.Contains(got, "TEST REHEARSAL") || render.Columns(got) > usualWidth {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

// TestLinesFitTheScreen: the sign at the left stands before each of them, and Chinese takes two columns.
func TestLinesFitTheScreen(t *testing.T) {
	d := &ceremonyDesk{at: &console.Console{NoInput: true}, say: i18n.New(i18n.English), color: true}
	for _, words := range []string{strings.Repeat("a word or two ", 30), strings.Repeat("保管员独自坐到键盘前", 20), "one\ntwo"} {
		var out strings.Builder
		d.lay(&out, "| ", "| ", lookCyan, words)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) < 2 {
			t.Errorf("%q: one line", words)
		}
		for _, line := range lines {
			bare := strings.TrimSuffix(strings.TrimPrefix(line, lookCyan), lookEnd)
			if !strings.HasPrefix(bare, "| ") || render.Columns(bare) > usualWidth {
				t.Errorf("%q has %d columns", bare, render.Columns(bare))
			}
		}
	}
}

func TestQuestionsEndWherePeopleType(t *testing.T) {
	d := &ceremonyDesk{at: &console.Console{NoInput: true}, say: i18n.New(i18n.English)}
	for words, want := range map[string]string{"your id": "? your id: ", "is it so?": "? is it so? ", "键入编号：": "? 键入编号： "} {
		if got := d.question(words); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestASlipOfTheHandEndsNothing: Ctrl-D at a question is asked again; when nobody answers any more, no flag would help.
func TestASlipOfTheHandEndsNothing(t *testing.T) {
	slip := fault.New(fault.InputNeeded, "nothing was typed")
	for slips, want := range map[int]error{0: nil, 1: nil, endsOfInput: nil, endsOfInput + 1: slip} {
		asked := 0
		err := patiently(func() error {
			if asked++; asked <= slips {
				return slip
			}
			return nil
		})
		if (err == nil) != (want == nil) || err != nil && !fault.Is(err, fault.Interrupted) || !hintFor(err).IsZero() {
			t.Errorf("%d times: %v", slips, err)
		}
	}
	if err := patiently(func() error { return ceremony.ErrAbort }); !errors.Is(err, ceremony.ErrAbort) {
		t.Errorf("%v", err)
	}
}

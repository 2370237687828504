package cli

// The desk of a ceremony: a plain console, one line below the other, that can be recorded and read aloud.

import (
	"context"
	"strings"
	"time"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
)

// What people type at a question instead of an answer.
const (
	wordDeviation = "!"
	wordAbort     = "!!"
)

// ceremonyDesk is [ceremony.Desk] at a terminal.
type ceremonyDesk struct {
	at    *console.Console
	say   *i18n.Printer
	mark  string // TEST, in every heading; nothing in production
	color bool
	plain bool // the terminal knows no control sequences
	idle  time.Duration
	now   func() time.Time
}

var _ ceremony.Desk = (*ceremonyDesk)(nil)

// The looks of a terminal (ECMA-48 SGR).
const (
	lookStrong = "\x1b[1m"
	lookRed    = "\x1b[31m"
	lookCyan   = "\x1b[36m"
	lookEnd    = "\x1b[0m"
)

// Widths of the screen in columns: where the terminal does not tell, and at most, since longer lines read badly.
const (
	usualWidth = 80
	mostWidth  = 100
)

// typedGroup is how many digits of a component a dot stands for: as they stand on a sheet.
const typedGroup = 4

// onlyPlain clears a screen without control sequences: by more empty lines than it has.
const onlyPlain = 80

func (d *ceremonyDesk) width() int {
	if w := d.at.Width(); w > 0 {
		return min(w, mostWidth) - 1 // the last column makes some terminals begin a line
	}
	return usualWidth
}

func (d *ceremonyDesk) paint(look, s string) string {
	if !d.color || look == "" {
		return s
	}
	return look + s + lookEnd
}

// lay puts a text behind a sign at the left, and lines that follow behind another one.
func (d *ceremonyDesk) lay(out *strings.Builder, first, rest, look, words string) {
	for i, line := range render.Wrap(words, d.width()-len(first)) {
		sign := rest
		if i == 0 {
			sign = first
		}
		out.WriteString(strings.TrimRight(d.paint(look, sign+line), " ") + "\n")
	}
}

// banner is the rule above a heading, with what keeps a rehearsal from being taken for the ceremony.
func (d *ceremonyDesk) banner() string {
	rule := strings.Repeat("=", min(d.width(), usualWidth))
	if d.mark == "" {
		return rule
	}
	word := "==== " + d.mark + " " // in capitals of Latin letters, whatever the language: nobody takes it for something else
	return word + strings.Repeat("=", max(len(rule)-render.Columns(word), 4))
}

// Say shows lines.
func (d *ceremonyDesk) Say(ctx context.Context, lines ...ceremony.Line) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var out strings.Builder
	for _, line := range lines {
		words := d.say.Text(line.Text)
		switch line.Style {
		case ceremony.Heading:
			out.WriteString("\n" + d.paint(lookStrong, d.banner()) + "\n")
			d.lay(&out, "", "", lookStrong, words)
		case ceremony.Aloud:
			d.lay(&out, "| ", "| ", lookCyan, words)
		case ceremony.Do:
			d.lay(&out, "> ", "  ", lookStrong, words)
		case ceremony.Alarm:
			d.lay(&out, "** ", "** ", lookRed, words)
		default:
			d.lay(&out, "  ", "  ", "", words)
		}
	}
	return d.at.Show(out.String())
}

// legend tells what the signs at the left mean.
func (d *ceremonyDesk) legend() error {
	var out strings.Builder
	out.WriteString("\n" + d.paint(lookStrong, d.banner()) + "\n")
	d.lay(&out, "| ", "| ", lookCyan, d.say.T("lines with a bar are read aloud"))
	d.lay(&out, "> ", "  ", lookStrong, d.say.T("lines with an arrow are done"))
	d.lay(&out, "** ", "** ", lookRed, d.say.T("lines with stars say that something is wrong"))
	d.lay(&out, "? ", "  ", "",
		d.say.T("lines with a question mark are answered; ! alone writes a deviation down, !! alone gives the ceremony up"))
	return d.at.Show(out.String())
}

// question is what stands before an answer: its last line ends where people type.
func (d *ceremonyDesk) question(words string) string {
	if !strings.HasSuffix(words, "?") && !strings.HasSuffix(words, "？") && !strings.HasSuffix(words,
		":") && !strings.HasSuffix(words, "：") {
		words += ":"
	}
	var out strings.Builder
	d.lay(&out, "? ", "  ", "", words)
	return strings.TrimSuffix(out.String(), "\n") + " "
}

// instead tells a word that is no answer from one that is.
func instead(typed string) error {
	switch strings.ReplaceAll(strings.TrimSpace(typed), "！", "!") { // as Chinese keyboards write it
	case wordDeviation:
		return ceremony.ErrDeviation
	case wordAbort:
		return ceremony.ErrAbort
	}
	return nil
}

// endsOfInput is how often Ctrl-D is taken for a slip of the hand.
const endsOfInput = 3

// Ask asks for a line that everybody may see.
func (d *ceremonyDesk) Ask(ctx context.Context, question text.Text) (typed string, err error) {
	return typed, patiently(func() (err error) {
		typed, err = d.line(ctx, d.say.Text(question))
		return err
	})
}

// patiently asks again where nothing was typed and the line ended all the same, as by Ctrl-D: a few times. Then nobody
// sits there any more.
func patiently(ask func() error) error {
	for ends := 0; ; ends++ {
		err := ask()
		if !fault.Is(err, fault.InputNeeded) {
			return err
		}
		if ends == endsOfInput {
			return fault.WrapAs(fault.Interrupted, err, "nobody answers at the terminal")
		}
	}
}

// line asks once.
func (d *ceremonyDesk) line(ctx context.Context, question string) (string, error) {
	d.at.Discard()
	typed, err := d.at.Line(ctx, d.question(question))
	if err != nil {
		return "", err
	}
	return typed, instead(typed)
}

// Confirm asks until exactly the word is typed.
func (d *ceremonyDesk) Confirm(ctx context.Context, question text.Text, word string) error {
	ask := question
	if !strings.Contains(d.say.Text(question), word) {
		ask = text.New("%s Type %s", question, word)
	}
	for {
		typed, err := d.Ask(ctx, ask)
		if err != nil || typed == word {
			return err
		}
		ask = text.New("That is not the word. Type exactly %s", word)
	}
}

// Hidden asks for what nobody may see.
func (d *ceremonyDesk) Hidden(ctx context.Context, question text.Text) (*secret.Bytes, error) {
	group := typedGroup
	if d.plain {
		group = 0 // dots could not be taken back
	}
	var typed *secret.Bytes
	err := patiently(func() (err error) {
		typed, err = d.at.Hidden(ctx, d.question(d.say.Text(question)),
			console.Typing{Idle: d.idle, Now: d.now, Group: group})
		return err
	})
	if err != nil {
		return nil, err
	}
	if typed.Len() <= longestInstead {
		if err := instead(string(typed.Expose())); err != nil {
			typed.Wipe()
			return nil, err
		}
	}
	return typed, nil
}

// longestInstead is more than a word instead of an answer takes: what is longer is a secret, and is never made a
// string.
const longestInstead = len("！！")

// Change clears the screen and waits for somebody to sit down.
func (d *ceremonyDesk) Change(ctx context.Context, to script.Person, as text.Text) error {
	if err := d.Clear(ctx); err != nil {
		return err
	}
	var out strings.Builder
	d.lay(&out, "> ", "  ", lookStrong, d.say.T("%s (%s) sits down at the keyboard: %s.", to.Name, to.ID, as))
	d.lay(&out, "> ", "  ", lookStrong, d.say.T("Everybody else steps back, and sees neither keyboard nor screen."))
	if err := d.at.Show(out.String()); err != nil {
		return err
	}
	return patiently(func() error {
		_, err := d.line(ctx, d.say.T("%s, when you are alone at the keyboard, press Enter", to.Name))
		return err
	})
}

// Clear clears the screen and what lies above it.
func (d *ceremonyDesk) Clear(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wipe := d.at.Clear
	if d.plain {
		wipe = func() error { return d.at.Show(strings.Repeat("\n", onlyPlain)) }
	}
	if err := wipe(); err != nil {
		return err
	}
	return d.at.Show(d.paint(lookStrong, d.banner()) + "\n") // an empty screen says what it is too
}

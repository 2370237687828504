package console

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// terminal gives both ends of a pseudo-terminal: what a person types into, and what was handed over.
func terminal(t *testing.T) (person, handed *os.File) {
	t.Helper()
	person, handed, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = handed.Close(); _ = person.Close() })
	go func() { // what is shown must be read, or writing it blocks
		b := make([]byte, 256)
		for {
			if _, err := person.Read(b); err != nil {
				return
			}
		}
	}()
	return person, handed
}

func ask(ctx context.Context, tty *os.File) chan error {
	got := make(chan error, 1)
	go func() {
		s, err := (&Console{TTY: tty}).Secret(ctx, "passphrase: ")
		s.Wipe()
		got <- err
	}()
	return got
}

func waitRaw(t *testing.T, tty *os.File, before *term.State) {
	t.Helper()
	for range 500 {
		now, err := term.GetState(int(tty.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if *now != *before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("echo stays on")
}

func TestAHandedTerminalGivesWhatWasTypedAsItWasMeant(t *testing.T) {
	for typed, want := range map[string]string{
		"tangle walnut\r":               "tangle walnut",
		"tangel\x7f\x7fle\r":            "tangle",
		"wrong from the start\x15yes\r": "yes",
		"密码\x08匙\r":                     "密匙",
		"\x7f\x7fa\r":                   "a",
		"no end\x04\r":                  "no end",
	} {
		person, handed := terminal(t)
		before, err := term.GetState(int(handed.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		live, got := secret.Live(), make(chan string, 1)
		go func() {
			s, err := (&Console{TTY: handed}).Secret(context.Background(), "? ")
			if err != nil {
				t.Error(err)
			}
			got <- string(s.Expose())
			s.Wipe()
			got <- ""
		}()
		waitRaw(t, handed, before)
		if _, err := person.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		if s := <-got; s != want {
			t.Errorf("%q: %q, want %q", typed, s, want)
		}
		<-got
		if secret.Live() != live {
			t.Errorf("%q: a secret is left", typed)
		}
	}
}

func TestControlCAndControlDEndTheAsking(t *testing.T) {
	for key, kind := range map[string]fault.Kind{"half\x03": fault.Interrupted, "\x04": fault.InputNeeded} {
		person, handed := terminal(t)
		before, err := term.GetState(int(handed.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		got := ask(context.Background(), handed)
		waitRaw(t, handed, before)
		if _, err := person.WriteString(key); err != nil {
			t.Fatal(err)
		}
		if err := <-got; !fault.Is(err, kind) {
			t.Errorf("%q: %v, want %s", key, err, kind)
		}
		if now, _ := term.GetState(int(handed.Fd())); *now != *before {
			t.Errorf("%q: the terminal is not as it was", key)
		}
	}
}

// TestNobodyReadsAfterTheAskingWasGivenUp: a reader that went on would take the next officer's passphrase.
func TestNobodyReadsAfterTheAskingWasGivenUp(t *testing.T) {
	person, handed := terminal(t)
	before, err := term.GetState(int(handed.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("given up")
	for range 5 {
		ctx, cancel := context.WithCancelCause(context.Background())
		got := ask(ctx, handed)
		waitRaw(t, handed, before)
		cancel(why)
		if err := <-got; !errors.Is(err, why) {
			t.Fatal(err)
		}
		if now, _ := term.GetState(int(handed.Fd())); *now != *before {
			t.Fatal("the terminal is not as it was")
		}
	}
	got := make(chan string, 1)
	go func() {
		s, err := (&Console{TTY: handed}).Secret(context.Background(), "next: ")
		if err != nil {
			t.Error(err)
		}
		got <- string(s.Expose())
		s.Wipe()
	}()
	waitRaw(t, handed, before)
	if _, err := person.WriteString("every letter\r"); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "every letter" {
		t.Errorf("the next one got %q", s)
	}
}

//go:build linux || darwin

package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"poskey/pkg/keys"
)

// The test's own program is also the agent, and a stranger who knocks at its door.
const (
	asAgent    = "be-an-agent"
	asStranger = "be-a-stranger"
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == asAgent:
		os.Exit(beAgent())
	case len(os.Args) > 2 && os.Args[1] == asStranger:
		os.Exit(beStranger(os.Args[2]))
	}
	os.Exit(m.Run())
}

// beAgent is what the hidden command of poskey does.
func beAgent() int {
	c, p, err := Adopt()
	if err != nil {
		return 2
	}
	p.Env = keys.Env{Rand: rand.Reader, Now: time.Now}
	if p.Clock, err = SystemClock(); err != nil {
		return 3
	}
	ticks := time.NewTicker(50 * time.Millisecond)
	p.Ticks = ticks.C
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	p.Signals = signals
	p.Screen = func(*os.File, string) Screen { return &typist{} }
	if err := Main(context.Background(), c, p); err != nil {
		return 1
	}
	return 0
}

// beStranger connects as somebody else and tells what came of it.
func beStranger(path string) int {
	const nobody = 65534
	if err := syscall.Setgid(nobody); err != nil {
		return 3
	}
	if err := syscall.Setuid(nobody); err != nil {
		return 3
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Println("no door:", err)
		return 0
	}
	_, _ = io.WriteString(conn, greeting)
	said, _ := io.ReadAll(conn)
	if len(said) != 0 {
		fmt.Printf("it said %q\n", said)
		return 1
	}
	_, err = Dial(context.Background(), path, storeID)
	fmt.Println("hung up:", err)
	return 0
}

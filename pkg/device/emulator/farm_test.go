package emulator

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// farmMemory is the heap and stacks that are in use.
func farmMemory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// TestThousandsOfTerminalsFitIntoOneProcess: 2000 under 500 MB; they need a fraction of it, so that 10000 do too.
func TestThousandsOfTerminalsFitIntoOneProcess(t *testing.T) {
	live := secret.Live()
	const count, most = 2000, 40 << 20
	before := farmMemory()
	klk := testKey(t, keyK1)
	f, err := NewFarm(t.Context(), FarmConfig{Config: Config{Env: keys.Env{Now: time.Now}}, Count: count, Prefix: "PK",
		First: 1, Each: func(term *Terminal) error { return term.LoadDirect("F", klk, "K0", 'D') }})
	if err != nil {
		t.Fatal(err)
	}
	used := farmMemory() - before
	t.Logf("%d terminals with open ports take %.1f MB, %d bytes each", count, float64(used)/1e6, used/count)
	if used > most {
		t.Errorf("%d terminals take %d bytes, more than %d", count, used, most)
	}
	for _, i := range []int{0, 1234, count - 1} {
		m := f.Members()[i]
		if want := fmt.Sprintf("PK%04d", i+1); m.Serial != want || m.Terminal.Serial() != want {
			t.Errorf("terminal %d is %s, want %s", i, m.Serial, want)
		}
		loadOver(t, m.Listener.Addr().String(), "020"+keyTest+"|P0E")
		if got := m.Terminal.State("0"); !got.Loaded || got.Check.Digits != "08D7B4" {
			t.Errorf("terminal %s: %+v", m.Serial, got)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	klk.Wipe()
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

// loadOver loads a key over TCP, as far as the end.
func loadOver(t testing.TB, addr, payload string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	echo := string(golden(payload))
	for _, step := range [][2]string{{echo, "\x06" + echo}, {"\x06", "\x04"}} {
		if _, err := io.WriteString(conn, step[0]); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(step[1]))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != step[1] {
			t.Fatalf("heard %q, %v; want %q", got, err, step[1])
		}
	}
}

func TestFarmsNumberTheirTerminals(t *testing.T) {
	f, err := NewFarm(t.Context(), FarmConfig{Count: 11, Prefix: "T-", First: 95})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if a, b := f.Members()[0].Serial, f.Members()[10].Serial; a != "T-095" || b != "T-105" {
		t.Errorf("from %s to %s", a, b)
	}
	for _, count := range []int{0, -1, 100_001} {
		if got, err := NewFarm(t.Context(), FarmConfig{Count: count}); err == nil || got != nil {
			t.Errorf("%d: %v, %v", count, got, err)
		}
	}
	if got, err := NewFarm(t.Context(), FarmConfig{Count: 2, Address: "0.0.0.0:0"}); err == nil || got != nil {
		t.Errorf("an address of the world: %v, %v", got, err)
	}
}

// BenchmarkFarm makes terminals with open ports.
func BenchmarkFarm(b *testing.B) {
	before := farmMemory()
	f, err := NewFarm(context.Background(), FarmConfig{Count: b.N, Prefix: "B",
		Config: Config{Env: keys.Env{Now: time.Now}}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(farmMemory()-before)/float64(b.N), "B/terminal")
	b.StopTimer()
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLoad90 loads initial keys in blocks through packet 90, as fast as the terminal takes them.
func BenchmarkLoad90(b *testing.B) {
	term := New(Config{Env: keys.Env{Now: time.Now}})
	defer term.Wipe()
	if err := term.LoadDirect("F", testKey(b, keyK1), "K0", 'D'); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, why := term.Offer(Offer{Slot: "90", Block: block90})
		if why != Accepted {
			b.Fatal(why)
		}
		if _, why := p.Commit(); why != Accepted {
			b.Fatal(why)
		}
	}
}

// BenchmarkLoad90Loopback is the same over 64 TCP connections.
func BenchmarkLoad90Loopback(b *testing.B) {
	klk := testKey(b, keyK1)
	f, err := NewFarm(context.Background(), FarmConfig{Count: 64, Prefix: "B",
		Config: Config{Env: keys.Env{Now: time.Now}},
		Each:   func(t *Terminal) error { return t.LoadDirect("F", klk, "K0", 'D') }})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	ask := packed(0x02, 0x03, []byte("90"+block90))
	answer := append([]byte{0x06}, packed(0x02, 0x03, []byte("910"))...)
	work := make(chan int)
	done := make(chan error)
	for _, m := range f.Members() {
		go func() { done <- hammer(m.Listener.Addr().String(), ask, answer, work) }()
	}
	b.ResetTimer()
	for i := range b.N {
		work <- i
	}
	close(work)
	for range f.Members() {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "loads/s")
}

func hammer(addr string, ask, answer []byte, work <-chan int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	got := make([]byte, len(answer))
	for range work {
		if _, err := conn.Write(ask); err != nil {
			return err
		}
		if _, err := io.ReadFull(conn, got); err != nil {
			return err
		}
		if string(got) != string(answer) {
			return fmt.Errorf("heard %q", strings.ToValidUTF8(string(got), "?"))
		}
		if _, err := conn.Write([]byte{0x06}); err != nil {
			return err
		}
	}
	return nil
}

const block90 = "B0104B1TX00N0100KS18FFFF9876543210E00000" +
	"1226BE539A4697C6D958FD5F44313764DBCE923ADFB3FC32B0BA837FBAA5E36A"

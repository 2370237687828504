// Command goals holds measured figures against the project's goals: metrics out of the output of benchmarks, and whole
// runs of the built binary. It ends with 1 when one that must be reached is not.
//
//	goals BENCHMARKS POSKEY
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// goal is one figure. Ratios and rates must be at least so much, times at most.
type goal struct {
	what      string
	must, aim float64
	unit      string
	atMost    bool
	measure   func(r results, poskey string) (float64, error)
}

// The commands search test keys; the values belong to no key near them, so that all candidates are tried.
const search = "diagnose kcv --alg tdes-128 --part hex:0123456789ABCDEFFEDCBA9876543210 --part hex:1123456789ABCDEFFEDCBA9876543211 " +
	"--expected 0F1E2D --allow-argv-secrets -o json --search "

func goals() []goal {
	return []goal{
		{"TDES search kernel, one core", 120, 150, "x crypto/des", false, metric("Kernel", "x-crypto/des")},
		{"whole search over 3 digits, one core", 0, 0, "x crypto/des", false, metric("Search3", "x-crypto/des")},
		{"diagnose kcv --search 3, 2 cores", 0.3, 0.15, "s", true, run(search+"3", 9)},
		{"diagnose kcv --search 4, 2 cores", 12, 8, "s", true, run(search+"4", 1)},
		{"four digits, 2 cores against 1", 1.7, 1.9, "x", false, metric("Cores", "x-1-core")},
		{"AES-128, three digits, 2 cores against 1", 1.6, 1.9, "x", false, metric("AESCores", "x-1-core")},
		{"TDES initial keys, one core", 2, 3, "M/s", false, metric("IK/tdes", "M/s")},
		{"the same, against ciphers made for each KSN", 8, 0, "x", false, quotient("IK/tdes", "IKPerKSN", "M/s")},
		{"a million keys, SQLite: list by usage", 100, 0, "ms", true, millis("Million/ListUsage")},
		{"a million keys, SQLite: list of few by usage and state", 100, 0, "ms", true, millis("Million/ListRareUsage")},
		{"a million keys, SQLite: list below a parent", 100, 0, "ms", true, millis("Million/ListParent")},
		{"a million keys, SQLite: find a check value", 100, 0, "ms", true, millis("Million/ListCheck")},
		{"a million keys, SQLite: the next thousand to expire", 100, 0, "ms", true, millis("Million/Expiring")},
		{"a million keys, SQLite: show", 100, 0, "ms", true, millis("Million/Show")},
		{"rows into SQLite in one transaction", 50_000, 0, "rows/s", false, metric("Insert", "rows/s")},
		{"numbers, PostgreSQL, 1 client, against bare UPDATE", 0.8, 0, "x", false, metric("Numbers/clients=1", "single-ratio")},
		{"numbers, PostgreSQL, 16 clients, against bare UPDATE", 0, 0.8, "x", false, metric("Numbers/clients=16", "single-ratio")},
		{"numbers in leases of 1,000, against single", 100, 0, "x", false, metric("Numbers/clients=16", "lease-ratio")},
		{"check values in SoftHSM2 (AES), against bare PKCS#11", 0.5, 0, "x", false,
			quotient("CheckValue/impl=bare/aes-256", "CheckValue/impl=poskey/aes-256", "ns/op")},
		{"check values in SoftHSM2 (TDES), against bare PKCS#11", 0.5, 0, "x", false,
			quotient("CheckValue/impl=bare/tdes-128", "CheckValue/impl=poskey/tdes-128", "ns/op")},
		{"loads by packet 90, whole run, SQLite, 64 at once", 1500, 0, "loads/s", false, metric("FleetLoads/sqlite", "loads/s")},
		{"loads by packet 90, whole run, PostgreSQL, 64 at once", 800, 0, "loads/s", false, metric("FleetLoads/postgresql", "loads/s")},
		{"journal alone, SQLite", 0, 0, "loads/s", false, metric("Journal/sqlite", "loads/s")},
		{"journal alone, PostgreSQL", 0, 0, "loads/s", false, metric("Journal/postgresql", "loads/s")},
		{"10,000 emulated terminals with open ports, each", 250_000, 50_000, "B", true, metric("Farm", "B/terminal")},
		{"an officer's passphrase (argon2id)", 0.8, 0.4, "s", true, metric("Unlock/default", "s/officer")},
	}
}

// results is metrics by benchmark and unit, each with all its values.
type results map[string][]float64

func main() {
	if len(os.Args) != 3 {
		fail("usage: goals BENCHMARKS POSKEY")
	}
	r, err := read(os.Args[1])
	if err != nil {
		fail(err.Error())
	}
	missed := 0
	fmt.Printf("%-54s %10s %-13s %8s %8s\n", "goal", "measured", "", "must", "aim") //nolint:forbidigo // a tool of the build
	for _, g := range goals() {
		v, err := g.measure(r, os.Args[2])
		if err != nil {
			fail(g.what + ": " + err.Error())
		}
		word := ""
		if g.missed(v) {
			word, missed = "MISSED", missed+1
		}
		fmt.Printf("%-54s %10.3g %-13s %8s %8s %s\n", g.what, v, g.unit, show(g.must), show(g.aim), word) //nolint:forbidigo // a tool of the build
	}
	if missed > 0 {
		os.Exit(1)
	}
}

func (g goal) missed(v float64) bool {
	if g.atMost {
		return v > g.must
	}
	return v < g.must
}

func show(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "goals:", why) //nolint:forbidigo // a tool of the build
	os.Exit(2)
}

// read takes the lines of benchmarks apart: a name, a count, then values and units in turn.
func read(path string) (results, error) {
	f, err := os.Open(path) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := results{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(words[0], "Benchmark")
		if i := strings.LastIndex(name, "-"); i > 0 {
			name = name[:i]
		}
		for i := 2; i+1 < len(words); i += 2 {
			if v, err := strconv.ParseFloat(words[i], 64); err == nil {
				r[name+" "+words[i+1]] = append(r[name+" "+words[i+1]], v)
			}
		}
	}
	return r, lines.Err()
}

func (r results) median(name, unit string) (float64, error) {
	v := r[name+" "+unit]
	if len(v) == 0 {
		return 0, fmt.Errorf("no benchmark %s with a metric %s", name, unit)
	}
	return median(v), nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func metric(name, unit string) func(results, string) (float64, error) {
	return func(r results, _ string) (float64, error) { return r.median(name, unit) }
}

// millis gives the time of one run in milliseconds.
func millis(name string) func(results, string) (float64, error) {
	return func(r results, _ string) (float64, error) {
		v, err := r.median(name, "ns/op")
		return v / 1e6, err
	}
}

func quotient(name, by, unit string) func(results, string) (float64, error) {
	return func(r results, _ string) (float64, error) {
		a, err := r.median(name, unit)
		if err != nil {
			return 0, err
		}
		b, err := r.median(by, unit)
		return a / b, err
	}
}

// run gives the median time of a command, whose exit code says only that it found nothing or chance matches.
func run(args string, times int) func(results, string) (float64, error) {
	return func(_ results, poskey string) (float64, error) {
		var took []float64
		for range times {
			c := exec.Command(poskey, strings.Fields(args)...) //nolint:gosec // the binary under test
			c.Env = append(os.Environ(), "GOMAXPROCS=2")
			start := time.Now() //nolint:forbidigo // measuring is its job
			err := c.Run()
			took = append(took, time.Since(start).Seconds())
			const unexplained = 11
			if err != nil && c.ProcessState.ExitCode() != unexplained {
				return 0, fmt.Errorf("%s: %w", args, err)
			}
		}
		return median(took), nil
	}
}

// Command ratio reads the output of the key-block benchmarks and prints each median as a ratio to the bare cipher
// operations of the same block, measured in the same run.
package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ratio FILE") //nolint:forbidigo // a tool of the build
		os.Exit(2)
	}
	times, order := read(os.Args[1])
	for _, name := range order {
		_, block, _ := strings.Cut(name, "/")
		bare := median(times["BareCipher/"+block])
		m := median(times[name])
		fmt.Printf("%-20s %9.0f ns/op  %6.2f x bare cipher\n", name, m, m/bare) //nolint:forbidigo // a tool of the build
	}
}

func read(path string) (times map[string][]float64, order []string) {
	f, err := os.Open(path) //nolint:gosec // the caller names the file
	if err != nil {
		fmt.Fprintln(os.Stderr, err) //nolint:forbidigo // a tool of the build
		os.Exit(1)
	}
	defer func() { _ = f.Close() }()
	times = map[string][]float64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") || words[3] != "ns/op" {
			continue
		}
		name := strings.TrimPrefix(words[0], "Benchmark")
		if i := strings.LastIndex(name, "-"); i > strings.Index(name, "/") && isNumber(name[i+1:]) {
			name = name[:i]
		}
		ns, err := strconv.ParseFloat(words[2], 64)
		if err != nil {
			continue
		}
		if times[name] == nil {
			order = append(order, name)
		}
		times[name] = append(times[name], ns)
	}
	return times, order
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[len(v)/2]
}

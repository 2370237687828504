// Command startup measures how long commands take from start to end, alternating between them, and prints medians as
// ratios to the first.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const runs = 101

func main() {
	took := make([][]time.Duration, len(os.Args)-1)
	for range runs {
		for i, line := range os.Args[1:] {
			words := strings.Fields(line)
			start := time.Now()                                                //nolint:forbidigo // measuring is its job
			if err := exec.Command(words[0], words[1:]...).Run(); err != nil { //nolint:gosec // the caller names the commands
				fmt.Fprintln(os.Stderr, line, err) //nolint:forbidigo // a tool of the build
				os.Exit(1)
			}
			took[i] = append(took[i], time.Since(start))
		}
	}
	base := median(took[0])
	for i, line := range os.Args[1:] {
		m := median(took[i])
		fmt.Printf("%-32s %8.2f ms  %5.2f x\n", line, float64(m.Microseconds())/1000, float64(m)/float64(base)) //nolint:forbidigo // a tool of the build
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

package component

// A sheet on a printed page: between bars, with other words above, below and beside it.

import (
	"bytes"
	"iter"
)

// Bar is what stands before and behind every line of a sheet on a page.
const Bar = '|'

// unframe takes a sheet out of the page that it stands on, and leaves everything else as it is. The text is normal; the
// result lies in the same memory and is normal too.
func unframe(page []byte) []byte {
	if bytes.IndexByte(page, Bar) < 0 || bytes.HasPrefix(page, []byte(titleName)) {
		return page
	}
	out, end := page[:0], 0 // end: behind the last line with a word in it
	for line := range framed(page) {
		if len(out) == 0 && !bytes.HasPrefix(line, []byte(titleName)) {
			continue
		}
		out = append(append(out, line...), '\n')
		if len(line) > 0 {
			end = len(out)
		}
	}
	if len(out) == 0 {
		return page // of something else
	}
	return out[:end]
}

// framed gives what stands between bars: behind the first one of a line, up to the last. A bar is a word of its own.
func framed(page []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.Lines(page) {
			line = bytes.TrimSuffix(line, []byte("\n"))
			from := barAfter(line, 0)
			if from < 0 {
				continue
			}
			to, last := len(line), from
			for at := barAfter(line, from+1); at >= 0; at = barAfter(line, at+1) {
				last = at
			}
			if last > from {
				to = last
			}
			if !yield(bytes.Trim(line[from+1:to], " ")) {
				return
			}
		}
	}
}

// barAfter finds a bar with blanks, or the end of the line, on both sides.
func barAfter(line []byte, from int) int {
	for i := from; i < len(line); i++ {
		if line[i] == Bar && (i == 0 || isBlank(rune(line[i-1]))) && (i+1 == len(line) || isBlank(rune(line[i+1]))) {
			return i
		}
	}
	return -1
}

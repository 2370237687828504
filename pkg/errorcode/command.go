package errorcode

import (
	"slices"
	"strings"
)

// Commands of an HSM and their answers in a text. A payShield answers a command with the command's second character one
// on, and the error behind it: A710 answers A6, FB10 answers FA. The command is no code then, whatever table has it.

// besideCommand is how far apart command and answer are, in characters: "sent A6 to import the ZPK, it answered A710".
const besideCommand = 60

// commandOf gives the command that a run answers; "" where it answers none.
func (d *Dictionary) commandOf(run string) string {
	if len(run) != len("a710") || len(d.hsmForms(run)) == 0 {
		return ""
	}
	return run[:1] + string(rune(run[1]-1))
}

// answersCommand reports whether the run from i is the answer to a command: it stands in the text too, or a word speaks
// of an answer and the tables have the command.
func (fd *finder) answersCommand(i int, run string) bool {
	command := fd.d.commandOf(run)
	if command == "" {
		return false
	}
	told := append(responseWords(), "answer", "answers", "answered", "returns", "returned", "replied", "返回")
	if fd.f.endsWith(fd.f.wordsBefore(i), told) && fd.d.hasCommand(command) {
		return true
	}
	return fd.near(i, i+len(run), func(at int, word string) bool { return word == command && !fd.isResponse(at, word) })
}

// isAnswered reports whether the run from i to j is a command whose answer stands behind it.
func (fd *finder) isAnswered(i, j int, run string) bool {
	return !fd.isResponse(i, run) &&
		fd.near(j, j, func(_ int, word string) bool { return fd.d.commandOf(word) == run })
}

// isResponse reports whether the words before a run say that it is a response code: 应答码A0 is no command.
func (fd *finder) isResponse(i int, run string) bool {
	_, response := fd.announced(i, run)
	return response
}

// near looks for a word in capitals before from and behind to.
func (fd *finder) near(from, to int, is func(at int, word string) bool) bool {
	f := fd.f
	start, end := max(0, from-besideCommand), min(len(f.runes), to+besideCommand)
	if from == to {
		start = to
	}
	for n := start; n < end; n++ {
		if !isWord(f.runes[n]) || n >= from && n < to {
			continue
		}
		k := f.runEnd(n)
		if (n == 0 || !isWord(f.runes[n-1])) && f.capitals(n, k) && is(n, f.cut(n, k)) {
			return true
		}
		n = k
	}
	return false
}

// hasCommand reports whether a table says what an error means for a command.
func (d *Dictionary) hasCommand(command string) bool {
	return slices.ContainsFunc(d.compounds, func(i int32) bool {
		head, _, _ := strings.Cut(lower(d.rows[i].code), "/")
		return d.rows[i].vendor == "thales-payshield" && head == command
	})
}

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package testcli

// Ceremonies whose process is killed, over and over, until they come to their end nevertheless.

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// reaper kills a process at questions that nobody was asked before, some or all of them.
type reaper struct {
	chance *rand.Rand
	every  bool
	seen   map[string]bool
	kills  int
}

// oftenEnough is at how many new questions one is fatal. POSKEY_KILL=all makes all of them so, POSKEY_KILL=SEED the same
// ones as before.
const oftenEnough = 10

func newReaper(ts *testscript.TestScript) *reaper {
	wish := os.Getenv("POSKEY_KILL")
	seed, err := strconv.ParseUint(wish, 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	ts.Logf("the questions are drawn by POSKEY_KILL=%d", seed)
	return &reaper{chance: rand.New(rand.NewPCG(seed, 6)), every: wish == "all", seen: map[string]bool{}}
}

// fatal draws whether a question is somebody's last one.
func (p *player) fatal(question string) bool {
	r, ok := stateOf(p.ts).reaper.(*reaper)
	if !ok {
		return false
	}
	shown := ""
	for _, pattern := range stepShown {
		if all := pattern.FindAllStringSubmatch(p.plain(), -1); len(all) > 0 {
			shown = all[len(all)-1][1]
		}
	}
	id := shown + " " + tight(question)
	if r.seen[id] {
		return false
	}
	r.seen[id] = true
	if !r.every && r.chance.IntN(oftenEnough) != 0 {
		return false
	}
	r.kills++
	return true
}

// most is how often a ceremony is killed and resumed before that is no progress any more.
const most = 300

// cmdSurvive plays a ceremony whose process is killed by kill -9 at questions that are drawn; each time the second command
// goes on with it, until it ends.
func cmdSurvive(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	at := slices.Index(args, "--")
	if at < 2 || at == len(args)-1 {
		ts.Fatalf("usage: survive RULES cmd... -- cmd...")
	}
	s, r := stateOf(ts), newReaper(ts)
	s.reaper = r
	defer func() { s.reaper = nil }()
	known, run := rules(ts, args[0]), args[1:at]
	for r.kills < most {
		err, killed := perform(ts, known, 100, run)
		if !killed {
			checkExit(ts, err, 0)
			ts.Logf("killed at %d of %d questions", r.kills, len(r.seen))
			return
		}
		run = args[at+1:]
	}
	ts.Fatalf("killed %d times, and not at its end", r.kills)
}

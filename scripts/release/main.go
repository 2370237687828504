// Command release makes what people install, from the commit that is checked out: binaries for every system in
// archives, Debian packages, bills of materials, and checksums over all of it. The same commit, the same Go and, for the
// builds with cgo, the same compiler and C library give the same bytes, wherever and whenever they are built: no file
// has a time other than the commit's (or SOURCE_DATE_EPOCH), an owner other than root, or a path of the machine.
//
//	go run ./scripts/release [-out dist]     make the files
//	go run ./scripts/release -check          make them twice from two clean copies and compare; then try them out
//
// What is published is in release below the folder, and is the same whatever machine makes it. Beside it lies the
// package that installs on the machine that made it: dpkg -i dist/*.deb.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	out := flag.String("out", "dist", "`folder` for the files; the release that is in it goes")
	cache := flag.String("cache", "", "compile one program for this machine with this build cache; one that is empty keeps nothing from before")
	trial := flag.Bool("check", false, "build twice from clean copies, compare, install and try")
	flag.Parse()
	m := maker{out: *out, cache: *cache, say: sayer(), stop: make(chan os.Signal, 1)}
	signal.Notify(m.stop, os.Interrupt) // the commands that run end by it, and so does this one, its temporary folders removed
	work := m.release
	if *trial {
		work = func() error { return check(".", m.say) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err) //nolint:forbidigo // a tool of the build
		os.Exit(1)
	}
}

// telling writes a line of progress.
type telling func(format string, args ...any)

// sayer puts before each line how long the work has taken so far.
func sayer() telling {
	begun := time.Now() //nolint:forbidigo // a tool of the build tells how long it takes
	return func(format string, args ...any) {
		took := int(time.Since(begun).Seconds())
		fmt.Fprintf(os.Stderr, "%2d:%02d %s\n", took/60, took%60, fmt.Sprintf(format, args...)) //nolint:forbidigo // the same
	}
}

// maker makes a release.
type maker struct {
	out   string // the folder
	cache string // the build cache for what compiledAfresh names; the user's when empty
	say   telling
	stop  chan os.Signal
}

func (m maker) interrupted() bool {
	select {
	case <-m.stop:
		return true
	default:
		return false
	}
}

// publishedIn is the folder below out with what is published.
const publishedIn = "release"

// release makes everything of the checked-out commit.
func (m maker) release() error {
	work, err := os.MkdirTemp("", "poskey-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	s, err := m.readStamp(work)
	if err != nil {
		return err
	}
	m.say("poskey %s, commit %s of %s, files dated %s", s.Version, s.Commit, s.Time, s.dating())
	if err := emptied(m.out); err != nil {
		return err
	}
	published := filepath.Join(m.out, publishedIn)
	if err := os.MkdirAll(published, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	docs, err := readDocs(work, s)
	if err != nil {
		return err
	}
	for _, t := range targets() {
		if m.interrupted() {
			return errors.New("interrupted")
		}
		if t.cgo && compiler(t) == "" {
			m.say("%s for %s/%s left out, for want of the compiler %s (Debian: gcc-%s)",
				t.packageName(), t.goos, t.goarch, triplet(t)+"-gcc", strings.ReplaceAll(triplet(t), "_", "-"))
			continue
		}
		m.say("%s for %s/%s", t.packageName(), t.goos, t.goarch)
		if err := m.makeTarget(published, work, t, s, docs); err != nil {
			return fmt.Errorf("%s: %w", t.name(s), err)
		}
	}
	if err := writeSums(published); err != nil {
		return err
	}
	m.say("made: %s", published)
	return m.placeInstallable(published, s)
}

// emptied removes the release that is in a folder, and refuses a folder with anything else.
func emptied(folder string) error {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		made := e.Type().IsRegular() && (strings.HasPrefix(name, "poskey") || strings.HasPrefix(name, sumsName))
		if !made && (name != publishedIn || !e.IsDir()) { // a folder called poskey may be a checkout
			return fmt.Errorf("%s is not of a release; take another folder than %s", filepath.Join(folder, name), folder)
		}
	}
	return os.RemoveAll(folder)
}

// placeInstallable puts the package that this machine can install beside what is published. It is the static one: nothing has
// to be there before it, so that it goes into an empty root too.
func (m maker) placeInstallable(published string, s stamp) error {
	name := debName(target{goos: "linux", goarch: runtime.GOARCH}, s)
	data, err := os.ReadFile(filepath.Join(published, name))
	if os.IsNotExist(err) || runtime.GOOS != "linux" {
		return nil // no package is made for such machines
	}
	if err != nil {
		return err
	}
	place := filepath.Join(m.out, name)
	m.say("for this machine: %s (dpkg -i %s)", place, filepath.Join(m.out, "*.deb"))
	return os.WriteFile(place, data, 0o644) //nolint:gosec // for everybody to read
}

// makeTarget makes one binary and all that is made of it.
func (m maker) makeTarget(published, work string, t target, s stamp, docs documents) error {
	binary, err := build(".", work, t, m.cacheFor(t)...)
	if err != nil {
		return err
	}
	defer os.Remove(binary) //nolint:errcheck // a temporary file; they are big
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	modules, err := modulesOf(binary)
	if err != nil {
		return err
	}
	notices, err := noticesOf(modules)
	if err != nil {
		return err
	}
	if err := writeBill(published, t, s, program, modules); err != nil {
		return err
	}
	if err := writeArchive(published, t, s, archiveTree(t, s, program, docs, notices)); err != nil {
		return err
	}
	if t.goos != "linux" {
		return nil
	}
	return writeDeb(published, t, s, binary, debTree(t, s, program, docs, notices))
}

// cacheFor is the environment that has a program compiled with the cache asked for.
func (m maker) cacheFor(t target) []string {
	if m.cache == "" || t != compiledAfresh() {
		return nil
	}
	return []string{"GOCACHE=" + m.cache}
}

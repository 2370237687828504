// Command release makes what people install, from the commit that is checked out: binaries for every system in
// archives, Debian packages, bills of materials, and checksums over all of it. The same commit, the same Go and, for the
// builds with cgo, the same compiler and C library give the same bytes, wherever and whenever they are built: no file
// has a time other than the commit's (or SOURCE_DATE_EPOCH), an owner other than root, or a path of the machine.
//
//	go run ./scripts/release [-out dist]     make the files
//	go run ./scripts/release -check          make them twice from two clean copies and compare; then try them out
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	out := flag.String("out", "dist", "`folder` for the files; what is in it goes")
	trial := flag.Bool("check", false, "build twice from clean copies, compare, install and try")
	flag.Parse()
	run := func() error { return release(*out) }
	if *trial {
		run = func() error { return check(".") }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err) //nolint:forbidigo // a tool of the build
		os.Exit(1)
	}
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...) //nolint:forbidigo // a tool of the build
}

// release makes everything of the checked-out commit.
func release(out string) error {
	work, err := os.MkdirTemp("", "poskey-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	s, err := readStamp(work)
	if err != nil {
		return err
	}
	say("== poskey %s, commit %s of %s, files dated %s", s.Version, s.Commit, s.Time, s.date())
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	docs, err := readDocs(work, s)
	if err != nil {
		return err
	}
	for _, t := range targets() {
		if t.cgo && compiler(t) == "" {
			say("-- left out: %s for %s/%s, for want of the compiler %s (Debian: gcc-%s)",
				t.packageName(), t.goos, t.goarch, triplet(t)+"-gcc", strings.ReplaceAll(triplet(t), "_", "-"))
			continue
		}
		if err := makeTarget(out, work, t, s, docs); err != nil {
			return fmt.Errorf("%s: %w", t.name(s), err)
		}
	}
	return writeSums(out)
}

// makeTarget makes one binary and all that is made of it.
func makeTarget(out, work string, t target, s stamp, docs documents) error {
	say("-- %s", t.name(s))
	binary, err := build(".", work, t)
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
	if err := writeBill(out, t, s, program, modules); err != nil {
		return err
	}
	if err := writeArchive(out, t, s, archiveTree(t, s, program, docs, notices)); err != nil {
		return err
	}
	if t.goos != "linux" {
		return nil
	}
	return writeDeb(out, t, s, binary, debTree(t, s, program, docs, notices))
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// check makes the release of the commit twice, from clones in two folders of different depth, compares every byte, and tries
// the results out. The second time the clock's zone and the language are others, and one program is compiled
// with an empty build cache: nothing of the first time is in it. It says what it compared, and what that proves.
func check(repository string, say telling) error {
	work, err := os.MkdirTemp("", "poskey-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	if err := tellOfEdits(repository, say); err != nil {
		return err
	}
	one, two := filepath.Join(work, "one"), filepath.Join(work, "another", "place", "two")
	say("== 1 of 5: the release, from a clone of the commit")
	if err := copyOf(repository, one, nil); err != nil {
		return err
	}
	say("== 2 of 5: again from a clone in another folder, with another zone and language; one program with an empty build cache")
	if err := copyOf(repository, two, elsewhere(), "-cache", filepath.Join(work, "cache")); err != nil {
		return err
	}
	say("== 3 of 5: every byte compared")
	dist := filepath.Join(one, "dist")
	first := filepath.Join(dist, publishedIn)
	files, err := compare(first, filepath.Join(two, "dist", publishedIn))
	if err != nil {
		return err
	}
	for _, line := range proven(files) {
		say("%s", line)
	}
	say("== 4 of 5: checksums and bills of materials")
	if err := checkSums(first, say); err != nil {
		return err
	}
	if err := checkBills(first, files, say); err != nil {
		return err
	}
	say("== 5 of 5: packages installed, and what is in them tried")
	if err := tryPackages(work, dist, say); err != nil {
		return err
	}
	say("== release-check: all as it should be")
	return nil
}

// tellOfEdits: what is checked is the commit, whatever else lies in the checkout.
func tellOfEdits(repository string, say telling) error {
	edits, err := run(nil, "git", "-C", repository, "status", "--porcelain")
	if err != nil {
		return err
	}
	if edits != "" {
		say("this checkout has files that are not as in its commit; the commit is checked, without them")
	}
	return nil
}

// copyOf clones the commit into a folder and makes the release there, in dist.
func copyOf(repository, clone string, env []string, more ...string) error {
	if _, err := run(nil, "git", "clone", "--quiet", "--no-hardlinks", repository, clone); err != nil {
		return err
	}
	return runIn(clone, env, goTool(), append([]string{"run", "./scripts/release", "-out", "dist"}, more...)...)
}

// elsewhere is what another machine may have set.
func elsewhere() []string {
	return []string{"TZ=Pacific/Kiritimati", "LANG=zh_CN.UTF-8", "LC_ALL=", "POSKEY_LANG=zh", "USER=somebody"}
}

// proven says for each program how the two that are the same came to be.
func proven(files []string) []string {
	var afresh, linked []string
	fresh := compiledAfresh()
	for _, t := range targets() {
		name := t.packageName() + " " + t.goos + "/" + t.goarch
		switch {
		case !slices.ContainsFunc(files, func(f string) bool { return isBillOf(f, t) }):
		case t == fresh:
			afresh = append(afresh, name)
		default:
			linked = append(linked, name)
		}
	}
	return []string{
		fmt.Sprintf("the same: %d files", len(files)),
		"compiled, linked and packed twice, with nothing kept: " + strings.Join(afresh, ", "),
		"linked and packed twice, compiled once or before: " + strings.Join(linked, ", "),
		"(make release on another machine, and a comparison of SHA256SUMS, proves more of these)",
	}
}

func isBillOf(name string, t target) bool {
	return strings.HasPrefix(name, t.packageName()+"_") && strings.HasSuffix(name, "_"+t.goos+"_"+t.goarch+".cdx.json")
}

func runIn(folder string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...) //nolint:gosec // the commands stand in this tool
	cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
	cmd.Stderr = os.Stderr //nolint:forbidigo // a tool of the build
	return cmd.Run()
}

// compare gives the names of the files, which must be the same with the same bytes in both folders.
func compare(first, second string) ([]string, error) {
	a, err := sumsOf(first)
	if err != nil {
		return nil, err
	}
	b, err := sumsOf(second)
	if err != nil {
		return nil, err
	}
	lines, others := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	if len(lines) != len(others) {
		return nil, fmt.Errorf("%d files in one copy, %d in the other", len(lines)-1, len(others)-1)
	}
	var names []string
	for i, line := range lines {
		if line != others[i] {
			return nil, fmt.Errorf("the builds differ:\n  %s\n  %s", line, others[i])
		}
		if _, name, ok := strings.Cut(line, "  "); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

func readBill(path string) (*cdx.BOM, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	bill := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(bill); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if bill.SpecVersion != cdx.SpecVersion1_6 || bill.Metadata == nil || bill.Metadata.Component == nil ||
		bill.Metadata.Component.Hashes == nil || bill.Components == nil || len(*bill.Components) == 0 {
		return nil, fmt.Errorf("%s is no whole bill of materials", filepath.Base(path))
	}
	return bill, nil
}

// checkSums lets the tool that users take check the checksums.
func checkSums(dist string, say telling) error {
	if err := runIn(dist, nil, "sha256sum", "--quiet", "--strict", "-c", sumsName); err != nil {
		return fmt.Errorf("%s: %w", sumsName, err)
	}
	say("sha256sum agrees with %s", sumsName)
	return nil
}

func checkBills(dist string, files []string, say telling) error {
	read := 0
	for _, name := range files {
		if !strings.HasSuffix(name, ".cdx.json") {
			continue
		}
		bill, err := readBill(filepath.Join(dist, name))
		if err != nil {
			return err
		}
		for _, c := range *bill.Components {
			if c.Licenses == nil {
				return fmt.Errorf("%s: the licence of %s is not known; teach licencesOf", name, c.Name)
			}
		}
		read++
	}
	if read == 0 {
		return fmt.Errorf("no bill of materials")
	}
	say("bills of materials: %d read back, each module with its licence", read)
	return nil
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// check makes the release of the commit twice, from clones in two folders of different depth, compares every byte, makes
// one binary a third time with nothing kept from earlier builds, and tries the results out. It says what it compared.
func check(repository string) error {
	begun := time.Now() //nolint:forbidigo // a tool of the build tells how long it took
	work, err := os.MkdirTemp("", "poskey-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	one, two := filepath.Join(work, "one"), filepath.Join(work, "another", "place", "two")
	for _, clone := range []string{one, two} {
		if _, err := run(nil, "git", "clone", "--quiet", "--no-hardlinks", repository, clone); err != nil {
			return err
		}
		if err := runIn(clone, nil, "go", "run", "./scripts/release", "-out", "dist"); err != nil {
			return err
		}
	}
	first, second := filepath.Join(one, "dist"), filepath.Join(two, "dist")
	files, err := compare(first, second)
	if err != nil {
		return err
	}
	say("== same bytes from two folders: %d files", len(files))
	for _, step := range []func() error{
		func() error { return afresh(work, two, first) },
		func() error { return checkSums(first) },
		func() error { return checkBills(first, files) },
		func() error { return checkPackages(work, first, files) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	say("== release-check: all as it should be, in %s", time.Since(begun).Round(time.Second))
	return nil
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

// afresh builds the binary for this machine with an empty build cache: the second copy has what the first one left there.
func afresh(work, clone, dist string) error {
	t := target{goos: "linux", goarch: runtime.GOARCH}
	binary, err := build(clone, work, t, "GOCACHE="+filepath.Join(work, "cache"))
	if err != nil {
		return err
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	bill, err := readBillOf(dist, t)
	if err != nil {
		return err
	}
	sum := fmt.Sprintf("%x", sumOf(program))
	if said := (*bill.Metadata.Component.Hashes)[0].Value; sum != said {
		return fmt.Errorf("linux/%s without kept results has SHA-256 %s, the release %s", t.goarch, sum, said)
	}
	say("== same bytes with an empty build cache: poskey for linux/%s", t.goarch)
	return nil
}

func readBillOf(dist string, t target) (*cdx.BOM, error) {
	found, err := filepath.Glob(filepath.Join(dist, t.packageName()+"_*_"+t.goos+"_"+t.goarch+".cdx.json"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%d bills of materials for %s/%s, error %w", len(found), t.goos, t.goarch, err)
	}
	return readBill(found[0])
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
func checkSums(dist string) error {
	if err := runIn(dist, nil, "sha256sum", "--quiet", "--strict", "-c", sumsName); err != nil {
		return fmt.Errorf("%s: %w", sumsName, err)
	}
	say("== checksums: sha256sum agrees with %s", sumsName)
	return nil
}

func checkBills(dist string, files []string) error {
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
	say("== bills of materials: %d read back, each module with its licence", read)
	return nil
}

// checkPackages installs each package for this machine into a folder of its own and uses what is there.
func checkPackages(work, dist string, files []string) error {
	tried := 0
	for _, name := range files {
		if !strings.HasSuffix(name, "_"+runtime.GOARCH+".deb") {
			continue
		}
		root := filepath.Join(work, "root-"+name)
		how, err := install(filepath.Join(dist, name), root)
		if err != nil {
			return err
		}
		told, err := tryInstalled(root)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		say("== %s: %s; %s", name, how, told)
		tried++
	}
	if tried == 0 {
		return fmt.Errorf("no package for %s", runtime.GOARCH)
	}
	return nil
}

// install lets dpkg install into a root of its own, where the user is root; else it unpacks.
func install(deb, root string) (string, error) {
	if os.Geteuid() != 0 {
		_, err := run(nil, "dpkg-deb", "-x", deb, root)
		return "unpacked (dpkg itself would need root)", err
	}
	for _, folder := range []string{"info", "updates"} {
		if err := os.MkdirAll(filepath.Join(root, "var/lib/dpkg", folder), 0o755); err != nil { //nolint:gosec // a root
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil { //nolint:gosec // the same
		return "", err
	}
	// --force-depends: the C library that poskey-hsm needs is not in the new root.
	_, err := run(nil, "dpkg", "--root="+root, "--force-depends", "--force-not-root", "--log=/dev/null", "-i", deb)
	return "installed by dpkg into an empty root", err
}

// tryInstalled runs the program, renders its manual, and lets bash read its completion.
func tryInstalled(root string) (string, error) {
	version, err := run(nil, filepath.Join(root, "usr/bin/poskey"), "version")
	if err != nil {
		return "", err
	}
	for _, page := range []string{"usr/share/man/man1/poskey.1.gz", "usr/share/man/zh_CN/man1/poskey.1.gz"} {
		shown, err := run([]string{"LC_ALL=C.UTF-8", "MANPAGER=cat"}, "man", "-l", filepath.Join(root, page))
		if err != nil {
			return "", err
		}
		if !strings.Contains(shown, "POSKEY") || !strings.Contains(shown, "--lang") {
			return "", fmt.Errorf("%s does not render", page)
		}
	}
	if _, err := run(nil, "bash", "-n", filepath.Join(root, "usr/share/bash-completion/completions/poskey")); err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(version, "\n")
	return "it says " + first + "; man renders poskey.1 in both languages", nil
}

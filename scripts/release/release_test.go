package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const project = "../.."

func someStamp() stamp {
	return stamp{Version: "0.1.0-dev.20261123032614", Commit: "1f29", at: time.Date(2026, 11, 23, 3, 26, 14, 0, time.UTC)}
}

func someTree() tree {
	files := tree{}
	files["top/poskey"] = file{[]byte("program"), 0o755}
	files.add("top/man/man1/poskey.1", []byte("page"))
	files.add("top/README.md", []byte("read"))
	return files
}

func TestArchivesAreTheSameEveryTime(t *testing.T) {
	for name, pack := range map[string]func(tree, string, time.Time) ([]byte, error){"tar": tarGz, "zip": zipped} {
		one, err := pack(someTree(), "", someStamp().at)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // maps have another order each time
			two, err := pack(someTree(), "", someStamp().at)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(one, two) {
				t.Fatalf("%s: the second archive has other bytes", name)
			}
		}
		later, err := pack(someTree(), "", someStamp().at.Add(time.Hour))
		if err != nil || bytes.Equal(one, later) {
			t.Errorf("%s: the time given is not that of the files, or error %v", name, err)
		}
	}
}

func TestAnArchiveSaysNothingOfWhoMadeIt(t *testing.T) {
	data, err := tarGz(someTree(), "", someStamp().at)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if z.Name != "" || !z.ModTime.IsZero() {
		t.Errorf("gzip says name %q and time %s", z.Name, z.ModTime)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "root" || h.Gname != "root" || !h.ModTime.Equal(someStamp().at) {
			t.Errorf("%s is of %d:%d %s:%s, %s", h.Name, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime)
		}
	}
	want := []string{"top/", "top/README.md", "top/man/", "top/man/man1/", "top/man/man1/poskey.1", "top/poskey"}
	if !slices.Equal(names, want) {
		t.Errorf("the archive holds %q, want %q", names, want)
	}
}

func TestAZipKeepsWhatMayBeRun(t *testing.T) {
	data, err := zipped(someTree(), "", someStamp().at)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(r.File) != 3 {
		t.Fatalf("error %v", err)
	}
	for _, f := range r.File {
		if !f.Modified.Equal(someStamp().at) || (f.Mode().Perm() == 0o755) != (f.Name == "top/poskey") {
			t.Errorf("%s: %s, %s", f.Name, f.Modified, f.Mode())
		}
	}
}

// TestADebIsWhatDpkgReads: Debian's own tool is the judge.
func TestADebIsWhatDpkgReads(t *testing.T) {
	out := t.TempDir()
	static := target{goos: "linux", goarch: "amd64"}
	docs := documents{man: tree{}, completions: tree{}, texts: tree{}}
	docs.man.add("man1/poskey.1", []byte("page"))
	for _, name := range []string{"poskey.bash", "_poskey", "poskey.fish"} {
		docs.completions.add(name, []byte("script "+name))
	}
	docs.texts.add("packaging/copyright", []byte("copyright"))
	docs.texts.add("docs/install.md", []byte("install"))
	files := debTree(static, someStamp(), []byte("program"), docs, []byte("notices"))
	if err := writeDeb(out, static, someStamp(), "", files); err != nil {
		t.Fatal(err)
	}
	deb := filepath.Join(out, "poskey_0.1.0~dev.20261123032614_amd64.deb")
	for _, field := range [][2]string{
		{"Package", "poskey"}, {"Version", "0.1.0~dev.20261123032614"}, {"Architecture", "amd64"}, {"Section", "utils"},
	} {
		if got := strings.TrimSpace(dpkg(t, "dpkg-deb", "-f", deb, field[0])); got != field[1] {
			t.Errorf("%s is %q, want %q", field[0], got, field[1])
		}
	}
	root := filepath.Join(out, "root")
	dpkg(t, "dpkg-deb", "-R", deb, root)
	for _, name := range []string{
		"usr/bin/poskey", "usr/share/man/man1/poskey.1.gz", "usr/share/bash-completion/completions/poskey",
		"usr/share/zsh/vendor-completions/_poskey", "usr/share/fish/vendor_completions.d/poskey.fish",
		"usr/share/doc/poskey/copyright", "usr/share/doc/poskey/changelog.gz", "usr/share/doc/poskey/docs/install.md",
		"DEBIAN/md5sums",
	} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	for _, script := range []string{"preinst", "postinst", "prerm", "postrm", "config", "triggers"} {
		if _, err := os.Stat(filepath.Join(root, "DEBIAN", script)); err == nil {
			t.Errorf("installing would run %s", script)
		}
	}
	sums := exec.Command("md5sum", "--quiet", "--strict", "-c", "DEBIAN/md5sums")
	sums.Dir = root
	if out, err := sums.CombinedOutput(); err != nil {
		t.Errorf("md5sums: %v %s", err, out)
	}
}

func TestWhatIsBuiltBeforeAReleaseIsOlderForDpkg(t *testing.T) {
	dpkg(t, "dpkg", "--compare-versions", someStamp().debian(), "lt", "0.1.0")
	dpkg(t, "dpkg", "--compare-versions", someStamp().debian(), "gt", "0.0.9")
}

func dpkg(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(nil, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheCLibraryAskedForIsReadFromTheBinary(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux has the C library in question")
		return
	}
	got, err := glibcOf("/bin/sh")
	if err != nil || !strings.HasPrefix(got, "2.") {
		t.Errorf("got %q, error %v", got, err)
	}
}

func TestOnlyWhatCanBeBuiltAgainIsReleased(t *testing.T) {
	good := stamp{Version: "1.2.3", Commit: "1f29", Time: "2026-11-23T03:26:14Z"}
	s, err := good.dated("")
	if err != nil || s.date() != "2026-11-23" {
		t.Errorf("date %q, error %v", s.date(), err)
	}
	if s, err = good.dated("0"); err != nil || s.date() != "1970-01-01" {
		t.Errorf("SOURCE_DATE_EPOCH is not taken: %q, error %v", s.date(), err)
	}
	for name, bad := range map[string]stamp{
		"no commit":  {Version: "1.2.3", Time: good.Time},
		"edited":     {Version: "1.2.3", Commit: "1f29", Time: good.Time, Modified: true},
		"no time":    {Version: "1.2.3", Commit: "1f29"},
		"wrong time": {Version: "1.2.3", Commit: "1f29", Time: "yesterday"},
	} {
		if _, err := bad.dated(""); err == nil {
			t.Errorf("%s: no complaint", name)
		}
	}
	for _, epoch := range []string{"soon", "-1", "1e9", "999999999999999"} {
		if _, err := good.dated(epoch); err == nil {
			t.Errorf("SOURCE_DATE_EPOCH %s: no complaint", epoch)
		}
	}
}

// linked gives the modules that the program is built of, as the Go tool lists them.
func linked(t *testing.T) []module {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}",
		"./cmd/poskey")
	list.Dir = project
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var all []module
	for _, line := range strings.Split(string(out), "\n") {
		if part := strings.Fields(line); len(part) == 3 && !seen[part[0]] {
			seen[part[0]] = true
			all = append(all, module{path: part[0], version: part[1], sum: "h1:test", folder: part[2]})
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d modules", len(all))
	}
	return all
}

func TestTheBillNamesEveryModuleWithItsLicence(t *testing.T) {
	modules := linked(t)
	out := t.TempDir()
	static := target{goos: "linux", goarch: "amd64"}
	var docs [2][]byte
	for i := range docs {
		if err := writeBill(out, static, someStamp(), []byte("program"), modules); err != nil {
			t.Fatal(err)
		}
		var err error
		if docs[i], err = os.ReadFile(filepath.Join(out, static.name(someStamp())+".cdx.json")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(docs[0], docs[1]) {
		t.Error("the second bill has other bytes")
	}
	bill, err := readBill(filepath.Join(out, static.name(someStamp())+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(*bill.Components); got != len(modules)+1 {
		t.Errorf("%d components for %d modules and Go's own library", got, len(modules))
	}
	for _, c := range *bill.Components {
		if c.Licenses == nil {
			t.Errorf("the licence of %s is not known", c.Name)
		}
	}
	if got := (*bill.Metadata.Component.Hashes)[0].Value; len(got) != 64 {
		t.Errorf("the program's hash is %q", got)
	}
}

func TestLicencesAreToldByWhatTheyAloneSay(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted, free of\ncharge, to any person obtaining a copy":                                                "MIT",
		"Redistribution and use in source and binary forms, with":                                                                      "BSD-2-Clause",
		"Redistribution and use in source and binary forms ... may be used to endorse or promote products derived":                     "BSD-3-Clause",
		"Apache License\n   Version 2.0, January 2004":                                                                                 "Apache-2.0",
		"Licensed under the Apache License, Version 2.0; Permission is hereby granted, free of charge, to any person obtaining a copy": "Apache-2.0 MIT",
		"All rights reserved.": "",
	} {
		texts := tree{}
		texts.add("LICENSE", []byte(text))
		if got := strings.Join(licencesOf(texts), " "); got != want {
			t.Errorf("%.40q is taken for %q, want %q", text, got, want)
		}
	}
}

func TestAModuleWithoutLicenceIsNotPassedOn(t *testing.T) {
	if _, err := licenceTexts(t.TempDir()); err == nil {
		t.Error("no complaint")
	}
}

func TestSumsAreThoseOfSha256sum(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b.deb", "a.tar.gz"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeSums(folder); err != nil {
		t.Fatal(err)
	}
	if err := checkSums(folder, t.Logf); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "b.deb"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkSums(folder, t.Logf); err == nil {
		t.Error("a changed file was not noticed")
	}
}

func TestADifferenceIsNamed(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write := func(folder, name, data string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(one, "a", "1")
	write(two, "a", "1")
	if names, err := compare(one, two); err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("%q, error %v", names, err)
	}
	write(two, "b", "1")
	if _, err := compare(one, two); err == nil {
		t.Error("a file too many was not noticed")
	}
	write(one, "b", "2")
	if _, err := compare(one, two); err == nil || !strings.Contains(err.Error(), "  b") {
		t.Errorf("the file that differs is not named: %v", err)
	}
}

// TestWhatIsPromisedIsBuilt: the page for users names every archive and package.
func TestWhatIsPromisedIsBuilt(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(project, "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets() {
		name := target.packageName() + "_VERSION_" + target.goos + "_" + target.goarch
		if !strings.Contains(string(page), name) {
			t.Errorf("docs/install.md does not name %s", name)
		}
	}
}

// TestThePackageForThisMachineLiesAlone: dpkg -i dist/*.deb has to work, so that nothing else that is a package lies there.
func TestThePackageForThisMachineLiesAlone(t *testing.T) {
	out := t.TempDir()
	published := filepath.Join(out, publishedIn)
	if err := os.Mkdir(published, 0o700); err != nil {
		t.Fatal(err)
	}
	native := target{goos: "linux", goarch: runtime.GOARCH}
	for _, made := range targets() {
		if made.goos != "linux" {
			continue
		}
		if err := os.WriteFile(filepath.Join(published, debName(made, someStamp())), []byte(made.name(someStamp())), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := (maker{out: out, say: t.Logf}).placeInstallable(published, someStamp()); err != nil {
		t.Fatal(err)
	}
	debs, err := filepath.Glob(filepath.Join(out, "*.deb"))
	if err != nil || len(debs) != 1 {
		t.Fatalf("packages %q, error %v", debs, err)
	}
	data, err := os.ReadFile(debs[0])
	if err != nil || string(data) != native.name(someStamp()) {
		t.Errorf("%s is %q, error %v", debs[0], data, err)
	}
}

func TestOnlyAReleaseIsRemoved(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"poskey_0.1.0_amd64.deb", "SHA256SUMS"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mine := filepath.Join(folder, "thesis.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := emptied(folder); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	checkout := filepath.Join(folder, "poskey")
	if err := os.Mkdir(checkout, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := emptied(folder); err == nil {
		t.Error("a folder with the project in it was taken for a release")
	}
	if err := os.Remove(checkout); err != nil {
		t.Fatal(err)
	}
	for range 2 { // there, and not there
		if err := emptied(folder); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the old release is still there")
	}
}

// TestWhatWasComparedIsNotSaidTooGreat: what was compiled once is not said to be compiled twice, and what was left out not at all.
func TestWhatWasComparedIsNotSaidTooGreat(t *testing.T) {
	var files []string
	foreign := "arm64"
	if runtime.GOARCH == foreign {
		foreign = "amd64"
	}
	fresh, others := compiledAfresh(), []target{{"linux", foreign, false}, {"windows", "amd64", false}}
	for _, made := range append(others, fresh) {
		files = append(files, made.name(someStamp())+".cdx.json", made.name(someStamp())+".tar.gz")
	}
	told := proven(files)
	twice, once := told[1], told[2]
	if runtime.GOOS == "linux" && !strings.HasSuffix(twice, ": "+fresh.packageName()+" linux/"+runtime.GOARCH) {
		t.Errorf("said: %q", twice)
	}
	if !strings.HasSuffix(once, ": poskey linux/"+foreign+", poskey windows/amd64") {
		t.Errorf("said: %q", once)
	}
	if all := strings.Join(told, " "); strings.Contains(all, "darwin") || strings.Contains(all, "poskey-hsm linux/"+foreign) {
		t.Errorf("said of what was not made: %q", told)
	}
	m := maker{cache: "/empty"}
	if len(m.cacheFor(fresh)) != 1 || m.cacheFor(others[0]) != nil || (maker{}).cacheFor(fresh) != nil {
		t.Error("what is said to be compiled with an empty cache is not what is")
	}
}

// TestArchivesAreNotPackedLongerThanTheyAreWorth: the best that gzip can takes four times as long for three in a thousand; a
// release packs 40 MB two dozen times.
func TestArchivesAreNotPackedLongerThanTheyAreWorth(t *testing.T) {
	data, err := tarGz(someTree(), "", someStamp().at)
	if err != nil {
		t.Fatal(err)
	}
	if extra := data[8]; extra == 2 { // RFC 1952: 2 is for the slowest method
		t.Error("the archive is packed with the slowest method")
	}
	if page := gzipped([]byte("page")); page[8] != 2 {
		t.Error("a manual page is not packed with gzip -9, which Debian asks for")
	}
}

func TestAnInterruptIsHeardBetweenPrograms(t *testing.T) {
	m := maker{stop: make(chan os.Signal, 1)}
	if m.interrupted() {
		t.Error("nobody interrupted")
	}
	m.stop <- os.Interrupt
	if !m.interrupted() {
		t.Error("an interrupt was not heard")
	}
}

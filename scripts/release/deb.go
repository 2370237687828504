package main

import (
	"bytes"
	"crypto/md5" //nolint:gosec // dpkg asks for MD5; it guards nothing
	"debug/elf"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"
)

// debTree places everything where Debian looks for it.
func debTree(t target, s stamp, program []byte, d documents, notices []byte) tree {
	files := tree{}
	files["usr/bin/poskey"] = file{program, 0o755}
	for name, f := range d.man {
		files.add("usr/share/man/"+name+".gz", gzipped(f.data))
	}
	for name, place := range map[string]string{
		"poskey.bash": "bash-completion/completions/poskey", "_poskey": "zsh/vendor-completions/_poskey",
		"poskey.fish": "fish/vendor_completions.d/poskey.fish",
	} {
		files.add("usr/share/"+place, d.completions[name].data)
	}
	doc := "usr/share/doc/" + t.packageName() + "/"
	for name, f := range d.texts {
		switch {
		case name == "CHANGELOG.md":
			files.add(doc+"NEWS.gz", gzipped(f.data))
		case name == "packaging/copyright":
			files.add(doc+"copyright", f.data)
		case name == "README.md" || name == "README.zh.md" || name == "SECURITY.md" || strings.HasPrefix(name, "docs/"):
			files.add(doc+name, f.data)
		}
	}
	files.add(doc+"third-party.gz", gzipped(withFonts(notices, d)))
	files.add(doc+"changelog.gz", gzipped(fmt.Appendf(nil,
		"%s (%s) unstable; urgency=medium\n\n  * Commit %s.\n  * What changed for users is in NEWS.gz.\n\n -- %s  %s\n",
		t.packageName(), s.debian(), s.Commit, maintainer, s.at.Format("Mon, 02 Jan 2006 15:04:05 -0700"))))
	if !t.cgo {
		files.add("usr/share/lintian/overrides/"+t.packageName(),
			[]byte("# One file that needs no library of the system.\n"+t.packageName()+": statically-linked-binary\n"))
	}
	return files
}

// maintainer stands in every package; who publishes packages puts an address here that is read.
const maintainer = "poskey maintainers <maintainers@poskey.invalid>"

// writeDeb writes a Debian package (deb(5)): an ar archive of a version, what dpkg is told, and the files. There are no
// maintainer scripts: installing runs nothing.
func writeDeb(out string, t target, s stamp, binary string, files tree) error {
	control, err := controlTree(t, s, binary, files)
	if err != nil {
		return err
	}
	told, err := tarGz(control, "./", s.at)
	if err != nil {
		return err
	}
	data, err := tarGz(files, "./", s.at)
	if err != nil {
		return err
	}
	var deb bytes.Buffer
	deb.WriteString("!<arch>\n")
	arMember(&deb, "debian-binary", s, []byte("2.0\n"))
	arMember(&deb, "control.tar.gz", s, told)
	arMember(&deb, "data.tar.gz", s, data)
	return os.WriteFile(filepath.Join(out, debName(t, s)), deb.Bytes(), 0o644) //nolint:gosec // for everybody to read
}

func debName(t target, s stamp) string {
	return fmt.Sprintf("%s_%s_%s.deb", t.packageName(), s.debian(), t.goarch)
}

func arMember(out *bytes.Buffer, name string, s stamp, data []byte) {
	fmt.Fprintf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, s.at.Unix(), 0, 0, "100644", len(data))
	out.Write(data)
	if len(data)%2 == 1 {
		out.WriteByte('\n')
	}
}

func controlTree(t target, s stamp, binary string, files tree) (tree, error) {
	extra := ""
	if t.cgo {
		glibc, err := glibcOf(binary)
		if err != nil {
			return nil, err
		}
		extra = fmt.Sprintf("Depends: libc6 (>= %s)\nProvides: poskey (= %s)\nConflicts: poskey\nReplaces: poskey\n",
			glibc, s.debian())
	} else {
		extra = "Conflicts: poskey-hsm\nReplaces: poskey-hsm\n"
	}
	extra += "Suggests: bash-completion\n"
	control := tree{}
	control.add("control", fmt.Appendf(nil,
		"Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nInstalled-Size: %d\n%s"+
			"Section: utils\nPriority: optional\nDescription: %s\n", t.packageName(), s.debian(), t.goarch, maintainer,
		installedSize(files), extra, description(t)))
	var sums strings.Builder
	for _, name := range files.names() {
		if !strings.HasSuffix(name, "/") {
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(files[name].data), name)
		}
	}
	control.add("md5sums", []byte(sums.String()))
	return control, nil
}

func description(t target) string {
	text := "life of a payment terminal's keys\n" +
		" Makes, splits, combines, checks, wraps and loads the keys of payment terminals,\n" +
		" leads key ceremonies, keeps the inventory, and finds out why a key check fails.\n"
	if t.cgo {
		return text + " This build uses HSMs and tokens through their PKCS#11 modules."
	}
	return text + " This build needs no library of the system; poskey-hsm is the one with PKCS#11."
}

// installedSize is in KiB, a folder counted as one, as dpkg-gencontrol has it.
func installedSize(files tree) int {
	total := 0
	for _, name := range files.names() {
		total += max(1, (len(files[name].data)+1023)/1024)
	}
	return total
}

// glibcOf gives the oldest C library that has all that a binary asks for.
func glibcOf(binary string) (string, error) {
	f, err := elf.Open(binary)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return "", err
	}
	oldest := "v0"
	for _, symbol := range symbols {
		if version, ok := strings.CutPrefix(symbol.Version, "GLIBC_"); ok && semver.Compare("v"+version, oldest) > 0 {
			oldest = "v" + version
		}
	}
	if oldest == "v0" {
		return "", fmt.Errorf("%s asks for no C library", path.Base(binary))
	}
	return oldest[1:], nil
}

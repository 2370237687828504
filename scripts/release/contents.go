package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// documents is what goes along with every binary.
type documents struct {
	man         tree // man1/poskey.1, zh_CN/man1/poskey.1, ...
	completions tree
	texts       tree // README.md, docs/..., by their place in the project
}

// readDocs lets the commands write their manual, and reads what stands in the project.
func readDocs(work string, s stamp) (documents, error) {
	made := filepath.Join(work, "made")
	// With the flags of the programs, so that what was compiled for them is not compiled again.
	_, err := run(buildFlags(target{goos: runtime.GOOS, goarch: runtime.GOARCH}), goTool(), "run", "-trimpath", "-ldflags=-s -w", "./internal/docs",
		"-manual", made, "-version", s.Version, "-date", s.date())
	if err != nil {
		return documents{}, err
	}
	var d documents
	if d.man, err = readTree(filepath.Join(made, "man"), every); err != nil {
		return documents{}, err
	}
	if d.completions, err = readTree(filepath.Join(made, "completions"), every); err != nil {
		return documents{}, err
	}
	if d.texts, err = readTree(".", isText); err != nil {
		return documents{}, err
	}
	return d, nil
}

func every(string) bool { return true }

// isText: the readmes, what changed, and the documents below docs; not the reference, which the manual pages are.
func isText(name string) bool {
	if strings.HasPrefix(name, "docs/cli/") {
		return false
	}
	return strings.HasPrefix(name, "docs/") && path.Ext(name) == ".md" ||
		path.Dir(name) == "." && (path.Ext(name) == ".md" || name == "LICENSE") ||
		name == "packaging/copyright" || strings.HasPrefix(name, "pkg/ceremony/minutes/fonts/LICENSE-")
}

func readTree(folder string, wanted func(string) bool) (tree, error) {
	files := tree{}
	err := filepath.WalkDir(folder, func(place string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() {
			if place != folder && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(folder, place)
		if name = filepath.ToSlash(name); err != nil || !wanted(name) {
			return err
		}
		data, err := os.ReadFile(place) //nolint:gosec // below the project
		files.add(name, data)
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no files in %s", folder)
	}
	return files, err
}

// archiveTree is an archive: one folder with all in it.
func archiveTree(t target, s stamp, program []byte, d documents, notices []byte) tree {
	files := tree{}
	top := t.name(s) + "/"
	files[top+t.program()] = file{program, 0o755}
	for name, f := range d.texts {
		if path.Dir(name) == "." || strings.HasPrefix(name, "docs/") {
			files.add(top+name, f.data)
		}
	}
	for name, f := range d.completions {
		files.add(top+"completions/"+name, f.data)
	}
	if t.goos != "windows" {
		for name, f := range d.man {
			files.add(top+"man/"+name, f.data)
		}
	}
	files.add(top+"THIRD-PARTY.txt", withFonts(notices, d))
	return files
}

// withFonts adds the licences of the fonts that are in the binary.
func withFonts(notices []byte, d documents) []byte {
	out := string(notices)
	for _, name := range d.texts.names() {
		if base := path.Base(name); strings.HasPrefix(base, "LICENSE-") {
			out += notice("font "+strings.TrimSuffix(strings.TrimPrefix(base, "LICENSE-"), ".txt"), string(d.texts[name].data))
		}
	}
	return []byte(out)
}

func notice(of, licence string) string {
	rule := strings.Repeat("=", 80)
	return fmt.Sprintf("%s\n%s\n%s\n\n%s\n\n", rule, of, rule, strings.TrimSpace(strings.ReplaceAll(licence, "\r\n", "\n")))
}

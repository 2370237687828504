package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// target is one binary of a release.
type target struct {
	goos, goarch string
	cgo          bool // with PKCS#11; dynamic, since a token's module is a library of the system
}

func targets() []target {
	return []target{
		{"linux", "amd64", false}, {"linux", "arm64", false},
		{"linux", "amd64", true}, {"linux", "arm64", true},
		{"darwin", "amd64", false}, {"darwin", "arm64", false},
		{"windows", "amd64", false},
	}
}

func (t target) packageName() string {
	if t.cgo {
		return "poskey-hsm"
	}
	return "poskey"
}

// native: it runs on the machine that builds.
func (t target) native() bool { return t.goos == runtime.GOOS && t.goarch == runtime.GOARCH }

func (t target) name(s stamp) string {
	return fmt.Sprintf("%s_%s_%s_%s", t.packageName(), s.Version, t.goos, t.goarch)
}

func (t target) program() string {
	if t.goos == "windows" {
		return "poskey.exe"
	}
	return "poskey"
}

// triplet is what GNU calls the machine.
func triplet(t target) string {
	return map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[t.goarch]
}

// compiler finds the C compiler of a target: GNU's own name for it, or gcc where the target is this machine.
func compiler(t target) string {
	name := triplet(t) + "-gcc"
	if _, err := exec.LookPath(name); err == nil {
		return name
	}
	if _, err := exec.LookPath("gcc"); err == nil && t.native() {
		return "gcc"
	}
	return ""
}

// buildFlags is the environment of a build. Whatever the user's says of flags and architectures does not count.
func buildFlags(t target) []string {
	env := []string{"GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOOS=" + t.goos, "GOARCH=" + t.goarch}
	if !t.cgo {
		return append(env, "CGO_ENABLED=0")
	}
	return append(env, "CGO_ENABLED=1", "CC="+compiler(t), "CGO_CFLAGS=-O2 -g0", "CGO_CPPFLAGS=", "CGO_LDFLAGS=")
}

// compiledAfresh is the one program whose compilation a check repeats with nothing kept, since it takes as long as all else:
// the one for this machine with cgo, in which the C compiler is too, beside all that the static one is compiled of.
func compiledAfresh() target {
	t := target{goos: runtime.GOOS, goarch: runtime.GOARCH}
	t.cgo = t.goos == "linux" && compiler(t) != ""
	return t
}

// build makes the binary of a checkout.
func build(checkout, work string, t target, more ...string) (string, error) {
	binary := filepath.Join(work, t.packageName()+"-"+t.goos+"-"+t.goarch)
	_, err := run(append(buildFlags(t), more...), goTool(), "build", "-C", checkout, "-trimpath", "-buildvcs=true", "-ldflags=-s -w",
		"-o", binary, "./cmd/poskey")
	return binary, err
}

// goTool is the Go that the Makefile was told of, so that one release is not made by two.
func goTool() string { return cmp.Or(os.Getenv("GO"), "go") }

// run gives what a command writes; what it says of an error is part of the error.
func run(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...) //nolint:gosec // the commands stand in this tool
	cmd.Env = append(os.Environ(), env...)
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, told.String())
	}
	return string(out), nil
}

// stamp is what a release says of itself; poskey version is where it comes from.
type stamp struct {
	Version  string    `json:"version"`
	Commit   string    `json:"commit"`
	Time     string    `json:"time"`
	Modified bool      `json:"modified"`
	Go       string    `json:"go"`
	at       time.Time // of every file
	given    bool      // by SOURCE_DATE_EPOCH
}

func (s stamp) date() string { return s.at.Format(time.DateOnly) }

// dating is the day of the files, and whose it is when it is not the commit's.
func (s stamp) dating() string {
	if s.given {
		return s.date() + " by SOURCE_DATE_EPOCH"
	}
	return s.date()
}

// debian is the version as dpkg orders it: what comes before a release has a tilde.
func (s stamp) debian() string { return strings.ReplaceAll(s.Version, "-", "~") }

// readStamp builds poskey for this machine and asks it. Go finds the binary again when its turn comes.
func (m maker) readStamp(work string) (stamp, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return stamp{}, fmt.Errorf("a release says of which commit it is, and git, which knows, is not here")
	}
	t := target{goos: runtime.GOOS, goarch: runtime.GOARCH}
	binary, err := build(".", work, t, m.cacheFor(t)...)
	if err != nil {
		return stamp{}, err
	}
	out, err := run(nil, binary, "version", "-o", "json")
	if err != nil {
		return stamp{}, err
	}
	var s stamp
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return stamp{}, err
	}
	return s.dated(os.Getenv("SOURCE_DATE_EPOCH"))
}

// farthest is the last second whose number has as many digits as an archive of packages has room for, and whose day has
// a year of four.
const farthest = 253402300799

// dated refuses what nobody could build again, and sets the time of files.
func (s stamp) dated(epoch string) (stamp, error) {
	if s.Commit == "" {
		return stamp{}, fmt.Errorf("this folder knows no commit: a release is made from a git checkout (make build does without)")
	}
	if s.Modified {
		return stamp{}, fmt.Errorf("the checkout has files that are not as in commit %s: commit them, or work in a clone", s.Commit)
	}
	at, err := time.Parse(time.RFC3339, s.Time)
	if err != nil {
		return stamp{}, err
	}
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil || seconds < 0 || seconds > farthest {
			return stamp{}, fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds from 0 to %d", epoch, int64(farthest))
		}
		at, s.given = time.Unix(seconds, 0), true
	}
	s.at = at.UTC()
	return s, nil
}

// module is a library in a binary.
type module struct {
	path, version, sum string
	folder             string // in the module cache
}

func modulesOf(binary string) ([]module, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	folders, err := moduleFolders()
	if err != nil {
		return nil, err
	}
	var all []module
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		folder := folders[d.Path+"@"+d.Version]
		if folder == "" {
			return nil, fmt.Errorf("module %s %s is not in the module cache", d.Path, d.Version)
		}
		all = append(all, module{path: d.Path, version: d.Version, sum: d.Sum, folder: folder})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s names no modules", binary)
	}
	return all, nil
}

func moduleFolders() (map[string]string, error) {
	out, err := run([]string{"GOFLAGS=-mod=readonly"}, goTool(), "list", "-m", "-f", "{{.Path}}@{{.Version}}\t{{.Dir}}", "all")
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		name, folder, _ := strings.Cut(line, "\t")
		folders[name] = folder
	}
	return folders, nil
}

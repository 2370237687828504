package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// tryPackages does what docs/install.md says: dpkg -i dist/*.deb, here into an empty root; then what is there is used.
// The package with PKCS#11 takes its place.
func tryPackages(work, dist string, say telling) error {
	if _, err := exec.LookPath("dpkg"); err != nil {
		say("no dpkg on this machine: packages are not tried")
		return nil
	}
	root := filepath.Join(work, "root")
	debs, err := filepath.Glob(filepath.Join(dist, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("%d packages for this machine in %s (want 1), error %w", len(debs), dist, err)
	}
	how, err := install(root, debs[0])
	if err != nil {
		return err
	}
	say("%s: %s", filepath.Base(debs[0]), how)
	if err := tryInstalled(root, say); err != nil {
		return err
	}
	hsm, err := filepath.Glob(filepath.Join(dist, publishedIn, "poskey-hsm_*_"+runtime.GOARCH+".deb"))
	if err != nil || len(hsm) != 1 {
		return err // left out, which was said
	}
	// --force-depends: the C library that poskey-hsm needs is not in the new root.
	if _, err := install(root, "--force-depends", hsm[0]); err != nil {
		return err
	}
	return tryReplaced(root, filepath.Base(hsm[0]), say)
}

// install lets dpkg install into a root of its own, where the user is root; else it unpacks.
func install(root string, args ...string) (string, error) {
	if err := os.MkdirAll(root, 0o755); err != nil { //nolint:gosec // a root
		return "", err
	}
	if os.Geteuid() != 0 {
		_, err := run(nil, "dpkg-deb", "-x", args[len(args)-1], root)
		return "unpacked (dpkg itself would need root)", err
	}
	_, err := run(nil, "dpkg", append([]string{"--root=" + root, "--log=/dev/null", "-i"}, args...)...)
	return "installed by dpkg -i into an empty root", err
}

// tryReplaced: there is one poskey, and it is the one with PKCS#11.
func tryReplaced(root, name string, say telling) error {
	told, err := run(nil, filepath.Join(root, "usr/bin/poskey"), "version")
	if err != nil {
		return err
	}
	if !strings.Contains(told, "with cgo and PKCS#11") {
		return fmt.Errorf("%s: installed, and poskey still says %q", name, told)
	}
	say("%s: took its place, with PKCS#11", name)
	return nil
}

// tryInstalled runs the program, renders its manual, and lets each shell complete a command from the file that it finds.
func tryInstalled(root string, say telling) error {
	version, err := run(nil, filepath.Join(root, "usr/bin/poskey"), "version")
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(version, "\n")
	say("it says: %s", first)
	if err := tryManual(root, say); err != nil {
		return err
	}
	for _, s := range shells() {
		if err := s.try(root, say); err != nil {
			return fmt.Errorf("completion in %s: %w", s.name, err)
		}
	}
	return nil
}

func tryManual(root string, say telling) error {
	if _, err := exec.LookPath("man"); err != nil {
		say("no man on this machine: the manual is not rendered")
		return nil
	}
	// By MANPATH: with -M, man looks for no other language.
	env := []string{"LC_ALL=C.UTF-8", "LANGUAGE=", "MANPAGER=cat", "MANWIDTH=100", "MANPATH=" + filepath.Join(root, "usr/share/man")}
	for _, ask := range []struct {
		args []string
		want string
	}{
		{[]string{"poskey"}, "SYNOPSIS"}, {[]string{"-L", "zh_CN", "poskey"}, "用法"},
		{[]string{"poskey-keyblock-wrap"}, "--kbpk"}, {[]string{"7", "poskey-exit-codes"}, "kcv_mismatch"},
	} {
		shown, err := run(env, "man", ask.args...)
		if err != nil {
			return err
		}
		if !strings.Contains(shown, ask.want) {
			return fmt.Errorf("man %s does not show %q", strings.Join(ask.args, " "), ask.want)
		}
	}
	say("man shows poskey in both languages, a command and a topic")
	return nil
}

// shell is one that completes; its script asks it for what can follow "poskey key", with what the package brought below $share.
type shell struct {
	name, needs string
	args        []string // before the script
	script      string
}

func (s shell) try(root string, say telling) error {
	if _, err := exec.LookPath(s.name); err != nil {
		say("no %s on this machine: its completion is not tried", s.name)
		return nil
	}
	if _, err := os.Stat(s.needs); s.needs != "" && err != nil {
		say("no %s on this machine: completion in %s is not tried", s.needs, s.name)
		return nil
	}
	share := filepath.Join(root, "usr/share")
	home := filepath.Join(root, "home") // what this user has set up for the shell does not count
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "ZDOTDIR=" + home,
		"LC_ALL=C.UTF-8", "POSKEY_LANG=en", "share=" + share, "XDG_DATA_DIRS=" + share + ":/usr/share",
		"TERM=dumb", "PATH=" + filepath.Join(root, "usr/bin") + ":" + os.Getenv("PATH")}
	out, err := run(env, "timeout", append(append([]string{"60", s.name}, s.args...), s.script)...)
	if err != nil {
		return err
	}
	for _, want := range []string{"keyblock", "keyset"} {
		if !strings.Contains(out, want) {
			return fmt.Errorf("poskey key<TAB> does not offer %s but %q", want, out)
		}
	}
	say("%s completes poskey", s.name)
	return nil
}

// shells find the scripts by the places that Debian has for them, as they do for a user.
func shells() []shell {
	return []shell{
		{name: "bash", needs: "/usr/share/bash-completion/bash_completion", args: []string{"--norc", "-c"}, script: `
. /usr/share/bash-completion/bash_completion
_completion_loader poskey || [ $? = 124 ] # 124: loaded, ask again
complete -p poskey >/dev/null || exit 1
COMP_WORDS=(poskey key) COMP_CWORD=1 COMP_LINE='poskey key' COMP_POINT=10 COMP_TYPE=9 COMP_KEY=9 COMPREPLY=()
__start_poskey poskey 2>/dev/null # which says that no TAB was pressed
printf '%s\n' "${COMPREPLY[@]}"`},
		{name: "zsh", args: []string{"-f", "-c"}, script: `
zmodload zsh/zpty
zpty -b shell "COLUMNS=200 zsh -f -i"
zpty -w shell 'PS1=ready; fpath=($share/zsh/vendor-completions $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=1000'
zpty -w shell "print lo''aded"
zpty -r -m shell seen '*loaded*'
zpty -w -n shell $'poskey key\t\t'
zpty -r -m shell seen '*keyset*' && print -r -- "$seen"
zpty -d shell`},
		{name: "fish", args: []string{"-c"}, script: `complete -C 'poskey key'`},
	}
}

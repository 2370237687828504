package cli

// Where the store of a command is, with its log and the agent's socket.

import (
	"cmp"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/store"
)

// dataDir is where a user's programs keep what must last.
func (a *App) dataDir() (string, error) {
	if dir := a.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "poskey"), nil
	}
	if runtime.GOOS == "windows" {
		if dir := a.Getenv("LOCALAPPDATA"); dir != "" {
			return filepath.Join(dir, "poskey"), nil
		}
	}
	home := a.Getenv("HOME")
	switch {
	case home == "":
		return "", fault.New(fault.Usage, "there is no home folder to keep the store in; say where it is with --store or POSKEY_STORE")
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "poskey"), nil
	}
	return filepath.Join(home, ".local", "share", "poskey"), nil
}

// namedStore is the URL of the store that somebody named: --store, POSKEY_STORE, the configuration. "": nobody did.
func (a *App) namedStore() string {
	return cmp.Or(a.flags.store, a.Getenv("POSKEY_STORE"), a.settings.Store)
}

// storeAddress is the URL of the store: the one that is named, or the user's own.
func (a *App) storeAddress() (string, error) {
	if address := a.namedStore(); address != "" {
		return address, nil
	}
	dir, err := a.dataDir()
	return "sqlite:" + filepath.Join(dir, "store.db"), err
}

// hasPassword tells a URL with a password in it: beside the user or among the options. What is no URL is refused elsewhere.
func hasPassword(address string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return false
	}
	_, there := u.User.Password()
	for name := range u.Query() {
		there = there || strings.Contains(strings.ToLower(name), "password")
	}
	return there
}

// storeURL is where the store is.
func (a *App) storeURL() (store.URL, error) {
	address, err := a.storeAddress()
	if err != nil {
		return store.URL{}, err
	}
	return store.ParseURL(address)
}

// auditPath is where the log of a store lies: beside a SQLite file, in the user's data folder for a server.
func (a *App) auditPath(at store.URL, id string) (string, error) {
	if path := at.Path(); path != "" {
		dir, err := filepath.Abs(filepath.Dir(path)) // an agent works from the root
		return filepath.Join(dir, id+".audit"), fault.WrapAs(fault.Failure, err, "the folder of the store")
	}
	dir, err := a.dataDir()
	return filepath.Join(dir, id+".audit"), err
}

// socketPath is where the agent of a store listens. It hangs on no variable of the session (XDG_RUNTIME_DIR, TMPDIR): an
// officer unseals at a terminal, and a job started elsewhere must find the same agent. POSKEY_AGENT names another place.
func (a *App) socketPath(id string) string {
	if path := a.Getenv("POSKEY_AGENT"); path != "" {
		return path
	}
	uid := strconv.Itoa(os.Getuid())
	if info, err := os.Stat("/run/user/" + uid); err == nil && info.IsDir() {
		return "/run/user/" + uid + "/poskey/" + id + ".sock"
	}
	return "/tmp/poskey-" + uid + "/" + id + ".sock"
}

// makeOwnDir makes a folder, and those above it, that only its owner can enter.
func makeOwnDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.WrapAs(fault.NotPermitted, err, "make the folder %s", text.Redact(dir))
	}
	return nil
}

package cli

// Everything that can be known of a ceremony before it begins.

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/pkg/ceremony/script"
)

// ceremonyOpts are flags that check, rehearse, run and resume share.
type ceremonyOpts struct {
	dir, printer     string
	past, identities []string
	devices          []string // SERIAL=URI
	idle             time.Duration
}

func (o *ceremonyOpts) addDir(a *App, f *pflag.FlagSet) {
	f.StringVar(&o.dir, "dir", "",
		a.Say.T("folder for the record, new or empty; named after script and day when left out"))
}

func (o *ceremonyOpts) addPrinter(a *App, f *pflag.FlagSet) {
	f.StringVar(&o.printer, "printer", "", a.Say.T("local device that prints the sheets, such as /dev/usb/lp0"))
}

func (o *ceremonyOpts) addPast(a *App, f *pflag.FlagSet) {
	f.StringArrayVar(&o.past, "past", nil, a.Say.T("folder of a ceremony before, or of many (again for each)"))
}

func (o *ceremonyOpts) addIdentity(a *App, f *pflag.FlagSet) {
	f.StringArrayVar(&o.identities, "identity", nil,
		a.Say.T("identity file of somebody who takes part, or a folder of them (again for each)"))
}

// usualIdle is how long a hidden question waits for somebody who types.
const usualIdle = 3 * time.Minute

func (o *ceremonyOpts) addIdle(a *App, f *pflag.FlagSet) {
	spanFlag(f, &o.idle, "idle", usualIdle, a.Say.T("end a hidden entry when nobody types for so long"))
}

func (o *ceremonyOpts) check() error {
	if o.idle < time.Second {
		return fault.New(fault.Usage, "--idle is a second or more")
	}
	return nil
}

// inspection is a script with all that was found about it and the room.
type inspection struct {
	room
	program  *script.Program
	findings []script.Finding
}

// inspectCeremony reads a script and holds it against the rules, what was before, and the room, of which r says what
// it is for.
func (a *App) inspectCeremony(ctx context.Context, path string, o ceremonyOpts, r room) (*inspection, error) {
	s, err := readCeremonyScript(ctx, path)
	if err != nil {
		return nil, err
	}
	in := &inspection{room: r}
	in.script, in.scriptPath, in.dir, in.printer, in.devices, in.now = s, path, o.dir, o.printer, o.devices, a.Env.Now()
	if in.identities, err = readIdentities(ctx, o.identities); err != nil {
		return nil, err
	}
	return in, in.look(ctx, a, o.past)
}

// look finds everything that can be found.
func (in *inspection) look(ctx context.Context, a *App, places []string) (err error) {
	if in.program, err = in.script.Program(); err != nil {
		return fault.Wrap(err, "%s", pathWord(in.scriptPath))
	}
	past, err := pastOf(places, in.ceremony)
	if err != nil {
		return err
	}
	stored, err := in.askStore(ctx, a)
	if err != nil {
		return err
	}
	known := script.Knowledge{Past: append(past, stored.past...), Algorithm: stored.algorithm, Stored: stored.stored}
	in.findings = slices.Concat(in.script.RulesWith(known), in.machine(), stored.findings)
	return nil
}

// readIdentities reads identity files, named or in folders. Cards beside them are passed over.
func readIdentities(ctx context.Context, places []string) ([]officerFile, error) {
	var all []officerFile
	for _, place := range places {
		info, err := os.Stat(place)
		if err != nil || !info.IsDir() {
			f, err := readIdentityFile(ctx, place)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
			continue
		}
		found, err := identitiesIn(ctx, place)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fault.New(fault.NotFound, "there is no identity file in folder %s", pathWord(place))
		}
		all = append(all, found...)
	}
	return all, nil
}

func identitiesIn(ctx context.Context, dir string) ([]officerFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.WrapAs(fault.NotPermitted, err, "folder %s", pathWord(dir))
	}
	var all []officerFile
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !isOfficerFile(path) {
			continue
		}
		f, err := readOfficerFile(ctx, path)
		if err != nil {
			return nil, err
		}
		if f.locked != nil {
			all = append(all, f)
		}
	}
	return all, nil
}

// ceremonyFindingDoc is a finding in a document.
type ceremonyFindingDoc struct {
	ID          string       `json:"id"`
	Level       script.Level `json:"level"`
	Requirement string       `json:"requirement,omitempty"`
	Where       string       `json:"where"`
	What        string       `json:"what"`
	Fix         string       `json:"fix,omitempty"`
}

func ceremonyFindingDocs(all []script.Finding) []ceremonyFindingDoc {
	docs := []ceremonyFindingDoc{}
	for _, f := range all {
		docs = append(docs, ceremonyFindingDoc{f.ID, f.Level, f.Requirement, f.Where, f.What.String(), f.Fix.String()})
	}
	return docs
}

func countFindings(all []script.Finding, l script.Level) (n int) {
	for _, f := range all {
		if f.Level == l {
			n++
		}
	}
	return n
}

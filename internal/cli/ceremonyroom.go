package cli

// The room of a ceremony, looked at before anybody sits down: machine, printer, folder.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/host"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
)

// room is what a script is held against beside its rules.
type room struct {
	script     *script.Script
	scriptPath string
	dir        string   // of the ceremony; "" one that is made
	there      bool     // the folder is that of a ceremony which goes on
	ceremony   string   // its id
	kept       []string // keys of the store that it kept before it broke
	printer    string
	paper      *sheetPrinter // the printer, once it was looked at
	devices    []string      // SERIAL=URI
	identities []officerFile
	store      storeUse // what it has a store for, once that was asked
	ledger     string   // where that is
	rehearsal  bool     // nothing of it is real: no store, no devices, no identities
	begins     bool     // people are about to sit down: what is missing now is missing for good
	now        time.Time
}

// strict reports whether a room must be as for real keys.
func (r *room) strict() bool { return r.script.Environment == custody.Production && !r.rehearsal }

// level is an error where the room must be right, and else what it says.
func (r *room) level(otherwise script.Level) script.Level {
	if r.strict() {
		return script.Error
	}
	return otherwise
}

// missing is the level of what must be there when it begins.
func (r *room) missing() script.Level {
	if r.begins || r.strict() {
		return script.Error
	}
	return script.Warning
}

func roomFinding(id string, l script.Level, requirement string, what, fix text.Text) script.Finding {
	return script.Finding{ID: id, Level: l, Requirement: requirement, Where: script.InRoom, What: what, Fix: fix}
}

// Requirements that findings about the room go back to.
const (
	pinLoadingPC  = "PCI PIN 13-9"
	pinPrinter    = "PCI PIN 6-3"
	pinClear      = "PCI PIN 6-2"
	pinCheck      = "PCI PIN 15-1"
	pinSeparation = "PCI PIN 19"
	pinInventory  = "PCI PIN 30-3"
	pinLog        = "PCI PIN 26-1"
	pinCustodian  = "PCI PIN 25-1"
	pinDual       = "PCI PIN 12-1"
	pinDevices    = "PCI PIN 30-1"
	// Where nothing closer asks for it: procedures are written and kept to, and what is done is recorded.
	pinProcedure = "PCI PIN 7-1"
	pinRecord    = "PCI PIN 7-2"
)

// machine looks at what needs neither store nor folder.
func (r *room) machine() []script.Finding {
	var all []script.Finding
	seen := host.Look(host.Options{Now: r.now})
	all = append(all, algorithms(hsm.PowerOn())...)
	all = append(all, r.clock()...)
	all = append(all, r.network(seen.Networks)...)
	all = append(all, r.memory(seen)...)
	all = append(all, r.checkPrinter()...)
	all = append(all, r.folder()...)
	all = append(all, r.cables()...)
	return append(all, r.officers()...)
}

// algorithms: nobody sits down to a program that computes wrong. It is told how the self-test of algorithms ended.
func algorithms(failed error) []script.Finding {
	if failed == nil {
		return nil
	}
	return []script.Finding{roomFinding("selftest-failed", script.Error, pinProcedure,
		text.New("this program computes wrong: %s", failed),
		text.New("do not use it; run poskey selftest on another machine and install it anew"))}
}

// driftDays is how far from its planned day a ceremony is before it is told.
const driftDays = 1

func (r *room) clock() []script.Finding {
	info, err := os.Stat(r.scriptPath)
	planned := r.script.Starts
	switch {
	case r.now.Before(host.Earliest()):
		return []script.Finding{roomFinding("clock-wrong", script.Error, pinLog,
			text.New("the clock says %s, which cannot be", shownTime(r.now)),
			text.New("set the clock by one that two people trust"))}
	case err == nil && info.ModTime().After(r.now.Add(time.Minute)):
		return []script.Finding{roomFinding("clock-behind", r.level(script.Warning), pinLog,
			text.New("the script was written at %s, and the clock says %s", shownTime(info.ModTime()), shownTime(r.now)),
			text.New("set the clock by one that two people trust"))}
	case !planned.IsZero() && (r.now.Before(planned.AddDate(0, 0, -driftDays)) ||
		r.now.After(planned.AddDate(0, 0, driftDays+1))):
		return []script.Finding{roomFinding("clock-other-day", script.Warning, pinLog,
			text.New("the ceremony is planned for %s, and the clock says %s", shownTime(planned), shownTime(r.now)),
			text.New("look at the clock, or write down why it is another day"))}
	}
	return nil
}

// network: a machine that takes clear components stands alone.
func (r *room) network(up host.Fact[[]string]) []script.Finding {
	if !up.Known {
		return []script.Finding{roomFinding("network-unknown", r.level(script.Note), pinLoadingPC,
			text.New("nobody can tell whether a network is up: %s", up.How), text.New("unplug it, and turn radio off"))}
	}
	if len(up.Value) == 0 {
		return nil
	}
	return []script.Finding{roomFinding("network-up", r.level(script.Note), pinLoadingPC,
		text.New("a network is up: %s", strings.Join(up.Value, " ")), text.New("unplug it, and turn radio off"))}
}

// memory: what a secret lies in stays in this process, which began by turning core dumps off.
func (r *room) memory(seen host.Facts) []script.Finding {
	var all []script.Finding
	if host.Is(seen.CoreDumps, true) {
		all = append(all, roomFinding("core-dumps", r.level(script.Warning), pinClear,
			text.New("memory of this process can be dumped: %s", seen.CoreDumps.How),
			text.New("turn core dumps off: ulimit -c 0")))
	}
	locked := host.Is(seen.Lockable, true)
	if !locked {
		all = append(all, roomFinding("memory-unlocked", r.level(script.Warning), pinClear,
			text.New("memory cannot be locked: %s", seen.Lockable.How),
			text.New("raise the limit for locked memory: ulimit -l")))
	}
	if len(seen.Swaps.Value) > 0 {
		l := script.Note // what is locked is never swapped
		if !locked {
			l = r.level(script.Warning)
		}
		all = append(all, roomFinding("swap-on", l, pinClear,
			text.New("memory is swapped to %s", strings.Join(seen.SwapNames(), " ")),
			text.New("turn it off: swapoff -a")))
	}
	return all
}

// prints reports whether the script sends anything to a printer.
func (r *room) prints() bool {
	return slices.ContainsFunc(r.script.Steps, func(s script.Step) bool { return s.Do == script.PrintPart })
}

func (r *room) checkPrinter() []script.Finding {
	switch {
	case r.printer == "" && !r.prints():
		return nil
	case r.printer == "":
		return []script.Finding{roomFinding("printer-missing", r.level(script.Note), pinPrinter,
			text.New("sheets are printed, and no printer is named"),
			text.New("name it with --printer: a local device, such as /dev/usb/lp0; in a test the screen shows what there is no printer for"))}
	}
	info, err := os.Stat(r.printer)
	switch {
	case err != nil:
		return []script.Finding{roomFinding("printer-missing", script.Error, pinPrinter,
			text.New("there is no printer %s", pathWord(r.printer)), text.New("look at cable and power"))}
	}
	r.paper = &sheetPrinter{path: r.printer, began: info, patience: printerPatience}
	switch {
	case info.Mode()&os.ModeCharDevice == 0:
		return []script.Finding{roomFinding("printer-no-device", script.Error, pinPrinter,
			text.New("%s is no device: what is printed would stay in it", pathWord(r.printer)),
			text.New("name a local device, such as /dev/usb/lp0; no spooler and no file"))}
	case isNull(info):
		return []script.Finding{roomFinding("printer-null", r.level(script.Note), pinPrinter,
			text.New("%s prints nothing", pathWord(r.printer)), text.New("name a local device, such as /dev/usb/lp0"))}
	}
	prints, err := canPrint(r.printer)
	switch {
	case err != nil:
		return []script.Finding{roomFinding("printer-refused", script.Error, pinPrinter,
			text.New("%s may not be written", pathWord(r.printer)), text.New("give the operator the right to print there"))}
	case !prints:
		return []script.Finding{roomFinding("printer-none", r.level(script.Warning), pinPrinter,
			text.New("%s is a device, and no printer", pathWord(r.printer)),
			text.New("name a printer at this machine: a parallel or USB one such as /dev/usb/lp0, or a serial line"))}
	}
	return nil
}

// isNull tells the device that swallows everything.
func isNull(info os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// canPrint opens a device as printing will, and looks whether it takes paper.
func canPrint(path string) (prints bool, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|openPatiently, 0)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	prints = err == nil && takesPaper(f, info)
	return prints, errors.Join(err, f.Close())
}

// diskNeeded is more than a record with its key blocks ever takes.
const diskNeeded = 64 << 20

func (r *room) folder() []script.Finding {
	parent := r.dir
	if parent == "" {
		parent = "."
	}
	var all []script.Finding
	if !r.there && r.dir != "" {
		if info, err := os.Stat(r.dir); err == nil {
			if !info.IsDir() {
				return []script.Finding{roomFinding("folder-taken", script.Error, pinRecord, text.New("%s is no folder", pathWord(r.dir)),
					text.New("name a new one with --dir"))}
			}
			if err := fitCeremonyDir(r.dir); err != nil {
				all = append(all, roomFinding("folder-taken", script.Error, pinRecord, text.New("%s", err),
					text.New("name a new one with --dir")))
			}
		} else {
			parent = filepath.Dir(r.dir)
		}
	}
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		return append(all, roomFinding("folder-missing", script.Error, pinRecord,
			text.New("there is no folder %s", pathWord(parent)), text.New("make it, or name another one with --dir")))
	}
	free := host.DiskOf(parent).Free
	switch {
	case !free.Known:
		all = append(all, roomFinding("disk-unknown", script.Note, pinLog,
			text.New("nobody can tell how much room there is on the disk: %s", free.How), text.Text{}))
	case free.Value < diskNeeded:
		all = append(all, roomFinding("disk-full", script.Error, pinLog,
			text.New("only %s are free on the disk", fmt.Sprintf("%d MiB", free.Value>>20)),
			text.New("make room, or name another folder with --dir")))
	}
	return append(all, r.blocks()...)
}

// blocks: a key block is never written over another file.
func (r *room) blocks() []script.Finding {
	var all []script.Finding
	for _, k := range r.script.Keys {
		for _, o := range k.Outputs {
			if o.To != script.ToBlock || r.dir == "" || r.there {
				continue
			}
			if _, err := os.Lstat(filepath.Join(r.dir, o.File)); err == nil {
				all = append(all, script.Finding{ID: "file-exists", Level: script.Error, Requirement: pinRecord, Where: "keys." + k.ID + ".outputs",
					What: text.New("the file %s is there already", pathWord(o.File)), Fix: text.New("name a new folder with --dir")})
			}
		}
	}
	return all
}

// cables: a key goes into a device only where somebody said how that is reached.
func (r *room) cables() []script.Finding {
	if r.rehearsal || !r.begins {
		return nil
	}
	var all []script.Finding
	for _, k := range r.script.Keys {
		for i, o := range k.Outputs {
			if _, err := deviceURI(r.devices, o.Device); o.To == script.ToDevice && err != nil {
				all = append(all, script.Finding{ID: "device-nowhere", Level: script.Error, Requirement: pinDevices,
					Where: fmt.Sprintf("keys.%s.outputs.%d", k.ID, i+1),
					What:  text.New("nobody said where device %s is", text.Redact(o.Device)),
					Fix:   text.New("say it with --device %s=URI", text.Redact(o.Device))})
			}
		}
	}
	return all
}

// officers holds the identity files against the people of the script.
func (r *room) officers() []script.Finding {
	if r.rehearsal || len(r.identities) == 0 && !r.begins {
		return nil
	}
	var all []script.Finding
	for _, p := range r.script.People {
		f, ok := identityOf(r.identities, p)
		at := "people." + p.ID
		finding := func(id string, what, fix text.Text) {
			all = append(all, script.Finding{ID: id, Level: r.missing(), Requirement: pinCustodian, Where: at, What: what,
				Fix: fix})
		}
		switch {
		case !ok && !seated(r.script, p.ID):
		case !ok && !first(r.script, p.ID):
			all = append(all, script.Finding{ID: "identity-missing", Level: script.Note, Requirement: pinCustodian, Where: at,
				What: text.New("there is no identity file of %s, who stands in", p.ID)})
		case !ok:
			finding("identity-missing", text.New("there is no identity file of %s", p.ID),
				text.New("name it with --identity, file or folder; poskey officer new makes one"))
		case ceremony.IsPractice(f.card):
			finding("identity-rehearsal", text.New("the identity file of %s is one of a rehearsal, whose passphrase everybody knows", p.ID),
				text.New("name their own with --identity; poskey officer new makes one"))
		case f.card.Environment() != r.script.Environment:
			finding("identity-environment",
				text.New("%s is an officer of the environment %s", p.ID, f.card.Environment().Text()),
				text.New("an officer acts in one environment only"))
		case f.card.CheckTime(r.now) != nil:
			finding("identity-time", text.New("%s", f.card.CheckTime(r.now)),
				text.New("make a new identity with poskey officer new"))
		case p.Card != "" && !strings.EqualFold(strings.Join(strings.Fields(p.Card), ""), f.card.Fingerprint().String()):
			finding("identity-other", text.New("the identity file of %s has another card than the script says", p.ID),
				text.New("compare the fingerprint: poskey officer show"))
		}
	}
	return all
}

// seated reports whether somebody has a seat in a script, also to stand in.
func seated(s *script.Script, id string) bool {
	return slices.ContainsFunc(seatsOf(s), func(seat script.Seat) bool { return seat.Primary == id || seat.Backup == id })
}

// first reports whether somebody has a seat of their own.
func first(s *script.Script, id string) bool {
	return slices.ContainsFunc(seatsOf(s), func(seat script.Seat) bool { return seat.Primary == id })
}

func seatsOf(s *script.Script) []script.Seat {
	var all []script.Seat
	for _, seat := range s.Roles {
		all = append(all, seat)
	}
	for _, k := range s.Keys {
		for _, p := range k.Parts {
			all = append(all, p.Custodian, p.Former)
		}
	}
	return all
}

// identityOf finds the identity file of somebody.
func identityOf(files []officerFile, p script.Person) (officerFile, bool) {
	for _, f := range files {
		if f.card.ID() == p.ID {
			return f, true
		}
	}
	return officerFile{}, false
}

// refusedBy counts errors: with one a ceremony is not run.
func refusedBy(all []script.Finding) error {
	n := 0
	for _, f := range all {
		if f.Level == script.Error {
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case 1:
		return fault.New(fault.NotPermitted, "one finding keeps this ceremony from being run")
	}
	return fault.New(fault.NotPermitted, "%d findings keep this ceremony from being run", n)
}

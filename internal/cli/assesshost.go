package cli

// This machine, as an assessment takes it.

import (
	"path/filepath"

	"poskey/internal/host"
	"poskey/pkg/assess"
	"poskey/pkg/incident"
)

// hostEvidence looks at this machine, and at the files of the store where there is one.
func (a *App) hostEvidence(s *sights) *assess.HostEvidence {
	o := host.Options{Now: a.Env.Now()}
	if s.log != "" {
		o.Files = []string{s.log, s.assessments(), incident.Folder(s.log)}
	}
	if s.database != "" {
		o.Disks = []string{filepath.Dir(s.database)} // of a store on a server the disk is not this machine's
		o.Files = append(o.Files, s.database)
	}
	return newHostEvidence(host.Look(o))
}

// newHostEvidence takes what is known; what is not goes by its field's name.
func newHostEvidence(f host.Facts) *assess.HostEvidence {
	h := &assess.HostEvidence{System: f.System, Version: buildVersion().Version, Swap: f.SwapNames(), NetworksUp: f.Networks.Value}
	h.MemoryLocked = told(h, "MemoryLocked", f.Lockable)
	h.CoreDumpsOff = !told(h, "CoreDumpsOff", f.CoreDumps)
	h.Root = told(h, "Root", f.Administrator)
	h.TracingHeld = !told(h, "TracingHeld", f.Traceable)
	h.Randomised = told(h, "Randomised", f.ASLR) == 2
	h.ClockSynced = told(h, "ClockSynced", f.ClockSynced)
	h.UmaskTight = told(h, "UmaskTight", f.Umask)&0o077 == 0o077
	_ = told(h, "Swap", f.Swaps)
	_ = told(h, "NetworksUp", f.Networks)
	hostDisk(h, f.Disks)
	hostFiles(h, f.Files)
	return h
}

// told is a fact's value; of one that is not known the field is taken down.
func told[T any](h *assess.HostEvidence, field string, f host.Fact[T]) T {
	if !f.Known {
		h.Unknown = append(h.Unknown, field)
	}
	return f.Value
}

func hostDisk(h *assess.HostEvidence, disks []host.Disk) {
	if len(disks) == 0 {
		h.Unknown = append(h.Unknown, "Encrypted")
		return
	}
	h.Encrypted = told(h, "Encrypted", disks[0].Encrypted)
}

// hostFiles names the files that others can read. One that is not there is nobody's to read.
func hostFiles(h *assess.HostEvidence, files []host.File) {
	known := false
	for _, f := range files {
		if host.Is(f.There, false) {
			continue
		}
		known = known || f.OthersRead.Known
		if host.Is(f.OthersRead, true) {
			h.OthersCanRead = append(h.OthersCanRead, filepath.Base(f.Path))
		}
	}
	if !known {
		h.Unknown = append(h.Unknown, "OthersCanRead")
	}
}

package host

// What a path lies on, by the kernel's tables.

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// DiskOf looks at what a path lies on.
func DiskOf(path string) Disk { return system().disk(path) }

func (m machine) disk(path string) Disk {
	d := Disk{Path: path, FileSystem: unknown[string]("statfs"), Encrypted: unknown[bool]("stat"),
		Network: unknown[bool]("statfs"), Removable: unknown[bool]("stat")}
	at := above(path)
	var s unix.Statfs_t
	if err := unix.Statfs(at, &s); err != nil {
		d.Free = unknown[uint64](err.Error())
		return d
	}
	d.Free = known(s.Bavail*uint64(s.Bsize), "statfs")
	var st unix.Stat_t
	if err := unix.Stat(at, &st); err != nil {
		return d
	}
	mount, err := m.mountOf(uint64(st.Dev))
	if err != nil {
		return d
	}
	d.FileSystem = known(mount.fs, m.how("self/mountinfo"))
	d.Network = onNetwork(mount.fs)
	dev := uint64(st.Dev)
	if unix.Major(dev) == 0 { // btrfs and its like number their volumes themselves
		dev = mount.device
	}
	d.Encrypted, d.Removable = m.encrypted(dev), m.removable(dev)
	return d
}

type mount struct {
	fs     string
	device uint64 // the block device beneath; 0 none that can be told
}

// mountOf finds the mount of a device number: "36 35 98:0 /root /point options - ext4 /dev/sda1 options".
func (m machine) mountOf(dev uint64) (mount, error) {
	f, err := os.Open(filepath.Join(m.proc, "self/mountinfo"))
	if err != nil {
		return mount{}, err
	}
	defer func() { _ = f.Close() }()
	want := fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev))
	for lines := bufio.NewScanner(f); lines.Scan(); {
		where, what, ok := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(where), strings.Fields(what)
		if !ok || len(left) < 3 || len(right) < 2 || left[2] != want {
			continue
		}
		found := mount{fs: right[0]}
		var st unix.Stat_t
		if strings.HasPrefix(right[1], "/dev/") && unix.Stat(right[1], &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK {
			found.device = st.Rdev
		}
		return found, nil
	}
	return mount{}, os.ErrNotExist
}

// onNetwork knows file systems by their names. One that a program makes may come from anywhere.
func onNetwork(kind string) Fact[bool] {
	switch base, _, _ := strings.Cut(kind, "."); base {
	case "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs", "glusterfs", "lustre", "gfs2", "ocfs2", "ncpfs":
		return known(true, kind)
	case "fuse", "virtiofs":
		if kind != "fuseblk" {
			return unknown[bool](kind)
		}
	case "overlay", "overlayfs":
		return unknown[bool](kind)
	}
	return known(false, kind)
}

// block is where the kernel describes a block device.
func (m machine) block(dev uint64) string {
	return filepath.Join(m.sys, "dev/block", fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)))
}

// encrypted looks for dm-crypt from a device downward. It is known only where it is so.
func (m machine) encrypted(dev uint64) Fact[bool] {
	if unix.Major(dev) == 0 {
		return unknown[bool]("no block device")
	}
	if m.crypt(m.block(dev), deepest) {
		return known(true, "dm-crypt")
	}
	return unknown[bool]("no dm-crypt; a drive that encrypts by itself cannot be told")
}

// deepest bounds how many devices lie on each other.
const deepest = 8

// crypt reports whether a device, or each of those beneath it, goes through dm-crypt.
func (m machine) crypt(dir string, depth int) bool {
	if id, err := os.ReadFile(filepath.Join(dir, "dm/uuid")); err == nil && strings.HasPrefix(string(id), "CRYPT-") {
		return true
	}
	beneath, err := os.ReadDir(filepath.Join(dir, "slaves"))
	if err != nil || len(beneath) == 0 || depth == 0 {
		return false
	}
	for _, b := range beneath {
		if !m.crypt(filepath.Join(dir, "slaves", b.Name()), depth-1) {
			return false
		}
	}
	return true
}

// removable: a partition has it from its drive.
func (m machine) removable(dev uint64) Fact[bool] {
	if unix.Major(dev) == 0 {
		return unknown[bool]("no block device")
	}
	dir, err := filepath.EvalSymlinks(m.block(dev))
	if err != nil {
		return unknown[bool](reason(err))
	}
	for _, at := range []string{dir, filepath.Dir(dir)} {
		if raw, err := os.ReadFile(filepath.Join(at, "removable")); err == nil {
			return known(strings.TrimSpace(string(raw)) == "1", "/sys/dev/block")
		}
	}
	return unknown[bool]("/sys/dev/block")
}

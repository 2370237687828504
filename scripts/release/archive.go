package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tree is what an archive holds: names with slashes to files. Folders come from the names.
type tree map[string]file

type file struct {
	data []byte
	mode int64
}

func (t tree) add(name string, data []byte) { t[name] = file{data, 0o644} }

// names gives every folder and file, folders with a slash at the end, each before what it holds.
func (t tree) names() []string {
	seen := map[string]bool{}
	for name := range t {
		seen[name] = true
		for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
			seen[dir+"/"] = true
		}
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// writeArchive packs a tree the way its system unpacks: zip for Windows, else tar and gzip.
func writeArchive(out string, t target, s stamp, files tree) error {
	pack, end := tarGz, ".tar.gz"
	if t.goos == "windows" {
		pack, end = zipped, ".zip"
	}
	data, err := pack(files, "", s.at)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, t.name(s)+end), data, 0o644) //nolint:gosec // for everybody to read
}

// tarGz packs with names in order, root as owner and one time for all, each name behind prefix.
func tarGz(files tree, prefix string, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	z := newGzip(&out, gzip.DefaultCompression) // the best takes four times as long for three in a thousand
	w := tar.NewWriter(z)
	for _, name := range files.names() {
		f := files[name]
		h := &tar.Header{Typeflag: tar.TypeReg, Name: prefix + name, Mode: f.mode, Size: int64(len(f.data)), ModTime: at,
			Uname: "root", Gname: "root", Format: tar.FormatGNU}
		if strings.HasSuffix(name, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// newGzip writes no name and no time, as gzip -n does.
func newGzip(w io.Writer, level int) *gzip.Writer {
	z, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		panic(err) // the level is one
	}
	return z
}

func gzipped(data []byte) []byte {
	var out bytes.Buffer
	z := newGzip(&out, gzip.BestCompression) // pages; Debian asks for it
	if _, err := z.Write(data); err != nil {
		panic(err) // memory takes everything
	}
	if err := z.Close(); err != nil {
		panic(err) // the same
	}
	return out.Bytes()
}

// zipped packs for Windows.
func zipped(files tree, prefix string, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range files.names() {
		if strings.HasSuffix(name, "/") {
			continue
		}
		f := files[name]
		h := &zip.FileHeader{Name: prefix + name, Method: zip.Deflate, Modified: at}
		h.SetMode(os.FileMode(f.mode))
		entry, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

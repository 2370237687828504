package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

const sumsName = "SHA256SUMS"

// sumsOf gives the lines of sha256sum over every file of a folder, in order.
func sumsOf(folder string) ([]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, e := range entries {
		if e.Name() == sumsName {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%x  %s\n", sumOf(data), e.Name())
	}
	if out.Len() == 0 {
		return nil, fmt.Errorf("%s is empty", folder)
	}
	return out.Bytes(), nil
}

func writeSums(folder string) error {
	sums, err := sumsOf(folder)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, sumsName), sums, 0o644) //nolint:gosec // for everybody to read
}

func sumOf(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }

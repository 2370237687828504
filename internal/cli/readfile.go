package cli

// Public files that a command reads whole.

import (
	"context"
	"io"

	"poskey/internal/fault"
	"poskey/internal/source"
)

// readWhole reads a public file of limited size.
func readWhole(path string, most int64) ([]byte, error) {
	f, err := source.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fault.WrapAs(fault.Failure, err, "read %s", path)
	case int64(len(raw)) > most:
		return nil, fault.New(fault.TooLarge, "%s is larger than %d bytes", path, most)
	}
	return raw, nil
}

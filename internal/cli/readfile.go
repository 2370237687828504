package cli

// Files that hold no secret, read whole: scripts, logs, messages, facts.

import (
	"context"
	"io"
	"os"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
)

// readWhole reads a public file of limited size. A pipe that nobody writes to is given up when ctx ends.
func readWhole(ctx context.Context, path string, most int64) ([]byte, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(source.Stream(ctx, f), most+1))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fault.WrapAs(fault.Failure, err, "read %s", text.Redact(path))
	case int64(len(raw)) > most:
		return nil, fault.New(fault.TooLarge, "%s is larger than %d bytes", text.Redact(path), most)
	}
	return raw, nil
}

// readRegular is readWhole for a file that poskey wrote itself: whatever else lies there under its name is not opened.
func readRegular(path string, most int64) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fault.New(fault.Malformed, "%s is no regular file", text.Redact(path))
	}
	return readWhole(context.Background(), path, most)
}

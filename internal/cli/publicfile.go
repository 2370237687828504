package cli

// Files that hold no secret: captured messages, logs, facts.

import (
	"context"
	"io"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
)

// readPublicFile reads a whole file of at most so many bytes. It stops when ctx ends, a pipe that nobody writes to too.
func readPublicFile(ctx context.Context, path string, most int) ([]byte, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(source.Stream(ctx, f), int64(most)+1))
	if err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "read %s", text.Redact(path))
	}
	if len(raw) > most {
		return nil, fault.New(fault.TooLarge, "%s is larger than %d bytes", text.Redact(path), most)
	}
	return raw, nil
}

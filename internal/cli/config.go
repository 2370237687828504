package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/internal/source"
)

// settings are what --config FILE sets: the defaults of the flags that every command has. Flags go before it. What makes
// a key visible is no setting: that is said each time.
type settings struct {
	Output  string `json:"output"`
	Lang    string `json:"lang"`
	Color   string `json:"color"`
	HSM     string `json:"hsm"`
	Store   string `json:"store"`
	NoInput bool   `json:"no_input"`
	Quiet   bool   `json:"quiet"`
	Verbose bool   `json:"verbose"`
}

const maxConfig = 64 << 10

func defaultSettings() settings {
	return settings{Output: string(render.Table), Color: "auto", HSM: "soft:"}
}

// readSettings reads a configuration file: one JSON object, unknown fields refused.
func readSettings(ctx context.Context, path string) (settings, error) {
	f, err := source.Open(ctx, path)
	if err != nil {
		return settings{}, fault.Wrap(err, "--config")
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(source.Abortable(ctx, f), maxConfig+1))
	switch {
	case err != nil:
		return settings{}, fault.WrapAs(fault.Failure, err, "--config")
	case len(raw) > maxConfig:
		return settings{}, fault.New(fault.TooLarge, "--config: the file has more than %d bytes", maxConfig)
	}
	s := defaultSettings()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return settings{}, fault.New(fault.Malformed, "--config: the file is not a JSON object with the fields output, lang, color, hsm, store, no_input, quiet, verbose")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return settings{}, fault.New(fault.Malformed, "--config: more follows after the JSON object")
	}
	return s, s.check()
}

func (s settings) check() error {
	if _, err := render.ParseFormat(s.Output); err != nil {
		return fault.Wrap(err, "--config")
	}
	if s.Lang == "" {
		return nil
	}
	_, err := i18n.Parse(s.Lang)
	return fault.Wrap(err, "--config")
}

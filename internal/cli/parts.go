package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// splitSpec are the flags that cut a key into component sheets.
type splitSpec struct {
	parts     int
	threshold int
	scheme    string
	parity    string
	dir       string
}

func (o *splitSpec) add(a *App, cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.parts, "parts", 0, a.Say.T("number of component sheets, 2 to 9"))
	f.StringVar(&o.scheme, "scheme", "xor", a.Say.T("xor (all parts needed) or shamir (any --threshold of them)"))
	f.IntVar(&o.threshold, "threshold", 0, a.Say.T("shamir: parts needed to form the key"))
	f.StringVar(&o.parity, "parity", "none", a.Say.T("odd gives every DES component odd parity; none leaves it"))
	f.StringVar(&o.dir, "to-dir", "", a.Say.T("folder for the sheets, one file each; made when missing"))
}

// check looks at the flags before a key is touched.
func (o *splitSpec) check(alg keys.Algorithm) error {
	if o.parts == 0 {
		if o.dir != "" || o.threshold != 0 {
			return fault.New(fault.Usage, "--to-dir and --threshold go with --parts")
		}
		return nil
	}
	if o.parts < component.MinParts || o.parts > component.MaxParts {
		return fault.New(fault.Usage, "--parts %d: a key is cut into %d to %d parts", o.parts, component.MinParts, component.MaxParts)
	}
	if o.dir == "" {
		return fault.New(fault.Usage, "--parts needs --to-dir, the folder for the sheets")
	}
	scheme, err := component.ParseScheme(o.scheme)
	if err != nil {
		return err
	}
	switch {
	case scheme == component.Shamir && (o.threshold < 2 || o.threshold > o.parts):
		return fault.New(fault.Usage, "--scheme shamir needs --threshold, 2 to %d", o.parts)
	case scheme == component.XOR && o.threshold != 0 && o.threshold != o.parts:
		return fault.New(fault.Usage, "--scheme xor needs all parts; a threshold goes with --scheme shamir")
	case o.parity != "odd" && o.parity != "none":
		return fault.New(fault.Usage, "--parity %q: known: odd none", text.Redact(o.parity))
	case o.parity == "odd" && !alg.IsDES():
		return fault.New(fault.Usage, "--parity odd is for DES keys; %s has no parity bits", alg)
	}
	return nil
}

func (o *splitSpec) spec() component.Spec {
	spec := component.Spec{Scheme: component.Scheme(o.scheme), Parts: o.parts, Threshold: o.threshold, OddParity: o.parity == "odd"}
	if spec.Scheme == component.XOR {
		spec.Threshold = spec.Parts
	}
	return spec
}

// partDoc is a part as documents show it.
type partDoc struct {
	Index int    `json:"index"`
	File  string `json:"file,omitempty"`
	KCV   string `json:"kcv"`
}

// sheets are the files written, so that they can be taken back when a later step fails.
type sheets struct {
	docs    []partDoc
	written []string
	madeDir string
}

func (s *sheets) undo() {
	for _, path := range s.written {
		_ = os.Remove(path)
	}
	if s.madeDir != "" {
		_ = os.Remove(s.madeDir)
	}
}

// write splits the key and writes one sheet a file; all or nothing.
func (o *splitSpec) write(ctx context.Context, a *App, k hsm.Key) (s *sheets, err error) {
	s = &sheets{}
	if o.parts == 0 {
		return s, nil
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return s, err
	}
	parts, err := b.Split(ctx, k, o.spec())
	if err != nil {
		return s, err
	}
	defer component.WipeAll(parts)
	made, err := source.MakeDir(o.dir)
	if err != nil {
		return s, err
	}
	if made {
		s.madeDir = o.dir
	}
	for _, p := range parts {
		path := filepath.Join(o.dir, "part-"+strconv.Itoa(p.Index)+"-of-"+strconv.Itoa(p.Of)+".txt")
		if err := writeSheet(path, p); err != nil {
			s.undo()
			return &sheets{}, err
		}
		s.written = append(s.written, path)
		s.docs = append(s.docs, partDoc{p.Index, path, p.Check.Digits})
	}
	return s, nil
}

func writeSheet(path string, p *component.Part) error {
	var sheet bytes.Buffer
	sheet.Grow(4096) // a growing buffer would leave copies behind
	defer func() { secret.Wipe(sheet.Bytes()) }()
	if err := p.WriteSheet(&sheet); err != nil {
		return err
	}
	return source.WriteNew(path, sheet.Bytes())
}

func partsGrid(p *render.Page, parts []partDoc) {
	if len(parts) == 0 {
		return
	}
	rows := make([][]string, len(parts))
	for i, part := range parts {
		rows[i] = []string{strconv.Itoa(part.Index), part.KCV, part.File}
	}
	p.Blank()
	p.Grid([]text.Text{text.New("PART"), text.New("KCV"), text.New("FILE")}, rows)
}

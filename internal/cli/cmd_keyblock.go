package cli

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
)

func newKeyblockCmd(a *App) *cobra.Command {
	return a.parent("keyblock", groupKeys, text.New("wrap, unwrap, inspect, verify and translate key blocks (X9.143 / TR-31, ISO 20038)"),
		newKeyblockWrapCmd(a), newKeyblockUnwrapCmd(a), newKeyblockInspectCmd(a), newKeyblockVerifyCmd(a), newKeyblockTranslateCmd(a))
}

// headerDoc is a header in documents.
type headerDoc struct {
	Version        string        `json:"version"`
	Length         int           `json:"length"`
	Usage          string        `json:"usage"`
	Algorithm      string        `json:"algorithm"`
	Mode           string        `json:"mode"`
	KeyVersion     string        `json:"key_version"`
	Exportability  string        `json:"exportability"`
	KeyContext     string        `json:"key_context"`
	OptionalBlocks []optBlockDoc `json:"optional_blocks"`
}

type optBlockDoc struct {
	ID      string `json:"id"`
	Data    string `json:"data"`
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

type warningDoc struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

func newHeaderDoc(h *keyblock.Header, length int) headerDoc {
	doc := headerDoc{
		Version: string(rune(h.Version)), Length: length, Usage: string(h.Usage), Algorithm: string(rune(h.Algorithm)),
		Mode: string(rune(h.Mode)), KeyVersion: h.KeyVersion, Exportability: string(rune(h.Exportability)),
		KeyContext: string(rune(h.Context)), OptionalBlocks: []optBlockDoc{},
	}
	for i := range h.Optional {
		o := &h.Optional[i]
		name, _ := o.Name()
		meaning, _ := o.Meaning()
		doc.OptionalBlocks = append(doc.OptionalBlocks, optBlockDoc{o.ID, o.Data, name.String(), meaning.String()})
	}
	return doc
}

func warningDocs(all []keyblock.Warning) []warningDoc {
	docs := []warningDoc{}
	for _, w := range all {
		docs = append(docs, warningDoc{w.ID, w.Text.String()})
	}
	return docs
}

// headerPage explains a header field by field.
func headerPage(p *render.Page, h *keyblock.Header, length int) {
	explained := func(value string, name text.Text) string { return value + "  " + p.T(name) }
	p.Fields(
		render.F(text.New("version"), explained(string(rune(h.Version)), h.VersionName())),
		render.F(text.New("length"), explained(strconv.Itoa(length), text.New("characters"))),
		render.F(text.New("usage"), explained(string(h.Usage), h.UsageName())),
		render.F(text.New("algorithm"), explained(string(rune(h.Algorithm)), h.AlgorithmName())),
		render.F(text.New("mode of use"), explained(string(rune(h.Mode)), h.ModeName())),
		render.F(text.New("key version"), explained(h.KeyVersion, h.KeyVersionName())),
		render.F(text.New("exportability"), explained(string(rune(h.Exportability)), h.ExportabilityName())),
		render.F(text.New("key context"), explained(string(rune(h.Context)), h.ContextName())),
	)
	if len(h.Optional) == 0 {
		return
	}
	rows := make([][]string, len(h.Optional))
	for i := range h.Optional {
		o := &h.Optional[i]
		name, _ := o.Name()
		meaning, _ := o.Meaning()
		rows[i] = []string{o.ID, p.T(name), p.T(meaning), shorten(o.Data, 40)}
	}
	p.Blank()
	p.Grid([]text.Text{text.New("BLOCK"), text.New("NAME"), text.New("MEANING"), text.New("DATA")}, rows)
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// warnPage lists warnings on the page, where they belong to the answer.
func warnPage(p *render.Page, all []keyblock.Warning) {
	for i, w := range all {
		if i == 0 {
			p.Blank()
		}
		p.Bad(text.New("warning %s: %s", w.ID, w.Text))
	}
}

// strict makes the gravest warning an error: a wrong check value before all else.
func strict(all []keyblock.Warning) error {
	if len(all) == 0 {
		return nil
	}
	worst := all[0]
	for _, w := range all {
		if w.Kind == fault.KCVMismatch {
			worst = w
			break
		}
	}
	return fault.Wrap(worst.Err(), "refused under --strict (%s)", worst.ID)
}

// blockArg gives the text of the block: the argument, or stdin.
func (a *App) blockArg(args []string) (string, error) {
	if len(args) == 1 && args[0] != "-" {
		return args[0], nil
	}
	in, err := a.sources().TakeStdin()
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(io.LimitReader(in, keyblock.MaxInput+1))
	if err != nil {
		return "", fault.WrapAs(fault.Failure, err, "read the key block from stdin")
	}
	return string(raw), nil
}

func errBlockAndBatch() error {
	return fault.New(fault.Usage, "a BLOCK argument does not go with --batch; its lines have the field block")
}

// parseBlock cleans and parses a block; a block that came in lower case carries the warning.
func parseBlock(input string) (*keyblock.Block, []keyblock.Warning, error) {
	if strings.TrimSpace(input) == "" {
		return nil, nil, fault.New(fault.Usage, "no key block was given")
	}
	clean, lowered, err := keyblock.Clean(input)
	if err != nil {
		return nil, nil, err
	}
	b, err := keyblock.Parse(clean)
	if err != nil {
		return nil, nil, err
	}
	if lowered {
		return b, []keyblock.Warning{keyblock.LowerCase()}, nil
	}
	return b, nil, nil
}

// explainFailure adds to a failing MAC what the evidence says.
func (a *App) explainFailure(ctx context.Context, err error, block *keyblock.Block, kbpk hsm.Key) error {
	if !keyblock.Failed(err) {
		return err
	}
	b, herr := a.hsm(ctx)
	if herr != nil {
		return err
	}
	findings, herr := b.Examine(ctx, block, kbpk)
	if herr != nil || len(findings) == 0 {
		return err
	}
	f := findings[0]
	return fault.New(fault.KindOf(err), "%s; %s: %s", err, certaintyText(f.Certainty), f.Text)
}

func certaintyText(c string) text.Text {
	switch c {
	case keyblock.Proven:
		return text.New("proven")
	case keyblock.Likely:
		return text.New("likely")
	}
	return text.New("possible")
}

package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
)

type ceremonyNewOpts struct {
	template, to, environment, alg    string
	label, title, place, organisation string
	parts                             int
	list                              bool
}

func newCeremonyNewCmd(a *App) *cobra.Command {
	o := ceremonyNewOpts{}
	cmd := a.command(cmdSpec{
		use:   "new",
		short: text.New("write a script to begin with"),
		long: text.New("The script is one YAML file with comments that say what to fill in: people, keys, components, and every step. It is for the test\n" +
			"environment unless --environment says production. Fill it in, let others review it, and look at it with: poskey ceremony check"),
		example: "  poskey ceremony new --list\n" +
			"  poskey ceremony new --template zmk-exchange --to zmk.yaml\n" +
			"  poskey ceremony new --template tmk --alg tdes-128 --parts 2 --environment production --organisation 'Example Ltd' --to tmk.yaml",
		exits: []int{4, 6}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.template, "template", "", a.Say.T("what the ceremony is for: %s", strings.Join(templateNames(), " ")))
	f.BoolVar(&o.list, "list", false, a.Say.T("list the templates"))
	f.StringVar(&o.to, "to", "", a.Say.T("new file for the script; it is shown when left out"))
	environmentFlag(f, &o.environment, string(custody.Test), a.Say.T("test or production"))
	a.algFlag(f, &o.alg)
	f.IntVar(&o.parts, "parts", 0, a.Say.T("number of components, 2 to 9"))
	f.StringVar(&o.label, "label", "", a.Say.T("label of the key"))
	f.StringVar(&o.title, "title", "", a.Say.T("title of the ceremony"))
	f.StringVar(&o.place, "place", "", a.Say.T("where it takes place"))
	f.StringVar(&o.organisation, "organisation", "", a.Say.T("whose ceremony it is"))
	cmd.MarkFlagsMutuallyExclusive("template", "list")
	cmd.MarkFlagsOneRequired("template", "list")
	cmd.RunE = func(*cobra.Command, []string) error {
		if o.list {
			return listTemplates(a)
		}
		return runCeremonyNew(a, o)
	}
	return cmd
}

func templateNames() []string {
	var names []string
	for _, t := range script.Templates() {
		names = append(names, string(t.Kind))
	}
	return names
}

type templateDoc struct {
	Template script.Kind `json:"template"`
	Says     string      `json:"says"`
	Needs    string      `json:"needs"`
}

func listTemplates(a *App) error {
	doc := struct {
		Templates []templateDoc `json:"templates"`
	}{[]templateDoc{}}
	for _, t := range script.Templates() {
		doc.Templates = append(doc.Templates, templateDoc{t.Kind, t.Says.String(), t.Needs.String()})
	}
	return a.render.Answer("ceremony.new", doc, func(p *render.Page) { templatesPage(p, pageWidth(a)) })
}

type ceremonyNewDoc struct {
	Template    script.Kind         `json:"template"`
	Environment custody.Environment `json:"environment"`
	File        string              `json:"file,omitempty"`
	Fingerprint string              `json:"fingerprint"`
	Script      string              `json:"script,omitempty"` // without a file
}

func runCeremonyNew(a *App, o ceremonyNewOpts) error {
	wish, err := o.wish(a)
	if err != nil {
		return err
	}
	kind := script.Kind(o.template)
	if !slices.Contains(templateNames(), o.template) {
		return fault.New(fault.Usage, "there is no template %q; known: %s", text.Redact(o.template),
			strings.Join(templateNames(), " "))
	}
	raw, err := script.New(kind, wish)
	if err != nil {
		return err
	}
	s, err := script.Parse(raw)
	if err != nil {
		return fault.WrapAs(fault.Usage, err, "with these values the script does not hold")
	}
	doc := ceremonyNewDoc{Template: kind, Environment: s.Environment, File: o.to, Fingerprint: s.Fingerprint().String()}
	if o.to == "" {
		doc.Script = string(raw)
		return a.render.Answer("ceremony.new", doc, func(p *render.Page) { p.Raw(strings.TrimSuffix(doc.Script, "\n")) })
	}
	if err := source.CheckNew(o.to); err != nil {
		return err
	}
	if err := source.WriteNew(o.to, raw); err != nil {
		return err
	}
	return a.render.Answer("ceremony.new", doc, func(p *render.Page) {
		p.Good(text.New("The script was written to %s.", pathWord(o.to)))
		p.Line(text.New("Fill in people, bags and channels, let others review it, then: poskey ceremony check %s",
			pathWord(o.to)))
	})
}

func (o ceremonyNewOpts) wish(a *App) (script.Wish, error) {
	environment, err := custody.ParseEnvironment(o.environment)
	if err != nil {
		return script.Wish{}, err
	}
	alg, err := optionalAlg(o.alg)
	if err != nil {
		return script.Wish{}, err
	}
	if alg != "" && !slices.Contains(strings.Fields(algNames()), string(alg)) || alg == keys.DES {
		return script.Wish{}, fault.New(fault.Usage, "no ceremony makes a key of %s", string(alg))
	}
	if o.parts != 0 && (o.parts < 2 || o.parts > 9) {
		return script.Wish{}, fault.New(fault.Usage, "--parts %d: a key is cut into %d to %d parts", o.parts, 2, 9)
	}
	return script.Wish{Environment: environment, Algorithm: alg, Parts: o.parts, Label: o.label, Title: o.title,
		Place:        o.place,
		Organisation: o.organisation, Chinese: a.Say.Lang() == i18n.Chinese}, nil
}

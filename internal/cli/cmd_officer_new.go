package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

type officerNewOpts struct {
	name, manager, environment, lifetime string
	roles                                []string
	identity, card, passphrase           string
	kdfMemory                            uint32
}

func newOfficerNewCmd(a *App) *cobra.Command {
	o := officerNewOpts{}
	cmd := a.command(cmdSpec{
		use:   "new ID",
		short: text.New("make an officer's identity and card"),
		long: text.New("The identity file holds the officer's private keys under a passphrase and stays with the officer; the card is public and goes to\n" +
			"whoever keeps the store. The officer types the passphrase, unseen by others: five or six words drawn by dice are good.\n" +
			"Read the fingerprint aloud to those who admit the card, and let them compare: that ties the card to a person.\n" +
			"Administrators admit officers and restore; custodians hold shares of the master key and approve what touches clear keys; operators\n" +
			"do the daily work; auditors read the log and witness, and hold no other role."),
		example: "  poskey officer new officer.a --name 'Officer A' --role custodian --environment test --identity officer.a.identity\n" +
			"  poskey officer new officer.b --name 'Officer B' --role administrator --role operator --environment production --lifetime 180d --identity officer.b.identity",
		exits: []int{3, 4, 6}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", a.Say.T("the officer's name as people write it"))
	f.StringArrayVar(&o.roles, "role", nil, a.Say.T("what the officer may do: %s (again for each)", roleNames()))
	f.StringVar(&o.manager, "reports-to", "", a.Say.T("name of the officer's manager"))
	environmentFlag(f, &o.environment, "", a.Say.T("test or production; an officer acts in one of them only"))
	f.StringVar(&o.lifetime, "lifetime", "365d", a.Say.T("how long the identity is good, 1h to 1095d"))
	f.StringVar(&o.identity, "identity", "", a.Say.T("new file for the private keys, for the officer alone"))
	f.StringVar(&o.card, "card", "", a.Say.T("new file for the card; beside the identity, ending in .card, when left out"))
	f.StringVar(&o.passphrase, "passphrase", "prompt", a.Say.T("the new passphrase (SRC): prompt, file:PATH or fd:N"))
	f.Uint32Var(&o.kdfMemory, "kdf-memory", 0, a.Say.T("MiB of memory that a guess at the passphrase costs, 64 to 1024; 256 when left out"))
	required(cmd, "name", "role", "environment", "identity")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runOfficerNew(cmd.Context(), a, o, args[0]) }
	return cmd
}

type officerNewDoc struct {
	officerDoc
	Identity string `json:"identity"`
	Card     string `json:"card"`
}

func runOfficerNew(ctx context.Context, a *App, o officerNewOpts, id string) error {
	if o.card == "" {
		o.card = strings.TrimSuffix(o.identity, ".identity") + ".card"
	}
	if err := o.checkFiles(); err != nil {
		return err
	}
	cost, err := kdfCost(custody.DefaultCost(), o.kdfMemory)
	if err != nil {
		return fault.Wrap(err, "--kdf-memory")
	}
	officer, err := o.officer(a, id)
	if err != nil {
		return err
	}
	defer officer.Wipe()
	pass, err := a.newPassphrase(ctx, o.passphrase, text.New("new passphrase of %s", id))
	if err != nil {
		return err
	}
	defer pass.Wipe()
	file, err := officer.Lock(a.Env, pass, cost)
	if err != nil {
		return err
	}
	if err := o.write(ctx, officer.Card(), file); err != nil {
		return err
	}
	return o.answer(a, officer.Card())
}

func (o officerNewOpts) checkFiles() error {
	if o.card == o.identity {
		return fault.New(fault.Usage, "identity and card are two files")
	}
	if err := source.CheckNew(o.identity); err != nil {
		return err
	}
	return source.CheckNew(o.card)
}

// officer draws the keys, so that everything that can be wrong with the card is found before a passphrase is typed.
func (o officerNewOpts) officer(a *App, id string) (*custody.Identity, error) {
	var roles []custody.Role
	for _, list := range o.roles {
		for name := range strings.SplitSeq(list, ",") {
			r, err := custody.ParseRole(name)
			if err != nil {
				return nil, err
			}
			roles = append(roles, r)
		}
	}
	environment, err := custody.ParseEnvironment(o.environment)
	if err != nil {
		return nil, err
	}
	life, err := parseSpan(o.lifetime)
	if err != nil {
		return nil, fault.Wrap(err, "--lifetime")
	}
	if life == 0 { // custody takes it for its default
		return nil, fault.New(fault.Usage, "an identity is good for an hour at least")
	}
	return custody.NewOfficer(a.Env, custody.Officer{ID: id, Name: o.name, Manager: o.manager, Roles: roles,
		Environment: environment, Lifetime: life})
}

// write makes both files, or none: the identity, read again from where it lies, then the card.
func (o officerNewOpts) write(ctx context.Context, card custody.Card, file []byte) error {
	if err := source.WriteNew(o.identity, file); err != nil {
		return err
	}
	err := provenOfficerFile(ctx, o.identity, card)
	if err == nil {
		if err = source.WriteNew(o.card, card.Marshal()); err == nil {
			return nil
		}
	}
	_ = os.Remove(o.identity)
	return err
}

func (o officerNewOpts) answer(a *App, c custody.Card) error {
	doc := officerNewDoc{newOfficerDoc(c, a.Env.Now()), o.identity, o.card}
	err := a.render.Answer("officer.new", doc, func(p *render.Page) {
		officerPage(p, c, doc.officerDoc)
		p.Blank()
		p.Fields(
			render.F(text.New("identity"), doc.Identity+"  "+p.T(text.New("(private: for the officer alone)"))),
			render.F(text.New("card"), doc.Card+"  "+p.T(text.New("(public: for those who admit the officer)"))),
		)
	})
	return fault.Wrap(err, "identity and card were written to %s and %s, but the answer was not", o.identity, o.card)
}

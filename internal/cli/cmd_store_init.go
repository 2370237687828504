package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type storeInitOpts struct {
	environment string
	officers    []string
	threshold   int
}

func newStoreInitCmd(a *App) *cobra.Command {
	o := storeInitOpts{}
	cmd := a.command(cmdSpec{
		use:   "init",
		short: text.New("make a new key store"),
		long: text.New("The master key of the store is drawn in a process of its own and cut into shares, one for each custodian among the\n" +
			"officers; it exists nowhere else. As many custodians as --threshold says open it later (poskey store unseal). Compare\n" +
			"the fingerprints that are shown with the officers: that ties the cards to people. With --hsm 'pkcs11:…' the master key is\n" +
			"made inside a token instead, for pipelines where nobody is there to unseal.\n" +
			"A store is for test or for production from its birth, and no key moves from the one to the other."),
		example: "  poskey store init --environment test --officer custodian.a.card --officer custodian.b.card --officer custodian.c.card --threshold 2\n" +
			"  poskey store init --environment test --store postgres://poskey@127.0.0.1/keys --officer custodian.a.card --officer custodian.b.card --threshold 2\n" +
			"  poskey store init --environment test --hsm 'pkcs11:token=poskey?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:pin'",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	environmentFlag(f, &o.environment, "", a.Say.T("test or production; a store is in one of them for good"))
	f.StringArrayVar(&o.officers, "officer", nil, a.Say.T("card of an officer (file); one for each; custodians get shares of the master key"))
	f.IntVar(&o.threshold, "threshold", 0, a.Say.T("how many custodians open the store, 2 or more"))
	required(cmd, "environment")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runStoreInit(cmd.Context(), a, o) }
	return cmd
}

type storeInitDoc struct {
	Store       string       `json:"store"`
	URL         string       `json:"url"`
	Environment string       `json:"environment"`
	Master      string       `json:"master"` // officers, token
	KCV         string       `json:"kcv"`
	Method      kcv.Method   `json:"method"`
	Threshold   int          `json:"threshold,omitempty"`
	Officers    []officerDoc `json:"officers,omitempty"`
	Log         string       `json:"log"`
}

func runStoreInit(ctx context.Context, a *App, o storeInitOpts) error {
	environment, err := custody.ParseEnvironment(o.environment)
	if err != nil {
		return err
	}
	url, err := a.storeURL()
	if err != nil {
		return err
	}
	if a.onToken() {
		return a.initTokenStore(ctx, url, environment, o)
	}
	holders, others, err := a.initCards(ctx, o.officers)
	if err != nil {
		return err
	}
	if err := checkThreshold(o.threshold, len(holders)); err != nil {
		return err
	}
	id, err := a.createStore(ctx, url, environment, holders, others, o.threshold)
	if err != nil {
		return err
	}
	for _, manager := range custody.OneManager(holders, o.threshold) {
		a.render.Warn(text.New("%d or more of the custodians report to %s: together they open the store (PCI PIN 25-1)", o.threshold, manager))
	}
	return a.answerInit(url, id, holders, others, o.threshold)
}

// createStore makes a store whose master key the holders share.
func (a *App) createStore(ctx context.Context, url store.URL, environment custody.Environment, holders, others []custody.Card, threshold int) (store.Identity, error) {
	if err := makeFolderOf(url); err != nil {
		return store.Identity{}, err
	}
	return vault.Create(ctx, a.Env, vault.Birth{URL: url, Environment: environment, Holders: holders, Others: others,
		Threshold: threshold, Who: whoAmI(), Language: string(a.Say.Lang()), Start: a.startAgent(nil, nil),
		LogPath: func(id string) (string, error) { return a.newAuditPath(url, id) }})
}

// initCards reads the officers' cards: custodians get shares, the others are known.
func (a *App) initCards(ctx context.Context, paths []string) (holders, others []custody.Card, err error) {
	for _, path := range paths {
		f, err := readOfficerFile(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		if f.card.Has(custody.Custodian) {
			holders = append(holders, f.card)
		} else {
			others = append(others, f.card)
		}
	}
	return holders, others, nil
}

func checkThreshold(threshold, holders int) error {
	switch {
	case holders < 2:
		return fault.New(fault.NotPermitted, "a store has two custodians or more, and %d were given: name their cards with --officer", holders)
	case threshold < 2:
		return fault.New(fault.NotPermitted, "--threshold %d: the master key takes two custodians or more, so that no one person holds it", threshold)
	case threshold > holders:
		return fault.New(fault.Usage, "--threshold %d: there are %d custodians", threshold, holders)
	}
	return nil
}

// makeFolderOf makes the folder of the user's own store. A folder that somebody named has to be there.
func makeFolderOf(url store.URL) error {
	if url.Path() == "" || filepath.Base(filepath.Dir(url.Path())) != "poskey" {
		return nil
	}
	return makeOwnDir(filepath.Dir(url.Path()))
}

func (a *App) newAuditPath(url store.URL, id string) (string, error) {
	path, err := a.auditPath(url, id)
	if err != nil {
		return "", err
	}
	if url.Path() == "" {
		return path, makeOwnDir(filepath.Dir(path))
	}
	return path, nil
}

func (a *App) answerInit(url store.URL, id store.Identity, holders, others []custody.Card, threshold int) error {
	log, err := a.auditPath(url, id.ID)
	if err != nil {
		return err
	}
	doc := storeInitDoc{Store: id.ID, URL: url.Redacted(), Environment: id.Environment, Master: id.Master.Kind,
		KCV: id.Master.Check.Digits, Method: id.Master.Check.Method, Threshold: threshold, Log: log}
	cards := slices.Concat(holders, others)
	for _, c := range cards {
		doc.Officers = append(doc.Officers, newOfficerDoc(c, a.Env.Now()))
	}
	return a.render.Answer("store.init", doc, func(p *render.Page) {
		p.Good(text.New("The store is made. It is sealed: open it with poskey store unseal."))
		p.Fields(
			render.F(text.New("store"), id.ID),
			render.F(text.New("at"), doc.URL),
			render.F(text.New("environment"), p.T(custody.Environment(id.Environment).Text())),
			render.F(text.New("check value of the master key"), id.Master.Check.String()),
			render.F(text.New("custodians who open it"), thresholdText(p, threshold, len(holders))),
			render.F(text.New("audit log"), log),
		)
		rosterPage(p, cards)
	})
}

func thresholdText(p *render.Page, threshold, custodians int) string {
	if threshold == 0 {
		return ""
	}
	return p.T(text.New("%s of %s", strconv.Itoa(threshold), strconv.Itoa(custodians)))
}

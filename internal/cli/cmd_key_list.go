package cli

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

type keyListOpts struct {
	usage, state, label, parent, alg, expiring, check string
	limit                                             int
}

// manyKeys is how many keys a list shows when nothing else is said.
const manyKeys = 500

func newKeyListCmd(a *App) *cobra.Command {
	o := keyListOpts{}
	cmd := a.command(cmdSpec{
		use:   "list",
		short: text.New("list the keys of the store"),
		long: text.New("The filters narrow the list down together. --expiring 30d lists the keys in use whose cryptoperiod ends within that time,\n" +
			"the soonest first. Works on a sealed store: the inventory holds check values, and no key."),
		example: "  poskey key list\n" +
			"  poskey key list --expiring 30d\n" +
			"  poskey key list --usage P0 --state active --label BRANCH- -o json",
		exits: []int{3, 4, 6, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.usage, "usage", "", a.Say.T("key usage of X9.143, such as K0, P0, B0, D0"))
	f.StringVar(&o.state, "state", "", a.Say.T("state: %s", stateNames()))
	f.StringVar(&o.label, "label", "", a.Say.T("beginning of the label"))
	f.StringVar(&o.parent, "parent", "", a.Say.T("label of the key that they hang under"))
	a.algFlag(f, &o.alg)
	f.StringVar(&o.expiring, "expiring", "", a.Say.T("keys in use whose cryptoperiod ends within this time, such as 30d"))
	f.StringVar(&o.check, "kcv", "", a.Say.T("keys with this check value"))
	a.limitFlag(f, &o.limit, manyKeys)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runKeyList(cmd.Context(), a, o) }
	return cmd
}

func stateNames() string {
	var names []string
	for _, s := range store.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, " ")
}

// keyListRest is what stands in the answer beside the keys.
type keyListRest struct {
	More bool `json:"more"` // than the limit
}

func runKeyList(ctx context.Context, a *App, o keyListOpts) error {
	filter, err := a.keyFilter(o)
	if err != nil {
		return err
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	if !filter.Parent.IsZero() {
		parent, err := db.Get(ctx, filter.Parent)
		if err != nil {
			return fault.Wrap(err, "--parent")
		}
		filter.Parent = parent.Ref()
	}
	if o.limit > 0 {
		filter.Limit = o.limit + 1 // one more tells that there are more
	}
	rest := keyListRest{}
	keys := upTo(db.List(ctx, filter), o.limit, &rest.More)
	if a.render.Format == render.JSON {
		return a.render.Stream("key.list", "keys", rowDocs(keys), func() any { return rest })
	}
	return a.listPage(keys, &rest)
}

// upTo gives the first of all, every one when limit is 0, and says whether there are more.
func upTo(all iter.Seq2[store.Key, error], limit int, more *bool) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		given := 0
		for k, err := range all {
			if limit > 0 && given == limit && err == nil {
				*more = true
				return
			}
			if !yield(k, err) {
				return
			}
			given++
		}
	}
}

func rowDocs(keys iter.Seq2[store.Key, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for k, err := range keys {
			if !yield(newRowDoc(&k), err) {
				return
			}
		}
	}
}

// listPage shows keys as a table. Its columns are as wide as the longest row needs, so it holds them all; of a key it holds
// only what it shows.
func (a *App) listPage(keys iter.Seq2[store.Key, error], rest *keyListRest) error {
	var cells [][]string
	for k, err := range keys {
		if err != nil {
			return err
		}
		cells = append(cells, rowCells(a.Say, &k))
	}
	return a.render.Answer("key.list", *rest, func(p *render.Page) {
		if len(cells) == 0 {
			p.Line(text.New("no keys"))
			return
		}
		p.Grid(rowHead(), cells)
		if rest.More {
			p.Line(text.New("there are more; --limit 0 shows all"))
		}
	})
}

func (a *App) keyFilter(o keyListOpts) (store.Filter, error) {
	filter := store.Filter{Prefix: o.label}
	var err error
	if err := checkLimit(o.limit); err != nil {
		return filter, err
	}
	if o.usage != "" {
		if filter.Usage, err = keys.ParseUsage(o.usage); err != nil {
			return filter, err
		}
	}
	if o.alg != "" {
		if filter.Algorithm, err = keys.ParseAlgorithm(o.alg); err != nil {
			return filter, err
		}
	}
	if o.state != "" {
		if filter.State, err = store.ParseState(strings.ToLower(o.state)); err != nil {
			return filter, err
		}
	}
	if o.parent != "" {
		if filter.Parent, err = refOf(o.parent); err != nil {
			return filter, err
		}
	}
	if o.check != "" {
		expected, err := kcv.Parse(o.check)
		if err != nil {
			return filter, err
		}
		filter.Check = kcv.Value{Digits: expected.Digits}
	}
	if o.expiring != "" {
		span, err := parseSpan(o.expiring)
		if err != nil {
			return filter, fault.Wrap(err, "--expiring")
		}
		filter.ExpiringBefore = a.Env.Now().Add(span.Truncate(time.Second))
	}
	return filter, nil
}

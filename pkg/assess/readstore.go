package assess

// What a store tells of itself.

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// ReadStore reads the inventory: keys without their blocks, devices, key sets, officers, who held parts of keys, and the
// loads that are not settled or went out in clear since a time. Nothing is changed, and the store may be sealed. The file's
// permissions (FileMode, DirMode) are for the caller to add. Errors are those of the store.
func ReadStore(ctx context.Context, db *store.Store, since time.Time) (StoreEvidence, error) {
	r := storeReader{ctx: ctx, db: db, since: since}
	for _, read := range []func() error{r.identity, r.keys, r.devices, r.keySets, r.officers, r.loads, r.ledger} {
		if err := read(); err != nil {
			return StoreEvidence{}, err
		}
	}
	r.place()
	return r.out, nil
}

type storeReader struct {
	ctx     context.Context
	db      *store.Store
	since   time.Time
	out     StoreEvidence
	holders map[string]bool // fingerprints of who has a share
}

// identity reads whose store it is, and how its master key is shared. A document that cannot be read leaves that open: it is
// for `store verify` to say what is wrong with it.
func (r *storeReader) identity() error {
	id, err := r.db.Identity(r.ctx)
	if err != nil {
		return err
	}
	r.out.Identity, r.holders = id, map[string]bool{}
	if id.Master.Kind != store.ByOfficers {
		return nil
	}
	sealed, err := custody.ParseSealedStore(id.Master.Sealed)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	r.out.Threshold = sealed.Master.Threshold()
	for _, h := range sealed.Master.Officers() {
		r.holders[h.Fingerprint.String()] = true
		r.out.Shares++
	}
	return nil
}

func (r *storeReader) keys() error {
	for k, err := range r.db.List(r.ctx, store.Filter{}) {
		if err != nil {
			return err
		}
		if k.State == store.Destroyed {
			continue
		}
		k.Block, k.ParentBlock, k.Purpose = "", "", ""
		r.out.Keys = append(r.out.Keys, k)
	}
	return nil
}

func (r *storeReader) devices() error {
	for d, err := range r.db.Devices(r.ctx, store.DeviceFilter{}) {
		if err != nil {
			return err
		}
		r.out.Devices = append(r.out.Devices, d)
	}
	return nil
}

func (r *storeReader) keySets() (err error) {
	r.out.KeySets, err = r.db.KeySets(r.ctx)
	return err
}

func (r *storeReader) officers() error {
	all, err := r.db.Officers(r.ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		if !o.Revoked.IsZero() {
			continue
		}
		c, err := custody.ParseCard(o.Card)
		if err != nil {
			return err
		}
		fact := OfficerFact{ID: c.ID(), Manager: c.Manager(), Expires: c.Expires(), Share: r.holders[c.Fingerprint().String()]}
		for _, role := range c.Roles() {
			fact.Roles = append(fact.Roles, string(role))
		}
		r.out.Officers = append(r.out.Officers, fact)
	}
	return nil
}

// loads keeps those that say something, and counts the others.
func (r *storeReader) loads() error {
	for l, err := range r.db.Loads(r.ctx, store.LoadFilter{}) {
		if err != nil {
			return err
		}
		recent := !l.Changed.Before(r.since)
		if recent {
			r.out.LoadsSeen++
		}
		if l.State.Open() || l.Clear && recent {
			r.out.Loads = append(r.out.Loads, l)
		}
	}
	return nil
}

// ledger reads who has held parts of keys, and how parts travelled.
func (r *storeReader) ledger() (err error) {
	if r.out.Cuttings, err = vault.HoldersOf(r.ctx, r.db, store.HoldingFilter{}); err != nil {
		return err
	}
	var ways ways
	for h, err := range r.db.Holdings(r.ctx, store.HoldingFilter{}) {
		if err != nil {
			return err
		}
		if h.Event == store.PartSent {
			r.out.Conveyed++
			if h.Channel == "" {
				r.out.NoWay++
			}
			ways.add(&h)
		}
	}
	r.out.OneWay = ways.shared()
	return nil
}

// ways tells by which channels the parts of a key went.
type ways struct {
	parts map[way][]int
	keys  []string
}

type way struct{ key, sheets, channel string }

func (w *ways) add(h *store.Holding) {
	if h.Channel == "" {
		return
	}
	if w.parts == nil {
		w.parts = map[way][]int{}
	}
	of := way{h.Key.Label, h.Sheets, strings.ToLower(strings.Join(strings.Fields(h.Channel), " "))}
	if h.Sheets == "" { // parts of different cuttings do not add up
		of.sheets = h.Ceremony
	}
	if slices.Contains(w.parts[of], h.Part) {
		return
	}
	if w.parts[of] = append(w.parts[of], h.Part); len(w.parts[of]) == 2 {
		w.keys = append(w.keys, h.Key.String())
	}
}

func (w *ways) shared() []string {
	slices.Sort(w.keys)
	return slices.Compact(w.keys)
}

// place looks at how the store is reached.
func (r *storeReader) place() {
	r.out.LocalFile = r.db.URL().Path() != ""
	u, err := url.Parse(r.db.URL().Redacted())
	if r.out.LocalFile || err != nil {
		return
	}
	r.out.TLS = u.Query().Get("sslmode") == "verify-full"
	host := u.Hostname()
	if h := u.Query().Get("host"); h != "" {
		host = h
	}
	ip := net.ParseIP(host)
	r.out.Loopback = strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
}

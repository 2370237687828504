package fleet

// What is raised about a run: devices that are not through, numbers and check values that are there twice, other serial
// numbers.

import (
	"math"
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// devices counts, and holds what stations said against the journal.
func (r *reconciler) devices() {
	c := &r.out.Counts
	for i := range r.out.Devices {
		d := &r.out.Devices[i]
		c.Listed++
		switch d.State {
		case store.Confirmed:
			c.Confirmed++
			if !d.whole(&r.out.Plan) {
				r.raise(FindUnborne, true, text.New("%s is said to be confirmed, and the journal does not have all of its loads", d.Serial),
					d.Serial)
			}
		case store.Failed:
			c.Failed++
			r.failed(d)
		case store.QuarantinedDevice:
			c.Quarantined++
			r.quarantined(d)
		case store.Rejected:
			c.Rejected++
			r.raise(FindRejected, false, text.New("%s was rejected: %s", d.Serial, d.Reason), d.Serial)
		default:
			c.Left++
			r.left(d)
		}
		r.reservations(d)
	}
}

func (r *reconciler) failed(d *Accounted) {
	switch {
	case d.whole(&r.out.Plan):
		r.raise(FindUnreported, true, text.New("%s is said to have failed, and the journal has all of its loads as confirmed", d.Serial),
			d.Serial)
	case slices.ContainsFunc(d.Loads, func(l store.Load) bool { return l.State == store.LoadSent || l.State == store.LoadUnknown }):
		r.raise(FindInWork, true, text.New("%s is said to have failed, and the journal has a load of it that is not settled", d.Serial),
			d.Serial)
	default:
		r.raise(FindFailed, false, text.New("%s failed: %s", d.Serial, d.Reason), d.Serial)
	}
}

// quarantined devices are open until their loads are settled: by proof, or given up after the device was wiped.
func (r *reconciler) quarantined(d *Accounted) {
	if d.open() {
		r.raise(FindQuarantined, true, text.New("nobody knows whether %s has its key: %s", d.Serial, d.Reason), d.Serial)
		return
	}
	r.raise(FindQuarantined, false, text.New("%s was in quarantine; its loads are settled in the journal", d.Serial), d.Serial)
}

func (r *reconciler) left(d *Accounted) {
	switch {
	case len(d.Loads) == 0:
		r.out.Untouched++
		accepted := r.set.Accepted || !r.out.Run.Closed.IsZero() // whoever closed it has counted them
		r.raise(FindUntouched, !accepted, text.New("nobody was at %s", d.Serial), d.Serial)
	case d.whole(&r.out.Plan):
		r.out.InWork++
		r.raise(FindUnreported, true, text.New("the journal has all loads of %s as confirmed, and no station said so; start a station again",
			d.Serial), d.Serial)
	default:
		r.out.InWork++
		r.raise(FindInWork, true, text.New("%s was begun and not finished; start a station again", d.Serial), d.Serial)
	}
}

func (r *reconciler) reservations(d *Accounted) {
	for i := range d.Loads {
		l := &d.Loads[i]
		if age := r.set.Now.Sub(l.At); l.State == store.LoadReserved && age > r.set.Old {
			r.raise(FindOld, true, text.New("slot %s of %s is reserved since %s", l.Slot, l.Serial, l.At.Format(time.RFC3339)), l.Serial)
		}
	}
}

// numbers looks for KSNs that are there twice, and for odd device digits.
func (r *reconciler) numbers() {
	seen := map[string]*store.Load{}
	for _, l := range r.loads() {
		if l.KSN == "" {
			continue
		}
		if other := seen[l.KSN]; other != nil {
			r.raise(FindNumber, true, text.New("KSN %s is there twice: %s, %s", l.KSN, other.ID, l.ID), other.Serial, l.Serial)
		}
		seen[l.KSN] = l
		if oddDevice(l.KSN) {
			r.raise(FindOdd, true, text.New("the device digit of KSN %s of %s is odd: its initial key is that of the number below it",
				l.KSN, l.Serial), l.Serial)
		}
	}
}

// oddDevice reports a KSN of TDES DUKPT whose device field ends with an odd digit: its last bit is the counter's.
func oddDevice(ksn string) bool {
	return len(ksn) == 20 && strings.IndexByte("13579BDF", ksn[14]) >= 0
}

// checks looks for equal check values among the initial keys of a key set.
func (r *reconciler) checks() {
	for _, use := range r.out.KeySets {
		holders := map[kcv.Value][]*store.Load{}
		n := 0
		for i := range r.out.Devices {
			for j := range r.out.Devices[i].Loads {
				l := &r.out.Devices[i].Loads[j]
				if l.KeySet == use.KeySet && l.State == store.LoadConfirmed && l.Check.Digits != "" {
					holders[l.Check] = append(holders[l.Check], l)
					n++
				}
			}
		}
		r.alike(use.KeySet, holders, n)
	}
}

// unlikely is below which probability chance is no explanation any more.
const unlikely = 0.05

func (r *reconciler) alike(keySet string, holders map[kcv.Value][]*store.Load, n int) {
	var values []kcv.Value
	pairs, digits := 0, math.MaxInt
	for v, all := range holders {
		digits = min(digits, len(v.Digits))
		if len(all) > 1 {
			values = append(values, v)
			pairs += len(all) * (len(all) - 1) / 2
		}
	}
	if pairs == 0 {
		return
	}
	slices.SortFunc(values, func(a, b kcv.Value) int { return strings.Compare(a.Digits, b.Digits) })
	chance := float64(n) * float64(n-1) / 2 / math.Pow(16, float64(digits))
	byChance := atLeast(pairs, chance) >= unlikely
	for _, v := range values {
		var serials []string
		for _, l := range holders[v] {
			serials = append(serials, l.Serial)
		}
		list := strings.Join(serials[:min(len(serials), 10)], " ")
		if byChance {
			r.raise(FindChance, false, text.New("key set %s: %d devices have the check value %s, as chance has it among %d keys: %s",
				keySet, len(serials), v.Digits, n, list), serials...)
			continue
		}
		r.raise(FindCheck, true, text.New("key set %s: %d devices have the check value %s; chance does not explain it: %s", keySet,
			len(serials), v.Digits, list), serials...)
	}
}

// atLeast is the probability of k or more events where mean are to be expected (Poisson).
func atLeast(k int, mean float64) float64 {
	below, term := 0.0, math.Exp(-mean)
	for i := range k {
		below += term
		term *= mean / float64(i+1)
	}
	return max(0, 1-below)
}

// told looks at the serial numbers that devices told.
func (r *reconciler) told() {
	at := map[string]string{}
	for i := range r.out.Devices {
		d := &r.out.Devices[i]
		if d.Told == "" {
			continue
		}
		if d.Told != d.Serial {
			r.raise(FindSerial, true, text.New("at the place of %s a device told that it is %s", d.Serial, text.Redact(d.Told)), d.Serial)
		}
		if other, twice := at[d.Told]; twice {
			r.raise(FindTwice, true, text.New("serial number %s was told at the places of %s and %s", text.Redact(d.Told), other, d.Serial),
				other, d.Serial)
		}
		at[d.Told] = d.Serial
	}
}

// proofs counts by what the loads are confirmed.
func (r *reconciler) proofs() {
	unproven := map[string]int{}
	for i := range r.out.Devices {
		for _, l := range r.out.Devices[i].Loads {
			if l.State != store.LoadConfirmed {
				continue
			}
			r.out.Proofs[l.Proof]++
			if l.Proof != string(device.ProofCheckValue) {
				unproven[l.Proof]++
			}
		}
	}
	var names []string
	for proof := range unproven {
		names = append(names, proof)
	}
	slices.Sort(names)
	for _, proof := range names {
		r.raise(FindUnproven, false, text.New("%d loads are confirmed without a check value from the device; their proof: %s", unproven[proof],
			proof))
	}
}

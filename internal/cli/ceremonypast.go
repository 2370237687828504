package cli

// Ceremonies before: who has held which part. Nobody forgets (PCI PIN 21-2.4).

import (
	"os"
	"path/filepath"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/store"
)

// pastOf reads the records of ceremonies before: folders of theirs, or folders full of such. now is the id of the one
// that goes on, which is none of them.
func pastOf(places []string, now string) ([]script.Past, error) {
	var all []script.Past
	for _, place := range places {
		records, err := recordsIn(place)
		if err != nil {
			return nil, err
		}
		for _, path := range records {
			past, err := pastIn(path, now)
			if err != nil {
				return nil, fault.Wrap(err, "%s", pathWord(path))
			}
			all = append(all, past...)
		}
	}
	return all, nil
}

func recordsIn(place string) ([]string, error) {
	info, err := os.Stat(place)
	if err != nil {
		return nil, fault.Wrap(source.OpenError(err, place), "a ceremony before")
	}
	if !info.IsDir() {
		return []string{place}, nil
	}
	own := filepath.Join(place, ceremonyRecord)
	if _, err := os.Stat(own); err == nil {
		return []string{own}, nil
	}
	found, err := filepath.Glob(filepath.Join(place, "*", ceremonyRecord))
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "there is no record of a ceremony in %s", pathWord(place))
	}
	return found, err
}

// pastIn reads one record. One that does not hold tells nothing: whoever changed it, or cut its end off, may have taken
// themselves out.
func pastIn(path, now string) ([]script.Past, error) {
	v, err := verifyRecord(path)
	if err != nil {
		return nil, err
	}
	if bad := flawed(v.Problems, path); bad != nil {
		return nil, bad
	}
	if v.Head.Mode != transcript.Run || v.Head.Ceremony == now {
		return nil, nil // its keys are thrown away, or it is the one that goes on
	}
	if bad := verdictOf(v, path); bad != nil {
		return nil, fault.Wrap(bad, "the record does not verify, and tells nothing")
	}
	return pastTold(v), nil
}

// pastTold is what a record tells of its parts.
func pastTold(v *ceremony.Verified) []script.Past {
	checks, cards := map[string]string{}, map[string]string{}
	for _, r := range v.Records {
		if r.Part == 0 && r.Check.Digits != "" {
			checks[r.Key] = r.Check.Digits
		}
	}
	for _, c := range v.Cards {
		cards[c.ID()] = c.Fingerprint().String()
	}
	var all []script.Past
	for _, r := range v.Records {
		if r.Part == 0 || !eventOf(r).Tells() {
			continue
		}
		who, _ := v.Script.Person(r.Who)
		all = append(all, script.Past{Person: r.Who, Name: who.Name, Card: cards[r.Who], Label: labelOf(v, r.Key), Check: checks[r.Key],
			Set:  r.Details["set"],
			Part: r.Part, At: r.Time, Where: v.Head.Ceremony})
	}
	return all
}

// eventOf is what a line says of a part, as the ledger calls it.
func eventOf(r transcript.Record) store.PartEvent {
	switch r.Kind {
	case transcript.KindPrinted:
		return store.PartPrinted
	case transcript.KindEntered:
		return store.PartEntered
	case transcript.KindBag:
		return store.PartEvent(r.Details["event"])
	}
	return ""
}

// labelOf is the name in the store of a key of a record.
func labelOf(v *ceremony.Verified, id string) string {
	k, ok := v.Script.Key(id)
	if !ok {
		return ""
	}
	for _, o := range k.Outputs {
		if o.To == script.ToStore {
			return o.Label
		}
	}
	return k.Label
}

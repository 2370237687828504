package cli

// Ceremonies before: who has held which part. Nobody forgets (PCI PIN 21-2.4).

import (
	"os"
	"path/filepath"

	"poskey/internal/fault"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/store"
)

// pastOf reads the records of ceremonies before: folders of theirs, or folders full of such.
func pastOf(places []string) ([]script.Past, error) {
	var all []script.Past
	for _, place := range places {
		records, err := recordsIn(place)
		if err != nil {
			return nil, err
		}
		for _, path := range records {
			past, err := pastIn(path)
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
		return nil, fault.WrapAs(fault.NotFound, err, "a ceremony before")
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

// pastIn reads one record. One that does not verify tells nothing: whoever changed it may have taken themselves out.
func pastIn(path string) ([]script.Past, error) {
	v, err := verifyRecord(path)
	if err != nil {
		return nil, err
	}
	if len(v.Problems) > 0 {
		return nil, fault.WrapAs(fault.LogBroken, v.Problems[0].Error, "the record does not verify")
	}
	if v.Head.Mode != transcript.Run {
		return nil, nil // its keys are thrown away
	}
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
		all = append(all, script.Past{Person: r.Who, Card: cards[r.Who], Label: labelOf(v, r.Key), Check: checks[r.Key],
			Set:  r.Details["set"],
			Part: r.Part, At: r.Time, Where: v.Head.Ceremony})
	}
	return all, nil
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

// verifyRecord reads a record against its own script.
func verifyRecord(place string) (*ceremony.Verified, error) {
	f, err := openRecord(place)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read
	return ceremony.Verify(f)
}

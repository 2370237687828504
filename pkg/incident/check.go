package incident

// What may stand in a line. The same checks hold for what is written and what is read.

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/pkg/ceremony/transcript"
)

// Limits, in bytes of UTF-8 where they are about text.
const (
	MaxFile = 16 << 20 // a record
	MaxLine = 64 << 10 // a line with its line feed

	maxLines   = 1 << 20
	maxItems   = 100 // in one line
	maxDetails = 16
	maxName    = 128
	maxTitle   = 200
	maxNote    = 320
	maxValue   = 2048
	maxWeight  = 5

	maxBack = chained.MaxNumber / 1000 // microseconds
)

// check holds a record against the limits; how it fits to the others is checked by chain.
func (r *Record) check() error {
	if !chained.Within(r.Time.Year(), 1970, 2199) || r.Time.Location() != time.UTC || r.Time.Nanosecond()%1000 != 0 {
		return fault.New(fault.Malformed, "time: a record has UTC to the microsecond, in the years 1970 to 2199")
	}
	if !chained.Within(r.N, 1, maxLines) {
		return fault.New(fault.TooLarge, "a record has at most %d lines", maxLines)
	}
	if r.Back < 0 || r.Back%time.Microsecond != 0 {
		return fault.New(fault.Malformed, "back_us: a time that goes back is counted in microseconds")
	}
	return r.Entry.check()
}

func (e *Entry) check() error {
	if !slices.Contains(entryKinds(), e.Kind) {
		return fault.New(fault.Malformed, "kind: no kind of line that this version knows")
	}
	if err := chained.CheckText(e.By, maxName); err != nil {
		return fault.Wrap(err, "by")
	}
	if err := chained.CheckText(e.Second, maxName); err != nil {
		return fault.Wrap(err, "second")
	}
	if err := e.checkItems(); err != nil {
		return err
	}
	if err := checkDetails(e.Details); err != nil {
		return err
	}
	return e.checkOwn()
}

func (e *Entry) checkItems() error {
	if len(e.Items) > maxItems {
		return fault.New(fault.TooLarge, "items: a line has at most %d", maxItems)
	}
	for _, it := range e.Items {
		if !slices.Contains(itemKinds(), it.What) {
			return fault.New(fault.Malformed, "items: no kind of item that this version knows")
		}
		if it.Name == "" {
			return fault.New(fault.Malformed, "items: an item has a name")
		}
		if err := chained.CheckText(it.Name, maxName); err != nil {
			return fault.Wrap(err, "items")
		}
		if err := chained.CheckText(it.Note, maxNote); err != nil {
			return fault.Wrap(err, "items: %s", it.Name)
		}
	}
	return nil
}

func checkDetails(d map[string]string) error {
	if len(d) > maxDetails {
		return fault.New(fault.TooLarge, "details: a record has at most %d, got %d", maxDetails, len(d))
	}
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if err := chained.CheckWord(name); err != nil {
			return fault.Wrap(err, "details")
		}
		if d[name] == "" {
			return fault.New(fault.Malformed, "details: %s: what is empty is left out", name)
		}
		if err := chained.CheckText(d[name], maxValue); err != nil {
			return fault.Wrap(err, "details: %s", name)
		}
	}
	return nil
}

// checkOwn asks that a line has what its kind needs, and that what belongs to one kind stands in no other.
func (e *Entry) checkOwn() error {
	steps := e.Kind == EntryDone || e.Kind == EntrySkipped
	switch {
	case (e.Head != nil) != (e.Kind == EntryOpen):
		return fault.New(fault.Malformed, "head: the first line has one, and no other")
	case (e.Step != "") != steps:
		return fault.New(fault.Malformed, "step: lines about a step have one, and no others")
	case len(e.Items) > 0 && e.Kind != EntryOpen && e.Kind != EntryBlast:
		return fault.New(fault.Malformed, "items: a line of %s has none", string(e.Kind))
	case (e.Second != "") != (e.Kind == EntryClose), e.By == "":
		return fault.New(fault.Malformed, "by, second: every line names who wrote it, and the last one two people")
	}
	if e.Head != nil {
		if err := e.Head.check(); err != nil {
			return fault.Wrap(err, "head")
		}
	}
	if steps {
		if err := chained.CheckWord(e.Step); err != nil {
			return fault.Wrap(err, "step")
		}
	}
	return e.checkNeeded()
}

// checkNeeded asks for the details that a kind cannot do without.
func (e *Entry) checkNeeded() error {
	for _, name := range needed(e.Kind) {
		if e.Details[name] == "" {
			return fault.New(fault.Malformed, "details: %s: a line of %s needs it", name, string(e.Kind))
		}
	}
	one := func(name string, of ...string) error {
		if v := e.Details[name]; v != "" && !slices.Contains(of, v) {
			return fault.New(fault.Malformed, "details: %s: known: %s", name, strings.Join(of, " "))
		}
		return nil
	}
	switch e.Kind {
	case EntryDone:
		return one(DetailProof, ProofSaid, ProofMeasured)
	case EntryAct:
		return one(DetailResult, ResultDone, ResultAlready, ResultFailed)
	case EntryLesson:
		if n, err := strconv.Atoi(e.Details[DetailWeight]); err != nil || !chained.Within(n, 1, maxWeight) {
			return fault.New(fault.Malformed, "details: weight: a lesson weighs 1 to %d", maxWeight)
		}
	case EntryEvidence:
		if _, err := chained.ParseHex(e.Details[DetailSHA256]); err != nil {
			return fault.Wrap(err, "details: sha256")
		}
	}
	return nil
}

func needed(k EntryKind) []string {
	switch k {
	case EntryNote, EntrySkipped, EntryNoLesson:
		return []string{DetailText}
	case EntryDone:
		return []string{DetailProof}
	case EntryAct:
		return []string{DetailAct, DetailObject, DetailResult}
	case EntryEvidence:
		return []string{DetailFile, DetailSHA256, DetailBytes}
	case EntryLesson:
		return []string{DetailText, DetailWeight}
	}
	return nil
}

func (h *Head) check() error {
	if _, _, ok := splitID(h.ID); !ok {
		return fault.New(fault.Malformed, "incident: an incident is called like INC-2026-0001")
	}
	if _, err := ParseKind(string(h.Kind)); err != nil {
		return fault.New(fault.Malformed, "what: no kind of incident that this version knows")
	}
	if h.Title == "" {
		return fault.New(fault.Malformed, "title: an incident has one")
	}
	if err := chained.CheckText(h.Title, maxTitle); err != nil {
		return fault.Wrap(err, "title")
	}
	if (h.Store == "") != (h.Environment == "") {
		return fault.New(fault.Malformed, "store, environment: both, or none of them")
	}
	if h.Environment != "" && h.Environment != "test" && h.Environment != "production" {
		return fault.New(fault.Malformed, "environment: test or production")
	}
	return fault.Wrap(chained.CheckText(h.Store, maxName), "store")
}

// guard refuses an entry with a text in which a key may stand. It is a rule for writing alone; readers do not apply it.
func (e *Entry) guard() error {
	refuse := func(at, value string, clean func(string) string) error {
		if clean(value) != value {
			return fault.New(fault.NotPermitted, "%s: a text that looks like a key is not recorded", at)
		}
		return nil
	}
	all := []struct {
		at, value string
		clean     func(string) string
	}{{"by", e.By, transcript.Clean}, {"second", e.Second, transcript.Clean}}
	if e.Head != nil {
		all = append(all, struct {
			at, value string
			clean     func(string) string
		}{"title", e.Head.Title, transcript.Clean})
	}
	for _, t := range all {
		if err := refuse(t.at, t.value, t.clean); err != nil {
			return err
		}
	}
	for _, it := range e.Items {
		if err := refuse("items", it.Name, transcript.CleanSerial); err != nil {
			return err
		}
		if err := refuse("items: "+it.Name, withoutKSNs(it.Note), transcript.CleanSerial); err != nil {
			return err
		}
	}
	for name, value := range e.Details {
		if name == DetailSHA256 || name == detailTornSum {
			continue
		}
		if err := refuse("details: "+name, value, transcript.CleanSerial); err != nil {
			return err
		}
	}
	return nil
}

// withoutKSNs takes key serial numbers out of a text: 20 or 24 hex digits in one word behind the word KSN.
func withoutKSNs(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		w = strings.TrimSuffix(w, ",")
		if i > 0 && words[i-1] == "KSN" && (len(w) == 20 || len(w) == 24) && chained.All(w, chained.IsHex) {
			words[i] = "."
		}
	}
	return strings.Join(words, " ")
}

package ceremony

// The keys of a record: with which check value they came, and with which they went.

import (
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/kcv"
)

// key takes in what a line says of a whole key.
func (w *walker) key(r transcript.Record) {
	switch r.Kind {
	case transcript.KindMade:
		delete(w.keys, r.Key)
		delete(w.checks, r.Key)
		w.used(r)
		w.checks[r.Key] = r.Check
	case transcript.KindChecked:
		w.checked(r)
	case transcript.KindKept:
		w.matched(r)
		w.used(r)
		w.kept[r.Key], w.gone[r.Key] = true, true
	case transcript.KindExported, transcript.KindLoaded:
		w.used(r)
		w.gone[r.Key] = true
	case transcript.KindDestroyed:
		if r.Part == 0 {
			w.used(r)
		}
	}
}

// checked takes over what a comparison says of a key. Outside the key's own steps it can only speak against it.
func (w *walker) checked(r transcript.Record) {
	if r.Part != 0 {
		return
	}
	own := w.at != nil && w.at.Step.Key == r.Key
	// The key of before was looked up: nobody outside says anything of it by this.
	lookedUp := r.Details["label"] != "" && w.kept[r.Key]
	switch {
	case r.Verdict == transcript.Differs, own && r.Verdict == transcript.Match && !lookedUp:
		w.keys[r.Key] = r.Verdict
	}
	if r.Details["label"] != "" {
		w.looked[r.N] = !w.found[r.Key]
		w.found[r.Key] = true
	}
	k, ok := w.v.Script.Key(r.Key)
	switch before := w.checks[r.Key]; {
	case !ok || r.Check.Digits == "":
	case before.Digits == "", k.Source == script.InHSM: // the first that is known, and of an HSM what was read off last
		w.checks[r.Key] = r.Check
	case !sameCheck(before, r.Check):
		w.wrong("other-key", text.New("key %s had another check value before, or has another one in the script", r.Key))
	}
}

// used holds a key that comes or goes: its check value is there, and that of before and of the script.
func (w *walker) used(r transcript.Record) {
	k, ok := w.v.Script.Key(r.Key)
	switch {
	case !ok:
		w.wrong("unknown-key", text.New("the key %s is not in the script", r.Key))
		return
	case w.keys[r.Key] == transcript.Differs && r.Kind == transcript.KindKept:
		w.wrong("kept-differs", text.New("key %s was kept though its check value differs", r.Key))
	case w.keys[r.Key] == transcript.Differs:
		w.wrong("used-differs", text.New("key %s was used though its check value differs", r.Key))
	}
	switch {
	case r.Check.Digits == "" && kcv.Default(k.Algorithm) != "":
		w.wrong("check-missing", text.New("line %d: key %s without its check value", r.N, r.Key))
	case k.Source == script.Stored && !w.found[r.Key]:
		w.wrong("not-looked-up", text.New("line %d: key %s of the store was not looked up before", r.N, r.Key))
	}
	w.same(k, r)
}

// matched finds keys that went into use without a match. A key that was drawn here has nothing to be compared with.
func (w *walker) matched(r transcript.Record) {
	k, ok := w.v.Script.Key(r.Key)
	if ok && k.Source == script.Components && w.keys[r.Key] == "" {
		w.wrong("kept-unmatched", text.New("key %s was kept without a check value from outside that matches", r.Key))
	}
}

// same holds the check value of a key against those of before, and of the script.
func (w *walker) same(k *script.Key, r transcript.Record) {
	if r.Check.Digits == "" {
		return
	}
	before := w.checks[r.Key]
	if before.Digits != "" && !sameCheck(before, r.Check) ||
		k.Check != nil && !w.rehearsal() && !agrees(r.Check, *k.Check) {
		w.wrong("other-key", text.New("key %s had another check value before, or has another one in the script", r.Key))
	}
}

func sameCheck(a, b kcv.Value) bool {
	return a.Method == b.Method && agrees(a, kcv.Expected{Digits: b.Digits})
}

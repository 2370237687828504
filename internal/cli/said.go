package cli

// What a command line says of the store, and of the key that it is about.

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// activities says what a command does to keys of the store.
func activities() map[string]custody.Activity {
	return map[string]custody.Activity{
		"generate": custody.KeyGenerate, "combine": custody.KeyForm, "split": custody.KeySplit,
		"kcv compute": custody.KeyCheck, "kcv check": custody.KeyCheck, "kcv identify": custody.KeyCheck,
		"keyblock wrap": custody.KeyWrap, "keyblock unwrap": custody.KeyUnwrap, "keyblock verify": custody.KeyUnwrap,
		"keyblock translate": custody.KeyTranslate, "dukpt ik": custody.KeyDerive, "dukpt key": custody.KeyDerive,
		"inject": custody.DeviceInject, "fleet run": custody.DeviceInject, "diagnose kcv": custody.KeyProbe, "diagnose signin": custody.KeyProbe,
		"diagnose block": custody.KeyUnwrap, "diagnose device": custody.KeyProbe, "diagnose": custody.KeyProbe,
	}
}

// notice takes down what a command line says of the store, before the command runs.
func (a *App) notice(cmd *cobra.Command) error {
	h := &a.holding
	h.flags = cmd.Flags()
	h.words = strings.TrimPrefix(cmd.CommandPath(), "poskey ")
	if hasPassword(a.flags.store) && !a.sources().AllowArgv {
		return fault.New(fault.ArgvSecret, "--store has a password in it, and every user of this machine can read the command line; "+
			"put the URL into POSKEY_STORE, or the password into a pgpass file")
	}
	for _, name := range []string{"reason", "purpose"} {
		if text.Redact(h.flag(name)) != h.flag(name) {
			return fault.New(fault.Usage, "--%s has what looks like the digits of a key in it; it would stand in the store and in its log for good", name)
		}
	}
	for _, name := range keyPlaces() { // the label of the first one is the record's
		if f := h.flags.Lookup(name); f != nil {
			h.note(f.Value)
		}
	}
	if batch := h.flags.Lookup("batch"); batch != nil && batch.Changed && a.flags.store != "" {
		h.named = true // its lines may name keys
	}
	return nil
}

// note looks at the places that a flag names.
func (h *holding) note(value pflag.Value) {
	places := []string{value.String()}
	if list, ok := value.(pflag.SliceValue); ok {
		places = list.GetSlice()
	}
	for _, place := range places {
		label, ok := strings.CutPrefix(place, string(source.Store)+":")
		if !ok {
			continue
		}
		h.named = true
		if h.label == "" {
			h.label = label
		}
	}
}

// flag is the value of a flag that was given, or "".
func (h *holding) flag(name string) string {
	if f := h.flags.Lookup(name); f != nil && f.Changed {
		return f.Value.String()
	}
	return ""
}

// attributes are those of a key that is to come, as the command line says them: officers who approve see them, and the
// boundary takes no other key. Without an algorithm they are not known.
func (h *holding) attributes(activity custody.Activity) (custody.Attributes, error) {
	if makes := []custody.Activity{custody.KeyGenerate, custody.KeyForm, custody.KeyImport}; !slices.Contains(makes, activity) ||
		h.flag("alg") == "" {
		return custody.Attributes{}, nil
	}
	a, err := parseAttributes(h.flag("alg"), h.flag("usage"), h.flag("mode"), h.flag("exportability"))
	return custody.Attributes{Algorithm: a.Algorithm, Usage: a.Usage, Mode: a.Mode, Exportability: a.Exportability}, err
}

// expected is the check value that a key which is to come shall have, as the command line says it: officers who approve see
// it, and the boundary takes no other key.
func (h *holding) expected() kcv.Value {
	expect, alg := h.flag("expect"), keys.Algorithm("")
	if a, err := keys.ParseAlgorithm(h.flag("alg")); err == nil {
		alg = a
	}
	v, err := kcv.Parse(expect)
	method := kcv.Default(alg)
	if err != nil || method == "" || len(v.Digits) != defaultDigits {
		return kcv.Value{}
	}
	return kcv.Value{Digits: v.Digits, Method: method}
}

// defaultDigits is how many digits of a check value a key has by default.
const defaultDigits = 6

// said adds what the command line says of the key: officers see it before they approve, and the log keeps it.
func (h *holding) said(details audit.Details) audit.Details {
	all := audit.Details{}
	maps.Copy(all, details)
	for name, field := range map[string]audit.Field{"usage": audit.FieldUsage, "alg": audit.FieldAlgorithm, "parent": audit.FieldParent} {
		if v := h.flag(name); v != "" {
			all[field] = audit.Clean(v)
		}
	}
	return all
}

// digest stands for all that was asked for: the command and its flags. What a hex: source holds is left out, since a
// digest of a key would be one.
func (h *holding) digest() audit.Digest {
	lines := []string{h.words}
	h.flags.Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if strings.Contains(value, string(source.Hex)+":") {
			value = string(source.Hex) + ":"
		}
		lines = append(lines, f.Name+"="+value)
	})
	slices.Sort(lines[1:])
	for _, arg := range h.flags.Args() {
		if _, err := keyblock.Parse(arg); err == nil || text.Redact(arg) == arg { // what may be a clear key is left out
			lines = append(lines, arg)
		}
	}
	return audit.DigestOf([]byte(strings.Join(lines, "\n")))
}

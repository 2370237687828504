package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
)

// hintFor says what to do next, by kind of error, and where a kind has several origins, by these. Hints are for people; the
// error itself stays one line.
func hintFor(err error) text.Text {
	switch fault.KindOf(err) {
	case fault.ArgvSecret:
		return text.New("use prompt, file:PATH, fd:N or -; for test keys, --allow-argv-secrets permits hex:")
	case fault.InputNeeded:
		return text.New("give the value by a flag or a source other than prompt, such as file:PATH or fd:N, and a confirmation by --yes")
	case fault.WeakKey:
		return text.New("make a new key with: poskey generate; --allow-weak takes it all the same, for test keys")
	case fault.FileExposed:
		return text.New("take the rights of others away (chmod 600 for a file, 700 for a folder); a key that others may have read must be replaced")
	case fault.FileExists:
		return hintExists(err)
	case fault.KCVMismatch:
		return text.New("find out why with: poskey diagnose kcv --expected ... --key ...")
	case fault.MalformedHex:
		return text.New("a key is typed in hex digits 0-9 and A-F; blanks and dashes between them do not matter")
	case fault.RevealNeeded:
		return text.New("--reveal shows clear values, --yes confirms it in a script")
	case fault.NotConfirmed:
		return text.New("type the word that is asked for, as it stands there; in a script --yes confirms")
	case fault.KBPKLength:
		return text.New("versions A, B and C take TDES keys, versions D and E take AES keys")
	case fault.PartMissing:
		return text.New("bring the named sheet; the others are not used up by trying")
	case fault.DeviceTimeout, fault.DeviceLink:
		return text.New("check that what did not answer is on, be it a device, a token or a database, that its address is right, and try again")
	case fault.OutcomeUnknown:
		return hintUnknown(err)
	case fault.ModeUnfit:
		return text.New("choose a fitting mode of use; poskey keyblock inspect explains headers")
	case fault.MissingKSN:
		return text.New("add the serial number with --opt KS=... (TDES) or --opt IK=... (AES)")
	case fault.KSNLength:
		return text.New("a KSN has 20 hex digits (TDES) or 24 (AES); --ksn-padding fills a shorter one up: left-f where a terminal left out leading F's, ikid for an IKID")
	case fault.CounterBits:
		return text.New("poskey dukpt ksn explains a KSN and lists the ones that follow (--next)")
	case fault.LogBroken:
		return hintBroken(err)
	case fault.Sealed:
		return text.New("open the store with: poskey store unseal; poskey store status tells how it stands")
	case fault.Partial:
		return text.New("what could not be done is named; do that again")
	}
	return text.Text{}
}

// hintBroken is for a log that does not verify: the audit log of a store, or the record of a ceremony.
func hintBroken(err error) text.Text {
	var record *recordError
	switch {
	case !errors.As(err, &record):
		return text.New("leave the log as it is, and compare it with the checkpoints and copies that the officers and the auditor keep")
	case record.open:
		return text.New("go on with: poskey ceremony resume %s", record.folder)
	}
	return text.New("leave the record as it is, and compare it with the copies that those who signed it keep")
}

// hintExists is for what is there already: a file, or a device.
func hintExists(err error) text.Text {
	var listed *listedError
	if errors.As(err, &listed) {
		return text.New("it is on the list, and stays as it is there: poskey device list shows it")
	}
	return text.New("name a new file; poskey does not overwrite")
}

// hintUnknown is for what may have been done: at a device, or on this side of the line.
func hintUnknown(err error) text.Text {
	var atDevice *device.OutcomeUnknown
	switch {
	case errors.As(err, &atDevice):
		return text.New("ask the terminal what the slot holds before loading again; when in doubt, replace the key")
	case because(err, fault.Sealed):
		return text.New("look what was done before doing it again (poskey key list, poskey device list, poskey audit show); " +
			"open the store with: poskey store unseal")
	}
	return text.New("look what was done before doing it again: poskey key list, poskey device list, poskey audit show, or the terminal itself")
}

// because reports whether an error goes back to one of a kind.
func because(err error, kind fault.Kind) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		var f *fault.Error
		if !errors.As(err, &f) {
			return false
		}
		if f.Kind == kind {
			return true
		}
		err = f
	}
	return false
}

// translateFlagError makes usage errors of the flag parser and of cobra part of the one error type.
func translateFlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) { // not its words: a secret may have been given as the value
		return wrongValue(invalid.GetFlag())
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	var missing *pflag.NotExistError
	var value *pflag.ValueRequiredError
	switch {
	case errors.As(err, &missing):
		name := flagName(missing.GetSpecifiedName(), missing.GetSpecifiedShortnames())
		if len(name) > longestWord {
			return strayWord(len(name))
		}
		return fault.New(fault.Usage, "unknown flag %s", name)
	case errors.As(err, &value):
		return fault.New(fault.Usage, "flag --%s needs a value", value.GetFlag().Name)
	}
	msg := err.Error()
	switch {
	case strings.HasPrefix(msg, "unknown command"):
		word, _, _ := strings.Cut(strings.TrimPrefix(msg, "unknown command "), " for")
		if len(word) > longestWord {
			return strayWord(len(word) - len(`""`))
		}
		return fault.New(fault.Usage, "unknown command %s; see: poskey help", word)
	case strings.HasPrefix(msg, "required flag(s)"):
		names := strings.TrimSuffix(strings.TrimPrefix(msg, "required flag(s) "), " not set")
		return fault.New(fault.Usage, "missing: --%s", strings.ReplaceAll(strings.ReplaceAll(names, `"`, ""), ", ", " --"))
	case strings.HasPrefix(msg, "if any flags") && strings.Contains(msg, "they must all be set"):
		return fault.New(fault.Usage, "these flags go together: %s", flagGroup(msg))
	case strings.HasPrefix(msg, "if any flags"):
		return fault.New(fault.Usage, "only one of these flags may be given: %s", flagGroup(msg))
	case strings.HasPrefix(msg, "at least one of the flags"):
		return fault.New(fault.Usage, "one of these flags is needed: %s", flagGroup(msg))
	case strings.HasPrefix(msg, "unknown shorthand"), strings.HasPrefix(msg, "bad flag syntax"):
		return fault.New(fault.Usage, "%s", text.Redact(msg))
	}
	return fault.WrapAs(fault.KindOf(err), err, "failed")
}

// wrongValue says what a flag takes.
func wrongValue(f *pflag.Flag) error {
	switch f.Value.Type() {
	case "int", "uint32", "uint64":
		return fault.New(fault.Usage, "flag --%s takes a whole number", f.Name)
	case "duration":
		return fault.New(fault.Usage, "flag --%s takes a length of time: 365d, 36h, 90m or 10s", f.Name)
	}
	return fault.New(fault.Usage, "flag --%s takes no value, or true or false", f.Name)
}

// flagGroup takes the names out of cobra's sentence: "[listen pty]".
func flagGroup(msg string) string {
	_, names, _ := strings.Cut(msg, "[")
	names, _, _ = strings.Cut(names, "]")
	return "--" + strings.Join(strings.Fields(names), " --")
}

// longestWord is more than any command or flag has. A longer word where one belongs may be a key that was put in the
// wrong place, and is not repeated.
const longestWord = 26

func strayWord(n int) error {
	return fault.New(fault.Usage, "a word of %d characters stands where a command or flag belongs; a key is given as in: poskey help secrets", n)
}

func flagName(name, shorts string) string {
	if shorts != "" || len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

package manage

import (
	"net/http"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Codes of refusals that are not about a key.
const (
	CodeMalformed   = "malformed"    // the request is not one of this protocol
	CodeTooLarge    = "too-large"    // more than a request may have
	CodeUnknownPath = "unknown-path" // or a method that the path does not take
	CodeLoginNeeded = "login-needed"
	CodeAuthFailed  = "auth-failed"
	CodeNotAllowed  = "not-allowed" // for the role, or for this state of the terminal
	CodeUnfit       = "unfit"       // an order that cannot be
	CodeBusy        = "busy"
	CodeAbsent      = "absent"       // what the order is about is not there
	CodeForged      = "forged"       // a signature or digest is wrong
	CodeRequestUsed = "request-used" // the id was used for another load, or given up
	CodeFailure     = "failure"      // the terminal itself failed
)

// Codes of refusals of a key.
const (
	CodeTampered   = "tampered"
	CodeLocked     = "locked"
	CodeLimit      = "load-limit"
	CodeFull       = "memory"
	CodeStorage    = "storage"
	CodeSlot       = "slot"
	CodeForm       = "form"
	CodeLength     = "key-length"
	CodeAlgorithm  = "algorithm"
	CodeUsage      = "usage"
	CodeMode       = "mode"
	CodeDuplicate  = "duplicate"
	CodeCheck      = "check-value"
	CodeKSN        = "ksn"
	CodeKSNUsed    = "ksn-used"
	CodeExpired    = "expired"
	CodeBlockForm  = "block-form"
	CodeVersion    = "block-version"
	CodeMAC        = "block-mac"
	CodeDecryption = "decryption"
	CodeNoKEK      = "kek-missing"
	CodeKEKUsage   = "kek-usage"
	CodeKEKDamaged = "kek-damaged"
	CodeTooLong    = "too-long"
	CodeEmpty      = "slot-empty"
	CodeDamaged    = "damaged"
)

// Code is a row of the table of codes.
type Code struct {
	Code    string
	Status  int        // of HTTP
	Kind    fault.Kind // what it is to the host
	Meaning text.Text
	Action  text.Text // what to do about it; may be empty
	Cause   string    // id in the catalogue of root causes, where one fits
}

// CodeOf gives a row. An unknown code is a refusal that nothing more is known of.
func CodeOf(code string) Code {
	if c, known := known(code); known {
		return c
	}
	return Code{Code: code, Status: http.StatusInternalServerError, Kind: fault.DeviceFailed,
		Meaning: text.New("it gives a code that this version does not know")}
}

// IsFinal reports whether a code says that what was asked for was not done. The terminal that failed may have done it, and
// a code that nobody knows says nothing.
func IsFinal(code string) bool {
	_, known := known(code)
	return known && code != CodeFailure
}

func known(code string) (Code, bool) {
	for _, c := range Codes() {
		if c.Code == code {
			return c, true
		}
	}
	return Code{}, false
}

// Codes is the table.
func Codes() []Code {
	out := rows()
	for i := range out {
		out[i].Cause = causeOf(out[i].Code)
	}
	return out
}

func rows() []Code {
	const bad, conflict, unfit = http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity
	no := fault.DeviceFailed
	return []Code{
		{Code: CodeMalformed, Status: bad, Kind: no, Meaning: text.New("the request is not one of this protocol")},
		{Code: CodeTooLarge, Status: http.StatusRequestEntityTooLarge, Kind: fault.TooLarge,
			Meaning: text.New("the request has more than the terminal takes")},
		{Code: CodeUnknownPath, Status: http.StatusNotFound, Kind: no,
			Meaning: text.New("the terminal does not know the request; it may speak another version")},
		{Code: CodeLoginNeeded, Status: http.StatusUnauthorized, Kind: fault.AuthFailed,
			Meaning: text.New("an account of the terminal must log in first; a session ends with its connection")},
		{Code: CodeAuthFailed, Status: http.StatusUnauthorized, Kind: fault.AuthFailed,
			Meaning: text.New("account, password or one-time code is wrong")},
		{Code: CodeNotAllowed, Status: http.StatusForbidden, Kind: fault.NotPermitted,
			Meaning: text.New("the terminal does not allow it")},
		{Code: CodeUnfit, Status: unfit, Kind: fault.Usage, Meaning: text.New("the order cannot be carried out")},
		{Code: CodeAbsent, Status: http.StatusNotFound, Kind: fault.NotFound,
			Meaning: text.New("what the order is about is not there")},
		{Code: CodeForged, Status: http.StatusForbidden, Kind: fault.MACMismatch,
			Meaning: text.New("a signature or digest is wrong")},
		{Code: CodeBusy, Status: http.StatusServiceUnavailable, Kind: fault.Busy, Meaning: text.New("the terminal is busy")},
		{Code: CodeRequestUsed, Status: conflict, Kind: no,
			Meaning: text.New("the request id was used for another load, or given up")},
		{Code: CodeFailure, Status: http.StatusInternalServerError, Kind: no, Meaning: text.New("the terminal failed")},

		{CodeTampered, conflict, no, text.New("the terminal was opened, its keys are gone"),
			text.New("have the tamper lock lifted, then load all keys anew"), ""},
		{CodeLocked, conflict, no, text.New("the terminal is locked"), text.New("find out which lock it is and have it lifted"), ""},
		{CodeLimit, conflict, no, text.New("the terminal takes no more loads"), text.New("erase it and begin anew"), ""},
		{CodeFull, conflict, no, text.New("no memory is left for keys"), text.New("erase keys that are not needed"), ""},
		{CodeStorage, http.StatusInternalServerError, no, text.New("the terminal could not store the key"),
			text.New("try again; if it stays so, have the terminal repaired"), ""},
		{CodeSlot, http.StatusNotFound, fault.NotFound, text.New("there is no such slot"),
			text.New("use a slot of the terminal's table"), ""},
		{CodeForm, unfit, no, text.New("the form of the key cannot be read"), text.New("make the key block anew"), ""},
		{CodeLength, unfit, no, text.New("the slot takes no key of this length"), text.New("use another slot or key"), ""},
		{CodeAlgorithm, unfit, no, text.New("the slot takes no key of this algorithm"), text.New("use another slot or key"), ""},
		{CodeUsage, unfit, no, text.New("the slot takes no key of this usage"), text.New("use another slot or key"), ""},
		{CodeMode, unfit, no, text.New("the slot takes no key with this mode of use"), text.New("wrap the key with another mode"), ""},
		{CodeDuplicate, unfit, no, text.New("another slot holds the same key"),
			text.New("load a key of its own into every slot"), ""},
		{CodeCheck, unfit, no, text.New("the check value is not that of the key"), text.New("compare method and length"), ""},
		{CodeKSN, unfit, no, text.New("the KSN is missing or has a wrong form"), text.New("wrap the initial key with its KSN"), ""},
		{CodeKSNUsed, conflict, no, text.New("an initial key with this KSN was loaded before"), text.New("take another KSN"), ""},
		{CodeExpired, unfit, no, text.New("the key has expired"), text.New("look at the terminal's clock, or take another key"), ""},
		{CodeBlockForm, unfit, no, text.New("the key block cannot be read"), text.New("make the key block anew"), ""},
		{CodeVersion, unfit, no, text.New("the terminal takes no key block of this version"),
			text.New("wrap the key in a version that it takes"), ""},
		{CodeMAC, unfit, no, text.New("the MAC of the key block is wrong"),
			text.New("compare the check values of the key that the block is under, here and in the terminal"), ""},
		{CodeDecryption, unfit, no, text.New("the key inside the block cannot be read"), text.New("make the key block anew"), ""},
		{CodeNoKEK, conflict, no, text.New("the key that the block is under is missing"), text.New("load it first"), ""},
		{CodeKEKUsage, conflict, no, text.New("the key that the block is under is not for that"), text.New("load a key block protection key"), ""},
		{CodeKEKDamaged, conflict, no, text.New("the key that the block is under is damaged in the terminal"), text.New("load it anew"), ""},
		{CodeTooLong, unfit, no, text.New("the key is stronger than the one that protects it"),
			text.New("protect it by a key at least as strong"), ""},
		{CodeEmpty, conflict, no, text.New("the slot is empty"), text.Text{}, ""},
		{CodeDamaged, conflict, no, text.New("the key in the slot is damaged"), text.New("load it anew"), ""},
	}
}

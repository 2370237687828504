//go:build cgo && !windows

package pkcs11

// What a token's return codes mean to the user.

import (
	"errors"
	"strings"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// failed makes an error of a call that the token refused. Errors of this program pass as they are.
func failed(err error, doing text.Text) error {
	if err == nil {
		return nil
	}
	var ours *fault.Error
	if errors.As(err, &ours) {
		return err
	}
	var code p11.Error
	if !errors.As(err, &code) {
		return fault.WrapAs(fault.DeviceFailed, err, "the token: %s", doing)
	}
	switch code {
	case p11.CKR_DEVICE_REMOVED, p11.CKR_TOKEN_NOT_PRESENT, p11.CKR_SESSION_HANDLE_INVALID, p11.CKR_SESSION_CLOSED,
		p11.CKR_SLOT_ID_INVALID, p11.CKR_USER_NOT_LOGGED_IN, p11.CKR_CRYPTOKI_NOT_INITIALIZED:
		return fault.New(fault.DeviceFailed, "the token is gone or was reset (%s, %s)", doing, nameOf(code))
	case p11.CKR_SESSION_COUNT, p11.CKR_OPERATION_ACTIVE:
		return fault.New(fault.Busy, "the token is busy (%s, %s)", doing, nameOf(code))
	}
	return fault.New(fault.DeviceFailed, "the token refuses: %s, %s", doing, nameOf(code))
}

// nameOf gives a return code's name in the standard, such as CKR_DEVICE_ERROR.
func nameOf(code p11.Error) text.Text {
	_, name, _ := strings.Cut(code.Error(), ": CK")
	if name != "" {
		return text.Raw("CK" + name)
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(code.Error(), "pkcs11: "), ":")
	return text.Raw(number)
}

func isCode(err error, codes ...p11.Error) bool {
	var code p11.Error
	if !errors.As(err, &code) {
		return false
	}
	for _, c := range codes {
		if code == c {
			return true
		}
	}
	return false
}

// loginFailed says why a PIN was not taken, and how many tries are left where the token tells.
func loginFailed(err error, state PINState) error {
	switch {
	case isCode(err, p11.CKR_PIN_LOCKED):
		return errPINLocked()
	case isCode(err, p11.CKR_PIN_EXPIRED):
		return fault.New(fault.AuthFailed, "the PIN has expired; set a new one with the token's own tool")
	case !isCode(err, p11.CKR_PIN_INCORRECT, p11.CKR_PIN_INVALID, p11.CKR_PIN_LEN_RANGE):
		return failed(err, text.New("log in"))
	}
	switch state {
	case PINLocked:
		return fault.New(fault.AuthFailed, "the PIN is wrong, and is locked now")
	case PINFinal:
		return fault.New(fault.AuthFailed, "the PIN is wrong; one more wrong PIN locks the token")
	case PINLow:
		return fault.New(fault.AuthFailed, "the PIN is wrong; the token counts wrong PINs and locks at its limit")
	}
	return fault.New(fault.AuthFailed, "the PIN is wrong")
}

func errPINLocked() error {
	return fault.New(fault.Busy,
		"the PIN is locked by the token; its security officer unlocks it with the token's own tool")
}

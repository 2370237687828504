// Package pkcs11 is the boundary in a PKCS#11 token: the master key never leaves the token, and what the token can do
// itself it does itself.
//
// # Master key
//
// Two objects of the token, made by [Initialise], both AES-256, sensitive and not extractable: NAME-wrap wraps and
// unwraps, NAME-mac signs. NAME is object= of the URI, or [Options.Object].
//
// # Handles
//
// [hsm.Key.Block] is a block of the proprietary version 7. It has the header of X9.143 (the same 16 characters, then
// optional blocks: 10 with the key's length in bytes as 4 hex digits, HM for HMAC keys, LB for a label), then as
// upper-case hex the key wrapped inside the token by CKM_AES_KEY_WRAP_PAD, then 16 bytes of AES-CMAC by NAME-mac over
// all characters before it. Header and key are bound to each other, and a changed character is found before anything
// is unwrapped. A key's wrapped form has its bytes as they are, parity bits included.
//
// # Inside and outside
//
// What a token can do is measured, not read off its list of mechanisms: each step is tried with throw-away session
// objects and known answers, once per open token. Inside the token: generating, wrapping under the master key, check
// values by every method that is a cipher or an HMAC, combining XOR components where CKM_XOR_BASE_AND_DATA works.
// Everything else (key blocks for somebody else, splitting, deriving, revealing, examining, check values by hashes)
// needs the clear key in this process; DUKPT also because a weak derived key could not be refused inside. That is refused
// unless the user allowed it ([Options.Allow], or software=allow in the URI); then the key is carried in locked memory
// into a soft boundary that lives for this one call, whose answers are those of the soft driver, and each time
// [Options.Notice] is told.
//
// # What it does not do
//
// It does not keep a user with the PIN from reading keys: NAME-wrap may unwrap into a readable object, since the
// fallback needs that. It does not trust a module to honour CKA_EXTRACTABLE: [Token.Selftest] tries. No hardware token
// was tried with it.
//
// A build without cgo has none of this: [Available] is false, and every call fails with kind usage.
package pkcs11

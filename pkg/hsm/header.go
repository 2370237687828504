package hsm

// The header that goes with a key.

import "poskey/pkg/keyblock"

// Header makes the header of a block of the version for somebody else: the key's own attributes, and its hash in HM for
// HMAC.
func (k Key) Header(version byte) keyblock.Header {
	a := k.Defaults()
	h := keyblock.Header{Version: version, Usage: a.Usage, Algorithm: keyblock.AlgorithmChar(k.Algorithm), Mode: a.Mode,
		KeyVersion: "00", Exportability: a.Exportability, Context: '0', Reserved: '0'}
	if hm := keyblock.HMFor(k.Algorithm); hm != "" {
		h.SetOpt("HM", hm)
	}
	return h
}

// Package bitslice finds the DES and triple-DES keys near a given one whose encryption of a block begins with given
// bits: the search behind "which digit was typed wrong".
//
// # What is searched
//
// [Problem] names a key of 8, 16 or 24 bytes, a plaintext block, the wanted bits of the ciphertext (or of the CMAC of a
// zero block), and a number N. The answer is every key that differs from the given one in at most N hex digits and
// yields those bits, as [Hit]: the XOR of the two keys. DES ignores the lowest bit of each byte, so keys that differ in
// such bits only are one candidate; parity bits of a Hit are zero. [Candidates] counts the distinct candidates.
//
// # How
//
// A word holds one bit of 64 keys, one key per lane, and DES is a circuit over words. A [Kernel] runs that circuit; it
// may have more lanes than 64, and says how many: nothing else here depends on it.
//
// Candidates of one 8-byte part stand in batches of one per lane. What differs between the lanes of a batch is a few
// key bits, each with a lane pattern that does not depend on the key; patterns of one and two changed digits are made
// once, a third and fourth digit changes all lanes alike. So no key is transposed and no key schedule is computed: a
// round reads its key bits at fixed places of the two halves, which are kept twice in a row so that rotation is an
// offset. Only the blocks that a later part goes on with are transposed, to be spread over all lanes one by one.
//
// Work that candidates share is done once: E(K1) for all keys with that K1, D(K2) for all with that K1 and K2. The last
// DES of a batch stops after the right half of round 15, which shows every other one of the first 24 bits of the
// ciphertext, unless a lane still agrees.
//
// # What it is not
//
// It is not constant-time: a candidate is a hypothesis about the caller's own key. Key words and blocks live in
// ordinary memory that is cleared before Run returns; Go may have copied registers to a stack that is not.
package bitslice

// Package keyblock reads and writes key blocks: ANSI X9.143 (TR-31) versions A, B, C, D and ISO 20038 version E.
// Clause numbers are those of X9.143:2021 as cited by the openemv/tr31 project, unless another standard is named.
//
// A key block is text:
//
//	version(1) length(4, decimal) usage(2) algorithm(1) mode(1) key version(2) exportability(1)
//	number of optional blocks(2, decimal) key context(1) reserved(1)        the header: 16 characters (6.2, table 1)
//	optional blocks: id(2) length(2, hex, of the whole block) data          aligned to the cipher block with PB
//	encrypted payload in hex: key length in bits(2 bytes) key padding
//	MAC in hex: 8 digits (A, C), 16 (B) or 32 (D, E)
//
//	        KBPK        KBEK and KBAK               payload                 MAC
//	A, C    TDES        KBPK bytes XOR 45 and 4D    TDES-CBC, IV = header   CBC-MAC over header and ciphertext, 4 bytes
//	B       TDES        CMAC (7.2.2, table 25)      TDES-CBC, IV = MAC      CMAC over header and plaintext, 8 bytes
//	D       AES         CMAC (7.2.1, table 24)      AES-CBC, IV = MAC       CMAC over header and plaintext, 16 bytes
//	E       AES         CMAC (ISO 20038 6.3)        AES-CTR, IV = MAC       CMAC over header and plaintext, 16 bytes
//
// Order of work: [Clean] forgives what a paste does to text; [Parse] decides the form, without any key; a [Protector]
// made from a KBPK opens and closes blocks. The MAC is compared, in constant time, before anything of the payload is
// believed, and it covers the header as it was received. A wrong value that a good MAC protects (KC, KP, a mode that
// does not fit) is a [Warning] with a stable id; the caller makes it an error under --strict. [Examine] says what a
// failing block most likely suffers from.
//
// Guarantees: Parse succeeding means that Marshal gives the same text; what is written is upper case, its optional
// blocks keep their order, PB comes last. Not done here: deciding who may do what (pkg/hsm), Thales' own "S" blocks.
package keyblock

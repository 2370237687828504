// Package unionpay knows how UnionPay terminals and hosts exchange working keys and MACs.
//
// # Sign-in
//
// The answer to a sign-in (0810) brings the working keys in field 62, each as a cryptogram under the terminal master key
// with its check value behind it. Field 60.3, the network management code, says in which layout: 001 for single, 003
// and 004 for double length, 005 for SM4. Programs in the field use other layouts besides ([Layouts] lists what is
// known, with where it is from): the trap is the MAC key, which under 003 and 004 is a single-length key in a slot for a
// double-length one.
//
// # MACs
//
// [Rules] lists the ways in which field 64 is made. The MAC element block is the message from its type to the field
// before the MAC.
//
// # Messages
//
// [ParseMessage] takes a message as it was captured, with or without length, TPDU and header.
//
// The package holds no keys: cryptograms and check values are public, and a MAC is computed by whoever holds the key,
// through [Rule.Sum].
//
// Sources: Q/CUP text and public source files as the knowledge base of this project names them; every layout carries its
// own. Layouts and rules that nobody published say so.
package unionpay

// Package script is the script of a ceremony: one reviewed file that says who is there, which keys and parts there are,
// and every step.
//
// # The file
//
// A script is one document of YAML, at most 256 KiB of UTF-8, of schema poskey.ceremony/v1; docs/formats/ceremony.md
// lists its fields. It is read strictly, so that everybody who reads it reads the same as the program: unknown fields,
// fields that stand twice, empty values, anchors, aliases, tags, directives, escapes, a second document, characters
// that cannot be seen or turn the direction of writing, and fields that a step or an output would not obey are
// refused, with the line. So is anything with sixteen hex digits in a row, which could be a key, outside of a card's
// fingerprint. Errors never repeat such a value.
//
// The [Script.Fingerprint] is the SHA-256 over all bytes, comments too. Those who take part compare it with that of the
// reviewed copy; nothing that is run comes from anywhere else than these bytes.
//
// # The program
//
// [Script.Program] holds the steps against each other before the day. It follows every key and every part from step to
// step, and refuses a script in which something is used before it is there, done twice, left open or lost:
//
//   - attend is the first step, declare the second in production, close the last; each stands there once.
//   - A key is drawn, formed from all parts that it takes, or shown by the HSM once, before anything is done with it.
//   - A part that is in a bag is received before it is entered; it is sealed before it is sent; nobody prints while
//     another sheet lies open; nobody pauses while a part is open, in memory or out of its safe.
//   - A key whose check value is known is compared before it is kept, exported or loaded; it is kept before it leaves.
//   - What cannot be taken back comes after what it needs, and nothing comes after it that would undo it: no part is
//     destroyed that a later step may need, nothing is done with what was sent or destroyed.
//   - At the end every output was made, every sheet printed, and no part lies open.
//
// # The rules
//
// [Script.Rules] is about people: who may hold what, who watches whom, how parts travel, which keys protect which. Each
// finding has an id that does not change and, where a requirement of PCI PIN asks for it, its number. What people held
// in ceremonies before counts ([Past]): whoever has seen a part has not forgotten it.
//
// What a script alone cannot tell is not said here: whether cards are genuine, keys in the store, devices connected,
// the machine without a network. The check before the ceremony adds that.
//
// # Templates
//
// [New] writes scripts to begin with, in English or Chinese. For production they have FILL IN (待填) where something must
// be written, and a finding for each until it is.
package script

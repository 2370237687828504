// Package manage holds the messages of the agent dialect: what a host and a terminal's management agent say to each
// other about the terminal's state, its locks and its keys. It has documents, paths, codes and limits; the client is in
// pkg/device/manage/client, the terminal's side in pkg/device/emulator.
//
// No real terminal speaks this dialect yet. It is the seam for an adapter in front of a vendor's own management: what an
// adapter answers here, poskey can do with that vendor's terminals. docs/device-agent.md has the same as examples.
//
// # Transport
//
// HTTP/1.1 over TLS 1.3, and nothing below. Both sides show certificates: the host verifies the terminal's, with its name
// or address, against a certificate authority of its own, and the terminal the host's. A terminal takes no connection
// without. A session opened by login belongs to its TLS connection and ends with it.
//
// # Documents
//
// Requests and answers are JSON (RFC 8259) in UTF-8, one document each. Names are written as here; a member that is not
// listed, one that stands there twice and anything behind the document is refused ([Decode]). Bytes are base64 with
// padding (RFC 4648), times RFC 3339, check values hex in capitals with their method. A request has at most [MaxBody]
// bytes, an order that carries software at most [MaxUpdate], an answer at most [MaxAnswer].
//
//	GET    /v1/device        About                           what it is and what it takes
//	GET    /v1/status        Status                          locks, tamper, battery, slots, last events
//	GET    /v1/serial        Serial
//	PUT    /v1/serial        Serial -> Serial                login
//	GET    /v1/slots/{slot}  Slot                            with the check value that the terminal computes now
//	PUT    /v1/slots/{slot}  Load -> Loaded                  a key block, under a key that the terminal holds
//	DELETE /v1/slots/{slot}  Done                            login
//	DELETE /v1/slots         Done                            login: every slot
//	POST   /v1/settle        Settle -> Settled               what became of a load
//	POST   /v1/login         Login -> LoggedIn
//	POST   /v1/challenge     Order -> Challenge              login
//	POST   /v1/order         Carry -> Done                   login
//	GET    /v1/logs          ?after=N&most=M -> Logs         login
//
// A refusal is a [Refusal] with a status of 400 or more. Its code says what it is ([Codes]), its text is for people.
//
// # Loading
//
// A load has the host's request id, 32 hex digits drawn for it. The terminal remembers the ids of its loads as long as it
// runs: the same load with the same id is answered again and not done again, another load with the same id is refused. So
// an answer that got lost can be asked for. Settle tells whether the load of an id was done; if it was not, it never will
// be, even if it is still on its way. That is as sure as the terminal's memory: [About] and [Settled] have a boot id,
// which changes when it forgets. Then the check value of the slot has to tell. A refusal says that nothing was stored,
// but for [CodeFailure] and for codes that are not in the table ([IsFinal]): there the id has to tell, too.
//
// Keys come as key blocks only. A clear key has no form here.
//
// # Orders
//
// An order that takes officers' approvals has a challenge: an approval request of pkg/custody with the terminal's serial
// number in the place of the store ([Action] says what stands in it). It counts once, by the terminal's own clock, which
// nobody sets from outside. One that takes none has an empty challenge. What a lock takes is in device.Locks; factory
// reset and update take the approvals of custody.DeviceReset and custody.DeviceUpdate. Which orders take approvals is not
// for the terminal to say: a host gives none that takes them on an empty challenge.
package manage

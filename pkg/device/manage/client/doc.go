// Package client is the host's side of the agent dialect (pkg/device/manage): a device.Device over HTTPS that is also
// device.Serials, device.Eraser and device.Manager. No real terminal speaks the dialect yet.
//
// # What it guarantees
//
// TLS 1.3 with certificates of both sides; names are checked; nothing is sent before. One connection at a time, which a
// session by Login belongs to: when it breaks, the next order is refused until somebody logs in again. Every question
// ends within the time-out, whatever the terminal does; answers are bounded, read strictly and checked, and texts in them
// are made harmless before anybody sees them: digits of keys, a password and a one-time code that come back are not shown,
// and of a check value ten digits are taken. What is no HTTP is not quoted.
//
// A question that changes something and whose answer did not come ends with outcome_unknown, and is never repeated by
// itself. Of a load, Confirm then asks what became of it: by its request id as long as the terminal has not been started
// anew, else by the check value, if the caller put it into Commit.Want, else by whether the slot was empty before.
//
// A load is proven by the check value that the terminal computed of what it stored, where Commit.Want has the key's
// (check-value), else by the attributes that it reports (commit+attributes).
//
// # What it does not do
//
// It hands over key blocks only; DUKPT initial keys too, in blocks that name their KSN. The buffers of net/http and TLS
// are not wiped: a password that was sent stays in memory until it is used again. Certificates are not revoked here: a
// terminal takes whatever its authority signed.
package client

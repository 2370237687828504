// Package component cuts a key into parts for several custodians and puts it together again.
//
// # Parts
//
// A part is as long as the key (PCI PIN 12-4: halves that are joined are no parts). Two schemes exist:
//
//   - XOR components, 2 to 9, all needed. n-1 of them are drawn, the last is what is left. The order does not matter.
//   - Shamir shares over GF(256) with the polynomial of AES (FIPS 197, 4.2), any m of n, 2 <= m <= n <= 9. Share x is
//     the value at x = 1..n of a polynomial of degree m-1 for every byte, drawn anew, whose value at 0 is the key byte.
//     Shares of other products do not fit these; between organisations keys travel as XOR components.
//
// Algorithms are those with a block cipher and HMAC keys of 8 to 64 bytes.
//
// Fewer parts than needed say nothing about the key but its length and the check values printed on the sheets.
// [Split] throws a draw away when [Combine] would refuse it or when two of its check values are equal. That hits
// fewer than one draw in 300,000 (45 pairs of 24-bit values) and leaves the distribution as it is for all practical
// purposes. Before Split returns, it has combined the parts and compared the result with the key.
//
// # Parity
//
// Parity bits are part of the bytes: XOR and shares keep them as they are. With Spec.OddParity every byte of every
// component of a DES key has odd parity, as many HSMs demand. The XOR then has even parity on every byte when the
// number of components is even, and odd parity when it is odd, whatever the parity of the key was: the combined key
// equals the key split up to parity bits. DES ignores these and so do its check values; who needs odd parity on the
// result sets it with keys.FixParity.
//
// # What Combine refuses
//
// With the part's number, and before a key is handed out: a part of another length; halves and thirds, also filled
// up to full length with equal bytes; a part that is zero, a pattern or published; parts of which some cancel out, so
// that fewer people know the key than hold parts (two equal parts; a part equal to the key); sheets of another set or
// with other data; a sheet used twice; missing sheets; a value that does not have the check value on its sheet. After
// combining: a key that does not have the check value on the sheets. All comparisons of DES parts leave parity bits
// out. Whether the combined key is weak is the caller's question ([keys.Key.Weaknesses]); only zero is refused here.
//
// # The sheet
//
// A sheet is ASCII text for one part, made to be printed, read aloud and typed back:
//
//	poskey component sheet 1
//	set: 7F3A-91C2                      the same on all sheets of one split, random
//	part: 2 of 3
//	scheme: shamir                      or xor
//	threshold: 2                        shamir only: parts needed
//	algorithm: tdes-128
//	length: 20 bytes                    HMAC keys only
//	key check: 08D7B4 ecb-zero          check value of the key, 4 to 16 digits, and its method
//	part check: CAEBAA ecb-zero         check value of this part
//	share check: 91BC                   shamir only: over the whole share, see [ParseShare]
//	head check: 5D0E                    over all lines above
//	row 1 of 2: 0123 4567 89AB CDEF check 3F2A
//	row 2 of 2: FEDC BA98 7654 3210 check 91BC
//	end
//
// Eight bytes stand in a row; the last row of a key whose length is no multiple of eight is shorter.
// Each line ends in one line feed. Nothing else is allowed: this form is canonical, and what parses is written again
// as the same bytes. People and editors are not that strict, so [ParseSheet] takes the text through [Normalise] first.
// On the page that a ceremony prints each of these lines stands between bars, with a letter before the rows and a mark
// behind them; such a page is taken as it is, and what stands around the bars is passed over:
//
//	A | row 1 of 2: 0123 4567 89AB CDEF check 3F2A            | TEST
//
// Every check is the CRC with the polynomial x^16+x^15+x^14+x^11+x^6+x^5+x^2+x+1 (C867), start value FFFF, most
// significant bit first, nothing inverted: CRC-16/CDMA2000 in the catalogues. Over a row of 16 digits and its 4 check
// digits it finds every one or two wrong digits, every two digits exchanged and every two groups exchanged, which a
// test proves by trying them all; other slips go through once in 65,536. It is taken over:
//
//	head check   the bytes of the lines above it with their line feeds
//	row check    set (4 bytes), number of the part, number of the row, the bytes of the row
//	share check  set (4 bytes), number of the share, threshold, the bytes of the share
//
// A row check sees the parity bits that no TDES check value sees, and it belongs to its set, part and row. It is no
// protection against intent: who can write a sheet can compute it. Check digits of rows and shares are functions of
// the part and are as secret as the part.
//
// # What it does not do
//
// It opens no files, asks nobody and knows no custodians: who may hold what is the ceremony's business. Errors name
// sets, parts, lines, rows, positions and check values, never digits of a part. Splitting, combining and comparing
// take the same time for all values of one length. The search for weak patterns ([keys.WeaknessesOf]), reading and
// writing hex, and a refusal do not.
package component

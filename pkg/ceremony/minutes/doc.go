// Package minutes puts the record of a ceremony on paper: minutes as a page and as a PDF, forms to be signed by hand,
// and the sheets of components.
//
// # Minutes
//
// [HTML] and [PDF] show the same paper: what a verified record says, line by line, with what it was held against.
// Nothing of a record is left out but the bytes of signatures, of cards and of the closing note: a detail of a line
// for which there is no sentence stands behind it under its own name. What the record of a test says, and that of a
// rehearsal, is marked as such on top of every page and across it. The same record gives the same bytes: dates are
// those of the record, all times are UTC, and nothing depends on the machine or the hour.
//
// HTML is one page without scripts and without anything from elsewhere; on a narrow screen its tables become lists.
// PDF is A4. Every page names the ceremony, the script's fingerprint and its own number of all. Latin text is set in
// the core fonts of PDF (Helvetica, Courier for digits), Chinese and what these do not have in fonts that are
// embedded, cut to the characters used. A character that no font has is shown as its number, [U+20BB7]; so are
// invisible ones and those that turn the direction of a line, in both forms: what is on paper is what is in the
// record.
//
// # Forms
//
// [FormPDF] fills a form with what the script knows, and with what the record knows where there is one; what nobody
// knows yet is an empty field to write in. The fields are those of poskey's list for PCI PIN requirements 7-2, 8-1,
// 9-4, 14, 24-2, 25-1 and 26-1.
//
// # Sheets
//
// [Sheet] writes one component for a line printer: a page of at most 64 lines of 80 columns in ASCII, lines ended by
// carriage return and line feed, then a form feed. Between two rulers stands the canonical sheet of pkg/component, one
// line of it on each line, between bars:
//
//	A | row 1 of 2: 0123 4567 89AB CDEF check 3F2A            | TEST
//
// In front of the first bar stands the letter of the row, behind the last the mark. component.ParseSheet reads such a
// page. A page lies in locked memory until it is written, in one call of Write.
//
// # What it does not do
//
// It verifies nothing: a ceremony.Verified says what is right and wrong. Minutes and forms never see a component;
// sheets are the only place with secret digits. It opens no files and no printers.
package minutes

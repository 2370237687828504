// Package page writes pages for browsers: one self-contained file each, no scripts, nothing from elsewhere, one plain style
// for all of them.
//
// A [Template] is a kind of page: what stands between the head and the foot ("body"), and what its style has beside the
// shared one ("style"). The shell around it gives the language, the title, a policy that lets nothing in, light and dark,
// a phone, a desk and paper, and the foot with who made it and when. Drawings are SVG whose places are worked out here in
// the units of the drawing (Measure, Rows, Bar); what is told by colour is told by shape too.
//
// A page escapes what it is handed (html/template). It does not know what may be a key: Line hides what looks like one,
// and whoever fills a page sends every text from outside through it.
package page

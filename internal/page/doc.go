// Package page writes pages for browsers: one self-contained file each, no scripts, nothing from elsewhere, one plain style
// for all of them.
package page

// Package storetest is the suite that a store passes on every database.
package storetest

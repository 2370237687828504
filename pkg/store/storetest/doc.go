// Package storetest is the suite that a store passes on every database, and rows for tests of those who use stores.
package storetest

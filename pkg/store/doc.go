// Package store is the inventory: keys with their life cycle, officers, devices and the key serial numbers handed out to
// them, in one SQLite file or one schema of a PostgreSQL database.
package store

package vault

import "poskey/pkg/store"

// Change gives the change under which the work writes into the inventory what is no key: devices, numbers, loads. It
// carries the place of the work's intent in the log.
func (w *Work) Change() store.Change { return w.change() }

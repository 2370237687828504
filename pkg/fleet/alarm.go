package fleet

// What every device would meet: when it is missing, no device is to blame, and the station stops.

import (
	"errors"
	"sync"
)

// trouble marks an error that every device would meet.
type trouble struct{ error }

func (e *trouble) Unwrap() error { return e.error }

// inTrouble reports an error that every device would meet.
func inTrouble(err error) bool {
	var t *trouble
	return errors.As(err, &t)
}

// alarm keeps the first trouble of a station. After it nothing new is begun.
type alarm struct {
	mu  sync.Mutex
	err error
}

func (a *alarm) raise(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !inTrouble(err) {
		err = &trouble{err}
	}
	if a.err == nil {
		a.err = err
	}
	return err
}

func (a *alarm) raised() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

package emulator

import (
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

// Session is somebody who has logged in at the terminal. It is the other end of device.Manager.
type Session struct {
	t       *Terminal
	account *Account
	boots   uint64
}

// Account is the name that was logged in with.
func (s *Session) Account() string { return s.account.ID }

// Role tells what the session may do.
func (s *Session) Role() Role { return s.account.Role }

// Status tells how the terminal is.
func (s *Session) Status() device.Status { return s.t.Status() }

// Logs gives events with a number above after, at most so many, the oldest first. Error: not_permitted when the session
// is over.
func (s *Session) Logs(after uint64, most int) ([]device.LogEvent, error) {
	if err := s.Alive(); err != nil {
		return nil, err
	}
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	return s.t.log.after(after, most), nil
}

// Alive refuses a session from before a restart or a tamper: not_permitted.
func (s *Session) Alive() error {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if s.boots != s.t.boots || s.t.closed {
		return fault.New(fault.NotPermitted, "the terminal was started again: log in")
	}
	return nil
}

// Ask announces an order and gives the approval request for it, nil where the order takes no approval. Errors:
// not_permitted for the role, usage for an order that cannot be, not_found for a lock that is not on.
func (s *Session) Ask(o device.Order) (challenge []byte, err error) {
	if err := s.may(o); err != nil {
		return nil, err
	}
	action, needed := s.t.action(o)
	if !needed {
		return nil, nil
	}
	book, err := s.t.openBook()
	if err != nil {
		return nil, err
	}
	if err := s.t.noteAsk(book, s.account.ID); err != nil {
		return nil, err
	}
	q, err := book.Ask(action, custody.DefaultRequest)
	if err != nil {
		return nil, err
	}
	return q.Marshal(), nil
}

// maxAsks is how many challenges one account has open at one time. All accounts together stay far under what the book
// takes, so that nobody can keep the others from asking.
const maxAsks = 20

// openAsks remembers when accounts asked for challenges that may still be open.
type openAsks struct {
	book *custody.Book
	at   map[string][]time.Duration
}

// noteAsk counts a challenge. Error: busy when the account has too many open.
func (t *Terminal) noteAsk(book *custody.Book, account string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asks.book != book { // another book knows nothing of the old ones
		t.asks = openAsks{book: book, at: map[string][]time.Duration{}}
	}
	now := t.elapsed()
	open := slices.DeleteFunc(t.asks.at[account], func(at time.Duration) bool { return now-at >= custody.DefaultRequest })
	t.asks.at[account] = open
	if len(open) >= maxAsks {
		return fault.New(fault.Busy, "account %s has %d challenges open; they end %s after they were asked for", account, maxAsks,
			custody.DefaultRequest)
	}
	t.asks.at[account] = append(open, now)
	return nil
}

// noteSpent takes the oldest challenge of an account off the count.
func (t *Terminal) noteSpent(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if open := t.asks.at[account]; len(open) > 0 {
		t.asks.at[account] = open[1:]
	}
}

// isLocked tells whether a lock is on.
func (t *Terminal) isLocked(kind device.LockKind) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.locked(kind)
}

// Do carries an order out, with the approvals that it takes, each as custody writes it. Errors: those of Ask, and of
// custody.Book.Admit; mac_mismatch, not_permitted and checksum_mismatch for a software update that is not to be had.
func (s *Session) Do(o device.Order, approvals [][]byte) error {
	if err := s.may(o); err != nil {
		return err
	}
	if action, needed := s.t.action(o); needed {
		if err := s.t.admit(action, approvals); err != nil {
			s.t.report(Event{Kind: Denied, Account: s.account.ID, Lock: o.Lock, Detail: string(o.Verb) + ": approvals"})
			return err
		}
		s.t.noteSpent(s.account.ID)
		s.t.report(Event{Kind: Approved, Account: s.account.ID, Lock: o.Lock, Detail: string(o.Verb)})
	}
	switch o.Verb {
	case device.Lock:
		return s.t.lockBy(s.account.ID, o)
	case device.Unlock:
		return s.t.lift(o.Lock)
	case device.Restart:
		s.t.restart("order")
		return nil
	case device.Reset:
		return s.t.reset()
	default:
		return s.t.update(s.account.ID, o)
	}
}

// may refuses what the role may not, and logs it.
func (s *Session) may(o device.Order) error {
	if err := s.Alive(); err != nil {
		return err
	}
	if err := manage.CheckOrder(o); err != nil {
		return err
	}
	roles := rolesFor(o)
	if !slices.Contains(roles, s.account.Role) {
		s.t.report(Event{Kind: Denied, Account: s.account.ID, Lock: o.Lock, Detail: string(o.Verb) + ": role"})
		return fault.New(fault.NotPermitted, "account %s is %s; this takes %s", s.account.ID, string(s.account.Role),
			roleNames(roles))
	}
	if o.Verb != device.Unlock {
		return nil
	}
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if !s.t.s.locked(o.Lock) {
		return fault.New(fault.NotFound, "the lock %s is not on", string(o.Lock))
	}
	if o.Lock == device.LockDualAdmin {
		return fault.New(fault.NotPermitted, "the lock %s is lifted by no order: it takes the passwords A and B of two people at the "+
			"terminal, which opens the key inject mode", string(o.Lock))
	}
	if o.Lock == device.LockOperator && s.account.Role == Operator && s.t.s.lockedBy != s.account.ID {
		return fault.New(fault.NotPermitted, "the operator lock is lifted by the operator who set it, or by a supervisor")
	}
	return nil
}

func roleNames(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// rolesFor is the table of who may order what.
func rolesFor(o device.Order) []Role {
	switch o.Verb {
	case device.Restart:
		return []Role{Operator, Supervisor, Administrator}
	case device.Reset, device.Update:
		return []Role{Administrator}
	}
	switch o.Lock {
	case device.LockOperator, device.LockSignIn:
		return []Role{Operator, Supervisor, Administrator}
	case device.LockTamper, device.LockDualAdmin, device.LockMutualAuth:
		return []Role{Administrator}
	}
	return []Role{Supervisor, Administrator}
}

// action is what officers approve, and whether they have to. Locking and restarting take a role, no approval.
func (t *Terminal) action(o device.Order) (custody.Action, bool) {
	_, needed := manage.Approvals(o)
	return manage.Action(o), needed
}

// StoreName is the name under which a terminal asks for approvals: its serial number, where that is long enough.
func StoreName(serial string) string {
	const shortest = 8
	if len(serial) < shortest {
		return "terminal-" + serial
	}
	return serial
}

// openBook gives the book of approvals. It lives as long as the terminal runs under one serial number.
func (t *Terminal) openBook() (*custody.Book, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.book != nil {
		return t.book, nil
	}
	if t.cfg.Env.Rand == nil || t.cfg.Env.Now == nil {
		return nil, fault.New(fault.Bug, "approvals need a random source and a clock")
	}
	roster, err := custody.NewRoster(t.cfg.Environment, t.cfg.Approvers...)
	if err != nil {
		return nil, err
	}
	clock := func() custody.Instant {
		return custody.Instant{Wall: t.now(), Monotonic: t.elapsed(), Boot: t.elapsed()}
	}
	recorder := custody.RecorderFunc(func(custody.Event) error { return nil }) // Do writes the log
	t.book, err = custody.NewBook(t.cfg.Env.Rand, clock, StoreName(t.s.serial), roster, recorder)
	return t.book, err
}

// admit spends approvals.
func (t *Terminal) admit(a custody.Action, raw [][]byte) error {
	book, err := t.openBook()
	if err != nil {
		return err
	}
	var approvals []custody.Approval
	for _, r := range raw {
		approval, err := custody.ParseApproval(r)
		if err != nil {
			return err
		}
		approvals = append(approvals, approval)
	}
	permit, err := book.Admit(a, approvals)
	if err != nil {
		return err
	}
	return permit.Spend(a)
}

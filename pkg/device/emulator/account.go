package emulator

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
)

// Role is what an account may do.
type Role string

// The roles.
const (
	Administrator Role = "administrator" // 99
	Supervisor    Role = "supervisor"    // 00
	Operator      Role = "operator"      // 01 to 05
	KeyLoader     Role = "key-loader"    // A and B: one half of the key inject mode each, and nothing else
)

// Account is somebody who is known to the terminal. Passwords are kept as a hash.
type Account struct {
	ID   string
	Role Role
	hash [32]byte
	totp string // secret of one-time passwords in base32; "" asks for none
}

const (
	hashRounds = 4096
	// maxWrong is how many wrong passwords in a row set the password lock.
	maxWrong = 5
	// passwordWait is how long it bars the account, unless it is lifted.
	passwordWait = 15 * time.Minute
)

// RoleOf tells the role that goes with an account's number. Error: usage.
func RoleOf(id string) (Role, error) {
	switch id {
	case "99":
		return Administrator, nil
	case "00":
		return Supervisor, nil
	case "01", "02", "03", "04", "05":
		return Operator, nil
	case "A", "B":
		return KeyLoader, nil
	}
	return "", fault.New(fault.Usage, "a terminal has the accounts 99, 00, 01 to 05, A and B")
}

// NewAccount makes an account: 99 has a password of 8 digits, 00 one of 6, the others one of 4 characters or more. totp
// is the secret of its one-time passwords in base32, "" for none. Error: usage.
func NewAccount(id string, password *secret.Bytes, totp string) (Account, error) {
	role, err := RoleOf(id)
	if err != nil {
		return Account{}, err
	}
	want := map[Role]int{Administrator: 8, Supervisor: 6}[role]
	switch n := password.Len(); {
	case want > 0 && (n != want || !digits(password.Expose())):
		return Account{}, fault.New(fault.Usage, "the password of account %s has %d digits", id, want)
	case n < 4:
		return Account{}, fault.New(fault.Usage, "the password of account %s has 4 characters or more", id)
	}
	a := Account{ID: id, Role: role, totp: totp}
	a.hash, err = a.hashOf(password)
	return a, err
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// hashOf goes by the account's name for salt: the emulator's passwords are for trying.
func (a *Account) hashOf(password *secret.Bytes) (out [32]byte, err error) {
	sum, err := pbkdf2.Key(sha256.New, string(password.Expose()), []byte("poskey emulator account "+a.ID), hashRounds, 32)
	if err != nil {
		return out, fault.WrapAs(fault.Bug, err, "hash a password")
	}
	copy(out[:], sum)
	return out, nil
}

func (a *Account) opens(password *secret.Bytes) bool {
	sum, err := a.hashOf(password)
	return err == nil && subtle.ConstantTimeCompare(sum[:], a.hash[:]) == 1
}

// Passwords of DefaultAccounts, for trying: they are published, and no other terminal has them. DefaultTOTP is the
// secret of the one-time passwords of 99 and 00.
const (
	DefaultAdministrator = "70115599"
	DefaultSupervisor    = "701155"
	DefaultOperator      = "7011"
	DefaultKeyLoaderA    = "first-of-two"
	DefaultKeyLoaderB    = "second-of-two"
	DefaultTOTP          = "POSKEYTESTONLYPOSKEYTESTONLYPOSK"
)

// DefaultAccounts are all accounts with the default passwords. To be made once for many terminals: hashing takes time.
func DefaultAccounts() ([]Account, error) {
	var all []Account
	for _, d := range [][3]string{
		{"99", DefaultAdministrator, DefaultTOTP}, {"00", DefaultSupervisor, DefaultTOTP}, {"01", DefaultOperator, ""},
		{"02", DefaultOperator, ""}, {"A", DefaultKeyLoaderA, ""}, {"B", DefaultKeyLoaderB, ""},
	} {
		password := secret.Copy([]byte(d[1]))
		a, err := NewAccount(d[0], password, d[2])
		password.Wipe()
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// account gives the account of a name, nil where there is none.
func (t *Terminal) account(id string) *Account {
	for i := range t.cfg.Accounts {
		if t.cfg.Accounts[i].ID == id {
			return &t.cfg.Accounts[i]
		}
	}
	return nil
}

// Login opens a session. Errors: auth_failed, alike for an unknown account, a wrong password and a wrong code;
// not_permitted while too many wrong passwords bar the account; device_failed when the terminal cannot write down that
// the code has counted. Denials are logged.
func (t *Terminal) Login(l device.Login) (*Session, error) {
	t.entry.Lock()
	defer t.entry.Unlock()
	if err := t.refuseBarred(l.Account); err != nil {
		return nil, err
	}
	a := t.account(l.Account)
	if a == nil || a.Role == KeyLoader {
		stranger := Account{ID: "nobody"}
		stranger.opens(l.Password) // takes as long as for one who is known
		a = nil
	}
	step, ok := int64(0), a != nil && a.opens(l.Password)
	if ok {
		step, ok = t.codeFits(a, l.Code)
	}
	if !ok {
		t.wrongPassword(l.Account)
		return nil, fault.New(fault.AuthFailed, "account, password or one-time code is wrong")
	}
	t.mu.Lock()
	e := Event{Kind: LoggedIn, Account: a.ID}
	why := t.change(func() {
		delete(t.s.wrong, a.ID)
		t.s.counted(a.ID, step)
		e = t.note(e)
	})
	s := &Session{t: t, account: a, boots: t.boots}
	t.mu.Unlock()
	if err := t.done(why, e); err != nil {
		return nil, err
	}
	return s, nil
}

// refuseBarred keeps an account out that has to wait.
func (t *Terminal) refuseBarred(account string) error {
	left := t.barred(account)
	if left == 0 {
		return nil
	}
	t.report(Event{Kind: Denied, Account: known(t, account), Detail: "barred"})
	return fault.New(fault.NotPermitted, "too many wrong passwords: account %s is barred for another %s",
		known(t, account), left.Round(time.Second))
}

// known is the name of an account, or a word for those who have none: what strangers type is not logged.
func known(t *Terminal, id string) string {
	if id != keyLoaders && t.account(id) == nil {
		return "unknown"
	}
	return id
}

// Steps of one-time passwords: 30 s, and one before and after the terminal's own counts.
const (
	codePeriod = 30
	codeSkew   = 1
)

// codeFits looks at a one-time password by the terminal's own clock. It gives the time step that the code is of: none
// that has counted, and none before it.
func (t *Terminal) codeFits(a *Account, code string) (step int64, ok bool) {
	if a.totp == "" {
		return 0, true
	}
	t.mu.Lock()
	last, now := t.s.steps[a.ID], t.now().Unix()/codePeriod
	t.mu.Unlock()
	opts := hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	for at := max(now-codeSkew, last+1, 0); at <= now+codeSkew; at++ {
		if fits, err := hotp.ValidateCustom(code, uint64(at), a.totp, opts); err == nil && fits {
			return at, true
		}
	}
	return 0, false
}

// counted remembers the time step of a one-time password.
func (s *state) counted(account string, step int64) {
	if step == 0 {
		return
	}
	if s.steps == nil {
		s.steps = map[string]int64{}
	}
	s.steps[account] = step
}

// barred tells how long an account has to wait.
func (t *Terminal) barred(id string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.liftBars()
	if t.s.wrong[id] < maxWrong {
		return 0
	}
	return passwordWait - (t.elapsed() - t.bars[id])
}

// liftBars lets those in again who have waited. The lock is held.
func (t *Terminal) liftBars() {
	lifted := false
	for id, since := range t.bars {
		if t.elapsed()-since >= passwordWait {
			delete(t.s.wrong, id)
			delete(t.bars, id)
			lifted = true
		}
	}
	if lifted && len(t.bars) == 0 && t.s.locked(device.LockPassword) {
		t.s.unlock(device.LockPassword)
		t.noteForLater(Event{Kind: Unlocked, Lock: device.LockPassword, Detail: "time"})
		t.keepAnyway()
	}
}

func (t *Terminal) bar(id string) {
	if t.bars == nil {
		t.bars = map[string]time.Duration{}
	}
	t.bars[id] = t.elapsed()
}

// wrongPassword counts, and writes the count down: before anybody is told.
func (t *Terminal) wrongPassword(id string) {
	e := Event{Kind: Denied, Account: known(t, id), Detail: "password"}
	if e.Account == "unknown" {
		t.report(e)
		return
	}
	t.mu.Lock()
	if t.s.wrong == nil {
		t.s.wrong = map[string]int{}
	}
	t.s.wrong[id]++
	locked := t.s.wrong[id] >= maxWrong
	if locked {
		t.bar(id)
	}
	t.mu.Unlock()
	t.report(e) // which writes the count down too
	if locked {
		t.setLock(device.LockPassword, "account "+id)
	}
}

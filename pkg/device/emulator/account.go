package emulator

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

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
// not_permitted while too many wrong passwords bar the account. Denials are logged.
func (t *Terminal) Login(l device.Login) (*Session, error) {
	if left := t.barred(l.Account); left > 0 {
		t.report(Event{Kind: Denied, Account: known(t, l.Account), Detail: "barred"})
		return nil, fault.New(fault.NotPermitted, "too many wrong passwords: account %s is barred for another %s",
			known(t, l.Account), left.Round(time.Second))
	}
	a := t.account(l.Account)
	if a == nil || a.Role == KeyLoader {
		stranger := Account{ID: "nobody"}
		stranger.opens(l.Password) // takes as long as for one who is known
		a = nil
	}
	if a == nil || !a.opens(l.Password) || !t.codeFits(a, l.Code) {
		t.wrongPassword(l.Account)
		return nil, fault.New(fault.AuthFailed, "account, password or one-time code is wrong")
	}
	t.mu.Lock()
	delete(t.s.wrong, a.ID)
	s := &Session{t: t, account: a, boots: t.boots}
	t.mu.Unlock()
	t.report(Event{Kind: LoggedIn, Account: a.ID})
	return s, nil
}

// known is the name of an account, or a word for those who have none: what strangers type is not logged.
func known(t *Terminal, id string) string {
	if t.account(id) == nil {
		return "unknown"
	}
	return id
}

// codeFits looks at a one-time password by the terminal's own clock. A code counts once.
func (t *Terminal) codeFits(a *Account, code string) bool {
	if a.totp == "" {
		return true
	}
	now := t.now()
	ok, err := totp.ValidateCustom(code, a.totp, now,
		totp.ValidateOpts{Period: 30, Skew: 1, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil || !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.codes == nil {
		t.codes = map[string]usedCode{}
	}
	before := t.codes[a.ID]
	if before.code == code && now.Sub(before.at).Abs() < 3*30*time.Second {
		return false
	}
	t.codes[a.ID] = usedCode{code, now}
	return true
}

// usedCode is a one-time password that has counted.
type usedCode struct {
	code string
	at   time.Time
}

// barred tells how long an account has to wait.
func (t *Terminal) barred(id string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.s.wrong[id] < maxWrong {
		return 0
	}
	since, ok := t.bars[id]
	if !ok { // from before the terminal was started: the wait begins again
		t.bar(id)
		return passwordWait
	}
	left := passwordWait - (t.elapsed() - since)
	if left > 0 {
		return left
	}
	delete(t.s.wrong, id)
	delete(t.bars, id)
	if len(t.bars) == 0 {
		t.s.unlock(device.LockPassword)
		t.noteForLater(Event{Kind: Unlocked, Lock: device.LockPassword, Detail: "time"})
	}
	return 0
}

func (t *Terminal) bar(id string) {
	if t.bars == nil {
		t.bars = map[string]time.Duration{}
	}
	t.bars[id] = t.elapsed()
}

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
	locked := t.s.wrong[id] == maxWrong
	if locked {
		t.bar(id)
	}
	t.mu.Unlock()
	t.report(e) // which writes the count down too
	if locked {
		t.setLock(device.LockPassword, "account "+id)
	}
}

package manage

import "time"

// Protocol is the version of the messages here; it stands in the paths too.
const Protocol = 1

// The paths. That of one slot has its name behind it.
const (
	PathAbout     = "/v1/device"
	PathStatus    = "/v1/status"
	PathSerial    = "/v1/serial"
	PathSlots     = "/v1/slots"
	PathSlot      = "/v1/slots/"
	PathSettle    = "/v1/settle"
	PathLogin     = "/v1/login"
	PathChallenge = "/v1/challenge"
	PathOrder     = "/v1/order"
	PathLogs      = "/v1/logs"
)

// ContentType is that of every document.
const ContentType = "application/json"

// Limits in bytes, and of logs in events.
const (
	MaxBody   = 64 << 10
	MaxUpdate = 24 << 20 // of an order with software, in base64
	MaxImage  = 16 << 20
	MaxAnswer = 1 << 20
	MaxEvents = 500
	RequestID = 32 // hex digits
)

// About says what a terminal is and what it takes.
type About struct {
	Protocol     int      `json:"protocol"`
	Boot         string   `json:"boot"` // 32 hex digits, others after every start
	Serial       string   `json:"serial"`
	Model        string   `json:"model"`
	Blocks       string   `json:"blocks"`                  // versions of key blocks, one character each
	BlockLengths []int    `json:"block_lengths,omitempty"` // in characters; none: any
	Algorithms   string   `json:"algorithms"`              // of keys, one character each as in a key block
	Rules        []Rule   `json:"rules,omitempty"`
	Initial      []string `json:"initial,omitempty"` // slots that take DUKPT initial keys
}

// Rule is a row of the terminal's table of slots.
type Rule struct {
	Slots      []string `json:"slots,omitempty"`
	Usage      string   `json:"usage"`
	Lengths    []int    `json:"lengths,omitempty"` // of the key, in bytes
	Algorithms string   `json:"algorithms"`
	Modes      string   `json:"modes"`
}

// Serial is a serial number.
type Serial struct {
	Serial string `json:"serial"`
}

// Check is a check value with its method, as pkg/kcv names it.
type Check struct {
	Method string `json:"method"`
	Value  string `json:"value"`
}

// Slot tells what a slot holds. Of an empty one nothing but its name is told.
type Slot struct {
	Slot      string    `json:"slot"`
	Loaded    bool      `json:"loaded"`
	Usage     string    `json:"usage,omitempty"`
	Mode      string    `json:"mode,omitempty"`
	Algorithm string    `json:"algorithm,omitempty"`
	Check     *Check    `json:"check,omitempty"`
	KSN       string    `json:"ksn,omitempty"` // of the next transaction
	Damaged   bool      `json:"damaged,omitempty"`
	Expires   time.Time `json:"expires,omitzero"`
	Parity    string    `json:"parity,omitempty"` // of a DES key, where the terminal looks at it: odd, even or mixed
}

// Load hands a key over.
type Load struct {
	Request string `json:"request"`
	Block   string `json:"block"`
}

// Loaded answers a load that was done.
type Loaded struct {
	Request string `json:"request"`
	Again   bool   `json:"again,omitempty"` // it had been done before
	Slot    Slot   `json:"slot"`            // as it was after the load
}

// Settle asks what became of a load.
type Settle struct {
	Request string `json:"request"`
}

// Settled tells what became of it. A load that was not done will not be.
type Settled struct {
	Request string `json:"request"`
	Boot    string `json:"boot"`
	Done    bool   `json:"done"`
}

// Login is what an account proves itself with.
type Login struct {
	Account  string `json:"account"`
	Password []byte `json:"password"` // the bytes that were typed
	Code     string `json:"code"`     // one-time password (RFC 6238), six digits
}

// LoggedIn says who the session is.
type LoggedIn struct {
	Account string `json:"account"`
	Role    string `json:"role"`
}

// Order is something the terminal is to do.
type Order struct {
	Verb     string `json:"verb"`
	Lock     string `json:"lock,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Manifest []byte `json:"manifest,omitempty"`
	Image    []byte `json:"image,omitempty"`
}

// Challenge is the approval request for an order, as pkg/custody writes it; empty where it takes no approval.
type Challenge struct {
	Challenge []byte `json:"challenge,omitempty"`
}

// Carry is an order to be carried out, with its approvals as pkg/custody writes them.
type Carry struct {
	Order     Order    `json:"order"`
	Approvals [][]byte `json:"approvals,omitempty"`
}

// Done answers what has no other answer.
type Done struct{}

// Logs are events, the oldest first.
type Logs struct {
	Events []Event `json:"events,omitempty"`
}

// Event is a line of the terminal's own log.
type Event struct {
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Detail string    `json:"detail,omitempty"`
}

// Status is what a terminal tells of itself.
type Status struct {
	Serial     string        `json:"serial"`
	Model      string        `json:"model"`
	POIVersion string        `json:"poi_version"`
	Firmware   string        `json:"firmware"`
	Now        time.Time     `json:"now"` // by its own clock
	Screen     string        `json:"screen"`
	Locks      []Lock        `json:"locks,omitempty"`
	Tamper     Tamper        `json:"tamper"`
	Battery    Battery       `json:"battery"`
	Sensors    Sensors       `json:"sensors"`
	Link       Link          `json:"link"`
	InjectMode bool          `json:"inject_mode"`
	Slots      []Slot        `json:"slots,omitempty"`
	Initial    []InitialSlot `json:"initial,omitempty"`
	OpenBatch  int           `json:"open_batch"` // transactions that are not settled
	Events     []Event       `json:"events,omitempty"`
}

// Lock is a lock that is on.
type Lock struct {
	Kind   string    `json:"kind"`
	Since  time.Time `json:"since"`
	Detail string    `json:"detail,omitempty"`
}

// Tamper says whether the terminal was opened.
type Tamper struct {
	Tripped bool      `json:"tripped"`
	Sensor  string    `json:"sensor,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

// Battery is the backup battery.
type Battery struct {
	Millivolts int  `json:"millivolts"`
	Low        bool `json:"low,omitempty"`
}

// Sensors of the surroundings.
type Sensors struct {
	Celsius  float64 `json:"celsius"`
	Humidity int     `json:"humidity"` // per cent
}

// Link is the terminal's connection to the world.
type Link struct {
	Kind    string `json:"kind"`
	Quality int    `json:"quality"` // per cent
}

// InitialSlot is a DUKPT engine.
type InitialSlot struct {
	Slot  string `json:"slot"`
	KSN   string `json:"ksn"`             // of the next transaction
	Check *Check `json:"check,omitempty"` // of the initial key as it was loaded
	Left  uint64 `json:"left"`            // transactions
}

// Refusal is the document of every answer with a status of 400 or more.
type Refusal struct {
	Code string `json:"code"`
	Text string `json:"text"` // in English, for people; never with digits of a key
}

package testcli

import (
	"crypto/hmac"
	"crypto/sha1" // what RFC 6238 has
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdTOTP is the device in an operator's hand (RFC 6238: HMAC-SHA-1, six digits, half a minute each). A terminal
// takes a code once, and none before it: without STEPS it is a later one than the last, which may have to be waited for.
func cmdTOTP(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: totp FILE SECRET [STEPS]")
	}
	secret, err := base32.StdEncoding.DecodeString(args[1])
	ts.Check(err)
	step := time.Now().Unix() / 30
	switch s := stateOf(ts); {
	case len(args) == 3:
		more, err := strconv.Atoi(args[2])
		ts.Check(err)
		step += int64(more)
	case s.code >= step: // the terminal takes one that is half a minute early, and none twice
		step = s.code + 1
		time.Sleep(time.Until(time.Unix((step-1)*30, 0)))
	}
	stateOf(ts).code = step
	mac := hmac.New(sha1.New, secret)
	ts.Check(binary.Write(mac, binary.BigEndian, step))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	code := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff % 1000000
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), fmt.Appendf(nil, "%06d\n", code), 0o600))
}

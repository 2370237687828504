package inject

// Names of requests: the same name is the same load, so a step that is done again is answered and not done twice.

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"poskey/pkg/device"
)

// maxRequest is the length of the longest name that the journal takes.
const maxRequest = 128

// requestID names the n-th attempt to load a slot of a device in a run. Of what is too long for a name stands its digest.
func requestID(run, serial string, slot device.Slot, attempt int) string {
	tail := "/" + strconv.Itoa(attempt)
	name := run + "/" + serial + "/" + string(slot)
	if len(name)+len(tail) > maxRequest {
		sum := sha256.Sum256([]byte(name))
		name = hex.EncodeToString(sum[:])
	}
	return name + tail
}

// attemptOf reads the number of the attempt out of a request's name; 0 where there is none.
func attemptOf(id string) int {
	n, err := strconv.Atoi(id[strings.LastIndexByte(id, '/')+1:])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

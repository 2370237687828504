package inject

// Names of requests: the same name is the same load, so a step that is done again is answered and not done twice.

import (
	"fmt"
	"strconv"
	"strings"

	"poskey/pkg/device"
)

// requestID names the n-th attempt to load a slot of a device in a run.
func requestID(run, serial string, slot device.Slot, attempt int) string {
	return fmt.Sprintf("%s/%s/%s/%d", run, serial, slot, attempt)
}

// attemptOf reads the number of the attempt out of a request's name.
func attemptOf(id string) int {
	n, err := strconv.Atoi(id[strings.LastIndexByte(id, '/')+1:])
	if err != nil {
		return 0
	}
	return n
}

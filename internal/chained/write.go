package chained

// Writing members: no blanks, and what is empty is left out.

import (
	"strconv"
	"time"
)

// TimeLayout is how times stand in lines: UTC, to the microsecond.
const TimeLayout = "2006-01-02T15:04:05.000000Z"

// MaxNumber is the largest number of a line: what every reader of JSON reads exactly.
const MaxNumber uint64 = 1<<53 - 1

// AppendTime writes a time after the name of its member.
func AppendTime(dst []byte, name string, t time.Time) []byte {
	return append(t.AppendFormat(append(append(dst, name...), '"'), TimeLayout), '"')
}

// Opening gives what stands before an element of a list.
func Opening(first bool, list string) string {
	if first {
		return list
	}
	return ","
}

// AppendUint writes a number.
func AppendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// AppendCount writes a number that is left out when it is zero.
func AppendCount(dst []byte, name string, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return AppendUint(append(dst, name...), n)
}

// AppendFilled writes a text that is left out when it is empty.
func AppendFilled(dst []byte, name, s string) []byte {
	if s == "" {
		return dst
	}
	return AppendText(append(dst, name...), s)
}

// AppendText writes a JSON string. Only quote and backslash are escaped: nothing else that needs it may be in a line.
func AppendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

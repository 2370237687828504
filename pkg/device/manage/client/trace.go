package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

// headerLen is the part of a key block that is public: its header.
const headerLen = 16

// maxShown bounds an answer in the trace, in characters.
const maxShown = 2000

func (d *driver) trace(way device.Direction, line string) {
	if d.o.Trace != nil {
		d.o.Trace(way, line)
	}
}

// traceAnswer shows an answer as it was understood. What was not is not shown: it may hold anything. Nor is one that
// repeats what the question keeps to itself.
func (d *driver) traceAnswer(q question, status, size int, answer any) {
	if d.o.Trace == nil {
		return
	}
	line := fmt.Sprintf("%d <%d bytes>", status, size)
	if answer != nil {
		if shown := document(answer); !q.repeatedBy(shown) {
			line = fmt.Sprintf("%d %s", status, shown)
		}
	}
	d.trace(device.Received, line)
}

// document shows a document without what may be the digits of a key. Numbers of 16 digits and more go with them.
func document(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "<document>"
	}
	return cut(manage.Blot(unprintable(string(raw))), maxShown)
}

// blotLoad shows a load with the header of its block alone.
func blotLoad(l manage.Load) string {
	n := min(headerLen, len(l.Block))
	l.Block = l.Block[:n] + strings.Repeat("*", len(l.Block)-n)
	return " " + document(l)
}

// blotLogin shows who logs in, and nothing that proves it.
func blotLogin(account string) string {
	return " " + document(struct {
		Account  string `json:"account"`
		Password string `json:"password"`
		Code     string `json:"code"`
	}{account, "***", "***"})
}

// blotOrder shows an order with the size of what it carries.
func blotOrder(o manage.Order, approvals int) string {
	return " " + document(struct {
		Verb      string `json:"verb"`
		Lock      string `json:"lock,omitempty"`
		Reason    string `json:"reason,omitempty"`
		Manifest  int    `json:"manifest_bytes,omitempty"`
		Image     int    `json:"image_bytes,omitempty"`
		Approvals int    `json:"approvals,omitempty"`
	}{o.Verb, o.Lock, o.Reason, len(o.Manifest), len(o.Image), approvals})
}

// maxWords bounds a text of the terminal, in characters.
const maxWords = 300

// clean makes a text of the terminal one that can be shown: it could draw on the screen, or repeat a key.
func clean(s string) string { return cut(manage.Blot(unprintable(s)), maxWords) }

func unprintable(s string) string {
	return strings.Map(func(c rune) rune {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

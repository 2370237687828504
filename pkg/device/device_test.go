package device_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
)

func TestDeviceNamesAreRead(t *testing.T) {
	for in, want := range map[string]device.URI{
		"visa+tcp://127.0.0.1:9100": {Dialect: "visa", Transport: "tcp", Address: "127.0.0.1:9100"},
		"visa+tcp://[::1]:9100/":    {Dialect: "visa", Transport: "tcp", Address: "[::1]:9100"},
		"visa+tcp://pads.bank.example:7?timeout=15s": {Dialect: "visa", Transport: "tcp", Address: "pads.bank.example:7",
			Timeout: 15 * time.Second},
		"visa+pty:///dev/pts/3": {Dialect: "visa", Transport: "pty", Address: "/dev/pts/3"},
		"visa+pty:///dev/pts/3?retries=0&timeout=100ms": {Dialect: "visa", Transport: "pty", Address: "/dev/pts/3",
			Timeout: 100 * time.Millisecond, Retries: device.NoRetries},
		"visa+tcp://h:1?retries=10": {Dialect: "visa", Transport: "tcp", Address: "h:1", Retries: 10},
		"visa+serial:///dev/ttyUSB0?baud=9600&mode=7E1": {Dialect: "visa", Transport: "serial", Address: "/dev/ttyUSB0",
			Baud: 9600, Mode: "7E1"},
		"futurex+tcp://h:1?slots=hex&profile=dialect": {Dialect: "futurex", Transport: "tcp", Address: "h:1", Slots: "hex",
			Profile: "dialect"},
		"visa+pty:///dev/pts/3?mode=7O1&profile=verifone": {Dialect: "visa", Transport: "pty", Address: "/dev/pts/3",
			Mode: "7O1", Profile: "verifone"},
		"futurex+tcp://h:1?slots=hex":          {Dialect: "futurex", Transport: "tcp", Address: "h:1", Slots: "hex"},
		"futurex+serial:///dev/ttyS0":          {Dialect: "futurex", Transport: "serial", Address: "/dev/ttyS0"},
		"futurex+pty:///dev/pts/1?baud=115200": {Dialect: "futurex", Transport: "pty", Address: "/dev/pts/1", Baud: 115200},
		"agent+https://pad.example:8443?ca=ca.pem&cert=/etc/host.pem&key=host%20key.pem&timeout=3s": {Dialect: "agent",
			Transport: "https", Address: "pad.example:8443", CA: "ca.pem", Cert: "/etc/host.pem", Key: "host key.pem",
			Timeout: 3 * time.Second},
	} {
		got, err := device.ParseURI(in)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestWrongDeviceNamesAreUsageErrorsThatSayWhy(t *testing.T) {
	for in, why := range map[string]string{
		"":                                      "visa+tcp://HOST:PORT",
		"127.0.0.1:9100":                        "visa+tcp://HOST:PORT",
		"tcp://127.0.0.1:9100":                  "dialect and transport",
		"visa+usb:///dev/ttyUSB0":               "it goes over: tcp, serial, pty",
		"visa+https://127.0.0.1:9100":           "it goes over: tcp, serial, pty",
		"agent+tcp://127.0.0.1:9100":            "it goes over: https",
		"pax+tcp://127.0.0.1:9100":              "it has visa, futurex and agent",
		"agent+https://127.0.0.1:9100":          "?ca=FILE&cert=FILE&key=FILE",
		"agent+https://h:1?ca=a&cert=b":         "?ca=FILE&cert=FILE&key=FILE",
		"agent+https://h:1?ca=a&cert=b&key=":    "name files",
		"agent+https://h:1?retries=1":           "known: timeout, ca, cert, key",
		"agent+https://h:1/slots":               "no path",
		"visa+serial:///dev/ttyS0?baud=9601":    "usual: 1200",
		"visa+serial:///dev/ttyS0?baud=0":       "usual: 1200",
		"visa+serial:///dev/ttyS0?mode=8n1":     "8N1 or 7E1",
		"visa+serial:///dev/ttyS0?mode=9N1":     "8N1 or 7E1",
		"visa+serial:///dev/ttyS0?slots=hex":    "known: timeout, retries, baud, mode, profile",
		"futurex+tcp://h:1?profile=verifone":    "known: base, dialect",
		"futurex+tcp://h:1?slots=octal":         "decimal or hex",
		"visa+tcp://h:1?profile=pax":            "known: uic, verifone, poskey",
		"visa+serial://ttyS0":                   "three slashes",
		"visa+tcp://127.0.0.1":                  "host and port",
		"visa+tcp://:9100":                      "host and port",
		"visa+tcp://h:0":                        "port",
		"visa+tcp://h:65536":                    "port",
		"visa+tcp://h:1/slot":                   "no path",
		"visa+tcp://me:secret@h:1":              "nothing may stand in it",
		"visa+tcp://h:1#x":                      "nothing may stand in it",
		"visa+pty://dev/pts/3":                  "three slashes",
		"visa+pty:///":                          "absolute path",
		"visa+tcp://h:1?baud=9600":              `"baud" is unknown for visa+tcp`,
		"visa+tcp://h:1?timeout=5s&timeout=6s":  "twice",
		"visa+tcp://h:1?timeout=5":              "100ms to 5m0s",
		"visa+tcp://h:1?timeout=0s":             "100ms to 5m0s",
		"visa+tcp://h:1?timeout=1h":             "100ms to 5m0s",
		"visa+tcp://h:1?retries=-1":             "0 to 10",
		"visa+tcp://h:1?retries=11":             "0 to 10",
		"visa+tcp://h:1?%zz":                    "question mark",
		"visa+tcp://h:1?retries=two":            "0 to 10",
		"visa+tcp:///dev/pts/3":                 "no path",
		"visa+pty:///dev/pts/3?mode=7E1&baud=1": "usual: 1200",
	} {
		got, err := device.ParseURI(in)
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), why) || got != (device.URI{}) {
			t.Errorf("%q: %+v, %v; want a usage error with %q", in, got, err, why)
		}
	}
}

func FuzzDeviceNameMalleability(f *testing.F) {
	f.Add("visa+tcp://127.0.0.1:9100?timeout=5s&retries=0")
	f.Add("visa+pty:///dev/pts/3")
	f.Add("visa+tcp://[::1]:9100")
	f.Add("visa+serial:///dev/ttyUSB0?baud=9600&mode=7E1&profile=poskey")
	f.Add("futurex+serial:///dev/ttyUSB0?slots=hex")
	f.Add("agent+https://h:1?ca=a&cert=b&key=c")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := device.ParseURI(s)
		if err != nil {
			if u != (device.URI{}) || !fault.Is(err, fault.Usage) {
				t.Fatalf("%q: %+v with error %v", s, u, err)
			}
			return
		}
		again, err := device.ParseURI(u.String())
		if err != nil || again != u {
			t.Fatalf("%q became %q: %+v, %v; want %+v", s, u.String(), again, err, u)
		}
	})
}

func TestWhatTheURISaysGoesBefore(t *testing.T) {
	o := device.Options{Timeout: time.Second, Retries: 4, Slots: device.SlotsHex, Profile: device.ProfileUIC}
	if got := (device.URI{}).Apply(o); got.Timeout != o.Timeout || got.Retries != o.Retries || got.Slots != o.Slots ||
		got.Profile != o.Profile {
		t.Errorf("an empty URI changed the options to %+v", got)
	}
	got := device.URI{Timeout: time.Minute, Retries: device.NoRetries, Slots: device.SlotsDecimal,
		Profile: device.ProfileVeriFone}.Apply(o)
	if got.Timeout != time.Minute || got.Retries != device.NoRetries || got.Slots != device.SlotsDecimal ||
		got.Profile != device.ProfileVeriFone {
		t.Errorf("the options became %+v", got)
	}
}

func TestLinesRunAsTheDialectHasItUnlessTheURISaysOtherwise(t *testing.T) {
	for in, want := range map[string]string{
		"visa+serial:///dev/ttyS0":                        "9600 8N1",
		"futurex+serial:///dev/ttyS0":                     "115200 8N1",
		"futurex+pty:///dev/pts/1?baud=9600&mode=7E2":     "9600 7E2",
		"visa+serial:///dev/ttyS0?baud=4000000&mode=8N1":  "4000000 8N1",
		"visa+serial:///dev/ttyS0?baud=50&mode=8O2":       "50 8O2",
		"visa+serial:///dev/serial/by-id/usb-x?baud=1200": "1200 8N1",
	} {
		u, err := device.ParseURI(in)
		if got := fmt.Sprint(u.LineSpeed(), " ", u.LineMode()); err != nil || got != want {
			t.Errorf("%s runs at %s, %v; want %s", in, got, err, want)
		}
	}
	if b := device.Bauds(); !slices.IsSorted(b) || len(b) != 30 {
		t.Errorf("speeds %v", b)
	}
}

func TestRulesKnowTheirSlots(t *testing.T) {
	r := device.SlotRule{Slots: "0123", Named: []device.Slot{"90", "94"}}
	for slot, want := range map[device.Slot]bool{"0": true, "3": true, "4": false, "01": false, "": false, "90": true,
		"94": true, "91": false} {
		if r.Has(slot) != want {
			t.Errorf("slot %q: %v", slot, !want)
		}
	}
}

func TestRefusalsAreFaultsOfTheDevice(t *testing.T) {
	err := fault.Wrap(&device.CodeError{Dialect: "visa", Answer: "02?C", CodeInfo: device.CodeInfo{Code: "C",
		Meaning: text.New("the MAC is %s", "wrong"), Action: text.New("look at the KLK")}}, "load slot 1")
	if fault.KindOf(err) != fault.DeviceFailed {
		t.Errorf("kind %s", fault.KindOf(err))
	}
	if want := "load slot 1: the terminal answered 02?C: the MAC is wrong; look at the KLK"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestUnknownOutcomesAreNeverRetriable(t *testing.T) {
	cause := fault.WrapAs(fault.DeviceLink, context.Canceled, "the line failed")
	err := fault.Wrap(&device.OutcomeUnknown{Commit: device.Commit{Slot: "1"}, Cause: cause}, "slot 1")
	if k := fault.KindOf(err); k != fault.OutcomeUnknown || k.Retriable() {
		t.Errorf("kind %s", k)
	}
	if !errors.Is(err, context.Canceled) || !strings.HasSuffix(err.Error(), cause.Error()) {
		t.Errorf("the cause is lost: %v", err)
	}
}

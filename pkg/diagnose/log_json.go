package diagnose

// Lines that are JSON objects: poskey's own events, its audit log, and other programs' logs.

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"time"

	"poskey/pkg/kcv"
)

// jsonFields flattens a line that is a JSON object: names of inner objects are joined with a dot. Deeper than a few
// floors nothing is looked for.
func jsonFields(line string) (map[string]string, bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}") {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil || d.More() {
		return nil, false
	}
	fields := map[string]string{}
	flatten(fields, "", doc, 4)
	return fields, len(fields) > 0
}

func flatten(into map[string]string, prefix string, doc map[string]any, floors int) {
	for name, v := range doc {
		name = prefix + strings.ToLower(name)
		switch v := v.(type) {
		case string:
			into[name], _ = blot(v, false) // escapes may have hidden a key
		case json.Number:
			into[name], _ = blot(v.String(), false)
		case bool:
			into[name] = strconv.FormatBool(v)
		case map[string]any:
			if floors > 0 {
				flatten(into, name+".", v, floors-1)
			}
		}
	}
}

// fromJSON fills an event from fields, and gives the words that are left to hear.
func (l *logReader) fromJSON(e *Event, f map[string]string) string {
	e.At = l.timeOf(f, e.At)
	e.Where = firstField(f, "serial", "device", "terminal", "tid", "sn", "device_id", "terminal_id")
	e.Station = firstField(f, "who.station", "station", "workstation")
	e.Who = firstField(f, "who.id", "officer", "operator", "custodian", "user", "account", "by")
	e.Slot = firstField(f, "slot", "index", "key_index", "details.slot")
	switch schema := f["schema"]; {
	case strings.HasPrefix(schema, "poskey.device.event/"):
		l.deviceEvent(e, f)
	case strings.HasPrefix(schema, "poskey.inject/"):
		injectEvent(e, f)
	case f["op"] != "" && f["hash"] != "" && f["prev"] != "":
		auditEvent(e, f)
	}
	return wordsOf(f)
}

// wordsOf puts the fields in one line, the message first, names that are no words left out.
func wordsOf(f map[string]string) string {
	var names []string
	for name := range f {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range []string{"message", "msg", "error", "event", "text", "reason", "detail"} {
		if f[name] != "" {
			b.WriteString(f[name] + "; ")
		}
	}
	for _, name := range names {
		switch name {
		case "schema", "time", "ts", "timestamp", "@timestamp", "hash", "prev", "seq", "message", "msg", "error",
			"event", "text", "reason", "detail", "level", "clear":
		default:
			b.WriteString(strings.NewReplacer("_", " ", ".", " ").Replace(name) + "=" + f[name] + "; ")
		}
	}
	return b.String()
}

func firstField(f map[string]string, names ...string) string {
	for _, n := range names {
		if v := f[n]; v != "" && len(v) <= mostLabel && !strings.Contains(v, blotted) {
			return v
		}
	}
	return ""
}

// checkField keeps what is a check value.
func checkField(v string) string {
	x, err := kcv.Parse(v)
	if err != nil || len(v) >= keyDigits {
		return ""
	}
	return x.Digits
}

// timeOf reads the time of an object: text as in lines, or seconds or milliseconds since 1970.
func (l *logReader) timeOf(f map[string]string, otherwise time.Time) time.Time {
	v := firstField(f, "time", "ts", "timestamp", "@timestamp", "at", "date")
	if v == "" {
		return otherwise
	}
	if at, stamp, _ := l.stamps.read(v, l.year); stamp != "" {
		return at
	}
	n, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || n < 1e9 || n > 1e13:
		return otherwise
	case n > 1e11:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Unix(int64(n), 0).UTC()
}

// deviceEvent is an event of a terminal that poskey emulates.
func (l *logReader) deviceEvent(e *Event, f map[string]string) {
	switch f["event"] {
	case "stored":
		e.Kind, e.Got = EventLoaded, checkField(f["kcv"])
		if f["clear"] == "true" {
			e.Kind, e.Causes, e.Names = EventClearKey, causes(CauseKeyExposed), true
		}
	case "refused":
		e.Kind, e.Failed, e.Code = EventLoadFailed, true, firstField(f, "code")
		e.Causes = refusedFor(f["reason"])
		e.Names = len(e.Causes) > 0 && f["reason"] != "check-value"
	case "damaged", "unanswered":
		e.Kind, e.Failed, e.Causes = EventLink, true, causes(CauseLinkFault)
	case "corrupted":
		e.Kind, e.Failed, e.Causes, e.Names = EventStorage, true, ofStorage(), true
	case "tampered", "keys-not-destroyed":
		e.Kind, e.Failed, e.Causes, e.Names = EventTamper, true, causes(CauseTamper), true
	case "erased":
		e.Kind = EventErased
	case "restarted":
		e.Kind = EventRestart
	case "denied":
		e.Kind, e.Failed = EventLoginFailed, true
	}
}

// refusedFor gives the causes of a terminal's reason, in its own words.
func refusedFor(reason string) []Cause {
	switch reason {
	case "tampered":
		return causes(CauseTamper)
	case "not-in-inject-mode":
		return causes(CauseProcedure)
	case "load-limit", "memory": // seen as a slot that stays empty
		return causes(CauseEmptySlot, CauseProcedure)
	case "storage", "damaged", "kek-damaged":
		return ofStorage()
	case "slot", "kek-slot", "slot-occupied":
		return ofIndex()
	case "key-length":
		return ofLength()
	case "algorithm":
		return causes(CauseCipherFamily, CauseFirmwareOld)
	case "usage", "mode", "kek-usage":
		return ofUsage()
	case "duplicate":
		return causes(CauseDuplicateValue)
	case "check-value":
		return ofMismatch()
	case "ksn", "ksn-used":
		return causes(CauseKSNMismatch)
	case "expired", "counter-exhausted":
		return causes(CauseKeyExpired)
	case "block-version":
		return causes(CauseFirmwareOld, CauseSchemeVariant)
	case "block-form", "form":
		return causes(CauseSchemeVariant, CauseLinkFault)
	case "block-mac", "decryption", "kek-check-value":
		return ofUnwrap()
	case "kek-missing", "slot-empty":
		return causes(CauseEmptySlot, CauseWrongSlot)
	case "too-long":
		return causes(CauseWeakProtector)
	}
	return nil
}

// injectEvent is a load as `inject` prints it.
func injectEvent(e *Event, f map[string]string) {
	switch {
	case f["loaded"] == "true":
		e.Kind, e.Expected, e.Got = EventLoaded, checkField(f["sent.kcv"]), checkField(f["read_back.kcv"])
		if f["clear"] == "true" {
			e.Kind, e.Causes, e.Names = EventClearKey, causes(CauseKeyExposed), true
		}
	case f["error"] != "":
		e.Kind, e.Failed, e.Expected, e.Got = EventLoadFailed, true, checkField(f["sent.kcv"]),
			checkField(f["read_back.kcv"])
	}
}

// auditEvent is a record of poskey's audit log that has an outcome.
func auditEvent(e *Event, f map[string]string) {
	result := f["outcome.result"]
	e.Failed = result == "refused" || result == "failed"
	load := strings.Contains(f["op"], "inject") || strings.Contains(f["op"], "load")
	switch {
	case load && result == "ok":
		e.Kind, e.Got = EventLoaded, checkField(f["object.check"])
	case load && e.Failed:
		e.Kind = EventLoadFailed
	case strings.HasSuffix(f["op"], ".compromise") && result == "ok":
		e.Kind, e.Causes, e.Names = EventExposed, causes(CauseKeyExposed), true
	case e.Failed && f["outcome.fault"] == "kcv_mismatch":
		e.Kind, e.Causes = EventMismatch, causes(CauseMistypedDigit, CauseWrongTMK)
	}
}

package diagnose

// What a line of a log says: its kind, its code, its causes.

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// logEars listen to the lines of one log.
type logEars struct {
	*Ears
	*logWords
	vendor string
}

func newLogEars(o LogOptions) *logEars {
	return &logEars{Ears: o.Ears, logWords: o.Ears.log(), vendor: o.Vendor}
}

// logWords are what lines of logs are heard with, beside what texts are heard with.
type logWords struct {
	plain  []topic // those of lines without a word of failure
	value  *sieve
	until  *sieve
	answer *sieve
	heat   *sieve
	stamps []stampForm
	labels *labelReader
	worth  quickWords

	healthy, failure, success, traded, signIn, load, restart, login, link, people, sending, entry, program pattern

	aboutKey, keyOrPart, wentOut, inClear, ofMAC, ofPIN, unlikeSuccess, butDone pattern
}

func newLogWords() *logWords {
	return &logWords{plain: plainTopics(), stamps: stampForms(), labels: newLabelReader(),
		value: newSieve(`(?i)(?:kcv|check ?value|校验值)[^0-9A-Za-z]{0,4}([0-9A-F]{4,15})\b`),
		until: newSieve(`(?i)(?:valid until|valid to|expires(?: on| at)?|expiry(?: date)?|有效期至|到期日|` +
			`到期)\s*[:=]?\s*(\d{4}-\d\d-\d\d)`),
		answer: newSieve(`(?i)(?:de ?39|f39|field ?39|rc|rsp|resp(?:onse)?(?: ?code)?|应答码|返回码|响应码)\s*[:= ` +
			`]?\s*["']?([0-9A-Z]{2})\b`),
		heat: newSieve(`(?i)(?:temperature|temp\.?|` +
			`温度)[^0-9-]{0,12}(-?\d{1,3}(?:\.\d+)?).{0,16}?(?:limit|max(?:imum)?|上限|` +
			`限值)[^0-9-]{0,6}(-?\d{1,3}(?:\.\d+)?)`),
		worth: newQuickWords(wordsWorthHearing), healthy: patternOf(wordsOfHealth),
		failure: patternOf(wordsOfFailure), success: patternOf(wordsOfSuccess), traded: patternOf(wordsOfTrade),
		signIn: patternOf(wordsOfSignIn),
		load:   patternOf(wordsOfLoad), restart: patternOf(wordsOfRestart), login: patternOf(wordsOfLogin),
		link:   patternOf(wordsOfLink),
		people: patternOf(wordsOfPeople), sending: patternOf(wordsOfSending), entry: patternOf(wordsOfEntry),
		program:   patternOf("client|application|app |service|客户端|应用|服务"),
		aboutKey:  patternOf("key|tmk|pik|mak|tdk|ipek|bdk|zmk|slot|密钥|槽"),
		keyOrPart: patternOf("key |component|密钥|分量"), wentOut: patternOf("sent|send|发送|发给|传给"),
		inClear: patternOf("clear|plain|明文"), ofMAC: patternOf("mac|a0"), ofPIN: patternOf("pin|55|99"),
		unlikeSuccess: patternOf("fail|mismatch|wrong|error|失败|错|不"),
		butDone:       patternOf("ok |成功|succe|done|accepted")}
}

// hear fills an event from a line's words, and reports whether it is one. A line of trouble is heard again without
// what it takes back: "tamper: none" is no tamper.
func (l *logEars) hear(e *Event, said string) bool {
	line := sift(said)
	if !l.worth.in(line) {
		return false
	}
	before, h := *e, hear(said)
	found := l.hearAll(e, line, h)
	if found && !e.Failed && e.Kind != EventPlace || before.Kind != "" {
		return found
	}
	if found {
		rest, calm := l.calm.calmed(said)
		if !calm {
			return true
		}
		*e = before
		if unicodeWord(rest) && l.hearAll(e, sift(rest), hear(rest)) {
			return true
		}
		*e = before
		e.Kind = EventHealthy
		return true
	}
	if l.healthy.in(h) {
		e.Kind = EventHealthy
	}
	return e.Kind != ""
}

// hearAll fills an event from words.
func (l *logEars) hearAll(e *Event, line *sifted, h heard) bool {
	failing := l.failure.in(h)
	l.checkValues(e, line)
	differ(e)
	if m := l.until.submatch(line); m != nil {
		if day, err := time.Parse(time.DateOnly, m[1]); err == nil {
			e.Until = day
		}
	}
	if e.Kind != "" {
		return true // a program said so in fields of its own
	}
	if l.overLimit(line) {
		e.Kind, e.Causes, e.Names, e.Failed = EventPlace, causes(CauseEnvironment, CauseTamper), true, true
		return true
	}
	for _, look := range []func(*Event, heard, *sifted, bool) bool{l.words, l.codes, l.worked, l.failed} {
		if look(e, h, line, failing) {
			return true
		}
	}
	return e.Kind != ""
}

// overLimit reports whether a line tells of a temperature above its limit.
func (l *logEars) overLimit(line *sifted) bool {
	m := l.heat.submatch(line)
	if m == nil {
		return false
	}
	is, err1 := strconv.ParseFloat(m[1], 64)
	most, err2 := strconv.ParseFloat(m[2], 64)
	return err1 == nil && err2 == nil && is > most
}

// checkValues takes the check values of a line.
func (l *logEars) checkValues(e *Event, line *sifted) {
	if !hasAny(line.low, "kcv", "check", "校验", "expect") {
		return
	}
	if e.Expected == "" && e.Got == "" {
		if expected, got, ok := matchValues(l.values, line); ok {
			e.Expected, e.Got = expected.Digits, got.Digits
		} else if m := l.value.submatch(line); m != nil && hasDigit(m[1]) {
			e.Got = checkField(m[1])
		}
	}
	differ(e)
}

// differ makes a mismatch of an event with two values that differ.
func differ(e *Event) {
	if e.Expected != "" && e.Got != "" && !strings.EqualFold(e.Expected, e.Got) {
		e.Failed = true
		if e.Kind == "" || e.Kind == EventLoaded || e.Kind == EventLoadFailed {
			e.Kind = EventMismatch
			if len(e.Causes) == 0 {
				e.Causes = ofMismatch()
			}
		}
	}
}

// kindOf gives the kind of event that a saying tells of.
func (l *logEars) kindOf(s *saying, h heard) EventKind {
	switch s.causes[0] {
	case CauseTamper:
		return EventTamper
	case CauseKeyExposed:
		if l.inClear.in(h) {
			return EventClearKey
		}
		return EventExposed
	case CauseKeyExpired:
		return EventExpired
	case CausePowerLoss:
		return EventPower
	case CauseFirmwareOld:
		return EventFirmware
	case CauseLinkFault:
		return EventLink
	case CauseStorageCorrupt:
		return EventStorage
	case CauseEnvironment:
		return EventPlace
	case CauseInjectorClock:
		return EventClock
	case CausePINBlock:
		return EventPINError
	case CauseMistypedDigit:
		return EventSlip
	case CauseKeysRolled, CauseMACRule:
		if l.ofMAC.in(h) {
			return EventMACError
		}
		if l.ofPIN.in(h) {
			return EventPINError
		}
	}
	if !s.names && s.causes[0] == CauseWrongBinding {
		return EventSignInFailed
	}
	if !s.names && s.page == SituationCheckFailed {
		return EventMismatch
	}
	return EventCode
}

// plainly reports whether a line says what it says of a cause without a word of failure: others name things that a
// healthy log names too.
func plainly(c Cause) bool {
	return slices.Contains(causes(CauseTamper, CauseKeyExposed, CauseKeyExpired, CausePowerLoss, CauseKeyService,
		CausePinpadPort), c)
}

// plainTopics are the topics with the sayings alone that need no word of failure.
func plainTopics() []topic {
	var all []topic
	for _, t := range topics() {
		plain := slices.DeleteFunc(slices.Clone(t.sayings), func(s saying) bool {
			return len(s.causes) == 0 ||
				!plainly(s.causes[0])
		})
		if len(plain) > 0 {
			all = append(all, topicOf(plain, t.first))
		}
	}
	return all
}

// words takes what sayings tell of.
func (l *logEars) words(e *Event, h heard, _ *sifted, failing bool) bool {
	topics := l.topics
	if !failing {
		topics = l.plain
	}
	for _, s := range heardWith(h, topics) {
		if len(s.causes) == 0 || l.traded.in(h) && s.causes[0] != CauseTamper {
			continue
		}
		if !s.names && l.success.in(h) && !l.unlikeSuccess.in(h) {
			continue
		}
		kind := l.kindOf(&s, h)
		if kind == EventCode && e.Kind != "" || e.Names && !s.names || rankOfKind(kind) >= rankOfKind(e.Kind) &&
			e.Kind != "" {
			continue
		}
		e.Kind, e.Causes, e.Names, e.Failed = kind, s.causes, s.names, true
	}
	if l.entry.in(h) && rankOfKind(EventSlip) < rankOfKind(e.Kind) {
		e.Kind, e.Failed = EventSlip, true
	}
	if l.sending.in(h) && l.keyOrPart.in(h) && l.wentOut.in(h) {
		e.Kind, e.Causes, e.Names, e.Failed = EventExposed, causes(CauseKeyExposed), true, true
	}
	if e.Kind == EventMACError || e.Kind == EventPINError || e.Kind == EventCode || e.Kind == EventMismatch ||
		e.Kind == EventSlip || e.Kind == EventLink || e.Kind == EventSignInFailed {
		return false // a code may say more
	}
	return e.Kind != ""
}

// rankOfKind orders kinds where a line tells of several: what explains the others comes first.
func rankOfKind(k EventKind) int {
	order := []EventKind{EventTamper, EventClearKey, EventExposed, EventStorage, EventExpired, EventFirmware,
		EventClock, EventPower, EventPlace, EventSlip, EventMACError,
		EventPINError, EventLink, EventMismatch, EventCode}
	if i := slices.Index(order, k); i >= 0 {
		return i
	}
	return len(order)
}

func (l *logEars) trade(e *Event, h heard) bool {
	e.Kind, e.Failed, e.Causes = EventTraded, false, nil
	if l.signIn.in(h) {
		e.Kind = EventSignedIn
	}
	return true
}

// worked takes what worked.
func (l *logEars) worked(e *Event, h heard, _ *sifted, failing bool) bool {
	if e.Kind != "" || failing && !l.butDone.in(h) {
		return false
	}
	switch done := l.success.in(h); {
	case l.signIn.in(h) && done:
		e.Kind = EventSignedIn
	case l.traded.in(h):
		e.Kind = EventTraded
	case l.load.in(h) && done && l.aboutKey.in(h):
		e.Kind = EventLoaded
	case l.restart.in(h) && !l.program.in(h):
		e.Kind = EventRestart
	case e.Got != "":
		e.Kind = EventChecked
	case !e.Until.IsZero():
		e.Kind = EventValid
	}
	return e.Kind != ""
}

// failed takes what did not work and has no cause of its own.
func (l *logEars) failed(e *Event, h heard, _ *sifted, failing bool) bool {
	switch {
	case l.login.in(h):
		e.Kind = EventLoginFailed
	case l.link.in(h) && !l.people.in(h):
		e.Kind, e.Causes = EventLink, causes(CauseLinkFault)
	case l.restart.in(h) && !l.program.in(h):
		e.Kind = EventRestart
		return true
	case !failing:
		return false
	case l.signIn.in(h):
		e.Kind = EventSignInFailed
	case l.load.in(h) && l.aboutKey.in(h):
		e.Kind = EventLoadFailed
	default:
		return false
	}
	e.Failed = true
	return true
}

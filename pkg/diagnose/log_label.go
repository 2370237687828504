package diagnose

// Labels in a line: whose it is and who did it.

import (
	"regexp"
	"strings"
	"unicode"

	"poskey/internal/text"
)

// labelReader finds device or station, officer or operator, and slot, where they are labelled.
type labelReader struct {
	where, glued, station, who, slot *sieve
	host                             *regexp.Regexp
}

func newLabelReader() *labelReader {
	const value = `\s*(?:(?:[:=]|号[:=]?)\s*["']?|\s)["']?([\p{L}\p{N}][\p{L}\p{N}._#-]{0,39})`
	return &labelReader{
		where: newSieve(`(?i)(?:\b(?:device|terminal|tid|term|serial|sn|pos|pinpad)|终端|设备|机号|序列号|终端号|` +
			`机器)` + value),
		glued: newSieve(`(?:终端|设备|机号|机器|机具)([A-Z]{1,6}[-_]?\d[\w-]{0,38})`),
		host: regexp.MustCompile(`^\s*(?:<\d{1,3}>(?:\d{1,2} )?\s*([A-Za-z0-9][\w.-]{0,39}) +\S|` +
			`([A-Za-z0-9][\w.-]{0,39}) [\w./-]{1,32}\[\d+\]: |([A-Z]{1,6}[-_]?\d{4,16})[ :,])`),
		station: newSieve(`(?i)(?:\b(?:station|workstation|desk|bench)|工位|工作站|台位)` + value),
		who: newSieve(`(?i)(?:\b(?:officer|operator|custodian|supervisor|administrator|admin|user|` +
			`oper|account|by|who)|操作员|管理员|柜员|保管人|操作人|主管)` + value),
		slot: newSieve(`(?i)(?:\b(?:slot|key ?index|index|key_index|idx)|槽位|密钥索引|索引号|` +
			`索引)\s*[:=#号]?\s*["']?(\d{1,4})\b`),
	}
}

// read fills what the event does not have yet.
func (l *labelReader) read(e *Event, line string) {
	in := sift(line)
	if e.Where == "" {
		e.Where = label(l.where, in)
	}
	if e.Where == "" {
		if m := l.glued.submatch(in); m != nil {
			e.Where = m[1]
		}
	}
	if e.Station == "" {
		e.Station = label(l.station, in)
	}
	if e.Who == "" {
		e.Who = label(l.who, in)
	}
	if e.Slot == "" {
		if m := l.slot.submatch(in); m != nil {
			e.Slot = m[1]
		}
	}
}

// sender gives the device or program that a line of syslog comes from, or the serial number that a line begins with.
func (l *labelReader) sender(line string) string {
	m := l.host.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return text.OneLine(m[1]+m[2]+m[3], mostLabel)
}

// label takes the first value that can be one: behind a colon or an equals sign anything, else only what has a digit
// or is one capital letter: "user cancelled" names nobody.
func label(pattern *sieve, l *sifted) string {
	if !pattern.may(l) {
		return ""
	}
	line := l.text
	for _, m := range pattern.re.FindAllStringSubmatchIndex(line, 4) {
		value := line[m[2]:m[3]]
		gap := line[:m[2]]
		told := strings.ContainsAny(gap[max(0, len(gap)-3):], ":=号")
		letter := len(value) == 1 && unicode.IsUpper(rune(value[0]))
		if (told || letter || strings.ContainsAny(value, "0123456789")) && !strings.EqualFold(value, "hidden") {
			return text.OneLine(strings.TrimRight(value, ".-_"), mostLabel)
		}
	}
	return ""
}

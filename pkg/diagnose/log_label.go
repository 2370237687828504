package diagnose

// Labels in a line: whose it is and who did it.

import (
	"regexp"
	"strings"
	"unicode"

	"poskey/internal/text"
)

// labelReader finds device or station, officer or operator, and slot, where they are labelled.
type labelReader struct{ where, station, who, slot *regexp.Regexp }

func newLabelReader() *labelReader {
	const value = `\s*(?:(?:[:=]|号[:=]?)\s*["']?|\s)["']?([\p{L}\p{N}][\p{L}\p{N}._#-]{0,39})`
	return &labelReader{
		where:   regexp.MustCompile(`(?i)(?:\b(?:device|terminal|tid|term|serial|sn|pos|pinpad)|终端|设备|机号|序列号|终端号|机器)` + value),
		station: regexp.MustCompile(`(?i)(?:\b(?:station|workstation|desk|bench)|工位|工作站|台位)` + value),
		who:     regexp.MustCompile(`(?i)(?:\b(?:officer|operator|custodian|supervisor|administrator|admin|user|oper|account|by|who)|操作员|管理员|柜员|保管人|操作人|主管)` + value),
		slot:    regexp.MustCompile(`(?i)(?:\b(?:slot|key ?index|index|key_index|idx)|槽位|密钥索引|索引号|索引)\s*[:=#号]?\s*["']?(\d{1,4})\b`),
	}
}

// read fills what the event does not have yet.
func (l *labelReader) read(e *Event, line string) {
	if e.Where == "" {
		e.Where = label(l.where, line)
	}
	if e.Station == "" {
		e.Station = label(l.station, line)
	}
	if e.Who == "" {
		e.Who = label(l.who, line)
	}
	if e.Slot == "" {
		if m := l.slot.FindStringSubmatch(line); m != nil {
			e.Slot = m[1]
		}
	}
}

// label takes the first value that can be one: behind a colon or an equals sign anything, else only what has a digit or is
// one capital letter: "user cancelled" names nobody.
func label(pattern *regexp.Regexp, line string) string {
	for _, m := range pattern.FindAllStringSubmatchIndex(line, 4) {
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

package diagnose

// Time stamps at the beginning of a line.

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// stampReader finds the time stamp that a line begins with: RFC 3339 and its relatives, 2026/3/4, 2026.03.04,
// 2026年3月4日, 20260304120000, 04/03/2026 and 3/4/2026 PM, 04-Mar-2026, 04/Mar/2026:12:00:00 +0800, Wed Mar 4 2026, those of
// logcat and syslog without a year, and seconds or milliseconds since 1970.
//
// Of 04/03/2026 the first number is the day, but where the line says AM or PM, or where an earlier line of the log can be
// read in one way only.
type stampReader struct {
	in         *time.Location
	forms      []stampForm
	last       int       // the form of the line before: most logs have one
	monthFirst bool      // a stamp of the log had the month first
	carried    time.Time // of a record whose stamp stood on a line of its own
}

// stampForm is a form of time stamps: its parts have names.
type stampForm struct {
	begins *regexp.Regexp
	names  []string
}

// Parts of time stamps.
const (
	// stampPrefix is what may stand before one: a priority of syslog, the level and thread of a logger, a column of a
	// table, a label, a bracket, a day of the week.
	stampPrefix = `^\s*(?:<\d{1,3}>\d{0,2}\s*)?(?:"?[\p{L} ]{1,24}"?[,\t|]\s*)?(?:\[[\w .:#-]{1,32}\]\s*)?(?:[A-Z]{1,8}[ :/|]+)?` +
		`(?:(?i:time|ts|timestamp|date|datetime|time ?created|date and time|日期|时间|日期和时间|记录时间|记录日期)\s*[=:：]\s*)?[\["'(【]?` +
		`(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?`
	stampClock = `(?P<half>上午|下午)? ?(?P<hour>\d{1,2})[:时](?P<min>\d\d)[:分](?P<sec>\d\d)秒?(?:[.,](?P<frac>\d{1,9}))?(?: ?(?P<pm>[AaPp][Mm])\b)?`
	stampZone  = `(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?`
	stampMonth = `(?P<name>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?`
)

func newStampReader(forms []stampForm, in *time.Location) *stampReader {
	return &stampReader{forms: forms, in: in}
}

func stampForms() []stampForm {
	var forms []stampForm
	for _, pattern := range []string{
		`(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[T ] ?` + stampClock + stampZone,
		`(?P<year>\d{4})年(?P<month>\d{1,2})月(?P<day>\d{1,2})日 ?` + stampClock,
		`(?P<year>\d{4})(?P<month>[01]\d)(?P<day>[0-3]\d)[ T_-]?(?P<hour>[0-2]\d)(?P<min>[0-5]\d)(?P<sec>[0-5]\d)(?:\.(?P<frac>\d{1,6}))?\b`,
		`(?P<one>\d{1,2})[/.-](?P<two>\d{1,2})[/.-](?P<year>\d{4}),?[ T]` + stampClock + stampZone,
		`(?P<day>\d{1,2})[-/ ]` + stampMonth + `[-/ ,]+(?P<year>\d{4})[ T:]` + stampClock + stampZone,
		stampMonth + ` {1,2}(?P<day>\d{1,2}),? (?P<year>\d{4}),? ` + stampClock + stampZone,
		stampMonth + ` {1,2}(?P<day>\d{1,2}) ` + stampClock + `(?: (?P<year>20\d\d)\b)?`,
		`(?P<month>[01]\d)-(?P<day>[0-3]\d) ` + stampClock,
		`(?P<epoch>1\d{9})(?:\.?(?P<frac>\d{3}|\d{6}|\d{9}))?(?:[\s,\]"']|$)`,
	} {
		re := regexp.MustCompile(stampPrefix + `(?P<all>` + pattern + `)[\]"')】]?[,:]?`)
		forms = append(forms, stampForm{re, re.SubexpNames()})
	}
	return forms
}

// mostStamp bounds where a time stamp is looked for.
const mostStamp = 110

// read gives the time that a line begins with, the stamp, and the line without it. A line without one has zero time, or that
// of the record that it belongs to.
func (s *stampReader) read(line string, year int) (at time.Time, stamp, rest string) {
	head := line[:min(len(line), mostStamp)]
	if !strings.ContainsAny(head, "0123456789") {
		return s.without(line)
	}
	for n := range s.forms {
		i := (s.last + n) % len(s.forms)
		m := s.forms[i].begins.FindStringSubmatchIndex(head)
		if m == nil {
			continue
		}
		parts := s.forms[i].parts(head, m)
		from, to := parts.from, parts.to
		at, ok := s.timeOf(&parts, year)
		if !ok {
			continue
		}
		s.last = i
		rest = line[:from] + line[to:]
		s.carried = time.Time{}
		if onlyLabel(rest) {
			s.carried = at
		}
		return at, line[from:to], rest
	}
	return s.without(line)
}

// without takes a line that has no stamp.
func (s *stampReader) without(line string) (time.Time, string, string) {
	if strings.TrimSpace(line) == "" {
		s.carried = time.Time{}
	}
	return s.carried, "", line
}

// onlyLabel reports whether a line has nothing but the label of its stamp: a record whose fields stand below each other.
func onlyLabel(rest string) bool {
	label, more, ok := strings.Cut(strings.ReplaceAll(rest, "：", ":"), ":")
	return ok && strings.TrimSpace(label) != "" && strings.Trim(more, " :\t") == ""
}

// stampParts are the parts of a stamp, by name.
type stampParts struct {
	from, to int // of the stamp in the line
	values   map[string]string
}

func (f *stampForm) parts(head string, m []int) stampParts {
	p := stampParts{values: map[string]string{}}
	for n, name := range f.names {
		switch {
		case name == "" || m[2*n] < 0:
		case name == "all":
			p.from, p.to = m[2*n], m[2*n+1]
			if strings.HasSuffix(head[p.from:p.to], " ") { // what ends seconds since 1970
				p.to--
			}
		default:
			p.values[name] = head[m[2*n]:m[2*n+1]]
		}
	}
	return p
}

func (p *stampParts) number(name string) int {
	n, _ := strconv.Atoi(p.values[name])
	return n
}

// timeOf makes a time of the parts; a stamp without a year in a log without one is a stamp, and no date.
func (s *stampReader) timeOf(p *stampParts, year int) (time.Time, bool) {
	if epoch := p.number("epoch"); epoch > 0 {
		return time.Unix(int64(epoch), int64(fraction(p.values["frac"]))).UTC(), true
	}
	if y := p.number("year"); y > 0 {
		year = y
	}
	month, day := p.number("month"), p.number("day")
	if name := p.values["name"]; name != "" {
		at, err := time.Parse("Jan", name)
		if err != nil {
			return time.Time{}, false
		}
		month = int(at.Month())
	}
	if p.values["one"] != "" {
		month, day = s.ordered(p)
	}
	hour, ok := p.hour()
	if !ok || month < 1 || month > 12 || day < 1 || day > 31 || p.number("min") > 59 || p.number("sec") > 60 {
		return time.Time{}, false
	}
	if year == 0 {
		return time.Time{}, true
	}
	at := time.Date(year, time.Month(month), day, hour, p.number("min"), p.number("sec"), int(fraction(p.values["frac"])), p.zone(s.in))
	return at.UTC(), at.Day() == day
}

// ordered says which of the first two numbers is the month.
func (s *stampReader) ordered(p *stampParts) (month, day int) {
	one, two := p.number("one"), p.number("two")
	switch {
	case one > 12:
		s.monthFirst = false
	case two > 12 || p.values["pm"] != "":
		s.monthFirst = true
	}
	if s.monthFirst {
		return one, two
	}
	return two, one
}

func (p *stampParts) hour() (int, bool) {
	hour, half := p.number("hour"), strings.ToLower(p.values["pm"])
	if p.values["half"] != "" {
		half = map[string]string{"上午": "am", "下午": "pm"}[p.values["half"]]
	}
	switch {
	case half != "" && hour > 12 && p.values["half"] == "" || hour > 24:
		return 0, false
	case half == "pm" && hour < 12:
		return hour + 12, true
	case half == "am" && hour == 12:
		return 0, true
	}
	return hour, true
}

func (p *stampParts) zone(otherwise *time.Location) *time.Location {
	switch zone := p.values["zone"]; zone {
	case "":
		return otherwise
	case "Z", "UTC", "GMT":
		return time.UTC
	default:
		t, err := time.Parse("-0700", strings.Replace(zone, ":", "", 1))
		if err != nil {
			return otherwise
		}
		return t.Location()
	}
}

// fraction reads the digits behind the point of a second.
func fraction(digits string) time.Duration {
	if digits == "" || len(digits) > 9 {
		return 0
	}
	n, err := strconv.ParseInt(digits+strings.Repeat("0", 9-len(digits)), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n)
}

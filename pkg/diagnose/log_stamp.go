package diagnose

// Time stamps at the beginning of a line.

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// stampReader finds the time stamp that a line begins with.
type stampReader struct {
	in    *time.Location
	forms []stampForm
}

// stampForm is a form of time stamps; a layout without a year has the year put before it.
type stampForm struct {
	begins *regexp.Regexp
	layout string
	noYear bool
}

// stampPrefix is what may stand before a time stamp: a bracket, a priority of syslog, a level.
const stampPrefix = `^\s*(?:<\d{1,3}>\d?\s*)?(?:[A-Z]{1,7}[ :/]+)?(?:(?i:time|ts|timestamp|时间)\s*[=:]\s*)?[\["'(【]?`

func newStampReader(in *time.Location) *stampReader {
	form := func(pattern, layout string, noYear bool) stampForm {
		return stampForm{regexp.MustCompile(stampPrefix + "(" + pattern + `)[\]"')】]?[,:]?`), layout, noYear}
	}
	return &stampReader{in: in, forms: []stampForm{
		form(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})? ?(?:Z|[+-]\d\d:?\d\d)?`, "2006-01-02 15:04:05", false),
		form(`\d{4}/\d\d/\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`, "2006/01/02 15:04:05", false),
		form(`\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})?`, "2006.01.02 15:04:05", false),
		form(`\d{4}年\d{1,2}月\d{1,2}日 ?\d\d:\d\d:\d\d`, "2006年1月2日 15:04:05", false),
		form(`\d{4}[01]\d[0-3]\d[ T_-]?[0-2]\d[0-5]\d[0-5]\d(?:\.\d{1,6})?\b`, "20060102150405", false),
		form(`[01]\d-[0-3]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?`, "2006 01-02 15:04:05", true),
		form(`(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-3]\d \d\d:\d\d:\d\d`, "2006 Jan _2 15:04:05", true),
	}}
}

// mostStamp bounds where a time stamp is looked for.
const mostStamp = 80

// read gives the time that a line begins with, the stamp, and the line without it. A line without one has zero time.
func (s *stampReader) read(line string, year int) (at time.Time, stamp, rest string) {
	head := line[:min(len(line), mostStamp)]
	if !strings.ContainsAny(head, "0123456789") {
		return time.Time{}, "", line
	}
	for _, f := range s.forms {
		m := f.begins.FindStringSubmatchIndex(head)
		if m == nil {
			continue
		}
		stamp = head[m[2]:m[3]]
		if at, ok := f.parse(stamp, year, s.in); ok {
			return at, stamp, line[:m[2]] + line[m[3]:]
		}
	}
	return time.Time{}, "", line
}

func (f *stampForm) parse(stamp string, year int, in *time.Location) (time.Time, bool) {
	if f.noYear && year == 0 {
		return time.Time{}, true // a stamp, but no date
	}
	whole, zone := stamp, in
	fraction := ""
	if i := strings.IndexAny(whole, ".,"); i >= 0 && !strings.HasPrefix(f.layout, "2006.") {
		whole, fraction = whole[:i], whole[i+1:]
	}
	if f.layout == "2006-01-02 15:04:05" {
		whole, zone = zoneOf(strings.Replace(stamp, "T", " ", 1), in)
	}
	switch f.layout {
	case "20060102150405":
		whole = strings.NewReplacer(" ", "", "T", "", "_", "", "-", "").Replace(whole)
	case "2006/01/02 15:04:05":
		whole = strings.Replace(whole, "T", " ", 1)
	case "2006年1月2日 15:04:05":
		whole = strings.Replace(strings.Replace(whole, "日 ", "日", 1), "日", "日 ", 1)
	}
	if f.noYear {
		whole = strconv.Itoa(year) + " " + whole
	}
	if f.layout == "2006-01-02 15:04:05" {
		if i := strings.IndexAny(whole, ".,"); i >= 0 {
			whole, fraction = whole[:i], whole[i+1:]
		}
	}
	at, err := time.ParseInLocation(f.layout, strings.TrimSpace(whole), zone)
	if err != nil {
		return time.Time{}, false
	}
	return at.Add(parts(fraction)).UTC(), true
}

// zoneOf takes the zone off a time stamp.
func zoneOf(stamp string, in *time.Location) (string, *time.Location) {
	if s, ok := strings.CutSuffix(stamp, "Z"); ok {
		return strings.TrimSpace(s), time.UTC
	}
	i := strings.LastIndexAny(stamp, "+-")
	if i < len("2006-01-02 15:04") {
		return stamp, in
	}
	t, err := time.Parse("-0700", strings.Replace(stamp[i:], ":", "", 1))
	if err != nil {
		return stamp, in
	}
	return strings.TrimSpace(stamp[:i]), t.Location()
}

// parts reads the digits behind the point of a second.
func parts(fraction string) time.Duration {
	digits := strings.TrimFunc(fraction, func(r rune) bool { return r < '0' || r > '9' })
	if digits == "" || len(digits) > 9 {
		return 0
	}
	n, err := strconv.ParseInt(digits+strings.Repeat("0", 9-len(digits)), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n)
}

func decimal(n int) string { return strconv.Itoa(n) }

package component

import (
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
)

// pageOf is a sheet as a printed page has it.
func pageOf(sheet string) string {
	var b strings.Builder
	b.WriteString("==== TEST ====\r\nCOMPONENT 1 OF 2    FOR THE EYES OF ITS CUSTODIAN ALONE\r\n" +
		"custodian      : poskey component sheet 1                             | TEST\r\n---- TEST ----\r\n")
	row := 'A'
	for line := range strings.Lines(sheet) {
		letter := ' '
		if strings.HasPrefix(line, "row ") {
			letter, row = row, row+1
		}
		fmt.Fprintf(&b, " %c | %-55s | TEST\r\n", letter, strings.TrimSuffix(line, "\n"))
	}
	b.WriteString("---- TEST ----\r\n\r\ncustodian ________  witness ________\r\n==== TEST ====\r\n\f")
	return b.String()
}

func TestASheetIsReadOffItsPrintedPage(t *testing.T) {
	noLeaks(t)
	for _, golden := range []string{goldenXOR, goldenShamir} {
		page := pageOf(golden)
		for name, in := range map[string]string{"as it is": page, "in capitals": strings.ToUpper(page), "in small letters": strings.ToLower(page),
			"with line feeds": strings.ReplaceAll(page, "\r", ""), "without a mark": strings.ReplaceAll(page, " | TEST", " |"),
			"bars alone": strings.ReplaceAll(page, " | TEST", ""), "with a byte order mark": "\ufeff" + page} {
			if !IsSheet([]byte(in)) {
				t.Errorf("%s: IsSheet does not know it", name)
			}
			p, err := ParseSheet([]byte(in))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := string(sheetOf(t, p)); got != golden {
				t.Errorf("%s: read as\n%s", name, got)
			}
			p.Wipe()
		}
	}
}

func TestWrongPagesAreRefused(t *testing.T) {
	noLeaks(t)
	page := pageOf(goldenXOR)
	for name, c := range map[string]struct {
		in   string
		kind fault.Kind
		want string
	}{
		"a mistyped digit":    {strings.Replace(page, "0723 CD4C", "0723 CD4D", 1), fault.ChecksumMismatch, "part 1, row 1"},
		"a row is missing":    {strings.Replace(page, " B | row 2", " B   row 2", 1), fault.MalformedSheet, ""},
		"two pages":           {page + page, fault.MalformedSheet, "nothing may follow"},
		"half a page":         {page[:len(page)/2], fault.MalformedSheet, ""},
		"bars and no sheet":   {"dear custodian | of a key |\n", fault.MalformedSheet, ""},
		"no bar at the title": {strings.Replace(page, "| poskey component", "  poskey component", 1), fault.MalformedSheet, ""},
	} {
		p, err := ParseSheet([]byte(c.in))
		if p != nil || !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNormalPagesAreNormalSheets(t *testing.T) {
	noLeaks(t)
	for _, in := range []string{pageOf(goldenXOR), pageOf(goldenXOR) + pageOf(goldenShamir), "| " + titleName + " | |\n| |\n| |\n", "x | " + titleName,
		"x |" + titleName + " | AB", "| " + titleName + " |\n|ab | CD |", titleName + " | " + titleName + " |"} {
		once, err := Normalise([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Normalise(once.Expose())
		if err != nil || !twice.Equal(once) {
			t.Errorf("%q\nbecomes %q\nand then %q (%v)", in, once.Expose(), twice.Expose(), err)
		}
		once.Wipe()
		twice.Wipe()
	}
}

package minutes

// A paper before it is set: blocks one below the other. The page and the PDF are made of the same.

import (
	"time"

	"poskey/internal/text"
)

// tone is what a text is to the reader.
type tone string

const (
	plain tone = ""
	good  tone = "good"
	bad   tone = "bad"
	quiet tone = "quiet"
)

// cell is a text in a table. An empty one with Write is a place to write by hand.
type cell struct {
	Text   string
	Mono   bool
	Bold   bool
	Write  bool
	Struck bool // through: it is void
	Tone   tone
}

type column struct {
	Title string
	Share float64 // of the width; they are added up
}

// table is rows of cells. Headed tables repeat their head on every page; a form's table has lines around its cells.
type table struct {
	Columns []column
	Rows    [][]cell
	Headed  bool
	Form    bool
	Labels  bool    // every other column, from the first, is a label
	High    float64 // of a row at least, in mm
	Again   string  // what a table without a head says on top of its next page
}

// blockKind is what a block is.
type blockKind string

const (
	blockHeading blockKind = "heading"
	blockStep    blockKind = "step" // heading of a step: Text, Aside
	blockText    blockKind = "text"
	blockTable   blockKind = "table"
	blockPage    blockKind = "page" // a new page
	blockCut     blockKind = "cut"  // where paper is cut
	blockName    blockKind = "name" // the paper's own name, with the mark and the code
)

type block struct {
	Kind  blockKind
	Level int
	Text  string
	Aside string
	Tone  tone
	Table *table
	Code  string  // of a name: what the QR code says
	Lines []cell  // of a name: what stands under it
	Keep  float64 // so much stays together, in mm
}

// paper is a whole document.
type paper struct {
	Language Language
	Title    string
	Head     string // on every page, on the left
	Foot     string // on every page, on the left
	Mark     string // TEST, TEST REHEARSAL; "" in production
	At       time.Time
	Blocks   []block
}

func (p *paper) add(b ...block) { p.Blocks = append(p.Blocks, b...) }

func (p *paper) heading(level int, s string) {
	p.add(block{Kind: blockHeading, Level: level, Text: s})
}

func (p *paper) text(s string, t tone) { p.add(block{Kind: blockText, Text: s, Tone: t}) }

func (p *paper) table(t *table) {
	if len(t.Rows) > 0 {
		p.add(block{Kind: blockTable, Table: t})
	}
}

// fact is a label with what belongs to it.
type fact struct {
	Label string
	Value cell
}

// facts is a table of labels and values, one pair on a row.
func facts(rows []fact) *table {
	t := &table{Columns: []column{{Share: 22}, {Share: 78}}, Labels: true}
	for _, r := range rows {
		t.Rows = append(t.Rows, []cell{{Text: r.Label}, r.Value})
	}
	return t
}

// fields is a table of a form: labels and values or places to write, so many pairs on a row.
func fields(pairs int, rows []fact) *table {
	t := &table{Labels: true, Form: true, High: 6.6}
	for range pairs {
		t.Columns = append(t.Columns, column{Share: 0.42}, column{Share: 0.58})
	}
	if pairs == 1 {
		t.Columns = []column{{Share: 0.25}, {Share: 0.75}}
	}
	for len(rows) > 0 {
		var row []cell
		for i := range pairs {
			if i < len(rows) {
				v := rows[i].Value
				v.Write = v.Text == ""
				row = append(row, cell{Text: rows[i].Label}, v)
			} else {
				row = append(row, cell{}, cell{})
			}
		}
		rows = rows[min(pairs, len(rows)):]
		t.Rows = append(t.Rows, row)
	}
	return t
}

// words is a text as the reader's language has it.
func (l Language) words(t text.Text) string {
	if l.Say == nil {
		return t.String()
	}
	return l.Say(t)
}

// stamp is a moment on paper.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05")
}

// clock is a moment of a day that is named elsewhere.
func clock(at time.Time) string { return at.UTC().Format("15:04:05") }

// sameDay tells whether two moments are of one day.
func sameDay(a, b time.Time) bool {
	return a.UTC().Truncate(24 * time.Hour).Equal(b.UTC().Truncate(24 * time.Hour))
}

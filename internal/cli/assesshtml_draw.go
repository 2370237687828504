package cli

// The picture of a dimension: a column for each control, as high as its weight, those of a verdict together.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/assess"
)

// Sizes of a picture, in its units.
const (
	pictureWide    = 320
	pictureColumns = 16 // beside each other; more go into a band below
	columnPitch    = pictureWide / pictureColumns
	blockWide      = 14
	blockHigh      = 10
	blockStep      = 12
	signRoom       = 14
	labelRoom      = 12
	bandGap        = 10
	heaviestWeight = 5
)

// dimensionPicture is a dimension at a glance.
type dimensionPicture struct {
	ID                int
	Title, Says, Desc string
	W, H              int
	Axes              []int
	Columns           []controlColumn
}

// controlColumn is a control: blocks on the line, below it the sign of its verdict and its number.
type controlColumn struct {
	Tip, Label, Sign string
	X, SignY, LabelY int
	Blocks           []page.Area
}

// verdictOrder is how columns stand.
func verdictOrder() []assess.Verdict {
	return []assess.Verdict{assess.Met, assess.NotMet, assess.NoEvidence, assess.NotApplicable}
}

func verdictLook(v assess.Verdict) page.Look {
	switch v {
	case assess.Met:
		return page.Full
	case assess.NotMet:
		return page.Striped
	case assess.NoEvidence:
		return page.Open
	}
	return page.Faint
}

// verdictSign is the class of the sign, as in the other pages.
func verdictSign(v assess.Verdict) string {
	switch v {
	case assess.Met:
		return "holds"
	case assess.NotMet:
		return "breaks"
	case assess.NoEvidence:
		return "may"
	}
	return "unseen"
}

func (p *pagePrinter) dimensionPictures(r *assess.Report) []dimensionPicture {
	var all []dimensionPicture
	for i := range r.Scores {
		s := &r.Scores[i]
		d := dimensionPicture{ID: i + 1, Title: p.head(s.Dimension.Text()), Says: p.scoreText(s), W: pictureWide}
		p.columns(&d, r.Results, s.Dimension)
		all = append(all, d)
	}
	return all
}

// columns draws the controls of a dimension, by verdict and then by weight.
func (p *pagePrinter) columns(d *dimensionPicture, results []assess.Result, of assess.Dimension) {
	var all []*assess.Result
	for i := range results {
		if results[i].Control.Dimension == of {
			all = append(all, &results[i])
		}
	}
	order := verdictOrder()
	slices.SortStableFunc(all, func(a, b *assess.Result) int {
		return cmp.Or(cmp.Compare(slices.Index(order, givenVerdict(a)), slices.Index(order, givenVerdict(b))),
			cmp.Compare(b.Control.Weight, a.Control.Weight))
	})
	counts := map[assess.Verdict][]string{}
	for band := range slices.Chunk(all, pictureColumns) {
		tallest := heaviestWeight // of the first band, so that the pictures stand on one line
		if len(d.Axes) > 0 {
			tallest = blocksOf(slices.MaxFunc(band, func(a, b *assess.Result) int { return cmp.Compare(blocksOf(a), blocksOf(b)) }))
			d.H += bandGap
		}
		floor := d.H + tallest*blockStep
		for i, x := range band {
			d.Columns = append(d.Columns, p.column(x, i*columnPitch, floor))
			counts[givenVerdict(x)] = append(counts[givenVerdict(x)], page.Line(x.Control.ID))
		}
		d.Axes, d.H = append(d.Axes, floor), floor+signRoom+labelRoom
	}
	d.H = max(d.H, labelRoom)
	var told []string
	for _, v := range order {
		if n := len(counts[v]); n > 0 {
			told = append(told, fmt.Sprintf("%s: %s", p.say(verdictText(v)), strings.Join(counts[v], ", ")))
		}
	}
	d.Desc = strings.Join(told, "; ")
}

// blocksOf is the weight as it is drawn.
func blocksOf(x *assess.Result) int { return min(max(x.Control.Weight, 1), heaviestWeight) }

func (p *pagePrinter) column(x *assess.Result, left, floor int) controlColumn {
	v := givenVerdict(x)
	c := controlColumn{X: left + columnPitch/2, SignY: floor + signRoom/2 + 1, LabelY: floor + signRoom + labelRoom - 3, Sign: verdictSign(v),
		Label: shortID(x.Control.ID), Tip: p.say(text.New("%s: %s", x.Control.ID, verdictText(v))) + " · " + p.say(x.Control.Ask)}
	for i := range blocksOf(x) {
		c.Blocks = append(c.Blocks, page.NewArea(left+(columnPitch-blockWide)/2, floor-(i+1)*blockStep+1, blockWide, blockHigh, verdictLook(v)))
	}
	return c
}

// longestLabel is what fits below a column.
const longestLabel = 3

// shortID is the end of an id: the number of a control, L1 of a lesson.
func shortID(id string) string {
	end := id[strings.LastIndexByte(id, '-')+1:]
	return end[:min(len(end), longestLabel)]
}

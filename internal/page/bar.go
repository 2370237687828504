package page

// Bars and boxes whose kinds are told apart without colour: full, striped, crossed, open.

import (
	"fmt"
	"strings"
)

// Look is how an area is filled. The shared style gives each its colour; stripes are drawn, so that they hold on paper.
type Look string

// The looks.
const (
	Full    Look = "full"    // good
	Striped Look = "striped" // bad
	Crossed Look = "crossed" // worse
	Half    Look = "half"    // doubtful: lines across
	Open    Look = "open"    // nobody knows: nothing in a dashed frame
	Faint   Look = "faint"   // of no matter
	Plain   Look = "plain"   // neither good nor bad
	Gone    Look = "gone"    // that was there
)

// Area is a rectangle with its look.
type Area struct {
	X, Y, W, H int
	Look       Look
	Lines      string // path of the lines within, "" for none
	Tip        string
}

// NewArea fills a rectangle.
func NewArea(x, y, w, h int, look Look) Area {
	a := Area{X: x, Y: y, W: w, H: h, Look: look}
	switch look {
	case Striped:
		a.Lines = slanted(x, y, w, h, 1)
	case Crossed:
		a.Lines = slanted(x, y, w, h, 1) + slanted(x, y, w, h, -1)
	case Gone:
		a.Lines = fmt.Sprintf("M%d %dL%d %d", x, y+h, x+w, y)
	case Half:
		a.Lines = across(x, y, w, h)
	}
	return a
}

// pitch is how far lines are from each other.
const pitch = 5

// slanted gives lines at 45 degrees, rising or falling, that end at the edges of the rectangle.
func slanted(x, y, w, h, way int) string {
	var d strings.Builder
	for at := pitch; at < w+h; at += pitch {
		fromX, fromY := min(at, w), max(0, at-w)
		toX, toY := max(0, at-h), min(at, h)
		if way < 0 {
			fromX, toX = w-fromX, w-toX
		}
		fmt.Fprintf(&d, "M%d %dL%d %d", x+fromX, y+fromY, x+toX, y+toY)
	}
	return d.String()
}

func across(x, y, w, h int) string {
	var d strings.Builder
	for at := pitch - 1; at < h-1; at += pitch - 1 {
		fmt.Fprintf(&d, "M%d %dH%d", x, y+at, x+w)
	}
	return d.String()
}

// Portion is a part of a whole, with its name and count for people.
type Portion struct {
	Name  string
	Count int
	Look  Look
}

// Bar is a whole with its parts side by side.
type Bar struct {
	ID       string // of the page's bars
	Title    string // what it shows; with the portions it is said to those who do not see it
	Desc     string
	W, H     int
	Areas    []Area
	Portions []Portion // those that are there, for the legend
	Keys     []Area    // the looks of the legend
}

// NewBar draws the portions that are there. What is there is seen: no part is narrower than least, and the widest ones
// give what that takes.
func NewBar(id, title string, wide, high int, all []Portion) Bar {
	const least, gap = 6, 2
	b := Bar{ID: id, Title: title, W: wide, H: high}
	sum := 0
	for _, p := range all {
		if p.Count > 0 {
			b.Portions, sum = append(b.Portions, p), sum+p.Count
		}
	}
	room := wide - 2 - gap*max(0, len(b.Portions)-1)
	var desc []string
	for i, n := range shares(b.Portions, sum, room, least) {
		p := b.Portions[i]
		x := 1
		if i > 0 {
			last := b.Areas[i-1]
			x = last.X + last.W + gap
		}
		a := NewArea(x, 1, n, high-2, p.Look)
		a.Tip = fmt.Sprintf("%s: %d", p.Name, p.Count)
		b.Areas, desc = append(b.Areas, a), append(desc, a.Tip)
		b.Keys = append(b.Keys, NewArea(1, 1, 14, 10, p.Look))
	}
	b.Desc = strings.Join(desc, "; ")
	return b
}

// shares divides the room by the counts; together they fill it.
func shares(all []Portion, sum, room, least int) []int {
	out := make([]int, len(all))
	widest, left := 0, room
	for i, p := range all {
		out[i] = max(least, room*p.Count/sum)
		left -= out[i]
		if out[i] > out[widest] {
			widest = i
		}
	}
	if len(out) > 0 {
		out[widest] = max(least, out[widest]+left)
	}
	return out
}

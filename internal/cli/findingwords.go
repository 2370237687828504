package cli

// Findings in words: their places, their evidence, their odds.

import (
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/slip"
)

func findingCertainty(c diagnose.Certainty) text.Text { return certaintyText(string(c)) }

func chanceLine(p *render.Page, odds float64) string {
	if odds <= 0 || odds >= 1 {
		return ""
	}
	return p.T(oddsText(odds))
}

func evidenceLine(p *render.Page, e diagnose.Evidence) string {
	var parts []string
	add := func(value string, t text.Text) {
		if value != "" {
			parts = append(parts, p.T(t))
		}
	}
	add(e.AsGiven, text.New("as given %s", e.AsGiven))
	add(e.Expected, text.New("expected %s", e.Expected))
	if e.Computed != e.Expected {
		add(e.Computed, text.New("computed %s", e.Computed))
	}
	add(e.Got, text.New("got %s", e.Got))
	add(string(e.Method), text.New("method %s", string(e.Method)))
	return strings.Join(parts, ", ")
}

// placesLine lists the digits that a finding speaks of, piece by piece.
func placesLine(p *render.Page, edits []diagnose.Edit) string {
	var line strings.Builder
	last := diagnose.Edit{}
	for _, e := range edits {
		if e.SwappedWith != 0 && e.SwappedWith < e.Digit && e.Slip != slip.Repeated {
			continue // the other half of a pair that was named
		}
		piece := p.T(pieceText(e))
		switch {
		case last.Digit == 0:
			line.WriteString(piece)
		case e.Of != last.Of || e.Part != last.Part:
			line.WriteString("; " + piece)
		case e.Entered+e.Correct != "":
			line.WriteString("; ")
		default:
			line.WriteString(", ")
		}
		line.WriteString(p.T(editText(e)))
		last = e
	}
	return line.String()
}

// pieceText names the piece that a digit stands in; a whole key needs no name.
func pieceText(e diagnose.Edit) text.Text {
	switch e.Of {
	case diagnose.PiecePart:
		return text.New("part %d: ", e.Part)
	case diagnose.PieceCryptogram:
		return text.New("cryptogram: ")
	case diagnose.PieceKEK:
		return text.New("key-encrypting key: ")
	case diagnose.PieceValue:
		return text.New("check value: ")
	}
	return text.Raw("")
}

func editText(e diagnose.Edit) text.Text {
	where := placeText(e)
	switch {
	case e.Correct != "" && e.Entered != "":
		return text.New("%s, entered %s, correct %s", where, e.Entered, e.Correct)
	case e.Correct != "":
		return text.New("%s, correct %s", where, e.Correct)
	case e.Entered != "":
		return text.New("%s, entered %s", where, e.Entered)
	}
	return where
}

// placeText names the digits of an edit.
func placeText(e diagnose.Edit) text.Text {
	last := e.Digit + e.Length - 1
	switch {
	case e.Of == diagnose.PieceValue && e.SwappedWith != 0:
		return text.New("digits %d and %d", e.Digit, e.SwappedWith)
	case e.Of == diagnose.PieceValue:
		return text.New("digit %d", e.Digit)
	case e.Slip == slip.Repeated:
		return text.New("digits %d to %d, a repetition of %d to %d", e.Digit, last, e.SwappedWith, e.SwappedWith+e.Length-1)
	case e.Length > 1 && e.SwappedWith != 0:
		return text.New("digits %d to %d and %d to %d", e.Digit, last, e.SwappedWith, e.SwappedWith+e.Length-1)
	case e.Length > 1:
		return text.New("digits %d to %d", e.Digit, last)
	case e.SwappedWith != 0:
		return text.New("digits %d (group %d) and %d (group %d)", e.Digit, e.Group, e.SwappedWith, (e.SwappedWith+3)/4)
	case e.Slip == slip.Dropped:
		return text.New("digit %d (group %d) is missing", e.Digit, e.Group)
	case e.Slip == slip.Inserted, e.Slip == slip.Doubled:
		return text.New("digit %d (group %d) is one too many", e.Digit, e.Group)
	}
	return text.New("digit %d (group %d)", e.Digit, e.Group)
}

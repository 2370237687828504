package cli

// The page of a diagnosis: findings, their places and evidence, in words.

import (
	"fmt"
	"strings"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/slip"
)

func diagnosePage(p *render.Page, report diagnose.Report) {
	switch report.Verdict {
	case diagnose.Match:
		p.Good(text.New("the check value agrees"))
	case diagnose.Explained:
		p.Heading(text.New("explained; findings: %d, the likeliest first", len(report.Findings)))
	default:
		p.Bad(text.New("not explained"))
	}
	for i, f := range report.Findings {
		p.Blank()
		p.Heading(text.New("%d. %s (%s, %s)", i+1, f.Summary, string(f.Cause), findingCertainty(f.Certainty)))
		rows := []render.Field{
			render.F(text.New("place"), placesLine(p, f.Evidence.Edits)),
			render.F(text.New("evidence"), evidenceLine(p, f.Evidence)),
			render.F(text.New("chance"), chanceLine(p, f.Odds)),
		}
		if i == 0 || p.T(f.NextTest) != p.T(report.Findings[i-1].NextTest) || f.Cause != report.Findings[i-1].Cause {
			rows = append(rows, // what is advised for one finding is not said again for the next
				render.F(text.New("next test"), p.T(f.NextTest)),
				render.F(text.New("fix"), p.T(f.Fix)),
				render.F(text.New("prevention"), p.T(f.Prevention)),
			)
		}
		p.Fields(rows...)
	}
	if s := report.Searched; s.Candidates > 0 {
		p.Blank()
		p.Line(text.New("hypotheses tried: %d; matches expected by chance: %s", s.Candidates, diagnose.RoundedMatches(s.ExpectedChanceMatches)))
		if s.Matches > len(report.Findings) {
			p.Line(text.New("slips that match: %d; the likeliest are shown", s.Matches))
		}
	}
}

func findingCertainty(c diagnose.Certainty) text.Text { return certaintyText(string(c)) }

func chanceLine(p *render.Page, odds float64) string {
	if odds <= 0 || odds >= 1 {
		return ""
	}
	return p.T(text.New("1 in %s that this is an accident", fmt.Sprintf("%.0f", 1/odds)))
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

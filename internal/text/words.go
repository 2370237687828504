package text

// Words is one saying in both languages, for tables of data that bring their own translation: a code's meaning, a page's
// line. The program's own sentences are New with a literal, and their Chinese stands in the catalogue.
type Words struct{ EN, ZH string }

// Of makes a Text of words that bring their translation.
func Of(w Words) Text { return Text{Format: "%s", Args: []any{w}} }

// String is the English.
func (w Words) String() string { return w.EN }

package text

import (
	"errors"
	"fmt"
	"testing"
)

func TestTextPrintsItsFormatWithItsArguments(t *testing.T) {
	for _, c := range []struct {
		in   Text
		want string
	}{
		{New("all bytes are zero"), "all bytes are zero"},
		{New("part %d of %d", 2, 3), "part 2 of 3"},
		{New("the key is weak: %s", New("all bytes are zero")), "the key is weak: all bytes are zero"},
		{New("%q", New("hi")), `"hi"`},
		{New("%s", errors.New("broken")), "broken"},
		{New("%[2]s before %[1]s", "a", "b"), "b before a"},
		{New("100%% sure"), "100% sure"},
		{New("100%% sure of %s", "it"), "100% sure of it"},
		{Raw("100% as it is: %s"), "100% as it is: %s"},
		{Raw(""), ""},
		{Text{}, ""},
	} {
		if got := c.in.String(); got != c.want {
			t.Errorf("%+v prints %q, want %q", c.in.Format, got, c.want)
		}
		if got := fmt.Sprintf("%s|%v", c.in, c.in); got != c.want+"|"+c.want {
			t.Errorf("%+v prints itself as %q", c.in.Format, got)
		}
	}
}

func TestOnlyTheEmptyTextIsZero(t *testing.T) {
	if !(Text{}).IsZero() || New("x").IsZero() || Raw("").IsZero() {
		t.Error("zero is the text without a format")
	}
}

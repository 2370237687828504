package text

import "testing"

func TestOneLineIsALineThatCanBeShown(t *testing.T) {
	for _, c := range []struct {
		said string
		most int
		want string
	}{
		{"the slot is empty", 99, "the slot is empty"},
		{"two\nlines\tand\x1b[2J", 99, "two lines and [2J"},
		{"turned \u202earound", 99, "turned  around"},
		{"\xff\xfe", 99, "  "},
		{"密钥错误14", 13, "密钥错误1"},
		{"密钥错误14", 11, "密钥错"},
		{"x", 0, ""},
	} {
		if got := OneLine(c.said, c.most); got != c.want {
			t.Errorf("%q in %d bytes is %q, want %q", c.said, c.most, got, c.want)
		}
	}
}

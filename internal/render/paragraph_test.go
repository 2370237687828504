package render

import (
	"strings"
	"testing"

	"poskey/internal/text"
)

func TestAParagraphIsNoWiderThanTheTerminal(t *testing.T) {
	say := text.Raw("one value 8D0A74B8 and another 8D0A74 agree in all of their first 6 digits 密钥没有问题双方设为相同的校验值长度")
	for _, width := range []int{0, 30, 40, 80, 200} {
		got := page(t, func(r *Renderer) { r.Width, r.Color = width, true }, func(p *Page) {
			if p.Room() != width {
				t.Errorf("room for %d columns, want %d", p.Room(), width)
			}
			p.Paragraph("12. ", say)
			p.Headline("- ", say)
		})
		lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
		for i, line := range lines {
			bare := strings.TrimSuffix(strings.TrimPrefix(line, bold), reset)
			if width > 0 && Columns(bare) > width {
				t.Errorf("%d: a line has %d columns: %q", width, Columns(bare), bare)
			}
			if i > 0 && !strings.HasPrefix(bare, " ") && !strings.HasPrefix(bare, "- ") {
				t.Errorf("%d: line %d is not under the text: %q", width, i+1, bare)
			}
		}
		if wide := width == 0 || width == 200; wide != (len(lines) == 2) {
			t.Errorf("%d columns: %d lines", width, len(lines))
		}
		if !strings.Contains(got, "8D0A74B8") {
			t.Error("a value is cut")
		}
	}
}

package docs

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"poskey/internal/testvec"
)

// link is one that leads to a place in the project.
type link struct {
	line   int
	target string // the file from the root; the page itself for an anchor alone
	anchor string
}

var linked = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// links are those of a page that stay in the project.
func (p page) links(t *testing.T) []link {
	t.Helper()
	var all []link
	for _, l := range p.prose {
		text := regexp.MustCompile("`[^`]*`").ReplaceAllString(l.text, "")
		for _, m := range linked.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			anchor, err := url.PathUnescape(anchor)
			if err != nil {
				t.Errorf("%s:%d: %v", p.name, l.line, err)
			}
			target := p.name
			if file != "" {
				target = path.Join(path.Dir(p.name), file)
			}
			all = append(all, link{l.line, target, anchor})
		}
	}
	return all
}

// anchors are the names of a page's headings, as the readers of Markdown make them.
func (p page) anchors() map[string]bool {
	all := map[string]bool{}
	for _, l := range p.prose {
		level := len(l.text) - len(strings.TrimLeft(l.text, "#"))
		if level == 0 || !strings.HasPrefix(l.text[level:], " ") {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(linked.ReplaceAllString(l.text[level:], "]")))
		for n, once := 1, name; all[name]; n++ {
			name = once + "-" + string(rune('0'+n))
		}
		all[name] = true
	}
	return all
}

// TestLinksLeadSomewhere: every link inside the project, to the file and to the heading.
func TestLinksLeadSomewhere(t *testing.T) {
	root, anchors, looked := testvec.Root(t), map[string]map[string]bool{}, 0
	all := pages(t)
	for _, p := range all {
		anchors[p.name] = p.anchors()
	}
	for _, p := range all {
		for _, l := range p.links(t) {
			looked++
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(l.target))); err != nil {
				t.Errorf("%s:%d: there is no %s", p.name, l.line, l.target)
			} else if l.anchor != "" && !anchors[l.target][l.anchor] {
				t.Errorf("%s:%d: %s has no heading %s", p.name, l.line, l.target, l.anchor)
			}
		}
	}
	if looked < 100 {
		t.Fatalf("only %d links were found", looked)
	}
}

// TestEveryDocumentIsReachedFromTheIndex: whoever begins at docs/README.md gets to every page.
func TestEveryDocumentIsReachedFromTheIndex(t *testing.T) {
	all := map[string]page{}
	for _, p := range pages(t) {
		all[p.name] = p
	}
	reached, next := map[string]bool{}, []string{"docs/README.md"}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if reached[name] {
			continue
		}
		reached[name] = true
		p, isPage := all[name]
		if !isPage { // a folder has its own index, or everything in it is reached
			if _, has := all[name+"/README.md"]; has {
				next = append(next, name+"/README.md")
				continue
			}
			for other := range all {
				if path.Dir(other) == name {
					next = append(next, other)
				}
			}
			continue
		}
		for _, l := range p.links(t) {
			next = append(next, l.target)
		}
	}
	for name := range all {
		if !reached[name] {
			t.Errorf("nothing leads to %s", name)
		}
	}
}

// TestTheIndexNamesEveryDocument: the pages that people write stand in it themselves, not only somewhere behind it.
func TestTheIndexNamesEveryDocument(t *testing.T) {
	var named []string
	for _, l := range read(t, "docs/README.md").links(t) {
		named = append(named, l.target)
	}
	for _, p := range written(t) {
		if strings.HasPrefix(p.name, "docs/") && p.name != "docs/README.md" && !slices.Contains(named, p.name) {
			t.Errorf("docs/README.md does not name %s", p.name)
		}
	}
}

// skeleton is what a page and its translation share: headings, blocks of code, lists, tables and links.
func (p page) skeleton(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, l := range p.prose {
		if level := len(l.text) - len(strings.TrimLeft(l.text, "#")); level > 0 {
			all = append(all, strings.Repeat("#", level))
		}
		if strings.HasPrefix(l.text, "- ") {
			all = append(all, "-")
		}
		if strings.HasPrefix(l.text, "|") {
			all = append(all, "row of "+string(rune('0'+strings.Count(l.text, " | ")+1)))
		}
		for _, m := range linked.FindAllStringSubmatch(l.text, -1) {
			all = append(all, "link")
			_ = m
		}
	}
	return all
}

// TestBothReadmesSayTheSame: as far as a program can tell: the same blocks of code, byte by byte, and the same headings, lists,
// tables and links in the same order.
func TestBothReadmesSayTheSame(t *testing.T) {
	en, zh := read(t, "README.md"), read(t, "README.zh.md")
	if !slices.EqualFunc(en.blocks, zh.blocks, func(a, b block) bool { return a.info == b.info && a.text == b.text }) {
		t.Error("the blocks of README.md and README.zh.md differ")
	}
	if a, b := en.skeleton(t), zh.skeleton(t); !slices.Equal(a, b) {
		t.Errorf("README.md and README.zh.md are not built alike:\n%v\n%v", a, b)
	}
	var targets [2][]string
	for i, p := range []page{en, zh} {
		for _, l := range p.links(t) {
			if name := strings.Replace(l.target, ".zh.md", ".md", 1); name != "README.md" && !slices.Contains(targets[i], name) {
				targets[i] = append(targets[i], name)
			}
		}
		slices.Sort(targets[i])
	}
	if !slices.Equal(targets[0], targets[1]) {
		t.Errorf("README.md and README.zh.md do not lead to the same pages:\n%v\n%v", targets[0], targets[1])
	}
}

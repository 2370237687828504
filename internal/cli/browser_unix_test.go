//go:build unix

package cli

// Pages in a real browser: what they are there, not what they should be by their source.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/page"
)

// shownPage is a page that the browser is to show.
type shownPage struct {
	name string
	lay  func(t *testing.T, lang i18n.Lang) string
}

// TestPagesInARealBrowser looks at all pages with one browser: to start one costs more than to look.
func TestPagesInARealBrowser(t *testing.T) {
	b := startBrowser(t)
	for _, family := range [][]shownPage{diagnosisPages(t), hierarchyPages(t), assessPages(t), fleetPages(t), incidentPages(t)} {
		for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
			for _, p := range family {
				t.Run(p.name+"-"+string(lang), func(t *testing.T) { b.show(t, p.lay(t, lang), lang) })
			}
		}
	}
}

// show looks at a page on every screen.
func (b *browser) show(t *testing.T, written string, lang i18n.Lang) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	b.open(t, path)
	for _, s := range []viewport{{name: "phone", wide: 390, theme: "light", shot: true}, {name: "small", wide: 320, theme: "light"},
		{name: "zoomed", wide: 390, theme: "light", zoom: "200%"}, {name: "desk, zoomed", wide: 1280, theme: "light", zoom: "200%"},
		{name: "desk", wide: 1280, theme: "dark", shot: true}} {
		b.check(t, s, lang)
	}
}

// seenByBrowser is what a page is on a screen.
type seenByBrowser struct {
	Title, Lang, Heading string
	Wide, Room           int      // the page, and the screen
	Outside              []string // what stands out of the screen
	Spilled              []string // words of a drawing that stand out of their box or of the drawing
	Covered              []string // words that lie on others
}

// lookAtPage measures with the fonts that the browser really took.
const lookAtPage = `(() => {
  const room = document.documentElement.clientWidth, outside = [], spilled = [], covered = [];
  const name = e => e.tagName + ' ' + (e.textContent || '').trim().slice(0, 40);
  document.querySelectorAll('body *').forEach(e => {
    const r = e.getBoundingClientRect();
    if (r.right > room + 1 || r.left < -1) outside.push(name(e));
  });
  document.querySelectorAll('figure svg').forEach(svg => {
    const boxes = [...svg.querySelectorAll('rect.box')].map(b => b.getBoundingClientRect());
    const frame = svg.getBoundingClientRect(), words = [...svg.querySelectorAll('text')];
    words.forEach(w => {
      const r = w.getBoundingClientRect(), middle = (r.top + r.bottom) / 2;
      if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.top < frame.top - 1 || r.bottom > frame.bottom + 1) spilled.push(name(w));
      if (boxes.length == 0) return;
      const own = boxes.filter(b => b.top < middle && middle < b.bottom && b.left < r.left);
      if (own.length == 0 || own.some(b => b.right < r.right)) spilled.push(name(w));
    });
    const at = words.map(w => w.getBoundingClientRect());
    at.forEach((a, i) => at.forEach((b, j) => {
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (i < j && a.left < b.right && b.left < a.right && down > a.height / 2) covered.push(name(words[i]) + ' / ' + name(words[j]));
    }));
  });
  const lines = [], walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    if (!n.data.trim() || n.parentElement.closest('svg')) continue;
    const range = document.createRange();
    range.selectNodeContents(n);
    for (const r of range.getClientRects()) if (r.width > 1) lines.push({n, r});
  }
  lines.sort((a, b) => a.r.top - b.r.top);
  lines.forEach((a, i) => {
    for (let j = i + 1; j < lines.length && lines[j].r.top < a.r.bottom - 1; j++) {
      const b = lines[j], down = Math.min(a.r.bottom, b.r.bottom) - b.r.top;
      const along = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
      if (a.n !== b.n && along > 1 && down > Math.min(a.r.height, b.r.height) / 2) covered.push(a.n.data.trim().slice(0, 30) + ' / ' + b.n.data.trim().slice(0, 30));
    }
  });
  return {Title: document.title, Lang: document.documentElement.lang, Heading: document.querySelector('h1').innerText,
    Wide: document.documentElement.scrollWidth, Room: innerWidth, Outside: outside.slice(0, 5), Spilled: spilled.slice(0, 5),
    Covered: covered.slice(0, 5)};
})()`

// viewport is where a page is looked at.
type viewport struct {
	name  string
	wide  int
	theme string
	zoom  string // of the text alone
	shot  bool
}

// browser is a Chromium that is told what to do through a pipe: no port, no window.
type browser struct {
	to      io.Writer
	from    *bufio.Reader
	session string
	last    int
	events  []browserMessage
}

type browserMessage struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    any             `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

// browserTime is for the whole test: a browser that hangs is killed.
const browserTime = 2 * time.Minute

func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Fatal("there is no chromium: scripts/test-deps.sh installs it")
	}
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserTime)
	c := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	c.ExtraFiles = []*os.File{in, out} // 3 and 4, as --remote-debugging-pipe has it
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = in.Close(), out.Close()
	b := &browser{to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		b.session = ""
		b.call(t, "Browser.close", nil, nil)
		_ = c.Wait()
		cancel()
		_, _ = to.Close(), from.Close()
	})
	var target struct{ TargetID string }
	b.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(t, domain+".enable", nil, nil)
	}
	return b
}

// call asks the browser and waits for the answer; what it tells meanwhile is kept.
func (b *browser) call(t *testing.T, method string, params, answer any) {
	t.Helper()
	b.last++
	line, err := json.Marshal(browserMessage{ID: b.last, SessionID: b.session, Method: method, Params: params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.to.Write(append(line, 0)); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	for {
		m := b.next(t)
		switch {
		case m.ID != b.last:
			b.events = append(b.events, m)
		case m.Error != nil:
			t.Fatalf("%s: %s", method, m.Error)
		default:
			if answer != nil {
				if err := json.Unmarshal(m.Result, answer); err != nil {
					t.Fatalf("%s: %v", method, err)
				}
			}
			return
		}
	}
}

func (b *browser) next(t *testing.T) browserMessage {
	t.Helper()
	line, err := b.from.ReadBytes(0)
	if err != nil {
		t.Fatalf("the browser is gone: %v", err)
	}
	var m browserMessage
	if err := json.Unmarshal(line[:len(line)-1], &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// open shows a page and holds that it asks for nothing and has nothing to complain of.
func (b *browser) open(t *testing.T, path string) {
	t.Helper()
	b.events = nil
	b.call(t, "Page.navigate", map[string]any{"url": "file://" + path}, nil)
	loaded := func(m browserMessage) bool { return m.Method == "Page.loadEventFired" }
	for !slices.ContainsFunc(b.events, loaded) {
		b.events = append(b.events, b.next(t))
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": "0"}, nil) // what the page does, it has done
	asked := 0
	for _, e := range b.events {
		switch e.Method {
		case "Network.requestWillBeSent":
			asked++
			t.Logf("asked for: %.200v", e.Params)
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening":
			t.Errorf("the browser complains: %v", e.Params)
		}
	}
	if asked != 1 {
		t.Errorf("the page asks for %d files, want itself alone", asked)
	}
}

// check looks at the page on a screen.
func (b *browser) check(t *testing.T, s viewport, lang i18n.Lang) {
	t.Helper()
	b.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": s.wide, "height": 800, "deviceScaleFactor": 1,
		"mobile": s.wide < 500}, nil)
	b.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": s.theme}}}, nil)
	b.evaluate(t, "document.documentElement.style.fontSize = '"+s.zoom+"'", nil)
	var seen seenByBrowser
	b.evaluate(t, lookAtPage, &seen)
	if seen.Wide > s.wide || seen.Room != s.wide || len(seen.Outside) > 0 {
		t.Errorf("%s: the page is %d wide on a screen of %d (%d); outside: %q", s.name, seen.Wide, seen.Room, s.wide, seen.Outside)
	}
	if len(seen.Spilled)+len(seen.Covered) > 0 {
		t.Errorf("%s: in the drawing stand out of their box %q, cover each other %q", s.name, seen.Spilled, seen.Covered)
	}
	if seen.Lang != page.LangTag(lang) || seen.Heading == "" || !strings.HasPrefix(seen.Title, seen.Heading) {
		t.Errorf("%s: language %q, title %q, heading %q", s.name, seen.Lang, seen.Title, seen.Heading)
	}
	if s.shot {
		b.look(t, s)
	}
}

func (b *browser) evaluate(t *testing.T, script string, answer any) {
	t.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		t.Fatalf("the browser could not look: %s", got.ExceptionDetails)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(got.Result.Value, answer); err != nil {
		t.Fatal(err)
	}
}

// looks is how often a picture is taken again of what is not painted yet: a busy machine paints late.
const looks = 20

// look takes a picture and holds that there is something on it, on the ground of its theme.
func (b *browser) look(t *testing.T, s viewport) {
	t.Helper()
	ground, inked := 0, 0.0
	for range looks {
		b.evaluate(t, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))", nil) // it is painted
		var shot struct{ Data string }
		b.call(t, "Page.captureScreenshot", map[string]any{"format": "png", "optimizeForSpeed": true}, &shot)
		raw, err := base64.StdEncoding.DecodeString(shot.Data)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		ground, inked = inkOf(picture)
		if ground < 0x80 == (s.theme == "dark") && inked >= 0.02 && inked <= 0.6 {
			return
		}
	}
	t.Errorf("%s: the ground has the brightness %d, and %.3f of the picture is something", s.name, ground, inked)
}

// inkOf is the brightness of a picture's corner, and what part of it is another one.
func inkOf(picture image.Image) (ground int, inked float64) {
	brightness := func(x, y int) int {
		r, g, b, _ := picture.At(x, y).RGBA()
		return int(r+g+b) / 3 >> 8
	}
	r := picture.Bounds()
	ground = brightness(r.Max.X-1, r.Min.Y)
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y += 2 { // every fourth dot tells enough
		for x := r.Min.X; x < r.Max.X; x += 2 {
			if d := brightness(x, y) - ground; d > 24 || d < -24 {
				n++
			}
		}
	}
	return ground, 4 * float64(n) / float64(r.Dx()*r.Dy())
}

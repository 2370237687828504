package playbook

// Tests of the pages that are in the binary.

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"poskey/docs/playbooks"
)

// catalogue lists the ids that a page may have: 52 causes and four situations.
func catalogue() []string {
	return strings.Fields(`
		kcv-length kcv-method kcv-wrong-data kcv-check-mode parity-bit-typo parity-rejected
		mak-slot-16 mak-no-padding mak-needs-doubling field62-layout length-class cipher-family
		tmk-single-des halves-swapped ecb-cbc wrong-direction double-unwrap wrong-tmk wrong-transport-key scheme-variant
		zmk-length-setting ipek-bdk ksn-mismatch
		mistyped-digit component-count component-as-key components-concatenated
		weak-key duplicate-value weak-protector source-level duplicate-kcv-fleet fixed-transport-key kek-sent-with-key
		empty-slot wrong-slot pinpad-port tamper injector-clock key-service
		wrong-binding keys-rolled mac-rule pin-block
		key-expired firmware-old link-fault power-loss storage-corrupt environment key-exposed procedure
		key-check-failed key-error-14 restart-client terminal-locked`)
}

func situations() []string {
	return []string{"key-check-failed", "key-error-14", "restart-client", "terminal-locked"}
}

// books opens the book in both languages; a book without pages is fatal.
func books(t testing.TB) (english, chinese *Book) {
	t.Helper()
	var both []*Book
	for _, lang := range Languages() {
		b, err := Open(lang)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.ids()) == 0 {
			t.Fatalf("there are no pages in %s", lang)
		}
		both = append(both, b)
	}
	return both[0], both[1]
}

func TestEveryFileIsAPageOfTheBook(t *testing.T) {
	english, chinese := books(t)
	files, err := fs.Glob(playbooks.Pages, "*")
	if err != nil {
		t.Fatal(err)
	}
	if want := len(english.ids()) + len(chinese.ids()); len(files) != want {
		t.Errorf("%d files for %d pages: %v", len(files), want, files)
	}
	for _, b := range []*Book{english, chinese} {
		for _, id := range b.ids() {
			if _, err := b.read(id); err != nil {
				t.Error(err)
			}
			if !slices.Contains(catalogue(), id) {
				t.Errorf("there is a page %q, and no cause and no situation of that id", id)
			}
		}
		if got, want := len(b.Pages()), len(b.ids()); got != want {
			t.Errorf("Pages gives %d pages of %d", got, want)
		}
	}
}

func TestBothLanguagesHaveTheSameStepsAndCommands(t *testing.T) {
	english, chinese := books(t)
	if !slices.Equal(english.ids(), chinese.ids()) {
		t.Fatalf("the pages are not the same:\n%v\n%v", english.ids(), chinese.ids())
	}
	for _, id := range english.ids() {
		en, _ := english.Page(id)
		zh, _ := chinese.Page(id)
		if en.Kind != zh.Kind {
			t.Errorf("%s: %s in one language, %s in the other", id, en.Kind, zh.Kind)
		}
		sameSteps(t, id+", checks", en.Checks, zh.Checks)
		sameSteps(t, id+", fix", en.Fix, zh.Fix)
	}
}

func sameSteps(t *testing.T, place string, en, zh []Step) {
	t.Helper()
	if len(en) != len(zh) {
		t.Errorf("%s: %d steps in English, %d in Chinese", place, len(en), len(zh))
		return
	}
	for i := range en {
		if en[i].Command != zh[i].Command || !slices.Equal(en[i].Args, zh[i].Args) ||
			!slices.Equal(en[i].Holes, zh[i].Holes) {
			t.Errorf("%s %d: the commands differ:\n%s\n%s", place, i+1, en[i].Command, zh[i].Command)
		}
		if !slices.Equal(en[i].Leads(), zh[i].Leads()) {
			t.Errorf("%s %d leads to %v in English, to %v in Chinese", place, i+1, en[i].Leads(), zh[i].Leads())
		}
	}
}

func TestEverySectionHasSomethingInIt(t *testing.T) {
	english, chinese := books(t)
	for _, p := range append(english.Pages(), chinese.Pages()...) {
		for name, length := range map[string]int{
			"title": len(p.Title), "means": len(p.Means), "technical": len(p.Technical), "operational": len(p.Operational),
			"management": len(p.Management), "checks": len(p.Checks), "fix": len(p.Fix), "prevention": len(p.Prevention),
			"trade": len(p.Trade), "risk": len(p.Risk), "stop": len(p.Stop), "record": len(p.Record),
		} {
			if length == 0 {
				t.Errorf("%s (%s): nothing in %s", p.ID, p.Title, name)
			}
		}
		if !slices.ContainsFunc(p.Checks, func(s Step) bool { return s.Command != "" }) {
			t.Errorf("%s: no check has a command", p.ID)
		}
		for _, words := range textsOf(p) {
			if strings.TrimSpace(words) == "" {
				t.Errorf("%s: an empty text", p.ID)
			}
		}
	}
}

func TestEveryTextSpeaksItsLanguage(t *testing.T) {
	english, chinese := books(t)
	latin := regexp.MustCompile(`[A-Za-z]{2}`)
	han := func(c rune) bool { return unicode.Is(unicode.Han, c) }
	for _, p := range english.Pages() {
		for _, words := range textsOf(p) {
			if !latin.MatchString(words) || len(strings.FieldsFunc(words, han)) == 0 {
				t.Errorf("%s: %q is not English", p.ID, words)
			}
		}
	}
	headings, err := wordsOf(English)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range chinese.Pages() {
		for _, words := range textsOf(p) {
			if !strings.ContainsFunc(words, han) {
				t.Errorf("%s: %q is not Chinese", p.ID, words)
			}
			for _, heading := range []string{headings.means, headings.stop, headings.trade, headings.risk} {
				if strings.Contains(words, heading) {
					t.Errorf("%s: an English heading in %q", p.ID, words)
				}
			}
		}
	}
}

func TestTitlesAreUniqueAndShort(t *testing.T) {
	english, chinese := books(t)
	for _, b := range []*Book{english, chinese} {
		seen := map[string]string{}
		for _, p := range b.Pages() {
			if other := seen[p.Title]; other != "" {
				t.Errorf("%s and %s have one title", other, p.ID)
			}
			seen[p.Title] = p.ID
			if len([]rune(p.Title)) > 90 {
				t.Errorf("%s: the title is longer than a line: %q", p.ID, p.Title)
			}
		}
	}
}

func TestPagesLeadToPagesOfTheCatalogue(t *testing.T) {
	english, chinese := books(t)
	for _, p := range append(english.Pages(), chinese.Pages()...) {
		for _, id := range leads(p) {
			if !slices.Contains(catalogue(), id) {
				t.Errorf("%s leads to %q, which is nothing", p.ID, id)
			}
		}
	}
}

func TestSituationsLeadToCauses(t *testing.T) {
	english, _ := books(t)
	for i, id := range situations() {
		p, ok := english.Page(id)
		if !ok || p.Kind != KindSituation {
			t.Fatalf("there is no situation %s", id)
		}
		if got := english.Pages()[i].ID; got != id {
			t.Errorf("page %d is %s, want %s: situations come first", i, got, id)
		}
		causes := map[string]bool{}
		for _, s := range p.Checks {
			for _, cause := range s.Leads() {
				causes[cause] = !slices.Contains(situations(), cause)
			}
		}
		if len(causes) < 4 {
			t.Errorf("%s leads to %d causes only", id, len(causes))
		}
	}
	for _, p := range english.Pages()[len(situations()):] {
		if p.Kind != KindCause {
			t.Errorf("%s is a %s, want a cause", p.ID, p.Kind)
		}
	}
}

// TestNoCommandCarriesASecretOrForcesAnything holds every command against what no page may advise.
func TestNoCommandCarriesASecretOrForcesAnything(t *testing.T) {
	sources := strings.Fields("--key --kbpk --to-kbpk --key-kbpk --kek --tmk --bdk --ik --part --password --passphrase")
	places := strings.Fields("{key} {kbpk} {newkbpk} {kek} {tmk} {bdk} {part1} {part2}")
	never := strings.Fields(`--reveal --yes --clear --allow-weak --allow-argv-secrets --discard-batch --accept-open
		--no-input`)
	english, _ := books(t)
	commands := 0
	for _, p := range english.Pages() {
		for _, s := range slices.Concat(p.Checks, p.Fix) {
			if s.Command == "" {
				continue
			}
			commands++
			for i, word := range s.Args {
				if slices.Contains(never, word) || strings.Contains(word, "hex:") {
					t.Errorf("%s: %q is not for a page: %s", p.ID, word, s.Command)
				}
				if slices.Contains(sources, word) && (i+1 == len(s.Args) || !slices.Contains(places, s.Args[i+1])) {
					t.Errorf("%s: %s takes something else than a place of a key: %s", p.ID, word, s.Command)
				}
			}
		}
	}
	if commands == 0 {
		t.Fatal("no commands on any page")
	}
}

func TestPlaceholdersAreDescribedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Placeholders() {
		if seen[p.Name] || !isID(p.Name) || p.Text.IsZero() {
			t.Errorf("placeholder %q: twice, without description, or no name", p.Name)
		}
		seen[p.Name] = true
		if words, ok := Describe(p.Name); !ok || words.Format != p.Text.Format {
			t.Errorf("placeholder %q is not described", p.Name)
		}
	}
	if _, ok := Describe("nothing"); ok {
		t.Error("a placeholder that is none is described")
	}
}

func BenchmarkPage(b *testing.B) {
	english, _ := books(b)
	for b.Loop() {
		if _, ok := english.Page("key-check-failed"); !ok {
			b.Fatal("no page")
		}
	}
}

func ExampleBook_Page() {
	book, err := Open(English)
	if err != nil {
		fmt.Println(err)
		return
	}
	page, _ := book.Page("kcv-length")
	args, missing := page.Checks[0].Fill(map[string]string{"alg": "tdes-128", "kcv": "8D0A74B8", "got": "8D0A74"})
	fmt.Println(page.Title)
	fmt.Println(args, missing)
	// Output:
	// The two check values differ only in their number of digits
	// [diagnose kcv --alg tdes-128 --expected 8D0A74B8 --got 8D0A74] []
}

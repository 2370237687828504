package incident

// The folder with the records of a site.

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
	"poskey/internal/text"
)

// suffix is what the files are called behind their incident.
const suffix = ".jsonl"

// Folder is where the records of a store lie: beside its audit log.
func Folder(auditLog string) string { return strings.TrimSuffix(auditLog, ".audit") + ".incidents" }

// Path is where the record of an incident lies. Error: usage for what is no id.
func Path(dir, id string) (string, error) {
	name := strings.ToUpper(id)
	if _, _, ok := splitID(name); !ok {
		return "", fault.New(fault.Usage, "%q: an incident is called like INC-2026-0001", text.Redact(id))
	}
	return filepath.Join(dir, name+suffix), nil
}

// List sums up every record of a folder, oldest first. A record that does not verify is there too, with what is wrong; a
// folder that is not there has none. now says which steps are late.
func List(dir string, now time.Time) ([]Summary, error) {
	ids, err := idsIn(dir)
	if err != nil {
		return nil, err
	}
	var all []Summary
	for _, id := range ids {
		d, err := Read(filepath.Join(dir, id+suffix))
		if err == nil && d.Head.ID != id {
			err = fault.New(fault.LogBroken, "the file is called %s, and the record in it is of %s", id, d.Head.ID)
		}
		if err != nil {
			all = append(all, Summary{ID: id, Broken: err})
			continue
		}
		all = append(all, d.Summary(now))
	}
	return all, nil
}

// idsIn lists the incidents that have a file, by year and number.
func idsIn(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if isGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.WrapAs(chained.KindOf(err), err, "the folder of incidents")
	}
	var ids []string
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), suffix)
		if _, _, is := splitID(id); ok && is {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, compareIDs)
	return ids, nil
}

func compareIDs(a, b string) int {
	ay, an, _ := splitID(a)
	by, bn, _ := splitID(b)
	return cmp.Or(cmp.Compare(ay, by), cmp.Compare(an, bn))
}

// idForm compiles when asked: few commands need it.
func idForm() *regexp.Regexp { return regexp.MustCompile(`^INC-([12][0-9]{3})-([0-9]{4,6})$`) }

// splitID takes INC-2026-0001 apart.
func splitID(id string) (year, number int, ok bool) {
	m := idForm().FindStringSubmatch(id)
	if m == nil {
		return 0, 0, false
	}
	year, _ = strconv.Atoi(m[1])   // digits
	number, _ = strconv.Atoi(m[2]) // digits
	return year, number, number > 0 && id == idOf(year, number)
}

func idOf(year, number int) string { return fmt.Sprintf("INC-%d-%04d", year, number) }

func digestOf(b []byte) Digest { return sha256.Sum256(b) }

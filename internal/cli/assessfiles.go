package cli

// Assessments as they are kept, and the questionnaire's file.

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/assess"
)

// assessSchema names the document of an assessment, of both names of the command: poskey.assess/v1.
const assessSchema = "assess"

// lastAssessment is what an assessment is compared with.
type lastAssessment struct {
	verdicts map[string]assess.Verdict
	at       time.Time
}

// readAnswers reads a questionnaire; "" has no answers.
func readAnswers(ctx context.Context, path string) (assess.Answers, error) {
	if path == "" {
		return assess.Answers{}, nil
	}
	raw, err := readPublicFile(ctx, path, assess.MaxAnswers)
	if err != nil {
		return assess.Answers{}, fault.Wrap(err, "--answers")
	}
	answers, err := assess.ParseAnswers(raw)
	return answers, fault.Wrap(err, "--answers %s", text.Redact(path))
}

// readAgainst reads the assessment that somebody named; nil where nobody did.
func readAgainst(ctx context.Context, path string) (*lastAssessment, error) {
	if path == "" {
		return nil, nil
	}
	last, err := readAssessment(ctx, path)
	return last, fault.Wrap(err, "--against")
}

func readAssessment(ctx context.Context, path string) (*lastAssessment, error) {
	raw, err := readPublicFile(ctx, path, assess.MaxDocument)
	if err != nil {
		return nil, err
	}
	doc, err := assess.ParseDocument(raw)
	if err != nil {
		return nil, fault.Wrap(err, "%s", text.Redact(path))
	}
	return &lastAssessment{doc.Verdicts(), doc.Time()}, nil
}

// assessmentName is a file's name that sorts by time.
const assessmentName = "20060102T150405.000Z"

// keepAssessment keeps an assessment in the folder beside the audit log. It is no secret, but it tells where to attack.
func keepAssessment(folder string, r *assess.Report) error {
	doc, err := render.Document(assessSchema, r.Document())
	if err != nil {
		return err
	}
	if err := makeOwnDir(folder); err != nil {
		return err
	}
	for at := r.At.UTC(); ; at = at.Add(time.Millisecond) { // another one may have been kept in the same moment
		path := filepath.Join(folder, at.Format(assessmentName)+".json")
		if err = source.WriteNew(path, append(doc, '\n')); !fault.Is(err, fault.FileExists) {
			return fault.Wrap(err, "keep the assessment (--no-keep leaves it out)")
		}
	}
}

// lastKept is the newest assessment that is kept; nil where there is none. One that cannot be read is told, and is no
// reason not to assess.
func (a *App) lastKept(ctx context.Context, folder string) *lastAssessment {
	if folder == "" {
		return nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.render.Warn(text.New("the assessments that are kept cannot be read, so this one is compared with none"))
		}
		return nil
	}
	for _, e := range slices.Backward(entries) { // sorted by name, which is the time
		if !strings.HasSuffix(e.Name(), ".json") || !e.Type().IsRegular() {
			continue
		}
		last, err := readAssessment(ctx, filepath.Join(folder, e.Name()))
		if err == nil {
			return last
		}
		a.render.Warn(text.New("an assessment that is kept cannot be read and is passed over: %s", err))
	}
	return nil
}

// checkNewIfNamed makes sure that a file which was asked for can be made.
func checkNewIfNamed(path string) error {
	if path == "" {
		return nil
	}
	return source.CheckNew(path)
}

// questionnaire is the file of a questionnaire as it was read or written last.
type questionnaire struct {
	path    string
	content []byte // nil: it is not there yet
	answers assess.Answers
}

// openQuestionnaire reads it, or begins one.
func openQuestionnaire(ctx context.Context, path string) (*questionnaire, error) {
	q := &questionnaire{path: path}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return q, source.CheckNew(path)
	}
	raw, err := readPublicFile(ctx, path, assess.MaxAnswers)
	if err != nil {
		return nil, fault.Wrap(err, "--answers")
	}
	if q.answers, err = assess.ParseAnswers(raw); err != nil {
		return nil, fault.Wrap(err, "--answers %s", text.Redact(path))
	}
	q.content = raw
	return q, nil
}

// write puts new content into the file, whole or not at all. A file that somebody else has changed since it was read is
// left alone. It reports whether anything was to be written.
func (q *questionnaire) write(ctx context.Context, content []byte) (bool, error) {
	want, err := assess.ParseAnswers(content)
	if err != nil {
		return false, fault.WrapAs(fault.Bug, err, "the questionnaire that would be written")
	}
	if q.content == nil {
		if err := source.WriteNew(q.path, content); err != nil {
			return false, err
		}
		q.content, q.answers = content, want
		return true, nil
	}
	now, err := readPublicFile(ctx, q.path, assess.MaxAnswers)
	switch {
	case err != nil:
		return false, fault.Wrap(err, "--answers")
	case !bytes.Equal(now, q.content):
		return false, fault.New(fault.Busy, "%s was changed by somebody else meanwhile; nothing was written to it", text.Redact(q.path))
	case bytes.Equal(content, q.content):
		return false, nil
	}
	err = source.Replace(q.path, content, func(beside string) error {
		_, err := readAnswers(ctx, beside)
		return err
	})
	if err != nil {
		return false, err
	}
	q.content, q.answers = content, want
	return true, nil
}

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
	of       assess.Subject
}

// readAnswers reads a questionnaire; "" has no answers.
func readAnswers(ctx context.Context, path string) (assess.Answers, error) {
	if path == "" {
		return assess.Answers{}, nil
	}
	raw, err := readWhole(ctx, path, assess.MaxAnswers)
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
	raw, err := readWhole(ctx, path, assess.MaxDocument)
	if err != nil {
		return nil, err
	}
	doc, err := assess.ParseDocument(raw)
	if err != nil {
		return nil, fault.Wrap(err, "%s", text.Redact(path))
	}
	return &lastAssessment{doc.Verdicts(), doc.Time(), doc.Subject()}, nil
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

// mostKept bounds how many are looked at for one of the same terminals.
const mostKept = 300

// lastKept is the newest assessment that is kept of the same terminals, store and site; nil where there is none. One that
// cannot be read, or was changed, is told, and is no reason not to assess.
func (a *App) lastKept(ctx context.Context, folder string, of *assess.Subject) *lastAssessment {
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
	if n := len(entries) - mostKept; n > 0 {
		entries = entries[n:]
	}
	for _, e := range slices.Backward(entries) { // sorted by name, which is the time
		if !strings.HasSuffix(e.Name(), ".json") || !e.Type().IsRegular() {
			continue
		}
		last, err := readAssessment(ctx, filepath.Join(folder, e.Name()))
		if err == nil && len(of.Differs(&last.of)) > 0 {
			continue
		}
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
	raw, err := readWhole(ctx, path, assess.MaxAnswers)
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
	if err := q.unchanged(ctx); err != nil || bytes.Equal(content, q.content) {
		return false, err
	}
	err = source.Replace(q.path, content, func(beside string) error {
		if _, err := readAnswers(ctx, beside); err != nil {
			return err
		}
		return q.unchanged(ctx) // nobody else writes now: the file beside it is there once
	})
	if err != nil {
		return false, err
	}
	q.content, q.answers = content, want
	return true, nil
}

// unchanged makes sure that the file is as it was read or written last. Error: busy.
func (q *questionnaire) unchanged(ctx context.Context) error {
	now, err := readWhole(ctx, q.path, assess.MaxAnswers)
	switch {
	case err != nil:
		return fault.Wrap(err, "--answers")
	case !bytes.Equal(now, q.content):
		return fault.New(fault.Busy, "%s was changed by somebody else meanwhile; nothing was written to it", text.Redact(q.path))
	}
	return nil
}

// Somebody else who writes is waited for: so often, so long.
const (
	mostTurns = 20
	oneTurn   = 25 * time.Millisecond
)

// add puts one answer into the file. Where somebody else wrote to it meanwhile, it goes to theirs; what they said to the
// same question stays, and is given back.
func (q *questionnaire) add(ctx context.Context, answer assess.Answer, page func(assess.Answers) []byte) (theirs assess.Answer, err error) {
	for turn := range mostTurns {
		was := q.about(answer.Control)
		answers := q.answers
		answers.All = slices.Clone(answers.All)
		if err := answers.Set(answer); err != nil {
			return assess.Answer{}, err
		}
		_, err = q.write(ctx, page(answers))
		if !fault.Is(err, fault.Busy) && !fault.Is(err, fault.FileExists) {
			return assess.Answer{}, err
		}
		if turn > 0 && !pause(ctx, oneTurn) {
			return assess.Answer{}, context.Cause(ctx)
		}
		again, readErr := openQuestionnaire(ctx, q.path)
		if readErr != nil {
			return assess.Answer{}, readErr
		}
		*q = *again
		if now := q.about(answer.Control); now != was && now.Verdict != "" {
			return now, nil
		}
	}
	return assess.Answer{}, err
}

// about is what the file says of a control; the zero answer when nothing.
func (q *questionnaire) about(control string) assess.Answer {
	for _, one := range q.answers.All {
		if one.Control == control {
			return one
		}
	}
	return assess.Answer{}
}

// pause reports whether the time went by.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

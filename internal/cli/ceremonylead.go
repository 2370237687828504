package cli

// A ceremony from its script to its record: folder, tools, desk, and how it ended.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/minutes"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

// sitting is a ceremony that is led here: what was looked at, and its record. Its tools are made from it.
type sitting struct {
	*inspection
	mode   transcript.Mode
	idle   time.Duration
	log    *transcript.Log
	before *transcript.Document // of a ceremony that goes on
}

// seat refuses a ceremony where nobody can sit down.
func (a *App) seat() error {
	if a.Console.NoInput {
		return fault.New(fault.Usage,
			"people log in, type and confirm in a ceremony, and --no-input forbids to ask them; without anybody: poskey ceremony check")
	}
	if !a.Console.CanAsk() {
		return fault.New(fault.Usage,
			"people log in, type and confirm in a ceremony, and there is no terminal; without anybody: poskey ceremony check")
	}
	return nil
}

// hold leads a new ceremony from its script.
func (a *App) hold(ctx context.Context, path string, o ceremonyOpts, mode transcript.Mode) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := a.seat(); err != nil {
		return err
	}
	in, err := a.inspectCeremony(ctx, path, o, room{rehearsal: mode == transcript.Rehearsal, begins: true})
	if err != nil {
		return err
	}
	if err := a.admitted(in); err != nil {
		return err
	}
	s := &sitting{inspection: in, mode: mode, idle: o.idle}
	if s.ceremony, err = a.drawCeremony(); err != nil {
		return err
	}
	if s.dir == "" {
		s.dir = ceremonyDirName(path, testPrefix(mode, in.script.Environment), s.ceremony)
	}
	undo, err := makeCeremonyDir(s.dir, in.script)
	if err != nil {
		return err
	}
	if s.log, err = transcript.Create(filepath.Join(s.dir, ceremonyRecord), a.headOf(s),
		transcript.Options{Now: a.Env.Now}); err != nil {
		undo()
		return err
	}
	return a.lead(ctx, s)
}

// admitted shows the findings, and refuses a ceremony that has an error.
func (a *App) admitted(in *inspection) error {
	for _, l := range []script.Level{script.Error, script.Warning} {
		for _, f := range in.findings {
			if f.Level == l {
				a.render.Warn(text.New("%s: %s", f.Place(), findingText(f)))
			}
		}
	}
	return refusedBy(in.findings)
}

func (a *App) headOf(s *sitting) transcript.Head {
	station, err := os.Hostname()
	if err != nil {
		station = "unknown"
	}
	v := buildVersion()
	return transcript.Head{Ceremony: s.ceremony, Mode: s.mode, Environment: s.script.Environment, Script: s.script.Raw(),
		Tool: strings.TrimSpace("poskey " + v.Version + " " + v.Commit), Station: station, Language: string(a.Say.Lang())}
}

// lead sits people down, and tells how it ended.
func (a *App) lead(ctx context.Context, s *sitting) error {
	tools, done, err := a.ceremonyTools(ctx, s)
	if err != nil {
		return errors.Join(err, s.log.Abandon())
	}
	desk := a.ceremonyDesk(s.mode, s.script.Environment, s.idle)
	out, led := ceremony.Outcome{State: transcript.Open}, desk.legend()
	if led == nil {
		out, led = ceremony.Lead(ctx, ceremony.Options{Program: s.program, Findings: s.findings, Mode: s.mode, Log: s.log,
			Before: s.before,
			Desk:   desk, Tools: tools, Env: a.Env, Clock: a.Env.Now, Sheet: minutes.Sheet})
	}
	a.Console.Close()
	return a.ended(led, done(out.State, s.log.Head().Hash), a.answerLed(s, out))
}

// ended is the error of a ceremony: how it was led, else that its tools did not close, else that it could not be
// answered. What stands behind another one is told beside it.
func (a *App) ended(led, closed, answered error) error {
	closed = fault.Wrap(closed, "what the ceremony worked with did not close")
	var first error
	for _, err := range []error{led, closed, answered} {
		switch {
		case first == nil:
			first = err
		case err != nil:
			a.render.Warn(text.New("%s", err))
		}
	}
	return first
}

// began is when the ceremony did, by its record.
func (o *sitting) began() time.Time {
	if o.before == nil || len(o.before.Records) == 0 {
		return o.log.Head().Time
	}
	return o.before.Records[0].Time
}

func (a *App) ceremonyDesk(mode transcript.Mode, env custody.Environment, idle time.Duration) *ceremonyDesk {
	d := &ceremonyDesk{at: a.Console, say: a.Say, idle: idle, now: a.Env.Now, plain: a.Getenv("TERM") == "dumb"}
	d.color = a.flags.color == "always" || a.flags.color == "auto" && a.Getenv("NO_COLOR") == "" && !d.plain
	d.mark = transcript.Mark(env, mode)
	return d
}

type ceremonyLedDoc struct {
	Ceremony    string              `json:"ceremony"`
	Mode        transcript.Mode     `json:"mode"`
	Environment custody.Environment `json:"environment"`
	Dir         string              `json:"dir"`
	Record      string              `json:"record"`
	State       transcript.State    `json:"state"`
	StepsDone   int                 `json:"steps_done"`
	Steps       int                 `json:"steps"`
	Deviations  int                 `json:"deviations"`
	Signers     []string            `json:"signers"`
}

// answerLed tells how a ceremony ended, in whatever way it did.
func (a *App) answerLed(s *sitting, out ceremony.Outcome) error {
	doc := ceremonyLedDoc{Ceremony: s.ceremony, Mode: s.mode, Environment: s.script.Environment, Dir: s.dir,
		Record: filepath.Join(s.dir, ceremonyRecord),
		State:  out.State, StepsDone: out.Steps, Steps: len(s.program.Steps), Deviations: out.Deviations, Signers: append([]string{}, out.Signers...)}
	return a.render.Answer("ceremony."+a.holding.verb(), doc, func(p *render.Page) { ceremonyLedPage(p, doc) })
}

// verb is the last word of the command.
func (h *holding) verb() string { return h.words[strings.LastIndex(h.words, " ")+1:] }

// resume goes on with a ceremony that broke.
func (a *App) resume(ctx context.Context, dir string, o ceremonyOpts) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := a.seat(); err != nil {
		return err
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fault.New(fault.Usage, "%s is no folder; name the folder of the ceremony, in which its record lies", pathWord(dir))
	}
	doc, err := readRecord(dir)
	if err != nil {
		return err
	}
	s, err := a.resumed(ctx, dir, o, doc)
	if err != nil {
		return err
	}
	if err := a.admitted(s.inspection); err != nil {
		return err
	}
	if s.log, s.before, err = transcript.Resume(filepath.Join(dir, ceremonyRecord),
		transcript.Options{Now: a.Env.Now}); err != nil {
		return err
	}
	return a.lead(ctx, s)
}

// resumed reads the script out of the record, and looks at the room once more.
func (a *App) resumed(ctx context.Context, dir string, o ceremonyOpts, doc *transcript.Document) (*sitting, error) {
	if doc.State != transcript.Open {
		return nil, fault.New(fault.NotPermitted, "the ceremony in %s is over (%s); there is nothing to go on with",
			pathWord(dir), string(doc.State))
	}
	if len(doc.Problems) > 0 {
		return nil, fault.WrapAs(fault.LogBroken, doc.Problems[0].Error, "the record does not verify")
	}
	s, err := script.Parse(doc.Head.Script)
	if err != nil {
		return nil, fault.Wrap(err, "the script in the record")
	}
	path := filepath.Join(dir, ceremonyScript)
	if err := sameScript(ctx, path, s); err != nil {
		return nil, err
	}
	in := &inspection{room: room{script: s, scriptPath: path, dir: dir, there: true, ceremony: doc.Head.Ceremony,
		printer: o.printer, devices: o.devices,
		rehearsal: doc.Head.Mode == transcript.Rehearsal, begins: true, now: a.Env.Now()}}
	for _, r := range doc.Records {
		if r.Kind == transcript.KindKept {
			in.kept = append(in.kept, r.Details["label"])
		}
	}
	if in.identities, err = readIdentities(ctx, o.identities); err != nil {
		return nil, err
	}
	out := &sitting{inspection: in, mode: doc.Head.Mode, idle: o.idle}
	return out, in.look(ctx, a, o.past)
}

// sameScript holds a file against the script that a record has.
func sameScript(ctx context.Context, path string, s *script.Script) error {
	raw, err := readWhole(ctx, path, script.MaxFile)
	if err != nil {
		return err
	}
	if string(raw) != string(s.Raw()) {
		return fault.New(fault.ChecksumMismatch, "%s is not the script of this record", pathWord(path))
	}
	return nil
}

// writeBlockFile writes a key block beside the record; never over another file.
func writeBlockFile(dir, name string, content []byte) error {
	if name != filepath.Base(name) {
		return fault.New(fault.Usage, "the file %s of a key block lies beside the record, in no other folder", pathWord(name))
	}
	return source.WriteNew(filepath.Join(dir, name), content)
}

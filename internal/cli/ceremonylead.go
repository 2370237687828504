package cli

// A ceremony from its script to its record: folder, tools, desk, and how it ended.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
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

// ceremonySetup is what the tools of a ceremony are made from.
type ceremonySetup struct {
	ceremony   string // id
	mode       transcript.Mode
	program    *script.Program
	dir        string        // of the ceremony; key blocks lie there
	printer    *sheetPrinter // nil: none
	identities []officerFile
	devices    []string // SERIAL=URI
	store      storeUse
	resumed    bool
	began      time.Time // by its record
	kept       []string  // keys of the store, by its record
}

// sitting is a ceremony that is led here.
type sitting struct {
	*inspection
	opts   ceremonyOpts
	mode   transcript.Mode
	id     string
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
	s := &sitting{inspection: in, opts: o, mode: mode}
	if s.id, err = a.drawCeremony(); err != nil {
		return err
	}
	if s.dir == "" {
		s.dir = ceremonyDirName(path, testPrefix(mode, in.script.Environment), s.id)
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
	return transcript.Head{Ceremony: s.id, Mode: s.mode, Environment: s.script.Environment, Script: s.script.Raw(),
		Tool: strings.TrimSpace("poskey " + v.Version + " " + v.Commit), Station: station, Language: string(a.Say.Lang())}
}

// lead sits people down, and tells how it ended.
func (a *App) lead(ctx context.Context, s *sitting) error {
	tools, done, err := a.ceremonyTools(ctx, ceremonySetup{ceremony: s.id, mode: s.mode, program: s.program, dir: s.dir,
		printer:    s.paper,
		identities: s.identities, devices: s.opts.devices, store: s.store, resumed: s.before != nil,
		began: s.began(), kept: s.kept})
	if err != nil {
		return errors.Join(err, s.log.Abandon())
	}
	desk := a.ceremonyDesk(s.mode, s.script.Environment, s.opts)
	out, led := ceremony.Outcome{State: transcript.Open}, desk.legend()
	if led == nil {
		out, led = ceremony.Lead(ctx, ceremony.Options{Program: s.program, Findings: s.findings, Mode: s.mode, Log: s.log,
			Before: s.before,
			Desk:   desk, Tools: tools, Env: a.Env, Clock: a.Env.Now, Sheet: minutes.Sheet})
	}
	a.Console.Close()
	closed := done(out.State, s.log.Head().Hash)
	if err := a.answerLed(s, out); err != nil && led == nil {
		led = err
	}
	if led == nil {
		led = fault.Wrap(closed, "the ceremony is over, and its record whole; what it worked with did not close")
	}
	return led
}

// began is when the ceremony did, by its record.
func (s *sitting) began() time.Time {
	if s.before == nil || len(s.before.Records) == 0 {
		return s.log.Head().Time
	}
	return s.before.Records[0].Time
}

func (a *App) ceremonyDesk(mode transcript.Mode, env custody.Environment, o ceremonyOpts) *ceremonyDesk {
	d := &ceremonyDesk{at: a.Console, say: a.Say, idle: o.idle, now: a.Env.Now, plain: a.Getenv("TERM") == "dumb"}
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
	doc := ceremonyLedDoc{Ceremony: s.id, Mode: s.mode, Environment: s.script.Environment, Dir: s.dir,
		Record: filepath.Join(s.dir, ceremonyRecord),
		State:  out.State, StepsDone: out.Steps, Steps: len(s.program.Steps), Deviations: out.Deviations, Signers: append([]string{}, out.Signers...)}
	return a.render.Answer("ceremony."+a.holding.verb(), doc, func(p *render.Page) { ceremonyLedPage(p, doc) })
}

func ceremonyLedPage(p *render.Page, doc ceremonyLedDoc) {
	if doc.Mode == transcript.Rehearsal {
		p.Heading(text.New("TEST REHEARSAL: its keys are thrown away"))
	}
	stateVerdict(p, doc.State)
	p.Fields(
		render.F(text.New("ceremony"), doc.Ceremony),
		render.F(text.New("environment"), p.T(doc.Environment.Text())),
		render.F(text.New("steps done"), p.T(text.New("%d of %d", doc.StepsDone, doc.Steps))),
		render.F(text.New("deviations"), strconv.Itoa(doc.Deviations)),
		render.F(text.New("signed by"), strings.Join(doc.Signers, " ")),
		render.F(text.New("record"), doc.Record),
	)
	p.Blank()
	if doc.State == transcript.Open {
		p.Line(text.New("go on with:"))
		p.Raw("  poskey ceremony resume " + pathWord(doc.Dir))
		return
	}
	p.Line(text.New("next:"))
	p.Raw("  poskey ceremony verify " + pathWord(doc.Dir))
	p.Raw("  poskey ceremony report " + pathWord(doc.Dir) + " --format pdf")
}

// stateVerdict says how a record ends.
func stateVerdict(p *render.Page, s transcript.State) {
	switch s {
	case transcript.Closed:
		p.Good(text.New("The ceremony is closed and signed."))
	case transcript.Aborted:
		p.Bad(text.New("The ceremony was given up; its record says so."))
	default:
		p.Bad(text.New("The ceremony is not at its end."))
	}
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
	if err := sameScript(path, s); err != nil {
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
	out := &sitting{inspection: in, opts: o, mode: doc.Head.Mode, id: doc.Head.Ceremony}
	return out, in.look(ctx, a, o.past)
}

// sameScript holds a file against the script that a record has.
func sameScript(path string, s *script.Script) error {
	raw, err := readWhole(path, maxScriptFile)
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

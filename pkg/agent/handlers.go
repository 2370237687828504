package agent

// What an agent is asked, and how it answers.

import (
	"context"
	"encoding/json"
	"os"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
)

// handler answers one kind of question.
type handler struct {
	do func(ctx context.Context, c *session, args json.RawMessage, in []*secret.Bytes) (
		result any, out []*secret.Bytes, err error)
	secrets bool // may come with it
	files   bool // may come with it
}

// on makes a handler of a function over decoded arguments.
func on[A any](f func(ctx context.Context, c *session, a A) (any, error)) handler {
	return handler{do: func(ctx context.Context, c *session, raw json.RawMessage, _ []*secret.Bytes) (
		any, []*secret.Bytes, error,
	) {
		var a A
		if err := decodeStrict(raw, &a); err != nil {
			return nil, nil, err
		}
		result, err := f(ctx, c, a)
		return result, nil, err
	}}
}

// working is on for questions to the boundary.
func working[A any](f func(ctx context.Context, j *job, a A) (any, error)) handler {
	return on(func(ctx context.Context, c *session, a A) (any, error) {
		if c.job == nil {
			return nil, errNothingBegun()
		}
		return f(ctx, c.job, a)
	})
}

// clearly is working for questions with which secrets come or go.
func clearly[A any](
	f func(ctx context.Context, j *job, a A, in []*secret.Bytes) (any, []*secret.Bytes, error),
) handler {
	return handler{secrets: true, do: func(ctx context.Context, c *session, raw json.RawMessage, in []*secret.Bytes) (
		any, []*secret.Bytes, error,
	) {
		var a A
		if err := decodeStrict(raw, &a); err != nil {
			return nil, nil, err
		}
		if c.job == nil {
			return nil, nil, errNothingBegun()
		}
		return f(ctx, c.job, a, in)
	}}
}

func errNothingBegun() error {
	return fault.New(fault.NotPermitted, "no operation was begun on this connection")
}

type nothing struct{}

// handlers is the whole protocol.
func handlers() map[string]handler {
	withFiles := func(h handler) handler { h.files = true; return h }
	return map[string]handler{
		opHello:      on(hello),
		opBegin:      withFiles(on(beginWork)),
		opCheckpoint: withFiles(on(signLog)),
		opEndorse:    withFiles(on(signOrders)),
		opNote:       on(noteEntry),
		opStatus:     on(tellStatus),
		opSeal:       on(sealStore),
		opDone:       on(endDone),
		opClose:      on(endClose),

		opGenerate:   working(generate),
		opImport:     clearly(importKey),
		opForm:       clearly(form),
		opSplit:      clearly(split),
		opDerive:     working(derive),
		opCheckValue: working(checkValue),
		opCompare:    working(compare),
		opIdentify:   working(identify),
		opCheckData:  working(checkData),
		opKeep:       working(keep),
		opWrap:       working(wrap),
		opUnwrap:     working(unwrap),
		opTranslate:  working(translate),
		opExamine:    working(examine),
		opReveal:     clearly(reveal),

		opProber:      on(openProber),
		opProbe:       on(probe),
		opParity:      on(parity),
		opLen:         on(length),
		opSearch:      on(search),
		opProberClose: on(closeProber),
	}
}

// The questions.
const (
	opHello      = "hello"
	opBegin      = "begin"
	opCheckpoint = "checkpoint"
	opEndorse    = "endorse"
	opNote       = "note"
	opStatus     = "status"
	opSeal       = "seal"
	opDone       = "done"
	opClose      = "close"

	opGenerate   = "generate"
	opImport     = "import"
	opForm       = "form"
	opSplit      = "split"
	opDerive     = "derive"
	opCheckValue = "check-value"
	opCompare    = "compare"
	opIdentify   = "identify"
	opCheckData  = "check-data"
	opKeep       = "keep"
	opWrap       = "wrap"
	opUnwrap     = "unwrap"
	opTranslate  = "translate"
	opExamine    = "examine"
	opReveal     = "reveal"

	opProber      = "prober"
	opProbe       = "probe"
	opParity      = "parity"
	opLen         = "len"
	opSearch      = "search"
	opProberClose = "prober-close"
)

// spared tells what is answered on a connection too many: how the store stands, and its end.
func spared(op string) bool { return op == opHello || op == opStatus || op == opSeal }

// hello answers a command that says which store it means.
func hello(_ context.Context, c *session, a helloArgs) (any, error) {
	if own := c.server.agent.config.Store; a.Store != own {
		return nil, fault.New(fault.NotPermitted, "the agent at this socket is that of store %s, not of %s", own,
			text.Redact(a.Store))
	}
	return nothing{}, nil
}

// take puts the descriptors that came with a question in their places.
func (c *session) take(w wireIntent) (Intent, error) {
	in, err := w.unpack()
	if err != nil {
		return Intent{}, err
	}
	in.Who = peer(in.Who, c.uid)
	files := c.files
	if w.Terminal {
		if len(files) == 0 {
			return Intent{}, fault.New(fault.Malformed, "a terminal was announced and not handed over")
		}
		in.Approvers.Terminal, files = files[0], files[1:]
	}
	if len(files) != w.Passphrases {
		return Intent{}, fault.New(fault.Malformed, "%d passphrases were announced and %d handed over", w.Passphrases,
			len(files))
	}
	in.Approvers.Passphrases = files
	return in, nil
}

func beginWork(ctx context.Context, c *session, w wireIntent) (any, error) {
	if c.job != nil {
		return nil, fault.New(fault.Busy, "an operation is under way on this connection")
	}
	in, err := c.take(w)
	if err != nil {
		return nil, err
	}
	ctx, stop := c.watched(ctx)
	defer stop()
	j, err := c.server.desk.begin(ctx, in)
	if err != nil {
		return nil, err
	}
	c.job = j
	return wireBegun{packMark(j.Mark()), j.Officers(), j.Info()}, nil
}

func signLog(ctx context.Context, c *session, w wireIntent) (any, error) {
	in, err := c.take(w)
	if err != nil {
		return nil, err
	}
	if err := c.server.auth.Allowed(custody.AuditCheckpoint); err != nil {
		return nil, err
	}
	ctx, stop := c.watched(ctx)
	defer stop()
	return c.server.gate.sign(ctx, c.server.agent.log, in)
}

func noteEntry(_ context.Context, c *session, w wireNote) (any, error) {
	e, err := w.Entry.unpack()
	if err != nil {
		return nil, err
	}
	e.Who = peer(e.Who, c.uid)
	return nothing{}, c.server.desk.note(e, w.Outcome)
}

func tellStatus(_ context.Context, c *session, _ nothing) (any, error) {
	s := c.server
	works, done, probes := s.desk.count()
	head := s.agent.log.Head()
	return wireStatus{Store: s.agent.config.Store, Environment: s.agent.config.Environment, PID: os.Getpid(),
		Until: s.auth.Until(), Left: s.auth.Left(), Activities: s.auth.Activities(), Officers: idsOf(s.auth.Officers()),
		Works: works, Done: done, Probes: probes, Head: packMark(Mark{head.Seq, head.Hash})}, nil
}

// sealStore answers when everything is wiped and recorded.
func sealStore(_ context.Context, c *session, who audit.Actor) (any, error) {
	s := c.server
	s.mu.Lock()
	s.by = peer(who, c.uid)
	s.mu.Unlock()
	select {
	case s.stop <- text.New("it was told to end"):
	default: // somebody else told it already
	}
	<-s.sealed
	return nothing{}, nil
}

func endDone(ctx context.Context, c *session, w wireOutcome) (any, error) {
	if c.job == nil {
		return nil, errNothingBegun()
	}
	o, err := w.unpack()
	if err != nil {
		return nil, err
	}
	return nothing{}, c.job.Done(ctx, o)
}

func endClose(_ context.Context, c *session, _ nothing) (any, error) {
	c.endWork()
	return nothing{}, nil
}

func generate(ctx context.Context, j *job, a generateArgs) (any, error) {
	return result(j.Generate(ctx, a.Attributes, a.Policy))
}

// result keeps a zero value from crossing beside an error.
func result[R any](r R, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

func importKey(ctx context.Context, j *job, a generateArgs, in []*secret.Bytes) (any, []*secret.Bytes, error) {
	if len(in) != 1 {
		return nil, nil, fault.New(fault.Malformed, "one key comes in at a time, not %d", len(in))
	}
	r, err := result(j.Import(ctx, in[0], a.Attributes, a.Policy))
	return r, nil, err
}

func form(ctx context.Context, j *job, a formArgs, in []*secret.Bytes) (any, []*secret.Bytes, error) {
	parts, err := joinParts(a.Parts, in)
	if err != nil {
		return nil, nil, err
	}
	r, err := result(j.Form(ctx, hsm.Forming{Parts: parts, Attributes: a.Attributes, Policy: a.Policy,
		PartExpected: a.PartExpected, Expected: a.Expected}))
	return r, nil, err
}

func split(ctx context.Context, j *job, a splitArgs, _ []*secret.Bytes) (any, []*secret.Bytes, error) {
	parts, err := j.Split(ctx, a.Key, a.Spec)
	if err != nil {
		return nil, nil, err
	}
	heads, values, err := packComponents(parts)
	if err != nil {
		component.WipeAll(parts)
	}
	return heads, values, err
}

func derive(ctx context.Context, j *job, a deriveArgs) (any, error) {
	d, err := a.derivation()
	if err != nil {
		return nil, err
	}
	return result(j.Derive(ctx, a.Base, d, a.Policy))
}

func checkValue(ctx context.Context, j *job, a checkArgs) (any, error) {
	return result(j.CheckValue(ctx, a.Key, a.Method, a.Digits))
}

func compare(ctx context.Context, j *job, a compareArgs) (any, error) {
	return result(j.Compare(ctx, a.Key, a.Expected, a.Method))
}

func identify(ctx context.Context, j *job, a compareArgs) (any, error) {
	return result(j.Identify(ctx, a.Key, a.Expected, a.Algorithm))
}

func checkData(ctx context.Context, j *job, a keyArgs) (any, error) {
	return result(j.CheckData(ctx, a.Key))
}

func keep(ctx context.Context, j *job, a keepArgs) (any, error) {
	return result(j.Keep(ctx, a.Key, a.Label))
}

func wrap(ctx context.Context, j *job, a wrapArgs) (any, error) {
	w, err := j.Wrap(ctx, a.Key, a.KBPK, a.Header.unpack(), a.Options)
	if err != nil {
		return nil, err
	}
	return wrapped{Block: w.Block, Warnings: packWarnings(w.Warnings)}, nil
}

func unwrap(ctx context.Context, j *job, a blockArgs) (any, error) {
	b, err := keyblock.Parse(a.Block)
	if err != nil {
		return nil, err
	}
	o, err := j.Unwrap(ctx, b, a.KBPK, a.Policy)
	if err != nil {
		return nil, err
	}
	return wrapped{Key: o.Key, Warnings: packWarnings(o.Warnings)}, nil
}

func translate(ctx context.Context, j *job, a blockArgs) (any, error) {
	b, err := keyblock.Parse(a.Block)
	if err != nil {
		return nil, err
	}
	t, err := j.Translate(ctx, b, a.KBPK, a.To, a.Change)
	if err != nil {
		return nil, err
	}
	return wrapped{t.Key, t.Block, packWarnings(t.Warnings)}, nil
}

func examine(ctx context.Context, j *job, a blockArgs) (any, error) {
	b, err := keyblock.Parse(a.Block)
	if err != nil {
		return nil, err
	}
	found, err := j.Examine(ctx, b, a.KBPK)
	if err != nil {
		return nil, err
	}
	return packFindings(found), nil
}

func reveal(ctx context.Context, j *job, a keyArgs, _ []*secret.Bytes) (any, []*secret.Bytes, error) {
	clear, err := j.Reveal(ctx, a.Key)
	if err != nil {
		return nil, nil, err
	}
	return nothing{}, []*secret.Bytes{clear}, nil
}

func openProber(ctx context.Context, c *session, a proberArgs) (any, error) {
	if c.job == nil {
		return nil, errNothingBegun()
	}
	open := 0
	for _, p := range c.probers {
		if p != nil {
			open++
		}
	}
	if open >= maxProbers {
		return nil, fault.New(fault.Busy, "%d diagnoses are under way in one operation", maxProbers)
	}
	p, err := c.job.Prober(ctx, a.Material)
	if err != nil {
		return nil, err
	}
	c.probers = append(c.probers, p)
	_, searches := p.(hsm.Searcher)
	return proberMade{len(c.probers) - 1, searches}, nil
}

// prober finds an open one.
func (c *session) prober(n int) (hsm.ProbeCloser, error) {
	if c.job == nil || n < 0 || n >= len(c.probers) || c.probers[n] == nil {
		return nil, fault.New(fault.Failure, "the diagnosis is over")
	}
	return c.probers[n], nil
}

func (a probeArgs) about(c *session) (hsm.ProbeCloser, hsm.Expr, error) {
	p, err := c.prober(a.Prober)
	if err != nil {
		return nil, nil, err
	}
	e, err := a.Expr.unpack()
	return p, e, err
}

func probe(ctx context.Context, c *session, a probeArgs) (any, error) {
	p, e, err := a.about(c)
	if err != nil {
		return nil, err
	}
	return result(p.Probe(ctx, hsm.Question{Expr: e, Algorithm: a.Algorithm, Method: a.Method, Expected: a.Expected,
		Data: a.Data}))
}

func parity(ctx context.Context, c *session, a probeArgs) (any, error) {
	p, e, err := a.about(c)
	if err != nil {
		return nil, err
	}
	return result(p.Parity(ctx, e))
}

func length(_ context.Context, c *session, a probeArgs) (any, error) {
	p, e, err := a.about(c)
	if err != nil {
		return nil, err
	}
	return result(p.Len(e))
}

func search(ctx context.Context, c *session, a searchArgs) (any, error) {
	p, err := c.prober(a.Prober)
	if err != nil {
		return nil, err
	}
	s, ok := p.(hsm.Searcher)
	if !ok {
		return nil, fault.New(fault.NotPermitted, "this boundary searches no slips")
	}
	q := hsm.SearchQuestion{Algorithm: a.Algorithm, Method: a.Method, Expected: a.Expected, Digits: a.Digits,
		OnOther: a.OnOther}
	if q.Pieces, err = unpackPieces(a.Pieces); err != nil {
		return nil, err
	}
	ctx, stop := c.watched(ctx)
	defer stop()
	found, err := s.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	return packFound(found), nil
}

func closeProber(_ context.Context, c *session, a probeArgs) (any, error) {
	p, err := c.prober(a.Prober)
	if err != nil {
		return nothing{}, nil // a second Close does nothing
	}
	c.probers[a.Prober] = nil
	return nothing{}, p.Close()
}

package agent

// A work whose boundary is in the agent.

import (
	"context"
	"slices"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// remote asks one question at a time; callers wait for each other.
type remote struct {
	link     *link
	mark     Mark
	officers []string
	info     hsm.Info

	mu   sync.Mutex
	over bool
}

// call asks a question. Once asked it waits for the answer, so that the work is still of use after an interruption.
func (r *remote) call(
	ctx context.Context, op string, args any, in []*secret.Bytes, result any,
) ([]*secret.Bytes, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil, fault.New(fault.Failure, "the operation is over")
	}
	if ctx.Err() != nil {
		return nil, fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the boundary was told to stop")
	}
	return r.link.ask(context.WithoutCancel(ctx), op, args, in, nil, result)
}

// told is call for answers without secrets.
func told[R any](ctx context.Context, r *remote, op string, args any) (R, error) {
	var result, zero R
	out, err := r.call(ctx, op, args, nil, &result)
	wipeAll(out)
	if err != nil {
		return zero, err
	}
	return result, nil
}

func (r *remote) Mark() Mark         { return r.mark }
func (r *remote) Officers() []string { return slices.Clone(r.officers) }
func (r *remote) Info() hsm.Info     { return r.info }

// Done waits for nobody's context but the one given: an interrupted operation has an outcome too.
func (r *remote) Done(ctx context.Context, o Outcome) error {
	_, err := told[nothing](context.WithoutCancel(ctx), r, opDone, packOutcome(o))
	return err
}

func (r *remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil
	}
	r.over = true
	_, _ = r.link.ask(context.Background(), opClose, nil, nil, nil, nil) // an agent that is gone has ended it already
	r.link.close()
	return nil
}

func (r *remote) Generate(ctx context.Context, a hsm.Attributes, p hsm.Policy) (hsm.Key, error) {
	return told[hsm.Key](ctx, r, opGenerate, generateArgs{a, p})
}

func (r *remote) Import(ctx context.Context, clear *secret.Bytes, a hsm.Attributes, p hsm.Policy) (hsm.Key, error) {
	defer clear.Wipe()
	var k hsm.Key
	if _, err := r.call(ctx, opImport, generateArgs{a, p}, []*secret.Bytes{clear}, &k); err != nil {
		return hsm.Key{}, err
	}
	return k, nil
}

func (r *remote) Form(ctx context.Context, f hsm.Forming) (hsm.Key, error) {
	defer component.WipeAll(f.Parts)
	heads, values, err := packComponents(f.Parts)
	if err != nil {
		return hsm.Key{}, err
	}
	var k hsm.Key
	if _, err := r.call(ctx, opForm, formArgs{heads, f.Attributes, f.Policy, f.PartExpected, f.Expected}, values,
		&k); err != nil {
		return hsm.Key{}, err
	}
	return k, nil
}

func (r *remote) Split(ctx context.Context, k hsm.Key, spec component.Spec) ([]*component.Part, error) {
	var heads []wirePart
	values, err := r.call(ctx, opSplit, splitArgs{k, spec}, nil, &heads)
	if err != nil {
		return nil, err
	}
	parts, err := joinParts(heads, values)
	if err != nil {
		wipeAll(values)
	}
	return parts, err
}

func (r *remote) Derive(ctx context.Context, base hsm.Key, d hsm.Derivation, p hsm.Policy) (hsm.Key, error) {
	a := deriveArgs{Base: base, From: d.From, Want: d.Want, Use: d.Use, Type: d.Type, Policy: p}
	if !d.KSN.IsZero() {
		a.KSN = d.KSN.String()
	}
	return told[hsm.Key](ctx, r, opDerive, a)
}

func (r *remote) CheckValue(ctx context.Context, k hsm.Key, m kcv.Method, digits int) (kcv.Value, error) {
	return told[kcv.Value](ctx, r, opCheckValue, checkArgs{k, m, digits})
}

func (r *remote) Compare(
	ctx context.Context, k hsm.Key, expected kcv.Expected, m kcv.Method,
) (kcv.Comparison, error) {
	return told[kcv.Comparison](ctx, r, opCompare, compareArgs{Key: k, Expected: expected, Method: m})
}

func (r *remote) Identify(
	ctx context.Context, k hsm.Key, expected kcv.Expected, alg keys.Algorithm,
) ([]kcv.Match, error) {
	return told[[]kcv.Match](ctx, r, opIdentify, compareArgs{Key: k, Expected: expected, Algorithm: alg})
}

func (r *remote) CheckData(ctx context.Context, k hsm.Key) (string, error) {
	return told[string](ctx, r, opCheckData, keyArgs{k})
}

func (r *remote) Keep(ctx context.Context, k hsm.Key, label string) (hsm.Key, error) {
	return told[hsm.Key](ctx, r, opKeep, keepArgs{k, label})
}

func (r *remote) Wrap(
	ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions,
) (hsm.Wrapped, error) {
	w, err := told[wrapped](ctx, r, opWrap, wrapArgs{k, kbpk, packHeader(h), o})
	if err != nil {
		return hsm.Wrapped{}, err
	}
	return hsm.Wrapped{Block: w.Block, Warnings: unpackWarnings(w.Warnings)}, nil
}

func (r *remote) Unwrap(ctx context.Context, b *keyblock.Block, kbpk hsm.Key, p hsm.Policy) (hsm.Opened, error) {
	w, err := told[wrapped](ctx, r, opUnwrap, blockArgs{Block: b.Marshal(), KBPK: kbpk, Policy: p})
	if err != nil {
		return hsm.Opened{}, err
	}
	return hsm.Opened{Key: w.Key, Warnings: unpackWarnings(w.Warnings)}, nil
}

func (r *remote) Translate(
	ctx context.Context, b *keyblock.Block, from, to hsm.Key, change hsm.Change,
) (hsm.Translated, error) {
	w, err := told[wrapped](ctx, r, opTranslate, blockArgs{Block: b.Marshal(), KBPK: from, To: to, Change: change})
	if err != nil {
		return hsm.Translated{}, err
	}
	return hsm.Translated{Key: w.Key, Block: w.Block, Warnings: unpackWarnings(w.Warnings)}, nil
}

func (r *remote) Examine(ctx context.Context, b *keyblock.Block, kbpk hsm.Key) ([]keyblock.Finding, error) {
	found, err := told[[]wireFinding](ctx, r, opExamine, blockArgs{Block: b.Marshal(), KBPK: kbpk})
	return unpackFindings(found), err
}

func (r *remote) Reveal(ctx context.Context, k hsm.Key) (*secret.Bytes, error) {
	out, err := r.call(ctx, opReveal, keyArgs{k}, nil, nil)
	if err != nil {
		return nil, err
	}
	if len(out) != 1 {
		wipeAll(out)
		return nil, fault.New(fault.Failure, "the agent gave %d keys for one", len(out))
	}
	return out[0], nil
}

func (r *remote) Prober(ctx context.Context, material []hsm.Key) (hsm.ProbeCloser, error) {
	made, err := told[proberMade](ctx, r, opProber, proberArgs{material})
	if err != nil {
		return nil, err
	}
	p := remoteProber{r, made.Prober}
	if made.Searches {
		return remoteSearcher{p}, nil
	}
	return p, nil
}

// remoteProber is a prober in the agent.
type remoteProber struct {
	work   *remote
	number int
}

func (p remoteProber) Probe(ctx context.Context, q hsm.Question) (hsm.Answer, error) {
	return told[hsm.Answer](ctx, p.work, opProbe, probeArgs{p.number, packExpr(q.Expr), q.Algorithm, q.Method, q.Expected,
		q.Data})
}

func (p remoteProber) Parity(ctx context.Context, e hsm.Expr) (keys.Parity, error) {
	return told[keys.Parity](ctx, p.work, opParity, probeArgs{Prober: p.number, Expr: packExpr(e)})
}

func (p remoteProber) Len(e hsm.Expr) (int, error) {
	return told[int](context.Background(), p.work, opLen, probeArgs{Prober: p.number, Expr: packExpr(e)})
}

// Close lets the prober go; one whose work is over went with it.
func (p remoteProber) Close() error {
	_, _ = told[nothing](context.Background(), p.work, opProberClose, probeArgs{Prober: p.number})
	return nil
}

// remoteSearcher is one that also searches slips. Its progress is not told.
type remoteSearcher struct{ remoteProber }

func (s remoteSearcher) Search(ctx context.Context, q hsm.SearchQuestion) (slip.Answer, error) {
	defer context.AfterFunc(ctx, s.work.link.close)() // a search is long; who ends it ends the operation
	found, err := told[wireFound](ctx, s.work, opSearch, searchArgs{s.number, packPieces(q.Pieces), q.Algorithm, q.Method,
		q.Expected, q.Digits, q.OnOther})
	if err != nil && ctx.Err() != nil {
		err = fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the search was stopped")
	}
	if err != nil {
		return slip.Answer{}, err
	}
	return found.unpack(), nil
}

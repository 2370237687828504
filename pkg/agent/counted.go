package agent

import (
	"context"

	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// counted is a prober whose questions are those of a job.
type counted struct {
	inner hsm.ProbeCloser
	job   *job
}

// searching is one that also searches.
type searching struct {
	counted
	inner hsm.Searcher
}

func newCounted(p hsm.ProbeCloser, j *job) hsm.ProbeCloser {
	c := counted{p, j}
	if s, ok := p.(hsm.Searcher); ok {
		return searching{c, s}
	}
	return c
}

func (c counted) Probe(ctx context.Context, q hsm.Question) (hsm.Answer, error) {
	if err := c.job.open(ctx); err != nil {
		return hsm.Answer{}, err
	}
	return c.inner.Probe(context.WithValue(ctx, jobKey{}, c.job), q)
}

func (c counted) Parity(ctx context.Context, e hsm.Expr) (keys.Parity, error) {
	if err := c.job.open(ctx); err != nil {
		return "", err
	}
	return c.inner.Parity(context.WithValue(ctx, jobKey{}, c.job), e)
}

func (c counted) Len(e hsm.Expr) (int, error) { return c.inner.Len(e) }
func (c counted) Close() error                { return c.inner.Close() }

func (s searching) Search(ctx context.Context, q hsm.SearchQuestion) (slip.Answer, error) {
	if err := s.job.open(ctx); err != nil {
		return slip.Answer{}, err
	}
	return s.inner.Search(context.WithValue(ctx, jobKey{}, s.job), q)
}

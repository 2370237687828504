package hsm

// Slips of typing, searched inside the boundary.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/slip"
)

var _ Searcher = (*SpotProber)(nil)

// Search searches slips in pieces that were given on the spot, and tells where they are. It takes all
// cores until it is done or ctx ends.
func (s *SpotProber) Search(ctx context.Context, q SearchQuestion) (slip.Answer, error) {
	if !q.Algorithm.IsBlockCipher() {
		return slip.Answer{}, fault.New(fault.Usage, "slips are searched in keys of block ciphers, not of %s", q.Algorithm)
	}
	asked := slip.Question{
		Algorithm: q.Algorithm, Method: q.Method, Expected: q.Expected,
		Digits: q.Digits, OnOther: q.OnOther, Progress: q.Progress,
	}
	var held []*secret.Bytes
	defer func() {
		for _, b := range held {
			b.Wipe()
		}
	}()
	for _, p := range q.Pieces {
		typed, others, err := s.piece(p)
		if err != nil {
			return slip.Answer{}, err
		}
		held = append(held, typed)
		piece := slip.Piece{Typed: typed.Expose()}
		if others != nil {
			held = append(held, others)
			piece.Others = others.Expose()
		}
		asked.Pieces = append(asked.Pieces, piece)
	}
	return slip.Search(ctx, asked)
}

// piece gives the digits of what was typed and the bytes of the others, which the caller wipes.
func (s *SpotProber) piece(p SearchPiece) (typed, others *secret.Bytes, err error) {
	n, err := length(s.material, p.Typed)
	if err != nil {
		return nil, nil, err
	}
	if p.Digits < 0 || p.Digits > 2*n || n == 0 {
		return nil, nil, fault.New(fault.MalformedLength, "%d digits were typed, there are %d", p.Digits, 2*n)
	}
	if p.Others != nil {
		if _, err := length(s.material, p.Others); err != nil {
			return nil, nil, err
		}
		if others, err = form(s.material, p.Others); err != nil {
			return nil, nil, err
		}
	}
	if typed, err = formDigits(s.material, p.Typed, p.Digits); err != nil && others != nil {
		others.Wipe()
	}
	return typed, others, err
}

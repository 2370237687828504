package fleet

// When nobody works: no job is left, or the queue gives none out.

import (
	"context"
	"time"

	"poskey/internal/fault"
)

// stillness is a time in which no device is in work. The database of the queue may be away, or full: it is waited for,
// for as long as patience lasts.
type stillness struct {
	now    func() time.Time
	most   time.Duration
	late   time.Duration // after which a job that is due should have been given out
	began  time.Time     // zero: somebody works
	failed time.Time     // since when the queue gives no answer; zero: it does
}

func (s *stillness) over() { s.began, s.failed = time.Time{}, time.Time{} }

// look reports that no job is left. Errors: the queue gives no answer, or gives out no job that is due, for too long.
func (s *stillness) look(ctx context.Context, q *queue) (idle bool, err error) {
	now := s.now()
	if s.began.IsZero() {
		s.began = now
	}
	idle, due, err := q.idle(ctx, now.Add(-s.late))
	switch {
	case ctx.Err() != nil:
		return false, nil
	case err == nil:
		s.failed = time.Time{}
	case s.failed.IsZero():
		s.failed = now
	case now.Sub(s.failed) > s.most:
		return false, fault.WrapAs(fault.DeviceLink, err, "the queue of work does not answer; look at the database and its disk")
	}
	if err == nil && due && now.Sub(s.began) > s.late {
		return false, fault.New(fault.DeviceLink, "the queue of work gives nothing out since %s; look at the database and its disk",
			s.late.String())
	}
	return err == nil && idle, nil
}

package fleet

// Whose a device is, where many stations share a queue. River gives a job out twice when the server crashed and forgot
// that it was out, and when a station says late what became of a job that somebody else has by now: what counts is the
// mark that a station puts on the job, and that is on the disk before the station goes to the device.

import (
	"context"
	"sync"
	"time"

	"poskey/pkg/store"
)

// takeMarks marks jobs ($1) for who has the name $2, but for those with another one's mark that is younger than $3
// seconds. The mark stands in a job's tags, which River leaves alone and has in no index: who, and since when. The queue's
// connections do not wait for the disk, this statement does.
const takeMarks = `UPDATE river_job SET tags = ARRAY[$2::text, extract(epoch FROM now())::text]
	FROM (SELECT set_config('synchronous_commit', 'on', true)) AS durable
	WHERE id = ANY($1::bigint[]) AND (cardinality(tags) < 2 OR tags[1] = $2::text
		OR tags[2]::float8 < extract(epoch FROM now())::float8 - $3::float8)
	RETURNING id`

// dropMarks takes them away. A crash may forget it: then they grow old.
const dropMarks = `UPDATE river_job SET tags = '{}' WHERE id = ANY($1::bigint[]) AND tags[1] = $2::text`

// claims takes devices for a station and lets them go: those that come together go together.
type claims struct {
	place   *store.Queue
	who     string        // the station in this session
	longest time.Duration // that a claim of another station stands, since that one may have died

	mu      sync.Mutex
	waiting []wish
	asking  bool // somebody asks the database, and goes on with those that wait by then
}

// wish is a device to be taken or let go.
type wish struct {
	job  int64
	take bool
	had  chan<- bool
}

// claim is that of one device.
type claim struct {
	*claims
	job int64
}

// take reports that this station has the device now. It has not while another station does, nor when the database does
// not say so.
func (c claim) take() bool { return c.ask(c.job, true) }

// letGo ends a claim when the station has left the device.
func (c claim) letGo() { c.ask(c.job, false) }

func (c *claims) ask(job int64, take bool) bool {
	if c.place.Pool == nil { // a file has one station
		return true
	}
	had := make(chan bool, 1)
	c.mu.Lock()
	c.waiting = append(c.waiting, wish{job, take, had})
	first := !c.asking
	c.asking = true
	c.mu.Unlock()
	if first {
		go c.through()
	}
	return <-had
}

// through asks until nobody waits.
func (c *claims) through() {
	for {
		c.mu.Lock()
		all := c.waiting
		c.waiting, c.asking = nil, len(all) > 0
		c.mu.Unlock()
		if len(all) == 0 {
			return
		}
		mine := c.together(all)
		for _, w := range all {
			w.had <- mine[w.job]
		}
	}
}

// together gives the jobs that are this station's now, out of those that are to be. A job is in one wish at a time.
func (c *claims) together(all []wish) (mine map[int64]bool) {
	var take, drop []int64
	for _, w := range all {
		if w.take {
			take = append(take, w.job)
		} else {
			drop = append(drop, w.job)
		}
	}
	ctx, stop := context.WithTimeout(context.Background(), claimLimit)
	defer stop()
	if len(drop) > 0 {
		_, _ = c.place.Pool.Exec(ctx, dropMarks, drop, c.who) // see dropMarks
	}
	mine = map[int64]bool{}
	if len(take) == 0 {
		return mine
	}
	rows, err := c.place.Pool.Query(ctx, takeMarks, take, c.who, c.longest.Seconds())
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var job int64
		if rows.Scan(&job) != nil {
			return nil
		}
		mine[job] = true
	}
	if rows.Err() != nil { // also when nobody heard that it is on the disk
		return nil
	}
	return mine
}

// claimLimit is how long the database may take to answer.
const claimLimit = 5 * time.Second

package load

import (
	"sync"

	"opsdeck/ops/backup"
)

// queue hands out the jobs of all tables: indexes first, then the table with the most
// left. Each worker gets another table while there are enough.
type queue struct {
	mu     sync.Mutex
	wake   *sync.Cond
	lines  []*line
	ended  bool
	member []backup.Member
}

// line is what is left of one table.
type line struct {
	t       *table
	jobs    [][]int
	left    int64
	running int
	indexes bool // not added yet
}

func newQueue(m *backup.Manifest, p *plan, j *journal, commit int64) *queue {
	if commit <= 0 {
		commit = commitBytes
	}
	q := &queue{member: m.Members}
	q.wake = sync.NewCond(&q.mu)
	for _, t := range p.tables {
		l := &line{
			t:       t,
			indexes: len(t.deferred) > 0,
			jobs:    t.jobs(m, commit, func(i int) bool { return j.has(doneRows, i) }),
		}
		for _, job := range l.jobs {
			l.left += q.size(job)
		}
		if l.indexes {
			l.left += t.bytes / 2
		}
		q.lines = append(q.lines, l)
	}
	return q
}

func (q *queue) size(job []int) (n int64) {
	for _, i := range job {
		n += q.member[i].RawLength
	}
	return n
}

// next waits for a job. A nil table means that there are no more jobs; a nil job means
// the table's indexes.
func (q *queue) next() (*table, []int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.ended {
			return nil, nil
		}
		if l := q.pick(); l != nil {
			l.running++
			if len(l.jobs) == 0 {
				l.indexes = false
				return l.t, nil
			}
			job := l.jobs[0]
			l.jobs = l.jobs[1:]
			return l.t, job
		}
		if q.idle() {
			return nil, nil
		}
		q.wake.Wait()
	}
}

func (q *queue) pick() (best *line) {
	for _, l := range q.lines {
		switch {
		case len(l.jobs) == 0 && l.indexes && l.running == 0:
			return l
		case len(l.jobs) == 0 || l.running > 0 && l.t.single:
		case best == nil || l.running < best.running || l.running == best.running && l.left > best.left:
			best = l
		}
	}
	return best
}

// idle tells whether nothing is left, or nothing that can become ready.
func (q *queue) idle() bool {
	for _, l := range q.lines {
		if l.running > 0 || len(l.jobs) > 0 || l.indexes {
			return false
		}
	}
	return true
}

// done removes a finished job from its table, and tells whether it was the last.
func (q *queue) done(t *table, job []int) (whole bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lines {
		if l.t == t {
			l.running--
			l.left -= q.size(job)
			whole = l.running == 0 && len(l.jobs) == 0 && !l.indexes
		}
	}
	q.wake.Broadcast()
	return whole
}

// end wakes all waiting workers: there are no more jobs.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.wake.Broadcast()
}

package dump

import (
	"context"
	"database/sql"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/checksum"
)

// job is a member on its way to the file.
type job struct {
	member backup.Member
	text   []byte
}

// pipeline connects the readers with the file. Its buffers bound the memory: their number
// is fixed, and a reader without one waits.
type pipeline struct {
	jobs    chan job
	buffers chan []byte
	mu      sync.Mutex
	done    map[*table]*tally
}

// tally is the number of rows and the checksum read from a table.
type tally struct {
	rows, bytes int64
	sum         checksum.Sum
}

// packers is the number of members that are compressed at a time.
func packers(readers int) int { return min(runtime.GOMAXPROCS(0), 2*readers) }

func newPipeline(readers int) *pipeline {
	n := readers + packers(readers) + 1
	p := &pipeline{buffers: make(chan []byte, n), done: map[*table]*tally{}}
	for range n {
		p.buffers <- nil
	}
	return p
}

// buffer waits for a free buffer.
func (p *pipeline) buffer(ctx context.Context) ([]byte, error) {
	select {
	case b := <-p.buffers:
		if b == nil {
			b = make([]byte, 0, memberBytes+memberBytes/16)
		}
		return b[:0], nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// free returns a buffer; nil, for none taken, is allowed. A buffer that a giant row has
// enlarged is dropped.
func (p *pipeline) free(b []byte) {
	if b == nil {
		return
	}
	if cap(b) > 4*memberBytes {
		b = nil
	}
	p.buffers <- b
}

// submit passes a member on to be compressed and written, after which the buffer is
// returned.
func (p *pipeline) submit(ctx context.Context, m backup.Member, text []byte) error {
	select {
	case p.jobs <- job{m, text}:
		return nil
	case <-ctx.Done():
		p.free(text)
		return context.Cause(ctx)
	}
}

func (p *pipeline) finishChunk(w *writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.done[w.c.t]
	if t == nil {
		t = &tally{}
		p.done[w.c.t] = t
	}
	t.rows += w.rows
	t.bytes += w.bytes
	t.sum.Add(w.sum)
}

// run reads all chunks over all connections and writes their members.
func (d *dumper) run(ctx context.Context, conns []*sql.Conn, chunks []chunk) error {
	g, ctx := errgroup.WithContext(ctx)
	d.jobs = make(chan job)
	queue := make(chan *chunk)
	g.Go(func() error {
		defer close(queue)
		for i := range chunks {
			select {
			case queue <- &chunks[i]:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	readers, rctx := errgroup.WithContext(ctx)
	for _, c := range conns {
		readers.Go(func() error {
			for part := range queue {
				if err := d.readChunk(rctx, c, part); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(d.jobs)
		return readers.Wait()
	})
	for range packers(len(conns)) {
		g.Go(func() error {
			for j := range d.jobs {
				err := d.file.add(j.member, j.text)
				d.free(j.text)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

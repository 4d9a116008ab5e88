package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/ops/mysql/schema"
)

// errNotAll says that LOAD DATA changed or skipped rows.
var errNotAll = errors.New("LOAD DATA changed or left out rows")

var readers atomic.Int64

// loadData sends the members of a job as the file of one LOAD DATA LOCAL.
func (w *worker) loadData(ctx context.Context, t *table, c *converter, job []int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	feed := w.feed(ctx, t, c, job)
	first, ok := <-feed
	if !ok {
		return nil
	}
	if first.err != nil {
		return first.err
	}
	name := "opsdeck" + strconv.FormatInt(readers.Add(1), 10)
	r := &feedReader{feed: feed, block: first, told: told{m: w.s.meter, object: t.object}}
	driver.RegisterReaderHandler(name, func() io.Reader { return r })
	defer driver.DeregisterReaderHandler(name)
	res, err := w.conn.ExecContext(ctx, c.statement(name))
	if err == nil {
		err = r.err
	}
	if err == nil {
		err = w.allIn(ctx, res, r.rows)
	}
	if err != nil {
		r.told.back()
		cancel(err)
		for range feed { // the goroutine that fills it uses the worker's buffers
			continue
		}
	}
	return err
}

// allIn checks the server's result of a LOAD DATA, because LOCAL turns every error into
// a warning.
func (w *worker) allIn(ctx context.Context, res sql.Result, want int64) error {
	got, err := res.RowsAffected()
	if err != nil {
		return err
	}
	warnings, err := schema.One(ctx, w.conn, "SELECT @@warning_count")
	if err != nil {
		return err
	}
	if got != want || warnings != "0" {
		return fmt.Errorf("%w: %d of %d rows, %s warnings", errNotAll, got, want, warnings)
	}
	return nil
}

// block is a converted member.
type block struct {
	data []byte
	rows int64
	raw  int64
	err  error
}

// feed unpacks and converts members ahead of the server. It closes the channel at the
// end; an error is sent as the last block.
func (w *worker) feed(ctx context.Context, t *table, c *converter, job []int) <-chan block {
	feed := make(chan block)
	go func() {
		defer close(feed)
		for _, i := range job {
			mem := w.src.Manifest.Members[i]
			b := block{raw: mem.RawLength}
			w.text, b.err = w.unpack.member(ctx, w.text[:0], mem)
			if b.err == nil {
				buf := make([]byte, 0, len(w.text)+1024)
				b.data, b.rows, b.err = c.member(buf, w.text, t.create)
			}
			if b.err == nil && b.rows != mem.Rows {
				b.err = damage(mem, "%d rows, the manifest says %d", b.rows, mem.Rows)
			}
			select {
			case feed <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return feed
}

// feedReader is the reader that the driver sends to the server.
type feedReader struct {
	feed  <-chan block
	block block
	used  int
	rows  int64
	err   error
	told  told
	part  int64 // of the block's raw bytes: those told
}

func (r *feedReader) Read(p []byte) (int, error) {
	for r.used == len(r.block.data) {
		r.rows += r.block.rows
		r.told.add(r.block.raw-r.part, r.block.rows)
		r.part = 0
		var ok bool
		if r.block, ok = <-r.feed; !ok {
			r.block = block{}
			r.used = 0
			return 0, io.EOF
		}
		r.used = 0
		if r.err = r.block.err; r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.block.data[r.used:])
	r.used += n
	part := r.block.raw * int64(r.used) / int64(len(r.block.data))
	r.told.add(part-r.part, 0)
	r.part = part
	return n, nil
}

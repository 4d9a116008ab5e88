package auditlog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

const (
	exportChunk = 4000                   // rows of one reading query
	sparseChunk = 16_000                 // the same where a filter leaves some out
	firstChunk  = 64                     // rows of the first query: how large they are is not known yet
	chunkGrows  = 8                      // how much larger the next query is at most
	chunkBytes  = 8 << 20                // of the rows of one query: they are in memory at once
	saveAfter   = 500 * time.Millisecond // between two notes of how far an export is
	partSuffix  = ".part"
)

// Export says what to write where.
type Export struct {
	Filter  audit.Filter
	Query   string // the filter as it was written; an interrupted export goes on only for the same
	Format  audit.Format
	Path    string
	Mask    bool // hide secrets
	Restart bool // begin anew, whatever an interrupted one left
	Report  func(ops.Progress)
}

// Exported is what an export did.
type Exported struct {
	Path     string
	Rows     int64
	Bytes    int64
	Resumed  bool // it went on where an earlier one was interrupted
	Duration time.Duration
}

// exportState is kept beside the unfinished file, so that the next run goes on
// exactly there.
type exportState struct {
	Table   string       `json:"table"`
	Query   string       `json:"query"`
	Format  audit.Format `json:"format"`
	Mask    bool         `json:"mask"`
	Since   time.Time    `json:"since"`
	Until   time.Time    `json:"until"`
	Through int64        `json:"through_id"` // rows up to this id belong to it, in numbered tables
	After   mark         `json:"after"`      // what was written
	Rows    int64        `json:"rows"`
	Bytes   int64        `json:"bytes"`
}

// Export writes the rows that pass a filter to a file, by rising key, or by
// time where an index on it serves a span. In numbered tables those up to the
// id that was the highest when it began belong to it; in others a table that
// grows meanwhile is found to in the end. Memory does not grow with the
// rows. The file has mode 0600 and gets its name when all rows are in it and
// their number is that of the source; until then FILE.part and FILE.part.json
// stand there, and the same call goes on from them.
func (s *Source) Export(ctx context.Context, e Export) (Exported, error) {
	begun := time.Now()
	if _, err := os.Stat(filepath.Dir(e.Path)); err != nil {
		return Exported{}, ops.Wrap(err, ops.Usage, lang.M("%s cannot be written: there is no folder %s", e.Path,
			filepath.Dir(e.Path))).WithHint(lang.M("make the folder, or choose another name"))
	}
	switch info, err := os.Lstat(e.Path); {
	case err == nil && info.Mode()&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return Exported{}, ops.E(ops.Usage, lang.M("%s is not a file", e.Path)).
			WithHint(lang.M("choose another name; - writes to standard output"))
	case !errors.Is(err, fs.ErrNotExist):
		return Exported{}, ops.E(ops.Usage, lang.M("%s already exists", e.Path)).
			WithHint(lang.M("choose another name, or remove it first"))
	}
	x := &export{s: s, e: e, begun: begun}
	resumed, err := x.begin(ctx)
	if err != nil {
		return Exported{}, err
	}
	defer x.file.Close()
	if err := x.run(ctx); err != nil {
		return Exported{}, err
	}
	if err := x.finish(ctx); err != nil {
		return Exported{}, err
	}
	return Exported{
		Path:     e.Path,
		Rows:     x.state.Rows,
		Bytes:    x.state.Bytes,
		Resumed:  resumed,
		Duration: time.Since(begun),
	}, nil
}

type export struct {
	s       *Source
	e       Export
	state   exportState
	file    *os.File
	out     *bufio.Writer
	written *counting
	enc     *audit.Encoder
	route   route
	total   int64
	rows    int // of the next query
	begun   time.Time
	saved   time.Time
}

// counting counts what was written.
type counting struct {
	io.Writer
	n int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += int64(n)
	return n, err
}

func (x *export) part() string { return x.e.Path + partSuffix }

func (x *export) stateFile() string { return x.e.Path + partSuffix + ".json" }

// begin takes up an interrupted export, or starts one.
func (x *export) begin(ctx context.Context) (resumed bool, err error) {
	x.state = exportState{Table: x.s.order.identity(), Query: x.e.Query, Format: x.e.Format, Mask: x.e.Mask,
		Since: x.e.Filter.Since, Until: x.e.Filter.Until}
	if !x.e.Restart {
		if resumed, err = x.resume(); err != nil {
			return false, err
		}
	}
	if err := x.plan(ctx, resumed); err != nil {
		return false, err
	}
	return resumed, x.openPart(resumed)
}

// resume reads the state of an interrupted export of the very same rows.
func (x *export) resume() (bool, error) {
	data, err := regular.ReadFile(x.stateFile())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var old exportState
	if err != nil || json.Unmarshal(data, &old) != nil || old.Table != x.state.Table || old.Query != x.state.Query ||
		old.Format != x.state.Format || old.Mask != x.state.Mask {
		return false, ops.E(ops.Usage, lang.M("%s holds an interrupted export of something else", x.part())).
			WithHint(lang.M("add --restart to write over it, or choose another file"))
	}
	if info, err := os.Stat(x.part()); err != nil || info.Size() < old.Bytes {
		return false, nil // its file is gone or shorter than noted: begin anew
	}
	x.state = old
	x.e.Filter.Since, x.e.Filter.Until = old.Since, old.Until
	return true, nil
}

// plan finds the way to the rows.
func (x *export) plan(ctx context.Context, resumed bool) error {
	err := x.s.lane.with(ctx, func(ctx context.Context, q *session) error {
		if !resumed && x.s.r.layout.Numbered() {
			top, err := x.s.r.topID(ctx, q)
			if err != nil {
				return err
			}
			x.state.Through = top
		}
		var err error
		x.route, err = x.s.order.route(ctx, q, x.e.Filter)
		return err
	})
	if x.route.numbered() {
		x.route.upTo(x.state.Through)
	}
	x.total = x.route.rows()
	return x.s.lane.asked(err)
}

func (x *export) openPart(resumed bool) error {
	flags := os.O_CREATE | os.O_WRONLY
	if !resumed {
		flags |= os.O_TRUNC
		if err := os.Remove(x.stateFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cannotWrite(err, x.e.Path)
		}
	}
	f, err := trust.Open(x.part(), flags, 0o600)
	if err != nil {
		return cannotWrite(err, x.e.Path)
	}
	x.file = f
	if err := errors.Join(f.Chmod(0o600), f.Truncate(x.state.Bytes)); err != nil {
		return cannotWrite(err, x.e.Path)
	}
	if _, err := f.Seek(x.state.Bytes, io.SeekStart); err != nil {
		return cannotWrite(err, x.e.Path)
	}
	x.out = bufio.NewWriterSize(f, 1<<20)
	x.written = &counting{Writer: x.out, n: x.state.Bytes}
	x.enc, err = audit.NewEncoder(x.written, x.s.r.layout, x.e.Format, x.e.Mask, x.state.Bytes == 0)
	x.saved = time.Now()
	return err
}

// run writes chunk after chunk.
func (x *export) run(ctx context.Context) error {
	for !x.state.After.End {
		if err := x.chunk(ctx); err != nil {
			return x.interrupted(err)
		}
	}
	return nil
}

// interrupted notes how far it came, so that nothing is written twice.
func (x *export) interrupted(err error) error {
	if save := x.save(); save != nil {
		return errors.Join(x.s.lane.explain(err), save)
	}
	err = x.s.lane.explain(err)
	var o *ops.Error
	if errors.As(err, &o) && (o.Hint.Empty() || o.Code == ops.Busy) {
		o.Hint = lang.M("%s rows are in %s; the same command continues from there", human.Count(x.state.Rows), x.part())
	}
	return err
}

// chunk reads the next rows and writes them. It counts them as written only
// when all of them are.
func (x *export) chunk(ctx context.Context) error {
	size := x.size()
	before := x.written.n
	var rows []audit.Row
	var to mark
	err := x.s.lane.with(ctx, func(ctx context.Context, q *session) (err error) {
		rows, to, err = x.route.next(ctx, q, x.state.After, size)
		return err
	})
	if err != nil {
		return err
	}
	for i := range rows {
		if err := x.enc.Write(&rows[i]); err != nil {
			return cannotWrite(err, x.e.Path)
		}
	}
	if err := x.enc.Flush(); err != nil {
		return cannotWrite(err, x.e.Path)
	}
	x.measured(size, x.written.n-before)
	x.state.After = to
	x.state.Rows = x.state.Rows + int64(len(rows))
	x.state.Bytes = x.written.n
	if x.file != nil && time.Since(x.saved) > saveAfter {
		if err := x.save(); err != nil {
			return err
		}
	}
	if x.e.Report != nil {
		x.e.Report(
			ops.Progress{
				Phase:    "export",
				Object:   x.s.r.opt.Table,
				Done:     x.state.Rows,
				Total:    max(x.total, x.state.Rows),
				Unit:     "rows",
				Rows:     x.state.Rows,
				Elapsed:  time.Since(x.begun),
				Estimate: true,
			},
		)
	}
	return nil
}

// size is how many rows the next query reads: so many that they take about chunkBytes.
func (x *export) size() int {
	most := exportChunk
	if len(x.e.Filter.Terms) > 0 && !x.route.few {
		most = sparseChunk
	}
	if x.rows == 0 {
		x.rows = firstChunk
	}
	return min(x.rows, most)
}

// measured takes the bytes that a chunk of rows took into the size of the next one.
func (x *export) measured(size int, bytes int64) {
	fit := int64(sparseChunk)
	if bytes > 0 {
		fit = chunkBytes * int64(size) / bytes
	}
	x.rows = int(max(1, min(fit, int64(size)*chunkGrows)))
}

// save makes what was written durable, then notes how much that is.
func (x *export) save() error {
	x.saved = time.Now()
	if err := errors.Join(x.out.Flush(), x.file.Sync()); err != nil {
		return cannotWrite(err, x.e.Path)
	}
	data, err := json.Marshal(x.state)
	if err != nil {
		return fmt.Errorf("note the state of the export: %w", err)
	}
	if err := atomicfile.WriteBytes(x.stateFile(), 0o600, data); err != nil {
		return cannotWrite(err, x.e.Path)
	}
	return nil
}

// finish counts the rows in the source and gives the file its name.
func (x *export) finish(ctx context.Context) error {
	if err := x.save(); err != nil {
		return err
	}
	have, err := x.count(ctx)
	if err != nil {
		return x.interrupted(err)
	}
	if have != x.state.Rows {
		return ops.E(ops.Failed, lang.M("%s rows were written, but the table now has %s: it changed meanwhile",
			human.Count(x.state.Rows), human.Count(have))).
			WithHint(lang.M("run it again with --restart"))
	}
	if err := os.Rename(x.part(), x.e.Path); err != nil {
		return cannotWrite(err, x.e.Path)
	}
	_ = os.Remove(x.stateFile())
	return atomicfile.SyncDir(filepath.Dir(x.e.Path))
}

// count counts the source's rows, with progress.
func (x *export) count(ctx context.Context) (int64, error) {
	return x.route.count(ctx, x.s.lane, func(rows int64) {
		if x.e.Report != nil {
			x.e.Report(
				ops.Progress{
					Phase:   "count",
					Object:  x.s.r.opt.Table,
					Done:    rows,
					Total:   x.state.Rows,
					Unit:    "rows",
					Rows:    rows,
					Elapsed: time.Since(x.begun),
				},
			)
		}
	})
}

func cannotWrite(err error, path string) error {
	return ops.Wrap(err, ops.Failed, lang.M("%s cannot be written", path))
}

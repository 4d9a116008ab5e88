package auditlog

import (
	"bufio"
	"context"
	"io"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

// ExportTo writes the rows that pass a filter to a stream, such as standard
// output: as Export, but no file is made, and an interrupted one begins again.
// e.Path names the stream in errors.
func (s *Source) ExportTo(ctx context.Context, e Export, out io.Writer) (Exported, error) {
	begun := time.Now()
	x := &export{s: s, e: e, begun: begun}
	x.state = exportState{Since: e.Filter.Since, Until: e.Filter.Until}
	if err := x.plan(ctx, false); err != nil {
		return Exported{}, err
	}
	if err := x.stream(out); err != nil {
		return Exported{}, cannotWrite(err, e.Path)
	}
	for !x.state.After.End {
		if err := x.chunk(ctx); err != nil {
			return Exported{}, s.lane.explain(err)
		}
		if err := x.out.Flush(); err != nil {
			return Exported{}, cannotWrite(err, e.Path)
		}
	}
	have, err := x.count(ctx)
	if err != nil {
		return Exported{}, s.lane.explain(err)
	}
	if have != x.state.Rows {
		return Exported{}, ops.E(ops.Failed,
			lang.M("%s rows were written, but the table now has %s: it changed meanwhile", human.Count(x.state.Rows),
				human.Count(have)))
	}
	return Exported{Path: e.Path, Rows: x.state.Rows, Bytes: x.state.Bytes, Duration: time.Since(begun)}, nil
}

// stream makes the encoder write to out.
func (x *export) stream(out io.Writer) (err error) {
	x.out = bufio.NewWriterSize(out, 1<<16)
	x.written = &counting{Writer: x.out}
	x.enc, err = audit.NewEncoder(x.written, x.s.r.layout, x.e.Format, x.e.Mask, true)
	return err
}

package auditlog

import (
	"context"
	"database/sql"
	"math"
	"strconv"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/audit"
)

const (
	proveChunk  = 16 << 10 // rows one query of the proof reads
	catchUpRows = 32 << 10 // new rows that a page reads by itself
	settleAfter = 10 * time.Minute
	farFuture   = time.Hour
	saveEvery   = 1 << 20          // rows between two saves of a long proof
	lookAgain   = 30 * time.Second // between two looks at rows that may not be settled
)

// prover knows how well ids follow time: it keeps what was seen of the rows'
// times, and reads on where the table has grown.
type prover struct {
	lane   *lane
	r      *reader
	zones  *audit.Zones // guarded by the lane's turn
	ready  bool         // zones were loaded
	twice  bool         // an id was seen twice, so runs of ids prove nothing
	looked time.Time    // when the newest rows were last looked at again
}

func newProver(l *lane, r *reader) *prover {
	return &prover{lane: l, r: r, zones: audit.NewZones()}
}

// catchUp brings the zones up to the table's end when little is missing. Else
// it tells about how many rows are.
func (p *prover) catchUp(ctx context.Context, q *session) (missing int64, err error) {
	p.load()
	p.unsettle()
	if moved, err := p.headMoved(ctx, q); err != nil {
		return 0, err
	} else if moved {
		p.forget()
	}
	if len(p.zones.List) == 0 {
		if top, err := p.r.topID(ctx, q); err != nil || top == math.MinInt64 {
			return 0, err
		}
		if p.r.rows > catchUpRows {
			return p.r.rows, nil
		}
	}
	var added int64
	for added < catchUpRows {
		n, err := p.look(ctx, q)
		if err != nil {
			return 0, err
		}
		added += n
		if n < proveChunk {
			if added > catchUpRows/8 {
				p.save()
			}
			return 0, nil
		}
	}
	return p.guess(ctx, q)
}

// way chooses how to get a filter's rows, and brings the zones up to date where
// they are to be used. missing tells how many rows they do not know yet.
func (p *prover) way(ctx context.Context, q *session, f audit.Filter) (way audit.Strategy, missing int64, err error) {
	if way = p.r.layout.Choose(f); way != audit.ZoneOrder {
		return way, 0, nil
	}
	if missing, err = p.catchUp(ctx, q); p.twice {
		return audit.SortTable, 0, err
	}
	return way, missing, err
}

// guess is about how many rows were not looked at yet: by the server's count,
// or by the distance of ids where that is out of date.
func (p *prover) guess(ctx context.Context, q *session) (int64, error) {
	if left := p.r.rows - p.zones.Rows(); left > 0 {
		return left, nil
	}
	top, err := p.r.topID(ctx, q)
	return max(1, top-p.zones.End()), err
}

// unsettle forgets now and then what was seen of the newest rows, so that they
// are looked at again: a transaction may have been open then that put a row
// between them. What lies further back than a page reads by itself stays.
func (p *prover) unsettle() {
	now := p.r.opt.Clock.Now()
	if len(p.zones.List) == 0 || now.Sub(p.looked) < lookAgain {
		return
	}
	p.looked = now
	keep := len(p.zones.List)
	rows := int64(0)
	settled := p.settled(now)
	for keep > max(settled, 1) && rows+p.zones.List[keep-1].Rows <= proveChunk {
		keep--
		rows += p.zones.List[keep].Rows
	}
	p.zones = p.zones.Head(keep)
}

// settled is how many zones hold rows that no open transaction should add to.
func (p *prover) settled(now time.Time) int {
	return p.zones.Settled(audit.StampOf(now.Add(-settleAfter), p.r.layout.Zone), audit.StampOf(now.Add(farFuture),
		p.r.layout.Zone))
}

// headMoved tells whether the table's lowest id is below the lowest seen, or
// the highest below the highest: rows were put in that no zone knows, or the
// table is another.
func (p *prover) headMoved(ctx context.Context, q *session) (bool, error) {
	if len(p.zones.List) == 0 {
		return false, nil
	}
	var low, high sql.NullInt64
	id := p.r.col(audit.ID)
	err := q.row(ctx, "SELECT MIN("+id+"), MAX("+id+") FROM "+p.r.name(), nil, &low, &high)
	return low.Valid && (low.Int64 < p.zones.FirstID || high.Int64 < p.zones.List[len(p.zones.List)-1].First), err
}

// look reads the next rows behind the zones' end, and the last few again: those
// that were committed late show there. A count below proveChunk is the end.
func (p *prover) look(ctx context.Context, q *session) (int64, error) {
	rows, err := q.query(ctx, "SELECT "+p.r.col(audit.ID)+", "+p.r.col(audit.CreatedAt)+" FROM "+p.r.name()+p.r.byKey()+
		" WHERE "+p.r.col(audit.ID)+" > ? ORDER BY "+p.r.col(audit.ID)+" LIMIT "+strconv.Itoa(proveChunk),
		p.zones.Again())
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var n int64
	last := int64(math.MinInt64)
	for rows.Next() {
		var id int64
		var text sql.RawBytes
		if err := rows.Scan(&id, &text); err != nil {
			return n, err
		}
		at := audit.NoStamp
		if text != nil {
			if at, err = audit.ParseStamp(string(text)); err != nil {
				return n, err
			}
		}
		p.zones.See(id, at)
		p.twice = p.twice || id == last
		last = id
		n++
	}
	return n, rows.Err()
}

// Prove looks at the times of all rows that were not looked at yet, a chunk at
// a time with a pause between that is as long as share times the chunk took
// (0 for none), and keeps what it saw in the state folder. It may be
// interrupted; the next call goes on from there.
func (p *prover) Prove(ctx context.Context, share float64, report func(ops.Progress)) error {
	begun := p.r.opt.Clock.Now()
	unsaved := int64(0)
	for {
		started := time.Now()
		var n int64
		err := p.lane.with(ctx, func(ctx context.Context, q *session) error {
			p.load()
			var err error
			n, err = p.look(ctx, q)
			return err
		})
		if unsaved += n; err != nil || n < proveChunk || unsaved >= saveEvery {
			p.lane.alone(p.save)
			unsaved = 0
		}
		if report != nil {
			seen := p.seen()
			report(
				ops.Progress{
					Phase:    "prove",
					Object:   p.r.opt.Table,
					Done:     seen,
					Total:    max(p.r.rows, seen),
					Unit:     "rows",
					Rows:     seen,
					Elapsed:  p.r.opt.Clock.Now().Sub(begun),
					Estimate: true,
				},
			)
		}
		if err != nil || n < proveChunk {
			return p.lane.asked(err)
		}
		if err := pause(ctx, time.Duration(share*float64(time.Since(started)))); err != nil {
			return p.lane.explain(err)
		}
	}
}

func (p *prover) seen() (rows int64) {
	p.lane.alone(func() { rows = p.zones.Rows() })
	return rows
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

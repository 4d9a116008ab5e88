package auditlog

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"opsdeck/internal/atomicfile"
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

// Order says how well ids follow time, as far as was looked.
func (s *Source) Order() audit.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order
}

func (s *Source) noteOrder() {
	o := s.zones.Order()
	s.mu.Lock()
	s.order = o
	s.mu.Unlock()
}

// catchUp brings the zones up to the table's end when little is missing. Else
// it tells about how many rows are.
func (s *Source) catchUp(ctx context.Context, q *session) (missing int64, err error) {
	s.load()
	s.unsettle()
	if moved, err := s.headMoved(ctx, q); err != nil {
		return 0, err
	} else if moved {
		s.forget()
	}
	if len(s.zones.List) == 0 {
		if top, err := s.topID(ctx, q); err != nil || top == math.MinInt64 {
			return 0, err
		}
		if s.rows > catchUpRows {
			return s.rows, nil
		}
	}
	var added int64
	for added < catchUpRows {
		n, err := s.look(ctx, q)
		if err != nil {
			return 0, err
		}
		added += n
		if n < proveChunk {
			s.noteOrder()
			if added > catchUpRows/8 {
				s.save()
			}
			return 0, nil
		}
	}
	return s.guess(ctx, q)
}

// way chooses how to get a filter's rows, and brings the zones up to date where
// they are to be used. missing tells how many rows they do not know yet.
func (s *Source) way(ctx context.Context, q *session, f audit.Filter) (way audit.Strategy, missing int64, err error) {
	if way = s.layout.Choose(f, true); way != audit.ZoneOrder {
		return way, 0, nil
	}
	if missing, err = s.catchUp(ctx, q); s.twice {
		return audit.SortTable, 0, err
	}
	return way, missing, err
}

// guess is about how many rows were not looked at yet: by the server's count,
// or by the distance of ids where that is out of date.
func (s *Source) guess(ctx context.Context, q *session) (int64, error) {
	if left := s.rows - s.zones.Rows(); left > 0 {
		return left, nil
	}
	top, err := s.topID(ctx, q)
	return max(1, top-s.zones.End()), err
}

// unsettle forgets now and then what was seen of the newest rows, so that they
// are looked at again: a transaction may have been open then that put a row
// between them. What lies further back than a page reads by itself stays.
func (s *Source) unsettle() {
	now := s.o.Clock.Now()
	if len(s.zones.List) == 0 || now.Sub(s.looked) < lookAgain {
		return
	}
	s.looked = now
	keep, rows := len(s.zones.List), int64(0)
	settled := s.settled(now)
	for keep > max(settled, 1) && rows+s.zones.List[keep-1].Rows <= proveChunk {
		keep--
		rows += s.zones.List[keep].Rows
	}
	s.zones = s.zones.Head(keep)
}

// settled is how many zones hold rows that no open transaction should add to.
func (s *Source) settled(now time.Time) int {
	return s.zones.Settled(
		audit.StampOf(now.Add(-settleAfter), s.layout.Zone),
		audit.StampOf(now.Add(farFuture), s.layout.Zone),
	)
}

// headMoved tells whether the table's lowest id is below the lowest seen, or
// the highest below the highest: rows were put in that no zone knows, or the
// table is another.
func (s *Source) headMoved(ctx context.Context, q *session) (bool, error) {
	if len(s.zones.List) == 0 {
		return false, nil
	}
	var low, high sql.NullInt64
	id := s.col(audit.ID)
	err := q.row(ctx, "SELECT MIN("+id+"), MAX("+id+") FROM "+s.name(), nil, &low, &high)
	return low.Valid && (low.Int64 < s.zones.FirstID || high.Int64 < s.zones.List[len(s.zones.List)-1].First), err
}

// look reads the next rows behind the zones' end, and the last few again: those
// that were committed late show there. A count below proveChunk is the end.
func (s *Source) look(ctx context.Context, q *session) (int64, error) {
	rows, err := q.query(ctx, "SELECT "+s.col(audit.ID)+", "+s.col(audit.CreatedAt)+" FROM "+s.name()+s.byKey()+
		" WHERE "+s.col(audit.ID)+" > ? ORDER BY "+s.col(audit.ID)+" LIMIT "+strconv.Itoa(proveChunk), s.zones.Again())
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
		s.zones.See(id, at)
		s.twice = s.twice || id == last
		last = id
		n++
	}
	return n, rows.Err()
}

func (s *Source) topID(ctx context.Context, q *session) (int64, error) {
	var top sql.NullInt64
	err := q.row(ctx, "SELECT MAX("+s.col(audit.ID)+") FROM "+s.name(), nil, &top)
	if !top.Valid {
		return math.MinInt64, err
	}
	return top.Int64, err
}

// Prove looks at the times of all rows that were not looked at yet, a chunk at
// a time with a pause between that is as long as share times the chunk took
// (0 for none), and keeps what it saw in the state folder. It may be
// interrupted; the next call goes on from there.
func (s *Source) Prove(ctx context.Context, share float64, report func(ops.Progress)) error {
	begun := s.o.Clock.Now()
	unsaved := int64(0)
	for {
		started := time.Now()
		var n int64
		err := s.with(ctx, func(ctx context.Context, q *session) error {
			s.load()
			var err error
			n, err = s.look(ctx, q)
			return err
		})
		if unsaved += n; err != nil || n < proveChunk || unsaved >= saveEvery {
			s.turn <- struct{}{}
			s.noteOrder()
			s.save()
			<-s.turn
			unsaved = 0
		}
		if report != nil {
			seen := s.seen()
			report(
				ops.Progress{
					Phase:    "prove",
					Object:   s.o.Table,
					Done:     seen,
					Total:    max(s.rows, seen),
					Unit:     "rows",
					Rows:     seen,
					Elapsed:  s.o.Clock.Now().Sub(begun),
					Estimate: true,
				},
			)
		}
		if err != nil || n < proveChunk {
			return s.asked(err)
		}
		if err := pause(ctx, time.Duration(share*float64(time.Since(started)))); err != nil {
			return s.explain(err)
		}
	}
}

func (s *Source) seen() int64 {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.zones.Rows()
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

// Forget throws the proof away, so that the next one looks at every row.
func (s *Source) Forget() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.forget()
}

func (s *Source) forget() {
	s.zones, s.ready = audit.NewZones(), true
	if path := s.proofPath(); path != "" {
		_ = os.Remove(path) // a stale file is refused anyway, for its rows do not agree
	}
}

// proof is the state file: what was seen of settled rows.
type proof struct {
	Version int          `json:"version"`
	Table   string       `json:"table"` // schema.table at server
	Born    string       `json:"born"`  // when the table was made
	Column  string       `json:"column"`
	Seen    string       `json:"seen_at"`
	Zones   *audit.Zones `json:"zones"`
}

func (s *Source) proofPath() string {
	if s.o.StateDir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s.identity()))
	return filepath.Join(s.o.StateDir, "audit", "order-"+hex.EncodeToString(sum[:8])+".json")
}

func (s *Source) identity() string { return s.name() + " at " + s.o.Target.Server() }

// load takes up what an earlier run saw of this very table. The last zone is
// looked at again, for it may have grown.
func (s *Source) load() {
	if s.ready {
		return
	}
	s.ready = true
	path := s.proofPath()
	if path == "" {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return // none yet; a file that cannot be read costs a new look at the rows
	}
	var p proof
	if json.Unmarshal(data, &p) != nil || p.Version != 1 || p.Table != s.identity() || p.Born != s.born ||
		p.Column != s.layout.Column(audit.CreatedAt).Name || p.Zones == nil || !p.Zones.Sound() {
		return
	}
	s.zones = p.Zones
	s.noteOrder()
}

// save keeps what was seen of rows that are settled. Failing to is no error of
// the reading: the next run looks again.
func (s *Source) save() {
	path := s.proofPath()
	if path == "" || s.layout.Column(audit.CreatedAt).OnUpdate {
		return
	}
	now := s.o.Clock.Now()
	settled := s.zones.Head(s.settled(now))
	if len(settled.List) == 0 {
		return
	}
	data, err := json.Marshal(
		proof{Version: 1, Table: s.identity(), Born: s.born, Column: s.layout.Column(audit.CreatedAt).Name,
			Seen: now.Format(time.RFC3339), Zones: settled},
	)
	if err != nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return
	}
	_ = atomicfile.WriteBytes(path, 0o600, data)
}

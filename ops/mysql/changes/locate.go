package changes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// LocateAll finds transactions by their ids and returns them in log order, each once.
func (s *Source) LocateAll(ctx context.Context, ids []string) ([]*binlog.Transaction, error) {
	type placed struct {
		txn *binlog.Transaction
		at  int
	}
	var all []placed
	for _, id := range ids {
		t, p, err := s.locate(ctx, id)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(s.pieces, func(q piece) bool { return q.Segment == p.Segment })
		if _, err := s.settle(ctx, at, t); err != nil {
			return nil, err
		}
		all = append(all, placed{t, at})
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.txn.Pos, b.txn.Pos))
	})
	var out []*binlog.Transaction
	for i, f := range all {
		if i == 0 || f.at != all[i-1].at || f.txn.Pos != all[i-1].txn.Pos {
			out = append(out, f.txn)
		}
	}
	return out, nil
}

func (s *Source) locate(ctx context.Context, id string) (*binlog.Transaction, piece, error) {
	if f, ok := s.found.Load(id); ok { // reading through a large one takes seconds
		return f.(found).txn, f.(found).in, nil
	}
	t, p, err := s.look(ctx, id)
	if err == nil {
		s.found.Store(id, found{t, p})
	}
	return t, p, err
}

// found is a transaction and the file that holds it.
type found struct {
	txn *binlog.Transaction
	in  piece
}

func (s *Source) look(ctx context.Context, id string) (*binlog.Transaction, piece, error) {
	for _, p := range slices.Backward(s.pieces) {
		if err := ctx.Err(); err != nil {
			return nil, piece{}, err
		}
		from, may, err := begins(p, id)
		if err != nil {
			return nil, piece{}, err
		}
		if !may {
			continue
		}
		t, err := find(p, from, id)
		if err != nil || t != nil {
			return t, p, err
		}
	}
	return nil, piece{}, fmt.Errorf("%w: %s", ErrNotFound, id)
}

// begins is the position where reading must start to see the transaction, if the file may
// hold it.
func begins(p piece, id string) (from uint64, may bool, err error) {
	if at, ok := binlog.ParsePosition(id); ok {
		return at.Pos, p.File == at.File && p.FromPos <= at.Pos && at.Pos < p.ToPos, nil
	}
	want, err := binlog.ParseGTIDs(id)
	if err != nil || want.Empty() {
		return 0, false, fmt.Errorf("%w: %q is neither a GTID nor FILE:POS", ErrNotFound, id)
	}
	if !contains(p.GTIDAfter, want) || contains(p.GTIDBefore, want) {
		return 0, false, nil
	}
	r, err := p.open()
	if err != nil {
		return 0, false, err
	}
	defer r.Close()
	frames := r.Frames()
	i := sort.Search(len(frames), func(i int) bool { return contains(frames[i].GTID, want) })
	if i == len(frames) {
		return 0, false, nil
	}
	return frames[i].Start(), true, nil
}

func contains(set string, want binlog.GTIDs) bool {
	have, err := binlog.ParseGTIDs(set)
	return err == nil && have.Contains(want)
}

func find(p piece, from uint64, id string) (found *binlog.Transaction, err error) {
	r, err := p.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s := format.Summary{Done: func(t *binlog.Transaction) error {
		if t.ID == id || binlog.Position.String(binlog.Position{File: t.File, Pos: t.Pos}) == id {
			found = t
			return binarchive.ErrEnough
		}
		return nil
	}}
	if err = r.Walk(from, s.Take); errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	return found, err
}

// Rows calls take with each row change of a transaction, in order. Values are valid until
// take returns.
func (s *Source) Rows(ctx context.Context, id string, take func(binlog.RowChange) error) (*binlog.Transaction, error) {
	t, p, err := s.locate(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := p.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	err = r.Walk(t.Pos, func(i *format.Item) error {
		switch i.What {
		case format.Change:
			return i.Rows.Each(take)
		case format.End:
			return binarchive.ErrEnough
		}
		return nil
	})
	if errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	return t, err
}

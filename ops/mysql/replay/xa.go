package replay

import (
	"errors"
	"fmt"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// undecided reports whether a group is part of an XA transaction of which it is not known
// whether it is committed: nothing of it is done before. MariaDB tells it at the start of
// the group, MySQL by the XA START.
func undecided(g *format.Group) bool { return g.XA != "" || g.Phase == format.XAPrepared }

// second replays a prepared XA transaction when it is committed: it is read again from its
// position in the log.
func (r *runner) second(id string) error {
	first, known := r.state.XA[id]
	if !known {
		return fmt.Errorf("the XA transaction %s was prepared before the backup", id)
	}
	return r.again(first)
}

// again replays the changes of a committed XA transaction that begins at a position.
func (r *runner) again(first binlog.Place) error {
	r.decided = true
	defer func() { r.decided = false }()
	err := r.Run.Each(r.ctx, first, func(_ binlog.Place, f *format.Format) error {
		if !r.sentFormat.Same(f) {
			return errors.New("an XA transaction was prepared under another version of the server")
		}
		return nil
	}, func(i *format.Item) error {
		switch i.What {
		case format.Change:
			return r.change(i)
		case format.Statement:
			return r.statement(i)
		case format.Context:
			return r.context(i)
		case format.End:
			return binarchive.ErrEnough
		}
		return nil
	})
	if !errors.Is(err, binarchive.ErrEnough) {
		return errors.Join(err, missing(err != nil))
	}
	return nil
}

// prepared is the first part of an XA transaction, and what was decided on its statements.
type prepared struct {
	t     *binlog.Transaction
	cause []decided
	why   []lang.Msg
	long  Long

	followed, unseen []string
}

// decidedXA is the transaction that a group commits: for the second part of an XA transaction
// its first. It is nil for a prepared one, which is not decided yet, and for its rollback.
func (l *look) decidedXA(t *binlog.Transaction) *binlog.Transaction {
	first, known := l.open[t.XA]
	switch {
	case t.Unfinished:
		l.open[t.XA] = prepared{t, l.cause, l.why, l.long, l.followed, l.unseen}
		return nil
	case l.second == format.XARollback:
		delete(l.open, t.XA)
		return nil
	case l.second == format.XACommit && known:
		delete(l.open, t.XA)
		l.cause = first.cause
		l.long = first.long
		l.followed, l.unseen = first.followed, first.unseen
		l.why = append(l.why, first.why...)
		return first.t
	}
	return t
}

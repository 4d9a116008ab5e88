package changes

import (
	"context"
	"errors"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// mostSearched is how many bytes of log are searched for the second part of an XA
// transaction. Tests change it.
var mostSearched uint64 = 256 << 20

// settle looks how an XA transaction ended that a transaction of the log prepares. keep is
// false if it was rolled back: then nothing was changed.
func (s *Source) settle(ctx context.Context, number int, t *binlog.Transaction) (keep bool, err error) {
	if !t.Unfinished || t.XA == "" {
		return true, nil
	}
	left := mostSearched
	from := t.End
	for _, p := range s.pieces[number:] {
		if p.Server != s.pieces[number].Server {
			break
		}
		phase, err := completion(ctx, p, from, t.XA, &left)
		switch {
		case err != nil:
			return true, err
		case phase == format.XACommit:
			t.Unfinished = false
			return true, nil
		case phase == format.XARollback:
			return false, nil
		case left == 0:
			return true, nil
		}
		from = 0
	}
	return true, nil
}

// completion finds the next second part of an XA transaction in a piece.
func completion(ctx context.Context, p piece, from uint64, id string, left *uint64) (phase format.XAPhase, err error) {
	r, err := p.open()
	if err != nil {
		return format.XANone, err
	}
	defer r.Close()
	err = r.Walk(from, func(i *format.Item) error {
		if i.What != format.End {
			return nil
		}
		g := i.Group
		if g.XA == id && g.Phase != format.XAPrepared {
			phase = g.Phase
			return binarchive.ErrEnough
		}
		*left -= min(*left, uint64(g.Size))
		if *left == 0 || g.XA == id {
			return binarchive.ErrEnough // not found, or the id is used again
		}
		return ctx.Err()
	})
	if errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	return phase, err
}

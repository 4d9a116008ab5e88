package backups

import (
	"context"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	reader "opsdeck/ops/mysql/binlog"
)

// Live is what the archive is beside the log that the server has now.
type Live struct {
	Server string        // the one that answers, else the one that wrote last
	Lag    time.Duration // how far the archive is behind the server
	Known  bool          // the server was asked, and the archive has its log
	Gap    *Gap          // what the server no longer has and the archive never had; nil for none
}

// Live asks the server. What it purged, or dropped with a reset, is missing from that
// moment on, though the next fetch alone notes it in the archive.
func (sh Binlog) Live(ctx context.Context, h Holdings) Live {
	live := Live{Server: h.Last}
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return live
	}
	s, err := reader.Ask(ctx, target)
	if err != nil || !s.Logging {
		return live
	}
	live.Server = s.ID
	var at *binlog.Span
	for i := range h.Spans {
		if h.Spans[i].Server == s.ID {
			at = &h.Spans[i]
		}
	}
	if at == nil {
		return live
	}
	last := at.Segments[len(at.Segments)-1]
	if followed, err := sh.Archive().Following(s.ID); err != nil || !followed { // a follower sees it itself
		gap, err := binarchive.GapAtServer(ctx, target, s, last)
		if err != nil {
			return live // nothing is known of what the server has
		}
		if gap != nil {
			live.Gap = &sh.Judged([]binlog.Gap{*gap}, sh.HealedBefore(ctx))[0]
		}
	}
	live.Known = true
	if live.Gap != nil || at.ToFile != s.Now.File || at.ToPos < s.Now.Pos {
		live.Lag = max(0, sh.Clock.Now().Sub(at.ToTime))
	}
	return live
}

// With is the holdings with what is missing at the server.
func (h Holdings) With(live Live) Holdings {
	if live.Gap != nil {
		h.Gaps = append(h.Gaps[:len(h.Gaps):len(h.Gaps)], *live.Gap)
	}
	return h
}

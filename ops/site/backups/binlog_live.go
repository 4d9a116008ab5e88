package backups

import (
	"context"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
)

// Live compares the archive with the log that the server has now.
type Live struct {
	Server string        // the one that responds, else the last one archived
	Lag    time.Duration // age of the oldest event that the archive lacks; 0: it lacks none
	Known  bool          // the server responded, and the archive has its log
	Gap    *Gap          // log lost to both server and archive; nil for none
}

// Live queries the server. Logs that it purged or reset count as missing at once, although
// only the next fetch records that in the archive.
func (sh Binlog) Live(ctx context.Context, h Holdings) Live {
	live := Live{Server: h.Last}
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return live
	}
	s, err := sh.Archive().Ask(ctx, target)
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
	if followed, err := sh.Archive().Following(s.ID); err != nil || !followed { // a follower notices it itself
		gap, err := binarchive.GapAtServer(ctx, target, s, last)
		if err != nil {
			return live // the server's log is unknown
		}
		if gap != nil {
			live.Gap = &Judged([]binlog.Gap{*gap}, sh.Healer(ctx))[0]
		}
	}
	if at.ToTime.IsZero() {
		return live // it holds no transaction whose age could be told
	}
	if live.Gap == nil && at.ToFile == s.Now.File && at.ToPos >= s.Now.Pos {
		live.Known = true
		return live
	}
	since := at.ToTime // nobody knows when the lost log was written
	if live.Gap == nil {
		first, err := binarchive.FirstAfter(ctx, target, last)
		if err != nil || first.IsZero() {
			return live
		}
		if first.After(since) { // a session may have set its clock back
			since = first
		}
	}
	live.Known = true
	live.Lag = max(time.Millisecond, sh.Clock.Now().Sub(since)) // 0 says that nothing is lacking
	return live
}

// With adds the server's missing logs to the holdings.
func (h Holdings) With(live Live) Holdings {
	if live.Gap != nil {
		h.Gaps = append(h.Gaps[:len(h.Gaps):len(h.Gaps)], *live.Gap)
	}
	return h
}

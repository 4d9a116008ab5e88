package backups

import (
	"context"

	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	reader "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/restore"
)

// Reach is how close to the present a restore can come: from the newest good backup,
// along the archive of the binary log, and to the server's own end while it answers and
// continues it.
func (sh Binlog) Reach(ctx context.Context) (restore.Reach, error) {
	r := restore.Reach{Now: sh.Clock.Now()}
	inv, err := sh.ReadOrNone(ctx)
	if err != nil {
		return r, err
	}
	set := backup.Newest(inv, inv.Database)
	if set == nil {
		return r, nil
	}
	r.Backup = set.At
	m, err := backup.ReadManifest(set.Path)
	if err != nil || m.Position.File == "" {
		return r, nil
	}
	h, err := sh.Holdings(ctx)
	if err != nil {
		return r, err
	}
	at := binlog.Position{File: m.Position.File, Pos: m.Position.Pos}
	server := sh.asked(ctx)
	span := binlog.Find(h.Spans, at)
	switch {
	case span != nil && server != nil && span.Server == server.ID && goesOn(server, span):
		r.LogTo = r.Now
	case span != nil:
		r.LogTo = span.ToTime
		if r.LogTo.Before(r.Backup) {
			r.LogTo = r.Backup
		}
	case server != nil && has(server, at):
		r.LogTo = r.Now
	}
	return r, nil
}

// asked is the service's server with its logs; nil when it does not say.
func (sh Binlog) asked(ctx context.Context) *reader.Server {
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return nil
	}
	s, err := reader.Ask(ctx, target)
	if err != nil || !s.Logging {
		return nil
	}
	return s
}

// goesOn tells whether the server still has what follows a span of its log.
func goesOn(s *reader.Server, span *binlog.Span) bool {
	last := span.Segments[len(span.Segments)-1]
	if last.Open || last.Next == "" {
		return has(s, binlog.Position{File: span.ToFile, Pos: span.ToPos})
	}
	_, here := s.Has(last.Next)
	return here
}

func has(s *reader.Server, p binlog.Position) bool {
	log, here := s.Has(p.File)
	return here && log.Pos >= p.Pos
}

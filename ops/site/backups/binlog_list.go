package backups

import (
	"context"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
)

// Gap is a part that an archive lacks.
type Gap struct {
	binlog.Gap
	Healed bool `json:"healed"` // a full backup was made after it
}

// Holdings are the spans and gaps of the service's servers in the archive.
type Holdings struct {
	Spans []binlog.Span
	Gaps  []Gap
	Size  int64
	Last  string // the server that wrote last
	// Faults are files that cannot be used, and Unread is the number of damaged lines of
	// manifests, which the indexes replace.
	Faults []binarchive.Fault
	Unread int
	// Aside are files that could not be used and were set aside.
	Aside []*binlog.Segment
	// Unlogged names the setting that excludes the service's database from the newest log; ""
	// if there is none.
	Unlogged string
}

// Holdings reads the archive.
func (sh Binlog) Holdings(ctx context.Context) (Holdings, error) {
	h := Holdings{Spans: []binlog.Span{}, Gaps: []Gap{}}
	folder := sh.Archive()
	servers, err := folder.Servers()
	if err != nil {
		return h, err
	}
	healer := sh.Healer(ctx)
	var newest time.Time
	for _, id := range servers {
		found, err := folder.Survey(id)
		if err != nil {
			return h, sh.BinlogError(err)
		}
		segments := found.Segments
		if len(segments) > 0 && folder.Foreign(segments, "") {
			continue
		}
		aside, err := folder.Aside(id)
		if err != nil {
			return h, sh.BinlogError(err)
		}
		h.Aside = append(h.Aside, aside...)
		h.Faults = append(h.Faults, found.Faults...)
		h.Unread += found.Unread
		spans, gaps := binlog.Spans(segments)
		spans = slices.DeleteFunc(spans, binlog.Span.Empty)
		for _, s := range spans {
			h.Size += s.SizeBytes
			if h.Last == "" || s.ToTime.After(newest) {
				h.Last, newest = s.Server, s.ToTime
				h.Unlogged = s.Segments[len(s.Segments)-1].LeftOut.Setting(sh.Service.Database.Name)
			}
		}
		h.Spans = append(h.Spans, spans...)
		h.Gaps = append(h.Gaps, Judged(gaps, healer)...)
	}
	return h, nil
}

// Judged marks the gaps after which a full backup was made.
func Judged(gaps []binlog.Gap, healer Healer) []Gap {
	out := []Gap{}
	for _, g := range gaps {
		out = append(out, Gap{g, healer.heals(g)})
	}
	return out
}

// Among are the archive's gaps with the same start and end as the found ones.
func (h Holdings) Among(found []binlog.Gap) []Gap {
	out := []Gap{}
	for _, g := range h.Gaps {
		if slices.ContainsFunc(found, g.same) {
			out = append(out, g)
		}
	}
	return out
}

func (g Gap) same(o binlog.Gap) bool {
	return g.Server == o.Server && g.FromFile == o.FromFile && g.FromPos == o.FromPos &&
		g.ToFile == o.ToFile && g.ToPos == o.ToPos
}

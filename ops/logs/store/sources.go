package store

import (
	"slices"
	"time"

	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// SourceInfo is how much there is of one source and how far the store is with it.
type SourceInfo struct {
	Name          string
	Off           bool // the query leaves it out
	Lines, Events int64
	Bytes, Unread int64     // of text, and how much of it is not indexed yet
	Last          time.Time // of the newest event; zero when none says a time
	Parts         []PartInfo
}

// PartInfo is one text of a source: a file, a rotated generation.
type PartInfo struct {
	Name          string
	Lines         int64
	Bytes, Unread int64
	Live          bool  // it may grow
	Err           error // why it could not be read, or not wholly
}

// Sources tells of each source, in the order in which they were added; of its parts the newest last.
func (s *Store) Sources() []SourceInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]SourceInfo, 0, len(s.feeds))
	for _, f := range s.feeds {
		out = append(out, f.info(s))
	}
	return out
}

func (f *feed) info(s *Store) SourceInfo {
	i := SourceInfo{Name: f.name, Off: slices.Contains(s.view.query.Off, f.name)}
	var sum logindex.Summary
	sum.FirstMS, sum.LastMS = line.Unset, line.Unset
	for _, g := range f.segs {
		p := PartInfo{Name: g.name, Bytes: g.size, Unread: g.size, Live: g.live, Err: g.err}
		for _, e := range g.blocks {
			if e.blk == nil {
				continue
			}
			p.Lines += e.blk.Sum.Lines
			p.Unread -= e.blk.End - e.blk.Off
			sum.Add(e.blk.Sum)
		}
		p.Unread = max(0, p.Unread)
		i.Parts = append(i.Parts, p)
		i.Bytes += p.Bytes
		i.Unread += p.Unread
	}
	if i.Lines, i.Events = sum.Lines, sum.Events; sum.LastMS != line.Unset {
		i.Last = time.UnixMilli(sum.LastMS).In(s.zone)
	}
	return i
}

package index

import (
	"context"
	"io"
)

// sifted are the hits that the query's kept filters leave: of events that one of Any finds,
// if there is one, and none of None. A filter that finds one line finds its whole event.
func (m *Matcher) sifted(ctx context.Context, b *Block, r io.ReaderAt, hits Bitmap) (Bitmap, error) {
	from := b.HeadOf(hits.Next(0))
	wanted, err := m.headsOf(ctx, m.any, b, r, from)
	if err != nil {
		return nil, err
	}
	unwanted, err := m.headsOf(ctx, m.none, b, r, from)
	if err != nil {
		return nil, err
	}
	left := NewBitmap(b.Starts.Len())
	for i := hits.Next(0); i >= 0; i = hits.Next(i + 1) {
		head := b.HeadOf(i)
		if (len(m.any) == 0 || wanted.Has(head)) && !unwanted.Has(head) {
			left.Set(i)
		}
	}
	return left, nil
}

// headsOf are the heads of the events from line from on that one of the filters finds.
func (m *Matcher) headsOf(ctx context.Context, filters []*Matcher, b *Block, r io.ReaderAt, from int) (Bitmap, error) {
	heads := NewBitmap(b.Starts.Len())
	for _, f := range filters {
		if f.Source, f.Log = m.Source, m.Log; !f.Query.SourcesMatch(m.Log) {
			continue
		}
		hits, err := f.Find(ctx, b, r, from, nil)
		if err != nil {
			return nil, err
		}
		for i := hits.Next(0); i >= 0; i = hits.Next(i + 1) {
			heads.Set(b.HeadOf(i))
		}
	}
	return heads, nil
}

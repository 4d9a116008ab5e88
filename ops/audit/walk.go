package audit

import (
	"context"
	"errors"
	"math"
	"sort"
)

// Window is what a page by zones asks of the table: rows with First ≤ id ≤
// Last that pass the filter and lie before the page's start, the first Limit
// of them by id from the highest down, or by time from the newest down.
type Window struct {
	First, Last int64
	Limit       int
	ByTime      bool
	IDs         []int64 // when given, these rows instead of First to Last
}

// ErrStale says that a row does not agree with the zones: it was changed, or
// it came after its neighbours were seen. The proof has to be made anew.
var ErrStale = errors.New("the table no longer is as it was proved to be")

// Walk asks for one page, newest first.
type Walk struct {
	Before   Pos   // rows older than this place; Newest() for the first page
	Since    Stamp // rows from this time on; NoStamp for all
	Limit    int
	Filtered bool  // the filter may let few rows through, so windows are bounded by rows read
	Budget   int64 // stop after reading about so many rows; 0 for no bound
	// Read gets a window. Seen is told how far it is; it may be nil.
	Read func(ctx context.Context, w Window) ([]Row, error)
	Seen func(Looked)
}

// Found is a page. With More, Next is where the following one begins. Partial
// tells that the budget ended the walk: all rows newer than Next were looked at.
type Found struct {
	Rows    []Row
	More    bool
	Next    Pos
	Partial bool
	Scanned int64 // rows read, those that did not pass among them
}

// head is a run being read: ids up to next are left, none of them newer than bound.
type head struct {
	run
	next  int64
	bound Stamp
	step  int64 // rows the next bounded window spans
	width int   // rows the next window may return
	done  bool
	odd   []Pos // for the one head of rows that stand apart: those left, oldest first
}

const (
	firstStep = 4 << 10
	lastStep  = 128 << 10
	slack     = 24 // rows beyond the page, for lateness
)

// Page walks the zones. The result is what sorting the whole table by time and
// id would give: a row is only taken when every run that could still hold a
// newer one has been read below it.
func (z *Zones) Page(ctx context.Context, w Walk) (Found, error) {
	heads := z.heads(w)
	var found Found
	for {
		top := highest(heads)
		if top == nil || len(found.Rows) > w.Limit && top.left().Less(found.Rows[w.Limit].Pos()) {
			return found.finish(w.Limit), nil
		}
		if w.Budget > 0 && found.Scanned >= w.Budget {
			// What was read is only worth ending with when it brings the next page on.
			if part := found.cut(top.left()); part.Next.Less(w.Before) {
				return part, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return Found{}, err
		}
		rows, err := z.readOn(ctx, w, top, &found)
		if err != nil {
			return Found{}, err
		}
		found.Rows = append(found.Rows, rows...)
		sort.Slice(found.Rows, func(i, j int) bool { return found.Rows[j].Pos().Less(found.Rows[i].Pos()) })
		if w.Seen != nil {
			w.Seen(Looked{Rows: found.Scanned, Back: top.bound})
		}
	}
}

func (z *Zones) heads(w Walk) []*head {
	var out []*head
	for _, r := range z.segments() {
		if r.min > w.Before.At || r.max < w.Since {
			continue
		}
		h := &head{
			run:   r,
			next:  z.List[r.to-1].Last,
			bound: min(r.max, w.Before.At),
			step:  firstStep,
			width: w.Limit + 1 + slack,
		}
		if r.tidy {
			z.narrow(h, w)
		}
		out = append(out, h)
	}
	if odd := z.oddBetween(w.Since, w.Before); len(odd) > 0 {
		out = append(out, &head{odd: odd})
	}
	return out
}

// oddBetween are the rows that stand apart and are wanted.
func (z *Zones) oddBetween(since Stamp, before Pos) []Pos {
	from := sort.Search(len(z.Odd), func(i int) bool { return z.Odd[i].At >= since })
	to := sort.Search(len(z.Odd), func(i int) bool { return !z.Odd[i].Less(before) })
	return z.Odd[min(from, to):to]
}

// narrow leaves out zones at both ends of a tidy run that hold no row of the span.
func (z *Zones) narrow(h *head, w Walk) {
	for h.to > h.from && z.List[h.to-1].Min > w.Before.At {
		h.to--
	}
	for h.from < h.to && z.List[h.from].Max < w.Since {
		h.from++
		h.prefix = h.prefix[1:]
	}
	if h.from == h.to {
		h.done = true
		return
	}
	h.next = z.List[h.to-1].Last
	h.bound = min(h.bound, h.prefix[h.to-1-h.from])
}

// left is a place that no unread row of the run comes after.
func (h *head) left() Pos {
	if len(h.odd) > 0 {
		return h.odd[len(h.odd)-1]
	}
	return Pos{At: h.bound, ID: h.next}
}

func highest(heads []*head) *head {
	var top *head
	for _, h := range heads {
		if !h.done && (top == nil || top.left().Less(h.left())) {
			top = h
		}
	}
	return top
}

// readOn reads the next window of a run and lowers its bound.
func (z *Zones) readOn(ctx context.Context, w Walk, h *head, found *Found) ([]Row, error) {
	if len(h.odd) > 0 {
		return z.readOdd(ctx, w, h, found)
	}
	if !h.tidy {
		h.done = true // Limit+1 rows by time are all that a page can need of it
		zone := z.List[h.from]
		found.Scanned += zone.Rows
		rows, err := w.Read(ctx, Window{First: zone.First, Last: zone.Last, Limit: w.Limit + 1, ByTime: true})
		if err := errors.Join(err, z.agree(rows)); err != nil {
			return nil, err
		}
		return z.withoutOdd(rows), nil
	}
	low := h.from
	span := int64(0)
	if w.Filtered {
		low, span = z.stretch(h)
	}
	rows, err := w.Read(ctx, Window{First: z.List[low].First, Last: h.next, Limit: h.width})
	if err := errors.Join(err, z.agree(rows)); err != nil {
		return nil, err
	}
	h.advance(z, rows, low)
	found.Scanned += max(span, int64(len(rows)))
	return z.withoutOdd(rows), nil
}

// readOdd reads the newest of the rows that stand apart.
func (z *Zones) readOdd(ctx context.Context, w Walk, h *head, found *Found) ([]Row, error) {
	n := max(0, len(h.odd)-max(w.Limit+1, slack))
	ids := make([]int64, 0, len(h.odd)-n)
	for _, p := range h.odd[n:] {
		ids = append(ids, p.ID)
	}
	h.odd = h.odd[:n]
	h.done = n == 0
	found.Scanned += int64(len(ids))
	rows, err := w.Read(ctx, Window{IDs: ids, Limit: len(ids)})
	return rows, errors.Join(err, z.agree(rows))
}

// withoutOdd leaves out rows that readOdd gives.
func (z *Zones) withoutOdd(rows []Row) []Row {
	kept := rows[:0]
	for i := range rows {
		if _, odd := z.isOdd(rows[i].ID); !odd {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

// stretch chooses how far down a bounded window goes, and how many rows it spans.
func (z *Zones) stretch(h *head) (low int, span int64) {
	low = z.find(h.next)
	span = z.List[low].Rows
	for low > h.from && span < h.step {
		low--
		span += z.List[low].Rows
	}
	h.step = min(h.step*4, lastStep)
	return low, span
}

// advance lowers next and bound after a window down to zone low was read.
func (h *head) advance(z *Zones, rows []Row, low int) {
	if len(rows) < h.width {
		h.next = z.List[low].First - 1
		if low == h.from {
			h.done = true
			return
		}
		h.bound = min(h.bound, h.prefix[low-1-h.from])
		return
	}
	oldest := MaxStamp
	for i := range rows {
		if _, odd := z.isOdd(rows[i].ID); !odd {
			oldest = min(oldest, rows[i].At)
		}
	}
	last := rows[len(rows)-1].ID
	if last == math.MinInt64 || last-1 < z.List[h.from].First {
		h.done = true
		return
	}
	h.next = last - 1
	if oldest != MaxStamp {
		h.bound = min(h.bound, oldest+h.late)
	}
	h.bound = min(h.bound, h.prefix[z.find(h.next)-h.from])
	h.width = min(h.width*2, 4096)
}

// agree checks rows that were read against the proof.
func (z *Zones) agree(rows []Row) error {
	for i := range rows {
		if !z.holds(rows[i].Pos()) {
			return ErrStale
		}
	}
	return nil
}

func (f Found) finish(limit int) Found {
	if len(f.Rows) > limit {
		f.Rows, f.More = f.Rows[:limit], true
		if limit > 0 {
			f.Next = f.Rows[limit-1].Pos()
		}
	}
	return f
}

// cut keeps what is newer than every row that was not looked at.
func (f Found) cut(left Pos) Found {
	n := sort.Search(len(f.Rows), func(i int) bool { return !left.Less(f.Rows[i].Pos()) })
	f.Rows = f.Rows[:n]
	f.More = true
	f.Partial = true
	f.Next = Pos{At: left.At, ID: left.ID + 1}
	return f
}

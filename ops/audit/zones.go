package audit

import (
	"math"
	"slices"
	"sort"
)

// Zones are what was seen of the times of a table without an index on them:
// for each run of ids, the earliest and the latest time, and how far a row's
// time fell behind one with a lower id. They prove where rows of a time can
// be, in whatever order they were written, so that pages by time are exact and
// still read only a few rows. They hold for rows that are not changed after
// they were seen; rows deleted since do no harm.
type Zones struct {
	Size    int64  `json:"size"`     // rows a zone
	FirstID int64  `json:"first_id"` // the lowest id seen
	List    []Zone `json:"list"`     // by id, without gaps
	// Odd are rows that stand apart from their neighbours' times, oldest first;
	// the Min, Max and Late of zones are without them.
	Odd []Pos `json:"odd"`

	tail []int64         // the last ids, to look there again
	open []Pos           // the rows of the last zone, while all of them are known
	odd  map[int64]Stamp // Odd by id, made when needed
	runs []run           // made from List when needed
}

// Zone is what was seen of ids First to Last. The zone before ends at First-1,
// so every id up to the last one's end belongs to one zone.
type Zone struct {
	First int64 `json:"a"`
	Last  int64 `json:"z"`
	Rows  int64 `json:"n"`
	Min   Stamp `json:"min"`
	Max   Stamp `json:"max"`
	Late  Stamp `json:"late"` // the greatest (time of an earlier row − own time) within the zone; MaxStamp with NULLs
}

// defaultZoneRows is how many rows a zone has at first.
const defaultZoneRows = 1024

// maxZones bounds memory and the state file: beyond it neighbours are merged.
const maxZones = 1 << 16

// tidyRows is how many rows may lie within a run's lateness for it to be read
// by id: more, and a page would have to read too far.
const tidyRows = 200

// NewZones is a proof of nothing yet.
func NewZones() *Zones { return &Zones{Size: defaultZoneRows} }

// End is the highest id seen; every id up to it is in a zone.
func (z *Zones) End() int64 {
	if len(z.List) == 0 {
		return math.MinInt64
	}
	return z.List[len(z.List)-1].Last
}

// Rows is how many rows were seen.
func (z *Zones) Rows() int64 {
	var n int64
	for _, zone := range z.List {
		n += zone.Rows
	}
	return n
}

// Add takes the next row; ids must rise.
func (z *Zones) Add(id int64, at Stamp) {
	z.runs = nil
	n := len(z.List)
	if n == 0 {
		z.FirstID = id
	}
	if n == 0 || z.List[n-1].Rows >= z.Size {
		if n >= maxZones {
			z.halve()
			n = len(z.List)
		}
		first := int64(math.MinInt64)
		if n > 0 {
			first = z.List[n-1].Last + 1
		}
		z.List = append(z.List, Zone{First: first, Last: id, Min: MaxStamp, Max: NoStamp})
		n++
		z.open = make([]Pos, 0, z.Size)
	}
	zone := &z.List[n-1]
	if zone.Rows > 0 {
		zone.Late = max(zone.Late, lateness(zone.Max, at))
	}
	zone.Last, zone.Rows = id, zone.Rows+1
	z.remember(id)
	zone.Min = min(zone.Min, at)
	zone.Max = max(zone.Max, at)
	if z.open != nil {
		z.open = append(z.open, Pos{At: at, ID: id})
	}
	if zone.Rows >= z.Size {
		z.sift(zone)
		z.open = nil
	}
}

// lateness is how far at lies behind a time seen before it.
func lateness(before, at Stamp) Stamp {
	switch {
	case at >= before:
		return 0
	case at <= zeroDate:
		return MaxStamp
	}
	return before - at
}

// halve merges neighbours, so that zones hold twice as many rows.
func (z *Zones) halve() {
	kept := z.List[:0]
	for i := 0; i < len(z.List); i += 2 {
		zone := z.List[i]
		if i+1 < len(z.List) {
			zone = merge(zone, z.List[i+1])
		}
		kept = append(kept, zone)
	}
	z.List = kept
	z.Size = z.Size * 2
	z.open = nil
}

func merge(a, b Zone) Zone {
	return Zone{First: a.First, Last: b.Last, Rows: a.Rows + b.Rows, Min: min(a.Min, b.Min), Max: max(a.Max, b.Max),
		Late: max(a.Late, b.Late, lateness(a.Max, b.Min))}
}

// Head is a copy of the first n zones.
func (z *Zones) Head(n int) *Zones {
	h := &Zones{Size: z.Size, FirstID: z.FirstID, List: append([]Zone(nil), z.List[:n]...)}
	for _, p := range z.Odd {
		if p.ID <= h.End() {
			h.Odd = append(h.Odd, p)
		}
	}
	return h
}

// tailRows is how many of the last ids are remembered, to look there again.
const tailRows = 128

// Again is the id behind which to look for rows: some seen before come again,
// and those that were committed late among them are new.
func (z *Zones) Again() int64 {
	if len(z.tail) == 0 {
		return z.End()
	}
	return z.tail[0] - 1
}

// See takes a row from behind Again and tells whether it is new.
func (z *Zones) See(id int64, at Stamp) bool {
	if id > z.End() || len(z.List) == 0 {
		z.Add(id, at)
		return true
	}
	i, known := slices.BinarySearch(z.tail, id)
	if known {
		return false
	}
	z.tail = slices.Insert(z.tail, i, id)
	z.List[z.find(id)].Rows++
	z.open = nil
	z.setApart(Pos{At: at, ID: id})
	return true
}

func (z *Zones) remember(id int64) {
	if len(z.tail) >= 2*tailRows {
		z.tail = append(z.tail[:0], z.tail[len(z.tail)-tailRows+1:]...)
	}
	z.tail = append(z.tail, id)
}

// Sound tells whether zones that were read from a file can be used.
func (z *Zones) Sound() bool {
	next := int64(math.MinInt64)
	for _, zone := range z.List {
		if zone.First != next || zone.Last < zone.First || zone.Rows < 1 || zone.Min > zone.Max ||
			zone.Last == math.MaxInt64 {
			return false
		}
		next = zone.Last + 1
	}
	return z.Size >= defaultZoneRows && len(z.List) <= maxZones && slices.IsSortedFunc(z.Odd, byPlace)
}

// Settled is how many zones, from the first on, no open transaction should add
// a row to any more: all their times lie before the given one (a time in the
// far future apart), and they are not the last two.
func (z *Zones) Settled(before, future Stamp) int {
	for i, zone := range z.List {
		if zone.Max > before && zone.Max < future {
			return min(i, max(0, len(z.List)-2))
		}
	}
	return max(0, len(z.List)-2)
}

// holds tells whether a row agrees with what was seen of its id. Rows beyond
// the end agree with nothing.
func (z *Zones) holds(p Pos) bool {
	if at, odd := z.isOdd(p.ID); odd {
		return at == p.At
	}
	i := z.find(p.ID)
	return i < len(z.List) && z.List[i].Min <= p.At && p.At <= z.List[i].Max
}

// find is the index of the zone that an id belongs to; len(List) beyond the end.
func (z *Zones) find(id int64) int {
	return sort.Search(len(z.List), func(i int) bool { return z.List[i].Last >= id })
}

// Range is a run of ids, both ends among them, with at most so many rows.
type Range struct{ First, Last, Rows int64 }

// Ranges are the ids that rows with from ≤ time < till can have, in pieces of
// about most rows; rows tells how many they hold together at most.
func (z *Zones) Ranges(from, till Stamp, most int64) (out []Range, rows int64) {
	within := func(lowest, highest Stamp) bool {
		return highest >= from && (till == MaxStamp || lowest < till)
	}
	take := func(r Range) {
		rows += r.Rows
		if n := len(out); n > 0 && out[n-1].Last+1 == r.First && out[n-1].Rows+r.Rows <= most {
			out[n-1].Last, out[n-1].Rows = r.Last, out[n-1].Rows+r.Rows
			return
		}
		out = append(out, r)
	}
	for _, zone := range z.List {
		if within(zone.Min, zone.Max) {
			take(Range{zone.First, zone.Last, zone.Rows})
		}
	}
	for _, p := range z.Odd {
		if zone := z.List[z.find(p.ID)]; within(p.At, p.At) && !within(zone.Min, zone.Max) {
			take(Range{p.ID, p.ID, 1})
		}
	}
	return out, rows
}

// Helps tells whether reading by zones beats sorting the table: most rows lie
// where ids follow time.
func (z *Zones) Helps() bool {
	var all, tidy int64
	for _, r := range z.segments() {
		all += r.rows
		if r.tidy {
			tidy += r.rows
		}
	}
	return tidy*2 >= all
}

// run is a stretch of zones that is read as one. In a tidy one a row's time is
// at most late behind that of any row with a lower id.
type run struct {
	from, to int // zones [from, to)
	rows     int64
	min, max Stamp
	late     Stamp
	tidy     bool
	prefix   []Stamp // the latest time of zones from … i
}

// segments groups the zones: neighbours that are tidy together make one run,
// each untidy zone one of its own.
func (z *Zones) segments() []run {
	if z.runs != nil {
		return z.runs
	}
	var out []run
	for i, zone := range z.List {
		if n := len(out); n > 0 && out[n-1].tidy && zone.tidy() && out[n-1].take(i, zone) {
			continue
		}
		out = append(
			out,
			run{
				from:   i,
				to:     i + 1,
				rows:   zone.Rows,
				min:    zone.Min,
				max:    zone.Max,
				late:   zone.Late,
				tidy:   zone.tidy(),
				prefix: []Stamp{zone.Max},
			},
		)
	}
	z.runs = out
	return out
}

func (zone Zone) tidy() bool { return withinTidy(zone.Late, zone) }

// withinTidy tells whether about tidyRows rows at most lie within a lateness,
// at the zone's own density.
func withinTidy(late Stamp, zone Zone) bool {
	if late == 0 {
		return zone.Max > zeroDate
	}
	if zone.Min <= zeroDate || late == MaxStamp {
		return false
	}
	span := float64(zone.Max-zone.Min) + 1
	return float64(late)/span*float64(zone.Rows) <= tidyRows
}

// take lets a zone join the run, unless the run would not stay tidy.
func (r *run) take(i int, zone Zone) bool {
	late := max(r.late, zone.Late, lateness(r.max, zone.Min))
	if !withinTidy(late, zone) {
		return false
	}
	r.to = i + 1
	r.rows = r.rows + zone.Rows
	r.late = late
	r.min = min(r.min, zone.Min)
	r.max = max(r.max, zone.Max)
	r.prefix = append(r.prefix, r.max)
	return true
}

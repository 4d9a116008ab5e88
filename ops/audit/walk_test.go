package audit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// table is an audit table in memory: rows by id.
type table []Row

func (t table) zones(size int64) *Zones {
	z := NewZones()
	z.Size = size
	for _, r := range t {
		z.See(r.ID, r.At)
	}
	return z
}

// reader answers windows as a server would.
func (t table) reader(before Pos, since Stamp, keep func(Row) bool) func(context.Context, Window) ([]Row, error) {
	return func(_ context.Context, w Window) ([]Row, error) {
		var out []Row
		for _, r := range t {
			in := r.ID >= w.First && r.ID <= w.Last
			if w.IDs != nil {
				in = slices.Contains(w.IDs, r.ID)
			}
			if in && r.Pos().Less(before) && r.At >= since && keep(r) {
				out = append(out, r)
			}
		}
		sort.Slice(out, func(i, j int) bool {
			if w.ByTime {
				return out[j].Pos().Less(out[i].Pos())
			}
			return out[i].ID > out[j].ID
		})
		return out[:min(len(out), w.Limit)], nil
	}
}

func (t table) model(before Pos, since Stamp, keep func(Row) bool) []Row {
	rows, _ := t.reader(
		before,
		since,
		keep,
	)(
		context.Background(),
		Window{First: -1 << 63, Last: 1<<63 - 1, Limit: len(t), ByTime: true},
	)
	return rows
}

// disorder makes tables whose ids follow time more or less.
var disorder = map[string]func(rng *rand.Rand, i int) Stamp{
	"in order":      func(_ *rand.Rand, i int) Stamp { return Stamp(i) * 1000 },
	"all at once":   func(*rand.Rand, int) Stamp { return 5 },
	"many ties":     func(_ *rand.Rand, i int) Stamp { return Stamp(i / 50) },
	"jitter":        func(rng *rand.Rand, i int) Stamp { return Stamp(i*1000 + rng.IntN(5000)) },
	"random":        func(rng *rand.Rand, _ int) Stamp { return Stamp(rng.IntN(1000)) },
	"backwards":     func(_ *rand.Rand, i int) Stamp { return Stamp(-i) },
	"planted rows":  func(rng *rand.Rand, i int) Stamp { return planted(rng, i) },
	"a back import": func(_ *rand.Rand, i int) Stamp { return Stamp((i%700)*1000 - i) },
}

// planted is in order but for rows far in the past, in the future, and NULL.
func planted(rng *rand.Rand, i int) Stamp {
	switch rng.IntN(100) {
	case 0:
		return Stamp(rng.IntN(i+1)) * 1000
	case 1:
		return Stamp(i)*1000 + 1e12
	case 2:
		return NoStamp
	case 3:
		return zeroDate
	}
	return Stamp(i) * 1000
}

func TestPagesEqualSortingTheWholeTable(t *testing.T) {
	for name, at := range disorder {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(12) {
				rng := rand.New(rand.NewPCG(seed, 7))
				var rows table
				id := int64(rng.IntN(10)) - 5
				for i := range 1 + rng.IntN(1500) {
					id += 1 + int64(rng.IntN(3))
					rows = append(rows, Row{ID: id, At: at(rng, i)})
				}
				z := rows.zones(int64(16 << rng.IntN(4)))
				checkPages(t, rng, rows, z)
			}
		})
	}
}

// checkPages reads a list page by page, with and without a filter and a
// budget, and compares it with the model.
func checkPages(t *testing.T, rng *rand.Rand, rows table, z *Zones) {
	t.Helper()
	one := int64(1 + rng.IntN(20))
	keep := func(r Row) bool { return r.ID%one == 0 }
	since := []Stamp{NoStamp, rows[rng.IntN(len(rows))].At}[rng.IntN(2)]
	want := rows.model(Newest(), since, keep)
	w := Walk{
		Before:   Newest(),
		Since:    since,
		Limit:    1 + rng.IntN(60),
		Filtered: one > 1,
		Budget:   []int64{0, 100}[rng.IntN(2)],
	}
	var got []Row
	for range 10 * len(rows) {
		w.Read = rows.reader(w.Before, since, keep)
		found, err := z.Page(context.Background(), w)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, found.Rows...)
		if !found.More {
			break
		}
		if !found.Next.Less(w.Before) {
			t.Fatalf("no progress: %v after %v", found.Next, w.Before)
		}
		w.Before = found.Next
	}
	if a, b := positions(got), positions(want); a != b {
		t.Fatalf("limit %d, one of %d, since %d, zones of %d:\n got %s\nwant %s", w.Limit, one, since, z.Size, a, b)
	}
}

func positions(rows []Row) string {
	s := ""
	for _, r := range rows {
		s += fmt.Sprintf("%d@%d ", r.ID, r.At)
	}
	return s
}

func TestRowsCommittedLateAreSeen(t *testing.T) {
	z := NewZones()
	for id := int64(1); id <= 3000; id++ {
		if id != 2950 {
			z.See(id, Stamp(id)*10)
		}
	}
	if got := z.Again(); got >= 2950 {
		t.Fatalf("looks again behind %d only", got)
	}
	if !z.See(2950, 7) || z.See(2950, 7) {
		t.Fatal("the late row is not new exactly once")
	}
	if !z.holds(Pos{At: 7, ID: 2950}) || z.Rows() != 3000 {
		t.Fatalf("the late row is not covered: %+v", z.List)
	}
	ranges, _ := z.Ranges(0, 8, 100)
	if len(ranges) != 1 || ranges[0].Last < 2950 {
		t.Fatalf("a search at its time does not reach it: %v", ranges)
	}
}

func TestARowThatBreaksTheProofIsNoticed(t *testing.T) {
	var rows table
	for id := int64(1); id <= 5000; id++ {
		rows = append(rows, Row{ID: id, At: Stamp(id)})
	}
	z := rows.zones(64)
	rows[4990].At = 1e9 // changed after it was seen
	_, err := z.Page(
		context.Background(),
		Walk{
			Before: Newest(),
			Since:  NoStamp,
			Limit:  20,
			Read:   rows.reader(Newest(), NoStamp, func(Row) bool { return true }),
		},
	)
	if !errors.Is(err, ErrStale) {
		t.Fatalf("got %v", err)
	}
}

func TestZonesAreHalvedToBoundMemory(t *testing.T) {
	z := NewZones()
	z.Size = 1
	for id := int64(0); id < maxZones*3; id++ {
		z.See(id, Stamp(id))
	}
	if len(z.List) > maxZones || z.Rows() != maxZones*3 || !z.Helps() {
		t.Fatalf("%d zones of %d rows, size %d", len(z.List), z.Rows(), z.Size)
	}
	for i := 1; i < len(z.List); i++ {
		if z.List[i].First != z.List[i-1].Last+1 {
			t.Fatal("a gap between zones")
		}
	}
}

func TestAFewPlantedRowsDoNotSpoilTheOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var rows table
	for id := int64(1); id <= 20_000; id++ {
		at := Stamp(id)*1_000_000 + Stamp(rng.IntN(300_000))
		if rng.IntN(100) == 0 {
			at += Stamp(rng.IntN(1e12)) - 5e11
		}
		rows = append(rows, Row{ID: id, At: at})
	}
	z := rows.zones(512)
	untidy := 0
	for _, r := range z.segments() {
		if !r.tidy {
			untidy++
		}
	}
	if untidy > 1 || len(z.Odd) < 100 || !z.Helps() {
		t.Fatalf("%d runs are untidy, %d rows are odd", untidy, len(z.Odd))
	}
	reads := 0
	read := rows.reader(Newest(), NoStamp, func(Row) bool { return true })
	found, err := z.Page(
		context.Background(),
		Walk{Before: Newest(), Since: NoStamp, Limit: 50, Read: func(ctx context.Context, w Window) ([]Row, error) {
			reads++
			return read(ctx, w)
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if want := rows.model(Newest(), NoStamp, func(Row) bool { return true })[:50]; positions(
		found.Rows,
	) != positions(
		want,
	) {
		t.Fatalf("got %s\nwant %s", positions(found.Rows), positions(want))
	}
	if reads > 4 || found.Scanned > 1000 {
		t.Fatalf("%d windows and %d rows for a page of 50", reads, found.Scanned)
	}
}

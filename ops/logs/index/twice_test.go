package index

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/line"
)

// autumn is a night in Berlin at whose 3 o'clock the clock is put back to 2, and a text written
// then: a line at each of its times.
type autumn struct {
	text strings.Builder
	want []time.Time
	form string
}

func (a *autumn) write(from, to string, step time.Duration) {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	at, _ := time.Parse(time.RFC3339, "2026-10-25T"+from+"Z")
	if from > "12" {
		at = at.Add(-24 * time.Hour)
	}
	end, _ := time.Parse(time.RFC3339, "2026-10-25T"+to+"Z")
	for ; at.Before(end); at = at.Add(step) {
		fmt.Fprintf(&a.text, "%s INFO line %d\n    with more of it\n", at.In(berlin).Format(a.form), len(a.want))
		a.want = append(a.want, at)
	}
}

// read are the times of the text's lines as an index has them, built in pieces of that many bytes.
func (a *autumn) read(t *testing.T, written time.Time, piece int64) (got []time.Time) {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	r := datedText{strings.NewReader(a.text.String()), written}
	shapes := line.NewShapes()
	for off := int64(0); off < r.Size(); {
		b := NewBuilder(shapes, line.NewParser(berlin, now), false)
		b.Set(LooksLike(b, r, r.Size(), UnknownManner), r, now)
		end, err := b.start(r, off+piece, r.Size())
		if err != nil {
			t.Fatal(err)
		}
		blk, err := b.Build(r, off, end)
		if err != nil {
			t.Fatal(err)
		}
		for i := blk.Heads.Next(0); i >= 0; i = blk.Heads.Next(i + 1) {
			got = append(got, time.UnixMilli(blk.Times.At(i)).UTC())
		}
		off = end
	}
	return got
}

// TestAnHourThatComesTwiceIsTwoHours: in texts that end or begin within it, long and short, dense
// and not, with and without a year.
func TestAnHourThatComesTwiceIsTwoHours(t *testing.T) {
	winter := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	const s = time.Second
	for name, c := range map[string]struct {
		written time.Time
		spans   [][2]string // in UTC; it is put back at 01:00
		step    time.Duration
	}{
		"both":              {winter, [][2]string{{"22:00:00", "02:30:00"}}, 60 * s},
		"dense":             {winter, [][2]string{{"00:30:00", "00:59:59"}, {"01:00:00", "01:05:00"}}, s / 20},
		"long":              {winter, [][2]string{{"00:00:00", "03:00:00"}}, s / 4},
		"the second short":  {winter, [][2]string{{"00:00:00", "01:00:10"}, {"03:00:00", "03:00:03"}}, s / 3},
		"few":               {winter, [][2]string{{"00:00:00", "02:30:00"}}, 25 * 60 * s},
		"ends in the first": {time.Date(2026, 10, 25, 0, 50, 0, 0, time.UTC), [][2]string{{"00:10:00", "00:50:00"}}, s},
		"ends in the second": {
			time.Date(2026, 10, 25, 1, 50, 0, 0, time.UTC), [][2]string{{"00:10:00", "01:50:00"}}, s,
		},
		"the second alone":     {time.Date(2026, 10, 25, 1, 50, 0, 0, time.UTC), [][2]string{{"01:10:00", "01:50:00"}}, s},
		"begins in the second": {winter, [][2]string{{"01:10:00", "02:10:00"}}, s},
		"stops in the first":   {winter, [][2]string{{"23:50:00", "00:30:00"}, {"04:00:00", "04:10:00"}}, 10 * s},
		"stopped before it":    {winter, [][2]string{{"20:00:00", "23:30:00"}, {"01:40:00", "02:10:00"}}, 10 * s},
	} {
		for _, form := range []string{"2006-01-02 15:04:05.000", time.Stamp} {
			a := autumn{form: form}
			for _, span := range c.spans {
				a.write(span[0], span[1], c.step)
			}
			unit := time.Millisecond
			if form == time.Stamp {
				unit = s
			}
			for _, piece := range []int64{1 << 40, 100_000} {
				got := a.read(t, c.written, piece)
				if len(got) != len(a.want) {
					t.Fatalf("%s: %d events, want %d", name, len(got), len(a.want))
				}
				for i := range got {
					if want := a.want[i].Truncate(unit); !got[i].Equal(want) {
						t.Errorf("%s, %s: line %d of %d: %v, want %v", name, form, i, len(got), got[i], want)
						break
					}
				}
			}
		}
	}
}

// TestALineOfTheRepeatedHourThatJustCameIsOfNow: where no text tells, the clock does.
func TestALineOfTheRepeatedHourThatJustCameIsOfNow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range []time.Time{
		time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC),
	} {
		for _, text := range []string{"2026-10-25 02:30:00 INFO a", "Oct 25 02:30:00 h a[1]: b", "2026-10-25 01:59:00 INFO a"} {
			want := now
			if strings.Contains(text, "01:59") {
				want = time.Date(2026, 10, 24, 23, 59, 0, 0, time.UTC)
			}
			e, _ := line.NewParser(berlin, now.Add(time.Second)).Parse([]byte(text))
			if !e.Time.Equal(want) {
				t.Errorf("%s at %v: %v", text, now, e.Time)
			}
		}
	}
}

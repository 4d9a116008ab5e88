package logview

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/cells"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
	"opsdeck/tui/page"

	"github.com/charmbracelet/x/exp/golden"
)

// part is the sample's text as a part of a log.
type part struct{}

func (part) Name() string { return "/l/qianzhang-backend-out.log" }

func (part) Open(context.Context) (logs.Text, error) {
	return text{bytes.NewReader([]byte(sample()))}, nil
}

func counts(ctx context.Context, q *query.Query, ask stat.Ask) (*stat.Table, error) {
	scan := index.Scan{Query: q.Events(), Zone: ask.Zone, Now: now}
	return stat.Run(ctx, &scan, []logs.Source{{Name: part{}.Name(), Parts: []logs.Part{part{}}}}, ask)
}

// TestStatisticsOfWhatIsShown: by a field, with the query in force; a value is taken into the query, and the
// list then has as many rows as were counted.
func TestStatisticsOfWhatIsShown(t *testing.T) {
	for _, size := range sizes[:3] {
		for _, code := range []string{"en", "zh"} {
			t.Run(fmt.Sprintf("%dx%d_%s", size.Width, size.Height, code), func(t *testing.T) {
				p, store := opened(t, code, size)
				if why := p.counted.noStat(); why.Empty() {
					t.Fatal("statistics of nothing")
				}
				p.look.o.Stat = counts
				drive(p, p.counted.countBy("context"))
				view := p.View(size)
				for i, l := range strings.Split(view, "\n") {
					if w := cells.Width(l); w > size.Width {
						t.Errorf("line %d is %d cells wide", i, w)
					}
				}
				golden.RequireEqual(t, []byte(view))
				rows := p.counted.sheet().Rows
				key(p, store, t, "enter")
				want := "context:" + rows[0].Values[0]
				if p.ask.asked.Source != want || fmt.Sprint(p.tally.stats.Hits) != rows[0].Cells[0] {
					t.Errorf("asked %q: %d hits, counted %s", p.ask.asked.Source, p.tally.stats.Hits, rows[0].Cells[0])
				}
			})
		}
	}
}

// TestGroupsAreFoundAgain: each value that was counted finds its events when it is taken into the query.
func TestGroupsAreFoundAgain(t *testing.T) {
	for _, by := range []string{"level", "context", "metadata.userId", "userId"} {
		p, store := opened(t, "en", page.Size{Width: 100, Height: 30})
		p.look.o.Stat = counts
		drive(p, p.counted.countBy(by))
		rows := p.counted.sheet().Rows
		if len(rows) < 3 {
			t.Fatalf("%d values of %s", len(rows), by)
		}
		for _, r := range rows {
			key(p, store, t, "esc")
			drive(p, p.finder.take(p.finder.fieldWord(by, r.Values[0])))
			settle(t, p, store)
			if fmt.Sprint(p.tally.stats.Hits) != r.Cells[0] {
				t.Errorf("%s: %d hits, counted %s", p.ask.asked.Source, p.tally.stats.Hits, r.Cells[0])
			}
			key(p, store, t, "esc")
		}
	}
}

package auditview

import (
	"strings"
	"testing"

	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
)

// What goes through a whole table says how far it is, in the list and in a trace.
func TestALongSearchShowsHowFarItIs(t *testing.T) {
	p := settled(t, "en", sample(t))
	p.rows.reload(false)
	gen := uint64(p.rows.list.gen.Gen)
	p.Receive(page.Msg{To: id, Gen: gen, Body: seenMsg(audit.Looked{Rows: 500_000, Of: 2_000_000})})
	p.rows.list.rows = nil
	for _, size := range sizes {
		view := p.View(size)
		check(t, view, size)
		if !strings.Contains(view, "25 %") || !strings.Contains(view, "500,000 of about 2,000,000") ||
			!strings.Contains(view, "no index helps here") {
			t.Fatalf("how far it is is not shown:\n%s", view)
		}
	}
	press(p, "esc")
	if p.rows.list.loading {
		t.Fatal("esc does not end the search")
	}
	p = settled(t, "en", sample(t))
	p.follow(true)
	p.Receive(
		page.Msg{
			To:   id,
			Gen:  uint64(p.story.trace.gen.Gen),
			Body: readingMsg{traceMode, ops.Progress{Done: 30, Total: 40, Unit: "rows"}},
		},
	)
	if view := p.View(page.Size{Width: 80, Height: 24}); !strings.Contains(view, "75 %") {
		t.Fatalf("how far the trace is is not shown:\n%s", view)
	}
}

// Counts may be the first that needs the order of the table: they have it learnt.
func TestCountsHaveTheOrderLearnt(t *testing.T) {
	src := sample(t)
	p := settled(t, "en", src)
	src.err = &audit.UnprovedError{Rows: 1000}
	answer(p, p.tallies.count(false))
	if src.proved != 1 {
		t.Fatalf("learnt %d times", src.proved)
	}
}

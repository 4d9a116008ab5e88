package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// TestLinesThatComeReadAsThoseThatLie: an event says the same of itself whether it
// is found in a text or comes while that is followed.
func TestLinesThatComeReadAsThoseThatLie(t *testing.T) {
	text := "2026-01-29T12:00:00Z ERROR [Order] one\nError: x\n    at y\n" +
		"{\"level\":\"info\",\"msg\":\"no time in here\"}\n2026-02-30T12:00:00Z INFO no such day in here\n"
	for _, words := range []string{"", "x", "in", "since:2026-01-29 in", "until:2026-01-29"} {
		q, err := query.ParseQuery(words, testNow)
		if err != nil {
			t.Fatal(err)
		}
		scan := &logindex.Scan{Query: q, Zone: time.UTC, Now: testNow}
		parser := line.NewParser(time.UTC, testNow)
		var lie, come []string
		show := func(e logs.Event) string { return fmt.Sprintf("%+v", e) }
		q2 := q
		if !q.HasText() {
			q2 = q.Events()
		}
		scan.Query = q2
		err = scan.Each(context.Background(), []logs.Source{memSource(text)}, func(h *logindex.Hit) error {
			e, err := scan.Event(parser, h)
			lie = append(lie, show(e))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		l := NewLive(q, "m", 0, line.NewParser(time.UTC, testNow), func(e logs.Event) { come = append(come, show(e)) })
		l.Each = true
		l.Read(inMemory(text), 0, int64(len(text)), nil)
		l.Quiet(0)
		if fmt.Sprint(lie) != fmt.Sprint(come) {
			t.Errorf("%q: found\n%v\nfollowed\n%v", words, lie, come)
		}
	}
}

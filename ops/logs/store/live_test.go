package store

import (
	"context"
	"fmt"
	"os"
	"strings"
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
	for _, name := range []string{"color", "plain"} {
		among, err := os.ReadFile("../line/testdata/nest-console-" + name + ".log")
		if err != nil {
			t.Fatal(err)
		}
		text += string(among)
	}
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

// TestRecordsOfSeveralLinesAreFollowed: each is one event with what all its lines say, also
// after a line of another form.
func TestRecordsOfSeveralLinesAreFollowed(t *testing.T) {
	const text = "2026-01-29T11:59:59Z INFO started\n" +
		"{\n  level: 'error',\n  message: 'lost',\n  timestamp: '2026-01-29T12:00:00.000Z'\n}\n" +
		"{\n  level: 'warn',\n  message: 'low',\n  timestamp: '2026-01-29T12:00:01.000Z'\n}\n" +
		"__CURSOR=x\n__REALTIME_TIMESTAMP=1769688002000000\nPRIORITY=3\nMESSAGE=gone\n\n" +
		"__CURSOR=y\n__REALTIME_TIMESTAMP=1769688003000000\nPRIORITY=6\nMESSAGE=back\n\n"
	var got []string
	p := line.NewParser(time.UTC, testNow)
	l := NewLive(&query.Query{}, "x", 0, p, func(e logs.Event) {
		got = append(got, e.Time.UTC().Format("15:04:05 ")+e.Level.String()+" "+e.Message)
	})
	if _, err := l.Read(strings.NewReader(text), 0, int64(len(text)), nil); err != nil {
		t.Fatal(err)
	}
	l.Quiet(0)
	const want = "11:59:59 INFO started, 12:00:00 ERROR lost, 12:00:01 WARN low, 12:00:02 ERROR gone, 12:00:03 INFO back"
	if all := strings.Join(got, ", "); all != want {
		t.Errorf("got  %s\nwant %s", all, want)
	}
}

package store

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

var testNow = time.Date(2026, 1, 29, 14, 0, 0, 0, time.UTC)

// memory is a text in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }
func inMemory(text string) logs.Text {
	return memory{bytes.NewReader([]byte(text))}
}

type memPart struct {
	name string
	text string
}

func (p memPart) Name() string                            { return p.name }
func (p memPart) Open(context.Context) (logs.Text, error) { return inMemory(p.text), nil }

func memSource(text string) logs.Source {
	return logs.Source{Name: "m", Parts: []logs.Part{memPart{"m", text}}}
}

// modelHits is the plain model: one line after the other, nothing clever. It
// returns the numbers of the lines that are hits.
func modelHits(q *query.Query, text string) (hits []int64) {
	p := logline.NewParser(time.UTC, testNow)
	lines := strings.Split(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	plain := true
	for _, l := range lines {
		if e, kind := p.Parse(logline.TrimCR([]byte(l))); kind == logline.KindHead && !e.Time.IsZero() {
			plain = false
			break
		}
	}
	begins := modelHeads(lines, plain)
	holds, last := false, time.Time{}
	for i, l := range lines {
		line := logline.TrimCR([]byte(l))
		e, _ := p.Parse(line)
		if begins[i] {
			if e.Time.IsZero() {
				e.Time = last
			}
			last = e.Time
			e.Source = "m"
			all := string(line)
			for k := i + 1; k < len(lines) && !begins[k]; k++ {
				all += "\n" + lines[k]
			}
			holds = q.MatchEvent(&e, logline.Visible([]byte(all), nil))
		}
		if holds && (q.HasText() && q.MatchLine(string(logline.Visible(line, nil))) || !q.HasText() && begins[i]) {
			hits = append(hits, int64(i)+1)
		}
	}
	return hits
}

// modelHeads tells of each line whether it begins an event.
func modelHeads(lines []string, plain bool) []bool {
	p := logline.NewParser(time.UTC, testNow)
	var flow logline.Flow
	begins := make([]bool, len(lines))
	for i, l := range lines {
		line := logline.TrimCR([]byte(l))
		e, kind := p.Parse(line)
		begins[i] = flow.BeginsRead(p, &e, kind, line, plain) || i == 0
	}
	return begins
}

func scanHits(t testing.TB, q *query.Query, text string, newest bool) (hits []int64) {
	t.Helper()
	s := logindex.Scan{
		Query:  q,
		Zone:   time.UTC,
		Now:    testNow,
		Newest: newest,
		Warn:   func(part string, err error) { t.Errorf("%s: %v", part, err) },
	}
	err := s.Each(context.Background(), []logs.Source{memSource(text)}, func(h *logindex.Hit) error {
		hits = append(hits, h.Line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// randomLog writes lines of every format, mixed, with continuations.
func randomLog(r *rand.Rand, lines int) string {
	var b strings.Builder
	at := time.Date(2026, 1, 29, 9, 0, 0, 0, time.UTC)
	contexts := []string{"OrderService", "ArService", "Worker12", "审计"}
	messages := []string{
		"Order %d created",
		"took %dms for GET /orders/%d",
		"客户 %d 信用额度不足",
		"Unable to connect to the database. Retrying (%d)",
		"id 3f2a9c1b%04d done",
		"Failed to create order +%dms",
		"UPPER %d Case",
		"tok_%d",
		"Ünïcode %d K",
	}
	for range lines {
		at = at.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
		msg := messages[r.IntN(len(messages))]
		for strings.Contains(msg, "%") {
			i := strings.IndexByte(msg, '%')
			j := i + strings.IndexByte(msg[i:], 'd') + 1
			msg = msg[:i] + fmt.Sprint(r.IntN(5000)) + msg[j:]
		}
		ctx := contexts[r.IntN(len(contexts))]
		level := []string{"LOG", "WARN", "ERROR", "DEBUG"}[r.IntN(4)]
		switch r.IntN(10) {
		case 0, 1:
			fmt.Fprintf(
				&b,
				"[Nest] %d  - %s     %s [%s] %s\n",
				r.IntN(99999),
				at.Format("01/02/2006, 03:04:05 PM"),
				level,
				ctx,
				msg,
			)
		case 2:
			fmt.Fprintf(
				&b,
				"\x1b[32m[Nest] 123  - \x1b[39m%s \x1b[31m  %s\x1b[39m \x1b[33m[%s] \x1b[39m%s\n",
				at.Format("01/02/2006, 3:04:05 PM"),
				level,
				ctx,
				msg,
			)
		case 3, 4:
			fmt.Fprintf(
				&b,
				`{"timestamp":"%s","level":"%s","context":"%s","message":"%s","metadata":{"userId":%d}}`+"\n",
				at.Format("2006-01-02T15:04:05.000Z"),
				level,
				ctx,
				msg,
				r.IntN(30),
			)
		case 5:
			fmt.Fprintf(&b, `{"level":%d,"time":%d,"msg":"%s"}`+"\n", 10*(1+r.IntN(6)), at.UnixMilli(), msg)
		case 6:
			fmt.Fprintf(&b, "%s %s %s\r\n", at.Format(time.RFC3339), level, msg)
		case 7:
			fmt.Fprintf(
				&b,
				"time=%s level=%s msg=%q n=%d\n",
				at.Format(time.RFC3339),
				strings.ToLower(level),
				msg,
				r.IntN(9),
			)
		case 8:
			fmt.Fprintf(
				&b,
				"Error: %s\n    at Pool.connect (/app/src/pool.ts:%d:13)\n    at x (node:internal:%d)\n",
				msg,
				r.IntN(900),
				r.IntN(9),
			)
		case 9:
			fmt.Fprintf(&b, "%s\n", msg)
		}
	}
	return b.String()
}

var modelQueries = []string{
	"",
	"order",
	"ordcr",
	"Order",
	"'order",
	"'Order 1",
	"^[Nest",
	"ms$",
	"!order",
	"!'order took",
	"level:error",
	"level:warn+ order",
	"context:Order*",
	"!context:order*,ar*",
	"context:worker12",
	"took>1000",
	"took>=2s level:error",
	"is:critical",
	"is:slow err",
	"head:order",
	"!head:Order",
	"!head:took level:warn+ x",
	"!head:\"Unable to\" is:critical",
	"head:'5 head:ms",
	"field.userId=3",
	"field.metadata.userId>25",
	"!field.userId=3 level:info+",
	"since:2026-01-29T09:05",
	"until:2026-01-29T09:03 order",
	"since:2026-01-29T09:02 until:2026-01-29T09:04",
	"/Order \\d+ created/",
	"!/Order/",
	"/^\\[Nest/ '客户",
	"客户",
	"户足",
	"order | took",
	"pool | error level:error",
	"3f2a9",
	"'3f2a9c1b00",
	"0122",
	"'29T09:0",
	"'9:0",
	"'PM  ",
	"k",
	"'k",
	"ünï",
	"level:debug,error 1",
	"Z\"",
	"'Z\",\"level",
	"'M     L",
}

func TestScanAgreesWithThePlainModel(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := randomLog(r, 300)
		if seed%2 == 1 {
			text = strings.TrimSuffix(text, "\n")
		}
		for _, words := range modelQueries {
			q, err := query.ParseQuery(words, testNow)
			if err != nil {
				t.Fatalf("%q: %v", words, err)
			}
			want := modelHits(q, text)
			if got := scanHits(t, q, text, false); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf(
					"seed %d, %q: %d hits %v, the model has %d %v",
					seed,
					words,
					len(got),
					head(got),
					len(want),
					head(want),
				)
			}
			n, err := (&logindex.Scan{Query: q, Zone: time.UTC, Now: testNow}).Count(
				context.Background(),
				[]logs.Source{memSource(text)},
			)
			if err != nil || n != int64(len(want)) {
				t.Errorf("seed %d, %q: count %d, %v, the model has %d", seed, words, n, err, len(want))
			}
		}
	}
}

func head(v []int64) []int64 { return v[:min(len(v), 8)] }

func TestNewestFirstIsTheSameReversed(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(3, 3)), 40_000) // several regions
	for _, words := range []string{"order", "level:error", "'客户"} {
		q, _ := query.ParseQuery(words, testNow)
		want := modelHits(q, text)
		got := scanHits(t, q, text, true)
		if len(got) != len(want) {
			t.Fatalf("%q: %d hits, the model has %d", words, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[len(want)-1-i] {
				t.Fatalf("%q: hit %d is line %d, the model has %d", words, i, got[i], want[len(want)-1-i])
			}
		}
		if got := scanHits(t, q, text, false); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q: oldest first differs from the model", words)
		}
	}
}

// FuzzVerdict: what a shape tells must hold for the line that it is of, and for
// the same line with other digits.
func FuzzVerdict(f *testing.F) {
	for _, q := range modelQueries {
		f.Add(
			`{"timestamp":"2026-01-29T09:00:00.166Z","level":"INFO","message":"Order 51751 id 3f2a9c1b77"}`,
			q,
			byte(3),
		)
		f.Add("[Nest] 12345  - 01/29/2026, 12:00:00 PM     LOG [A] 客户 82239 took 103ms +3ms", q, byte(7))
	}
	f.Add("[Nest] 12345  - 01/29/2026, 2:00:00 PM     LOG [A] 客户 82239 took 103ms +3ms", "order", byte(7))
	f.Add("2026-01-29T12:00:00.123456789Z stdout F [Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] x 7", "x", byte(7))
	f.Add("2026-01-29T12:00:00.123456789Z stderr F Unable to connect to the database", "x", byte(7))
	f.Add(`2026-01-29T12:00:00.123456789Z stderr P {"log":{"level":"warn"},"time":1769688000123}`, "x", byte(7))
	f.Add("00/00/01\x800 02:00:00", "\x90", byte(7))
	f.Add("00/00/010d 00:00:00", "d", byte(7))
	f.Fuzz(func(t *testing.T, line, words string, turn byte) {
		if strings.ContainsAny(line, "\n\x1b") || len(line) > 2000 || len(words) > 200 {
			return
		}
		q, err := query.ParseQuery(words, testNow)
		if err != nil {
			return
		}
		p := logline.NewParser(time.UTC, testNow)
		h, first := logline.ShapeHash([]byte(line), 1, new(logline.Stamp))
		s := logline.NewShape([]byte(line), first, p)
		other := turned(line, turn)
		h2, _ := logline.ShapeHash([]byte(other), 1, new(logline.Stamp))
		for i, l := range []string{line, other} {
			if i == 1 && h2 != h || s.Unsettled {
				break
			}
			match := q.MatchLine(l)
			switch v, _ := q.TextVerdict(s); {
			case v == query.Yes && !match, v == query.No && match:
				t.Fatalf("%q in %q: the shape %q says %d, the line %v", words, l, s.Text, v, match)
			}
			var room []byte
			if got := q.MatchBytes([]byte(l), &room); got != match {
				t.Fatalf("%q in %q: fast %v, plain %v", words, l, got, match)
			}
			e, ms, kind := p.ParseMS([]byte(l))
			var at logline.Stamp
			_, first := logline.ShapeHash([]byte(l), 1, &at)
			if s.Alone(s.TimeOf([]byte(l), first, &at, p), first, &at, p) {
				continue
			}
			level := s.Level
			if s.Numbered {
				level = s.LevelOf([]byte(l), p)
			}
			if kind != s.Kind || e.Level != level {
				t.Fatalf("%q: kind %d level %v, its shape %d %v", l, kind, e.Level, s.Kind, level)
			}
			if kind == logline.KindHead && s.TimeOf([]byte(l), first, &at, p) != ms {
				t.Fatalf(
					"%q: time %d, by its shape %d (mode %d)",
					l,
					ms,
					s.TimeOf([]byte(l), first, &at, p),
					s.TimeMode,
				)
			}
			if !s.Varies && e.Context != s.Context {
				t.Fatalf("%q: context %q, its shape %q", l, e.Context, s.Context)
			}
		}
	})
}

// turned changes every digit of a line into another.
func turned(line string, by byte) string {
	b := []byte(line)
	for i, c := range b {
		if logline.Digit(c) {
			b[i] = '0' + (c-'0'+by%10)%10
		}
	}
	return string(b)
}

func FuzzParse(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, l := range strings.Split(randomLog(r, 60), "\n") {
		f.Add([]byte(l))
	}
	f.Add(
		[]byte(
			`{"log":"[Nest] 1  - 01/29/2026, 12:00:00 PM LOG [A] x\n","stream":"stdout","time":"2026-01-29T12:00:00Z"}`,
		),
	)
	f.Add([]byte(`{"a":{"a":{"a":[1,"\ud83d\ude00\`))
	f.Add([]byte("2026-01-29T12:00:00Z "))
	f.Fuzz(func(t *testing.T, line []byte) {
		p := logline.NewParser(time.UTC, testNow)
		e, _ := p.Parse(line)
		e.Field("a.b.c")
		logline.Critical(e.Message)
	})
}

func FuzzQuery(f *testing.F) {
	for _, q := range modelQueries {
		f.Add(q, "[Nest] 12345  - 01/29/2026, 12:00:00 PM     LOG [A] x")
	}
	f.Add(strings.Repeat("!^$'/|level: ", 800), "x")
	f.Fuzz(func(t *testing.T, words, line string) {
		q, err := query.ParseQuery(words, testNow)
		if err != nil {
			if at, ok := err.(*query.QueryError); !ok || at.Pos < 0 || at.End > len(words) || at.Pos >= at.End {
				t.Fatalf("%q: %v points nowhere", words, err)
			}
		}
		q.MatchLine(line)
		for _, s := range q.Spans(line) {
			if s.From < 0 || s.To > len(line) || s.From >= s.To {
				t.Fatalf("%q in %q: span %v", words, line, s)
			}
		}
	})
}

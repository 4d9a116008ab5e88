package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/stat"
)

// statLogs writes a log with two rotated parts, one of them packed, and a configuration for it.
func statLogs(t *testing.T, line func(i int, at time.Time, r *rand.Rand) string) (config, dir string) {
	t.Helper()
	dir = t.TempDir()
	r := rand.New(rand.NewSource(7))
	at := time.Date(2026, 1, 27, 22, 0, 0, 0, time.UTC)
	var parts [3]bytes.Buffer
	for i := range 3000 {
		at = at.Add(time.Duration(r.Intn(90)) * time.Second)
		parts[i/1000].WriteString(line(i, at, r) + "\n")
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(parts[0].Bytes())
	z.Close()
	for name, text := range map[string][]byte{
		"app.log.2.gz": packed.Bytes(), "app.log.1": parts[1].Bytes(), "app.log": parts[2].Bytes(),
		"config.yaml": fmt.Appendf(nil, "services:\n  - name: app\n    logs: [%q]\nstate_dir: %q\n",
			filepath.Join(dir, "app.log*"), filepath.Join(dir, "state")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config.yaml"), dir
}

// statOf runs logs with flags and reads its document.
func statOf(t *testing.T, config string, args ...string) (doc statJSON) {
	t.Helper()
	var out, errs bytes.Buffer
	all := append([]string{"--config", config, "--lang", "en", "logs", "--json"}, args...)
	if code := run(context.Background(), all, stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != 0 {
		t.Fatalf("%q: exit %d: %s", args, code, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("%q: %v in %s", args, err, out.String())
	}
	return doc
}

// shell runs a pipe of other programs, which say what is right.
func shell(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// spell writes groups as the other programs do: "count value" a line.
func spell(doc statJSON) string {
	var lines []string
	for _, g := range doc.Groups {
		lines = append(lines, fmt.Sprintf("%d %s", g.Count, strings.Join(g.Values, "/")))
	}
	return strings.Join(lines, "\n")
}

const everyPart = "zcat -f app.log.2.gz app.log.1 app.log"

// ranks is awk that prints the count and the values of the nearest ranks of sorted numbers.
const ranks = `awk '{v[NR]=$1; s+=$1} END{print NR, v[int((NR*50+99)/100)], v[int((NR*95+99)/100)], ` +
	`v[int((NR*99+99)/100)], v[NR], s}'`

func spellNumbers(n *numbersJSON) string {
	if n == nil {
		return "none"
	}
	return fmt.Sprint(n.Count, n.P50, n.P95, n.P99, n.Max, int64(n.Sum))
}

// TestStatisticsAgreeWithAwk: counts by field, with filters, over time, and percentiles, over a log with
// rotated and packed parts.
func TestStatisticsAgreeWithAwk(t *testing.T) {
	config, dir := statLogs(t, func(i int, at time.Time, r *rand.Rand) string {
		when := at.Format("01/02/2006, 03:04:05 PM")
		switch r.Intn(6) {
		case 0:
			return fmt.Sprintf("[Nest] 7  - %s   ERROR [Orders] no stock for orderId=%d\n    at Orders.create (/app/o.js:%d:1)",
				when, r.Intn(40), r.Intn(90))
		case 1:
			return fmt.Sprintf("[Nest] 7  - %s    WARN [Cache] miss key=%c", when, 'a'+rune(r.Intn(5)))
		case 2:
			return fmt.Sprintf("[Nest] 7  - %s     LOG started %d", when, r.Intn(9))
		}
		return fmt.Sprintf("[Nest] 7  - %s     LOG [Http] GET /api/v%d 200 took %dms", when, r.Intn(3), r.Intn(2000))
	})
	contexts := everyPart + ` | sed -n 's/^\[Nest\][^[]*\[\([A-Za-z]*\)\].*/\1/p' | sort | uniq -c | sort -k1,1nr -k2 | ` +
		`awk '{print $1, $2}'`
	doc := statOf(t, config, "--by", "context")
	if want := shell(t, dir, contexts); spell(doc) != want {
		t.Errorf("by context\n%s\nwant\n%s", spell(doc), want)
	}
	if want := shell(t, dir, everyPart+` | grep -c 'LOG started'`); fmt.Sprint(doc.Without["context"]) != want {
		t.Errorf("%d without context, want %s", doc.Without["context"], want)
	}
	if want := shell(t, dir, everyPart+` | grep -c '^\[Nest'`); fmt.Sprint(doc.Events) != want {
		t.Errorf("%d events, want %s", doc.Events, want)
	}
	byRoute := statOf(t, config, "--by", `/GET (\S+)/`, "--stat", "took", "--sort", "name", "--since", "2026-01-28")
	for _, g := range byRoute.Groups {
		want := shell(t, dir, everyPart+` | grep -v ' 01/27/2026,' | grep -F 'GET `+g.Values[0]+
			` ' | sed 's/.*took //; s/ms//' | sort -n | `+ranks)
		if got := spellNumbers(g.Stat); got != want {
			t.Errorf("%s: %s, want %s", g.Values[0], got, want)
		}
	}
	if len(byRoute.Groups) != 3 {
		t.Errorf("%d routes", len(byRoute.Groups))
	}
	orders := statOf(t, config, "--by", "orderId", "--level", "error", "--top", "3", "stock")
	want := shell(t, dir, everyPart+
		` | sed -n 's/.*orderId=//p' | sort | uniq -c | sort -k1,1nr -k2 | awk '{print $1, $2}'`)
	lines := strings.Split(want, "\n")
	if spell(orders) != strings.Join(lines[:3], "\n") || orders.NotShown.Groups != int64(len(lines)-3) {
		t.Errorf("by orderId\n%s\nand %+v more, want\n%s", spell(orders), orders.NotShown, want)
	}
	var hours []string
	local := statOf(t, config, "--over", "1h", "--level", "warn")
	for _, c := range local.All.Over {
		hours = append(hours, fmt.Sprintf("%d %s", c.Count, c.Bucket.Format("01/02/2006, 03 PM")))
	}
	want = shell(t, dir, everyPart+
		` | grep ' WARN ' | sed 's/^.*- \(.*, ..\):..:.. \(.M\).*/\1 \2/' | uniq -c | awk '{print $1, $2, $3, $4}'`)
	if strings.Join(hours, "\n") != want {
		t.Errorf("by hour\n%s\nwant\n%s", strings.Join(hours, "\n"), want)
	}
}

// TestStatisticsOfJSONAgreeWithJq: nested fields by their names, numbers that are none, fields that are missing.
func TestStatisticsOfJSONAgreeWithJq(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("needs jq")
	}
	config, dir := statLogs(t, func(i int, at time.Time, r *rand.Rand) string {
		extra := fmt.Sprintf(`,"duration":%.3f`, r.Float64()*1000)
		switch r.Intn(4) {
		case 0:
			extra = `,"duration":"unknown"`
		case 1:
			extra = ""
		}
		return fmt.Sprintf(`{"timestamp":%q,"level":%q,"context":"X","message":"done","metadata":{"userId":%d,"shop":"南 %d"}%s}`,
			at.Format(time.RFC3339), []string{"INFO", "WARN"}[r.Intn(2)], r.Intn(12), r.Intn(3), extra)
	})
	counted := func(expr string) string {
		return shell(t, dir, everyPart+` | jq -r '`+expr+`' | sort | uniq -c | sort -k1,1nr -k2 | sed 's/^ *//'`)
	}
	for field, expr := range map[string]string{
		"metadata.userId":     ".metadata.userId",
		"userId":              ".metadata.userId",
		"shop,level":          `.metadata.shop + "/" + .level`,
		"level,metadata.shop": `.level + "/" + .metadata.shop`,
	} {
		if got, want := spell(statOf(t, config, "--by", field, "--top", "0")), counted(expr); got != want {
			t.Errorf("by %s\n%s\nwant\n%s", field, got, want)
		}
	}
	doc := statOf(t, config, "--stat", "duration", "level:warn")
	want := shell(t, dir, everyPart+
		` | jq -r 'select(.level=="WARN" and (.duration|type)=="number") | .duration' | sort -n | `+ranks)
	got := spellNumbers(doc.All.Stat)
	if g, w := strings.Fields(got), strings.Fields(want); strings.Join(g[:5], " ") != strings.Join(w[:5], " ") {
		t.Errorf("duration: %s, want %s", got, want)
	}
	want = shell(t, dir, everyPart+` | jq -r 'select(.level=="WARN" and (.duration|type)!="number") | .level' | wc -l`)
	if fmt.Sprint(doc.NoNumber) != strings.TrimSpace(want) {
		t.Errorf("%d without a number, want %s", doc.NoNumber, want)
	}
}

// TestStatisticsSayWhatTheyLeaveOut in the table for people, and refuse what they cannot do.
func TestStatisticsSayWhatTheyLeaveOut(t *testing.T) {
	config, _ := statLogs(t, func(i int, at time.Time, r *rand.Rand) string {
		if i%10 == 3 {
			return at.Format(time.RFC3339) + " INFO no user"
		}
		return fmt.Sprintf("%s INFO user=%d 张伟", at.Format(time.RFC3339), i%4)
	})
	text := func(code int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		all := append([]string{"--config", config, "--lang", "en", "logs"}, args...)
		if got := run(context.Background(), all, stdio{in: strings.NewReader(""), out: &out, err: &errs}); got != code {
			t.Fatalf("%q: exit %d: %s", args, got, errs.String())
		}
		return out.String() + errs.String()
	}
	for _, want := range []string{"(2 more values)", "3,000 events counted", "300 without user"} {
		if got := text(0, "--by", "user", "--top", "2"); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, args := range [][]string{
		{"--by", "user", "-f"}, {"--by", "/(/"}, {"--over", "-5m"}, {"--sort", "p95", "--by", "user"},
		{"--sort", "name"},
		{"--by", "user", "--limit", "5"}, {"--top", "-1", "--by", "user"}, {"--by", ""},
	} {
		text(64, args...)
	}
}

// TestPairsAreThoseThatTheWriterMade: operations side by side over rotated and packed parts, ids that are used
// again, some without an end, some without a start.
func TestPairsAreThoseThatTheWriterMade(t *testing.T) {
	type operation struct {
		id         string
		start, end time.Time
	}
	var done []operation
	open := map[string]time.Time{}
	orphans := 0
	config, _ := statLogs(t, func(i int, at time.Time, r *rand.Rand) string {
		id := fmt.Sprintf("job-%d", r.Intn(60))
		when := at.Format("2006-01-02T15:04:05Z07:00")
		start, running := open[id]
		switch {
		case r.Intn(3) == 0:
			return when + " INFO import of nothing jobId=" + id
		case running:
			done = append(done, operation{id, start, at})
			delete(open, id)
			return when + " INFO import done, jobId=" + id
		case r.Intn(5) == 0:
			orphans++
			return when + " ERROR import failed: jobId=" + id + "\n    at import begins"
		}
		open[id] = at
		return when + " INFO import begins jobId=" + id
	})
	var out, errs bytes.Buffer
	for _, rule := range []string{
		`start "import begins jobId" end /import (?:done|failed)/ by jobId`,
		`start /import begins jobId=(\S+)/ end /import (?:done,|failed:) jobId=(\S+)/`,
	} {
		out.Reset()
		args := []string{"--config", config, "--lang", "en", "logs", "--json", "--top", "0", "--pairs", rule}
		if code := run(context.Background(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != 0 {
			t.Fatalf("exit %d: %s", code, errs.String())
		}
		var doc pairsJSON
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Pairs != int64(len(done)) || doc.OpenCount != int64(len(open)) || doc.NoStart != int64(orphans) {
			t.Errorf("%d pairs, %d unfinished, %d without a start; want %d, %d, %d",
				doc.Pairs, doc.OpenCount, doc.NoStart, len(done), len(open), orphans)
		}
		written := map[string]int{}
		for _, o := range done {
			written[fmt.Sprint(o.id, o.start.Unix(), o.end.Sub(o.start).Milliseconds())]++
		}
		last := -1.0
		for _, p := range doc.Slowest {
			written[fmt.Sprint(p.ID, p.Start.Time.Unix(), int64(p.DurationMS))]--
			if last >= 0 && p.DurationMS > last {
				t.Errorf("%s of %v ms comes after one of %v", p.ID, p.DurationMS, last)
			}
			last = p.DurationMS
		}
		for key, n := range written {
			if n != 0 {
				t.Errorf("%s: %d more written than found", key, n)
			}
		}
		for _, p := range doc.Open {
			if !open[p.ID].Equal(p.Start.Time) {
				t.Errorf("%s is unfinished since %s, want %s", p.ID, p.Start.Time, open[p.ID])
			}
		}
	}
}

func TestPairRulesThatAreNotClearAreRefused(t *testing.T) {
	config, _ := statLogs(t, func(i int, at time.Time, _ *rand.Rand) string { return at.Format(time.RFC3339) + " x" })
	for _, rule := range []string{
		"start x", "end y", "begin x end y", "start /(/ end y", "start /(a)/ end b", "start", "start x end y by", "x",
	} {
		var out, errs bytes.Buffer
		args := []string{"--config", config, "--lang", "en", "logs", "--pairs", rule}
		if code := run(context.Background(), args,
			stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != 64 {
			t.Errorf("%q: exit %d, %s", rule, code, errs.String())
		}
	}
}

// TestTwoSpansAreComparedByPattern: counts as grep has them, and each change at its edge.
func TestTwoSpansAreComparedByPattern(t *testing.T) {
	config, dir := statLogs(t, func(i int, at time.Time, r *rand.Rand) string {
		bad := !at.Before(time.Date(2026, 1, 28, 12, 0, 0, 0, time.UTC))
		text := fmt.Sprintf("GET /orders/%d served", r.Intn(999))
		switch k := r.Intn(12); {
		case bad && k == 0:
			text = fmt.Sprintf("connection %d reset by peer", i)
		case !bad && k == 0:
			text = fmt.Sprintf("cache filled with %d rows", i)
		case bad && k < 9 || !bad && k == 1:
			text = fmt.Sprintf("retry %d of request 550e8400-e29b-41d4-a716-44665544%04d", k, i)
		case !bad && k < 9 || bad && k == 9:
			text = fmt.Sprintf("hit %d", i)
		}
		return at.Format(time.RFC3339) + " INFO " + text
	})
	var out, errs bytes.Buffer
	args := []string{"--config", config, "--lang", "en", "logs", "--json",
		"--since", "2026-01-28T12:00:00Z", "--until", "2026-01-28T20:00:00Z", "--compare", "2026-01-28T04:00:00Z"}
	if code := run(context.Background(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs}); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var doc compareJSON
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]stat.Change{
		"connection # reset by peer": stat.New, "cache filled with # rows": stat.Gone,
		"GET /orders/# served":    stat.Same,
		"retry # of request <id>": stat.More, "hit #": stat.Fewer,
	}
	if len(doc.Patterns) != len(want) || doc.Patterns[0].Change != stat.New || doc.Patterns[1].Change != stat.More {
		t.Errorf("%+v", doc.Patterns)
	}
	for _, p := range doc.Patterns {
		if p.Change != want[p.Pattern] {
			t.Errorf("%q is %s, want %s", p.Pattern, p.Change, want[p.Pattern])
		}
		word := strings.Fields(p.Pattern)[0]
		count := func(from, to string) string {
			return shell(t, dir, everyPart+` | awk '$1>="`+from+`" && $1<"`+to+`" && $3=="`+word+
				`"' | wc -l | tr -d ' '`)
		}
		got := fmt.Sprint(p.Good, p.Bad)
		if is := count("2026-01-28T04", "2026-01-28T12") + " " + count("2026-01-28T12", "2026-01-28T20"); got != is {
			t.Errorf("%q: %s, want %s", p.Pattern, got, is)
		}
	}
}

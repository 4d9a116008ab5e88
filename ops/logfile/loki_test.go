package logfile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recorded is a shortened response of Loki 3 to query_range.
const recorded = `{"status":"success","data":{"resultType":"streams","result":[
{"stream":{"app":"qianzhang","filename":"/l/out.log"},"values":[["1769688000000000000","[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] one"],["1769688002000000000","plain three",{"structured":"x"}]]},
{"stream":{"app":"qianzhang","filename":"/l/err.log"},"values":[["1769688001000000000","{\"timestamp\":\"2026-01-29T12:00:01Z\",\"level\":\"ERROR\",\"message\":\"two\"}"]]}],
"stats":{"summary":{"bytesProcessedPerSecond":1}}}}`

func TestLokiStreamsBecomeOneInTheOrderOfTime(t *testing.T) {
	entries, err := lokiEntries([]byte(recorded))
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	got := entryLine(entries[0]) + entryLine(entries[1]) + entryLine(entries[2])
	want := "[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] " +
		"one\n{\"timestamp\":\"2026-01-29T12:00:01Z\",\"level\":\"ERROR\",\"message\":\"two\"}\n2026-01-29T12:00:02.000Z plain three\n"
	if got != want {
		t.Fatalf("got %q", got)
	}
}

// standIn responds as Loki does: at most limit lines from start on.
func standIn(t *testing.T, n int, asked *string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query().Get("query")
		if *asked == "" {
			*asked = query
		}
		if strings.Contains(query, "broken") {
			http.Error(w, "parse error at line 1, col 2", http.StatusBadRequest)
			return
		}
		start, _ := strconv.ParseInt(r.URL.Query().Get("start"), 10, 64)
		end, _ := strconv.ParseInt(r.URL.Query().Get("end"), 10, 64)
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		var values [][]string
		for i := 0; i < n && len(values) < limit; i++ {
			ns := int64(1769688000000000000) + int64(i/3)*1_000_000 // three lines share a timestamp
			if ns >= start && ns < end {
				values = append(values, []string{strconv.FormatInt(ns, 10), fmt.Sprintf("line %d", i)})
			}
		}
		json.NewEncoder(w).
			Encode(map[string]any{"data": map[string]any{"result": []any{map[string]any{"values": values}}}})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestLokiPagesLoseAndDoubleNothing(t *testing.T) {
	var asked string
	const n = 12_345
	s := standIn(t, n, &asked)
	l, err := newServer(
		"loki:"+s.URL+`?query={app="x"}`,
		Filter{Since: time.Unix(1769687000, 0), Until: time.Unix(1769689000, 0), Contains: []string{`say "hi"`}},
	)
	if err != nil {
		t.Fatal(err)
	}
	text, err := l.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	all, _ := io.ReadAll(io.NewSectionReader(text, 0, text.Size()))
	if got := bytes.Count(all, []byte("\n")); got != n {
		t.Errorf("%d lines, want %d", got, n)
	}
	if want := `{app="x"} |= "say \"hi\""`; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
}

func TestLokiSaysWhatIsWrong(t *testing.T) {
	var asked string
	s := standIn(t, 1, &asked)
	l, _ := newServer("loki:"+s.URL+"?query=broken", Filter{})
	if _, err := l.Open(context.Background()); err == nil || !strings.Contains(err.Error(), "400") ||
		!strings.Contains(err.Error(), "parse error") {
		t.Errorf("got %v", err)
	}
	if _, err := newServer("loki:nowhere", Filter{}); err == nil {
		t.Error("loki:nowhere is taken")
	}
}

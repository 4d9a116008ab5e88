package logfile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logstore "opsdeck/ops/logs/store"

	"github.com/coder/websocket"
)

// recordedTail is a message of Loki 3's tail, with labels by category, which a client must
// request.
const recordedTail = `{"streams":[{"stream":{"app":"qianzhang"},"values":[["1769688000000000000","one",{}],
["1769688000000000001","two",{"structuredMetadata":{"trace":"a"},"parsed":{"level":"info"}}]]}],
"dropped_entries":[{"timestamp":"1769688000000000005","labels":{"app":"qianzhang"}}],"encodingFlags":["categorize-labels"]}`

// fakeLoki replaces Loki: it stores lines, serves ranges as Loki does, and tails over a
// web socket that it interrupts now and then.
type fakeLoki struct {
	*httptest.Server
	mu      sync.Mutex
	all     []entry
	asked   []string // range queries
	tails   int
	noTail  bool
	dropped int
}

var (
	lokiHas     = regexp.MustCompile(`\|= ("(?:[^"\\]|\\.)*")`)
	lokiMatches = regexp.MustCompile(`\|~ ("(?:[^"\\]|\\.)*")`)
)

func newFakeLoki(t *testing.T) *fakeLoki {
	f := &fakeLoki{}
	mux := http.NewServeMux()
	mux.HandleFunc("/loki/api/v1/query_range", f.rangeQuery)
	mux.HandleFunc("/loki/api/v1/tail", f.tail)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

// name is its name in the configuration.
func (f *fakeLoki) name() string { return "loki:" + f.URL + `?query={app="x"}` }

func (f *fakeLoki) add(at time.Time, line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, entry{at.UnixNano(), line, "", ""})
}

func lokiPasses(query, line string) bool {
	for _, m := range lokiHas.FindAllStringSubmatch(query, -1) {
		if text, _ := strconv.Unquote(m[1]); !strings.Contains(line, text) {
			return false
		}
	}
	for _, m := range lokiMatches.FindAllStringSubmatch(query, -1) {
		if text, _ := strconv.Unquote(m[1]); !regexp.MustCompile(text).MatchString(line) {
			return false
		}
	}
	return true
}

func (f *fakeLoki) rangeQuery(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	start, _ := strconv.ParseInt(v.Get("start"), 10, 64)
	end, _ := strconv.ParseInt(v.Get("end"), 10, 64)
	limit, _ := strconv.Atoi(v.Get("limit"))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, v.Get("query"))
	values, n := map[string][][]string{}, 0
	for i := range f.all {
		if v.Get("direction") == "backward" {
			i = len(f.all) - 1 - i
		}
		if e := f.all[i]; e.ns >= start && e.ns < end && lokiPasses(v.Get("query"), e.line) && n < limit {
			values[e.stream] = append(values[e.stream], []string{strconv.FormatInt(e.ns, 10), e.line})
			n++
		}
	}
	result := []any{}
	for stream, values := range values {
		result = append(
			result,
			map[string]any{"stream": map[string]string{"app": "x", "pod": stream}, "values": values},
		)
	}
	json.NewEncoder(w).
		Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "streams", "result": result}})
}

func (f *fakeLoki) tail(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.tails++
	n, no := f.tails, f.noTail
	f.mu.Unlock()
	if no {
		http.NotFound(w, r)
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	start, _ := strconv.ParseInt(r.URL.Query().Get("start"), 10, 64)
	sent := map[entry]bool{}
	for round := 0; n%3 != 0 || round < 20; round++ { // each third is interrupted
		f.mu.Lock()
		var values [][]any
		for _, e := range f.all {
			if e.ns >= start && !sent[e] && lokiPasses(r.URL.Query().Get("query"), e.line) {
				sent[e] = true
				values = append(values, []any{strconv.FormatInt(e.ns, 10), e.line, map[string]any{}})
			}
		}
		m := map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"app": "x"}, "values": values}}}
		if f.dropped > 0 {
			m["dropped_entries"] = []any{map[string]any{"timestamp": "1", "labels": map[string]string{"app": "x"}}}
			f.dropped--
		}
		f.mu.Unlock()
		b, _ := json.Marshal(m)
		if c.Write(r.Context(), websocket.MessageText, b) != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestARecordedTailIsUnderstood(t *testing.T) {
	var m lokiTailed
	if err := json.Unmarshal([]byte(recordedTail), &m); err != nil {
		t.Fatal(err)
	}
	entries, err := inOrder(m.Streams)
	if err != nil || len(entries) != 2 || entries[1] != (entry{1769688000000000001, "two", "map[app:qianzhang]", ""}) ||
		len(m.Dropped) != 1 {
		t.Fatalf("%v, %v, %d dropped", entries, err, len(m.Dropped))
	}
}

// fedByLoki feeds a store from the fake.
func fedByLoki(t *testing.T, f *fakeLoki, recently int) *logstore.Store {
	t.Helper()
	return fedByName(t, f.name(), recently)
}

func fedByName(t *testing.T, name string, recently int) *logstore.Store {
	t.Helper()
	store := logstore.NewStore(time.UTC, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := newServer(name, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	l.recently = recently
	var wg sync.WaitGroup
	wg.Go(func() { Feed(ctx, store, []logs.Source{{Name: l.name, Parts: []logs.Part{l}}}, store.Fail) })
	t.Cleanup(func() { cancel(); wg.Wait(); store.Close() })
	return store
}

// awaitRows waits until there are n rows, and reads them.
func awaitRows(t *testing.T, store *logstore.Store, n int64) []string {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if st := store.Stats(); st.Rows == n && st.Done == st.Bytes && !st.Pending {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%d rows, want %d; %v", st.Rows, n, st.Errors)
		}
	}
	var out []string
	for _, r := range store.Window(logstore.Place{}, int(n)+10, 0).Rows {
		out = append(out, r.Event.Message)
	}
	return out
}

func TestLokisTailLosesAndDoublesNothing(t *testing.T) {
	for _, noTail := range []bool{false, true} {
		f := newFakeLoki(t)
		f.noTail = noTail
		f.dropped = 3
		const before, after = 300, 600
		for i := range before {
			f.add(time.Now().Add(time.Duration(i-before)*time.Second), fmt.Sprintf("INFO line %d", i))
		}
		store := fedByLoki(t, f, 100_000)
		awaitRows(t, store, before)
		for i := range after {
			f.add(time.Now(), fmt.Sprintf("INFO line %d", before+i))
			if i%10 == 0 {
				time.Sleep(3 * time.Millisecond)
			}
		}
		for i, m := range awaitRows(t, store, before+after) {
			if m != fmt.Sprintf("line %d", i) {
				t.Fatalf("row %d is %q (no tail: %v)", i, m, noTail)
			}
		}
		if !noTail { // all lines may arrive before the tail, which reports the dropped ones
			until(t, "three dropped lines", func() bool { return store.Stats().Dropped == 3 })
		}
	}
}

func TestTheTabsQueryIsPushedDownToLokiForOlderLines(t *testing.T) {
	f := newFakeLoki(t)
	const n = 12_000
	begin := time.Now().Add(-20 * time.Hour)
	for i := range n {
		text := fmt.Sprintf("INFO order %d created", i)
		if i%1000 == 500 {
			text = fmt.Sprintf("\x1b[31mERROR\x1b[39m \x1b[33m[Pay]\x1b[39m the needle (%d)", i)
		}
		f.add(begin.Add(time.Duration(i)*time.Second), text)
	}
	store := fedByLoki(t, f, 1)
	ask := func(words string) { store.SetQuery(parsed(words), true) }
	recent := int64(len(awaitRows(t, store, 2*lokiLimit-1))) // the first page and one more, which overlap
	// The next query may find at once what one query fetched, so each waits for its own
	// request.
	for _, c := range []struct {
		words, pushed string
		want          int64
	}{
		{"'needle", `{app="x"} |~ "(?i)needle"`, 12},
		{"ndle", `|~ "(?i)n.*d.*l.*e"`, 12},
		{"'[Pay]\\ the\\ needle", `|= "Pay" |= "the" |= "needle"`, 12},
		{"/needle \\(\\d+/", `{app="x"} |= "needle"`, 12},
		{"level:error", "", 10},
		{"'order !created", "", 0},
		{"'needle !(5500)", "", 11},
	} {
		ask(c.words)
		f.awaitAsked(t, c.pushed)
		rows := awaitRows(t, store, c.want)
		for i := 1; i < len(rows); i++ {
			if rows[i] == rows[i-1] {
				t.Errorf("%q: %q comes twice", c.words, rows[i])
			}
		}
	}
	ask("")
	awaitRows(t, store, recent)
	if st := store.Stats(); st.Lost != 0 {
		t.Errorf("%d bytes are told as lost", st.Lost)
	}
}

// awaitAsked waits until the fake receives a query that contains the text.
func (f *fakeLoki) awaitAsked(t *testing.T, part string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		f.mu.Lock()
		asked := strings.Join(f.asked, "\n")
		f.mu.Unlock()
		if strings.Contains(asked, part) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s was not asked, but\n%s", part, asked)
		}
	}
}

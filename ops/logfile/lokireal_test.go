package logfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	logstore "opsdeck/ops/logs/store"
)

const lokiConfig = `auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: %d, grpc_listen_address: 127.0.0.1, grpc_listen_port: %d, log_level: error}
ingester: {lifecycler: {address: 127.0.0.1, ring: {kvstore: {store: inmemory}, replication_factor: 1}, final_sleep: 0s}}
schema_config: {configs: [{from: 2020-01-01, store: boltdb, object_store: filesystem, schema: v11, index: {prefix: index_, period: 168h}}]}
storage_config: {boltdb: {directory: %[3]s/index}, filesystem: {directory: %[3]s/chunks}}
limits_config: {reject_old_samples: false, ingestion_rate_mb: 100, ingestion_burst_size_mb: 100}
`

// realLoki starts the server that OPSDECK_LOKI names and tells its address. The
// last Loki under the Apache licence builds with a go.mod that requires
// github.com/grafana/loki v1.6.1 with its replaces, modern-go/reflect2 v1.0.2 and
// json-iterator/go v1.1.12: go build github.com/grafana/loki/cmd/loki. It takes
// too long for CI.
func realLoki(t *testing.T) string {
	t.Helper()
	program := serverProgram(t, "OPSDECK_LOKI")
	dir := t.TempDir()
	ports := [2]int{}
	for i := range ports {
		var err error
		if ports[i], err = testdb.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "loki.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, lokiConfig, ports[0], ports[1], dir), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-config.file="+file)
	cmd.Dir = dir
	return startLogServer(t, cmd, ports[0], "/loki/api/v1/labels")
}

// pushTo sends entries to a Loki, as soon as it accepts them.
func pushTo(t *testing.T, base string, entries []entry) {
	t.Helper()
	values := map[string][][]string{}
	for _, e := range entries {
		values[e.stream] = append(values[e.stream], []string{strconv.FormatInt(e.ns, 10), e.line})
	}
	streams := []any{}
	for name, v := range values {
		streams = append(streams, map[string]any{"stream": map[string]string{"app": "x", "pod": name}, "values": v})
	}
	body, _ := json.Marshal(map[string]any{"streams": streams})
	until(t, "Loki takes lines", func() bool {
		resp, err := http.Post(base+"/loki/api/v1/push", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said, _ := io.ReadAll(resp.Body)
		if resp.StatusCode/100 == 4 {
			t.Fatalf("push: %s: %s", resp.Status, said)
		}
		return resp.StatusCode/100 == 2
	})
}

// TestARealLoki: range, pushed-down filters, older lines for the tab's query, and the
// tail, with a real server.
func TestARealLoki(t *testing.T) {
	base := realLoki(t)
	f := &fakeLoki{} // only to make the lines
	want := stacks(f, time.Now().Add(-20*time.Hour).Truncate(time.Second), 1500)
	for len(f.all) > 0 {
		n := min(len(f.all), 4000)
		pushTo(t, base, f.all[:n])
		f.all = f.all[n:]
	}
	name := "loki:" + base + `?query={app="x"}`
	heads := 0
	for _, event := range want {
		if head, _, _ := strings.Cut(event, "\n"); strings.Contains(head, "needle") {
			heads++
		}
	}
	if got := foundIn(t, name, "level:error '[Pay]"); len(got) != 4500 {
		t.Errorf("%d events, want 4500", len(got))
	}
	whole := 0
	for _, raw := range foundIn(t, name, "^2026 needle") {
		if strings.Count(raw, "\n") == 3 {
			whole++
		}
	}
	if year := time.Now().Add(-20 * time.Hour).UTC().Format("2006"); year == "2026" && whole != heads {
		t.Errorf("%d whole events, want %d", whole, heads)
	}

	store := fedByName(t, name, 1)
	until(t, "the first page", func() bool { return store.Stats().Lines >= lokiLimit })
	store.SetQuery(parsed("'needle"), true)
	until(t, "all hits", func() bool { return store.Stats().Hits >= int64(len(want)) })
	rest(store)
	if n := store.Stats().Hits; n != int64(len(want)) {
		t.Errorf("%d hits, want %d", n, len(want))
	}
	store.SetQuery(parsed("'afterwards"), true)
	const after = 500
	for i := range after {
		pushTo(t, base, []entry{{time.Now().UnixNano(), fmt.Sprintf("INFO afterwards %d", i), "0", ""}})
	}
	until(t, "what came", func() bool { return store.Stats().Hits >= after })
	rest(store)
	rows := store.Window(logstore.Place{}, 2*after, 0).Rows
	for i, r := range rows {
		if r.Event.Message != fmt.Sprintf("afterwards %d", i) {
			t.Fatalf("row %d is %q", i, r.Event.Message)
		}
	}
	if st := store.Stats(); len(rows) != after || st.Dropped != 0 {
		t.Errorf("%d rows of %d, %d dropped, %v", len(rows), after, st.Dropped, st.Errors)
	}
}

package logfile

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// elasticAPI is the search API of Elasticsearch 7 to 9 and OpenSearch: POST /INDEX/_search
// with a query, a size and a sort; hits.hits in the response are documents with _index,
// _id, _source, and the requested fields. There is no tail, so it is polled.
type elasticAPI struct {
	mu    sync.Mutex
	words *elasticWords // words from the mapping, once known
	timed bool          // the documents have @timestamp
}

const (
	elasticLimit = 5000 // a response has at most 10,000 hits, index.max_result_window
	elasticTime  = "@timestamp"
	elasticForm  = "strict_date_optional_time_nanos"
)

func (*elasticAPI) traits() serverTraits {
	return serverTraits{
		program: "Elasticsearch",
		limit:   elasticLimit,
		lag:     10 * time.Second, // new documents become searchable with a refresh
		example: "http://HOST:9200/INDEX?query=service.name:NAME",
	}
}

type anyMap map[string]any

// page reads documents. Dates have a resolution of 1 ms there, so the bounds are whole
// milliseconds.
func (a *elasticAPI) page(
	ctx context.Context,
	l *server,
	f *Filter,
	from, to time.Time,
	newest bool,
) ([]entry, error) {
	order := "asc"
	if newest {
		order = "desc"
	}
	if whole := to.Truncate(time.Millisecond); !whole.Equal(to) {
		to = whole.Add(time.Millisecond)
	}
	filters := []any{anyMap{"range": anyMap{elasticTime: anyMap{
		"gte":    from.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z"),
		"lt":     to.UTC().Format("2006-01-02T15:04:05.000Z"),
		"format": elasticForm,
	}}}}
	if l.selector != "" {
		filters = append(filters, anyMap{"query_string": anyMap{"query": l.selector}})
	}
	if f.narrows() {
		words, err := a.mapped(ctx, l)
		if err != nil {
			return nil, err
		}
		filters = append(filters, words.clauses(f)...)
	}
	body, err := l.post(ctx, "_search?ignore_unavailable=true", anyMap{
		"size":             elasticLimit,
		"track_total_hits": false,
		"sort":             []any{anyMap{elasticTime: anyMap{"order": order, "unmapped_type": "date"}}},
		"query":            anyMap{"bool": anyMap{"filter": filters}},
		"docvalue_fields":  []any{anyMap{"field": elasticTime, "format": elasticForm}},
	})
	if err != nil {
		return nil, err
	}
	entries, err := elasticEntries(body)
	if err == nil && len(entries) == 0 {
		err = a.dated(ctx, l)
	}
	return entries, err
}

// dated reports documents without @timestamp: no search by time finds them, and a response
// without documents would say that there are none.
func (a *elasticAPI) dated(ctx context.Context, l *server) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timed {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		l.base+"/_field_caps?ignore_unavailable=true&fields="+elasticTime, nil)
	if err != nil {
		return err
	}
	body, err := l.ask(req)
	if err != nil {
		return nil // a user who may only search; the search itself was answered
	}
	var caps struct {
		Indices []string                   `json:"indices"`
		Fields  map[string]json.RawMessage `json:"fields"`
	}
	if json.Unmarshal(body, &caps) != nil || caps.Fields == nil {
		return nil
	}
	if _, ok := caps.Fields[elasticTime]; !ok {
		return ops.E(ops.Failed,
			lang.M("the documents at %s have no field @timestamp and cannot be found by time", l.base))
	}
	a.timed = true
	return nil
}

func (*elasticAPI) tail(context.Context, *server, place, func([]entry, int64) error) error {
	return errNoTail
}

// post sends JSON to a path on the server.
func (l *server) post(ctx context.Context, path string, content any) ([]byte, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+"/"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return l.ask(req)
}

// elasticAnswer is the part of a response to _search that is read.
type elasticAnswer struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Total  *int `json:"total"`
		Failed int  `json:"failed"`
	} `json:"_shards"`
	Clusters struct { // of a search over several clusters
		Skipped int `json:"skipped"`
		Partial int `json:"partial"`
		Failed  int `json:"failed"`
	} `json:"_clusters"`
	Hits struct {
		Hits []struct {
			Index  string              `json:"_index"`
			ID     string              `json:"_id"`
			Source json.RawMessage     `json:"_source"`
			Fields map[string][]string `json:"fields"`
		} `json:"hits"`
	} `json:"hits"`
}

// elasticEntries parses the documents of a response. An incomplete response is an error:
// the missing documents would seem not to exist.
func elasticEntries(body []byte) (out []entry, err error) {
	var answer elasticAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read the response of Elasticsearch: %w", err)
	}
	if c := answer.Clusters; answer.Shards.Failed > 0 || answer.TimedOut || c.Skipped+c.Partial+c.Failed > 0 {
		return nil, ops.E(ops.Busy,
			lang.M("Elasticsearch searched only a part: a shard failed, or it took too long; the result is incomplete"))
	}
	if n := answer.Shards.Total; n != nil && *n == 0 {
		return nil, ops.E(ops.Failed, lang.M("Elasticsearch has no open index of this name; nothing was searched"))
	}
	for _, h := range answer.Hits.Hits {
		times := h.Fields[elasticTime]
		if len(times) == 0 {
			return nil, fmt.Errorf("read the response of Elasticsearch: document %s has no %s", h.ID, elasticTime)
		}
		at, err := time.Parse(time.RFC3339Nano, times[0])
		if err != nil {
			return nil, fmt.Errorf("read the response of Elasticsearch: %w", err)
		}
		source := h.Source
		if len(source) == 0 { // the index does not store _source: what is known of the document
			source, _ = json.Marshal(anyMap{elasticTime: times[0], "_index": h.Index, "_id": h.ID})
		}
		row, err := elasticRow(source)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{ns: at.UnixNano(), line: row, stream: h.Index + "/" + h.ID, key: h.Index + "/" + h.ID})
	}
	slices.SortStableFunc(out, func(a, b entry) int { return cmp.Compare(a.ns, b.ns) })
	return out, nil
}

// elasticRow is a document on one line, as it was sent.
func elasticRow(source json.RawMessage) (string, error) {
	var row bytes.Buffer
	if err := json.Compact(&row, source); err != nil {
		return "", fmt.Errorf("read the response of Elasticsearch: _source: %w", err)
	}
	return row.String(), nil
}

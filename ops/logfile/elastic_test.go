package logfile

import (
	"net/http"
	"strings"
	"testing"
)

// elasticAnswered is a response to _search from the Elasticsearch 8 reference.
const elasticAnswered = `{"took":5,"timed_out":false,"_shards":{"total":2,"successful":2,"skipped":0,"failed":0},
"hits":{"max_score":null,"hits":[
{"_index":".ds-logs-a-2026.01.29-000001","_id":"aa","_score":null,"_source":{
  "@timestamp":"2026-01-29T12:00:00.123456Z","log":{"level":"error"},"message":"no connection","service":{"name":"web"}},
 "fields":{"@timestamp":["2026-01-29T12:00:00.123Z"]},"sort":[1769688000123]},
{"_index":".ds-logs-a-2026.01.29-000001","_id":"ab","_score":null,"_source":{
  "@timestamp":1769688001000,"level":"info","message":"库存 ok"},
 "fields":{"@timestamp":["2026-01-29T12:00:01.000Z"]},"sort":[1769688001000]}]}}`

const elasticMapped = `{".ds-logs-a-2026.01.29-000001":{"mappings":{"dynamic":"true","properties":{
"@timestamp":{"type":"date"},"message":{"type":"match_only_text"},"level":{"type":"keyword","ignore_above":1024},
"service":{"properties":{"name":{"type":"keyword"}}},"took":{"type":"long"}}}}}`

func TestDocumentsOfElasticsearchBecomeLines(t *testing.T) {
	base, asked := answering(t, http.StatusOK, map[string]string{
		"/logs-*/_search": elasticAnswered, "/logs-*/_mapping": elasticMapped,
	})
	got := foundIn(t, "elastic:"+base+"/logs-*?query=service.name:web", "since:2026-01-29 until:2026-01-30 'connection")
	want := `ERROR {"@timestamp":"2026-01-29T12:00:00.123456Z","log":{"level":"error"},"message":"no connection",` +
		`"service":{"name":"web"}}`
	if strings.Join(got, "\n") != want {
		t.Errorf("got %q", got)
	}
	for _, part := range []string{
		`"gte":"2026-01-29T00:00:00.000Z","lt":"2026-01-30T00:00:00.000Z"`,
		`{"query_string":{"query":"service.name:web"}}`,
		`{"wildcard":{"message":{"case_insensitive":true,"value":"*connection*"}}}`,
		`{"wildcard":{"service.name":{"case_insensitive":true,"value":"*connection*"}}}`,
		`{"exists":{"field":"_ignored"}}`,
		`"sort":[{"@timestamp":{"order":"asc","unmapped_type":"date"}}]`,
	} {
		if !strings.Contains(asked(), part) {
			t.Errorf("%s was not asked, but %s", part, asked())
		}
	}
}

// TestWordsThatElasticsearchWouldMissAreNotPushedDown: its search finds tokens of fields,
// not text; what it might miss is searched here.
func TestWordsThatElasticsearchWouldMissAreNotPushedDown(t *testing.T) {
	for _, c := range []struct{ what, mapping, words string }{
		{"a number", elasticMapped, "'456"},
		{"a fuzzy word", elasticMapped, "cnnection"},
		{"the name of a field", elasticMapped, "'messag"},
		{"true", elasticMapped, "'rue"},
		{"other letters", elasticMapped, "'库存"},
		{"a field of another analyzer", strings.Replace(elasticMapped, `"match_only_text"`, `"text","analyzer":"english"`, 1),
			"'connections"},
		{"a field that is not indexed", strings.Replace(elasticMapped, `"match_only_text"`, `"text","index":false`, 1),
			"'connection"},
		{"fields that are not mapped", strings.Replace(elasticMapped, `"dynamic":"true"`, `"dynamic":"false"`, 1),
			"'connection"},
		{"a flattened field", strings.Replace(elasticMapped, `"long"`, `"flattened"`, 1), "'connection"},
		{"no mapping", `{}`, "'connection"},
	} {
		base, asked := answering(t, http.StatusOK, map[string]string{
			"/logs/_search": elasticAnswered, "/logs/_mapping": c.mapping,
		})
		foundIn(t, "opensearch:"+base+"/logs", c.words)
		if strings.Contains(asked(), "wildcard") || !strings.Contains(asked(), "_search") {
			t.Errorf("%s: asked %s", c.what, asked())
		}
	}
}

func TestAnAnswerOfElasticsearchThatIsNotWholeIsAnError(t *testing.T) {
	for _, answer := range []string{
		strings.Replace(elasticAnswered, `"failed":0`, `"failed":1`, 1),
		strings.Replace(elasticAnswered, `"timed_out":false`, `"timed_out":true`, 1),
		strings.Replace(elasticAnswered, `"fields":{"@timestamp":["2026-01-29T12:00:01.000Z"]},`, ``, 1),
		elasticAnswered[:len(elasticAnswered)-9],
	} {
		base, _ := answering(t, http.StatusOK, map[string]string{"/logs/_search": answer})
		l, err := newServer("elastic:"+base+"/logs", Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Open(t.Context()); err == nil {
			t.Errorf("taken as whole: %s", answer)
		}
	}
}

// TestAnEmptyAnswerOfElasticsearchIsCheckedBeforeItIsBelieved: where no index has the name, or
// the documents have no @timestamp, no document is found, and that is no proof that there is
// none.
func TestAnEmptyAnswerOfElasticsearchIsCheckedBeforeItIsBelieved(t *testing.T) {
	const none = `{"took":1,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"hits":[]}}`
	for _, c := range []struct{ what, search, caps, says string }{
		{"no index", strings.Replace(none, `"total":1`, `"total":0`, 1), `{"indices":[],"fields":{}}`, "no open index"},
		{"no @timestamp", none, `{"indices":["logs"],"fields":{}}`, "no field @timestamp"},
		{"another cluster was skipped", strings.Replace(none, `"took":1,`, `"took":1,"_clusters":{"total":2,"skipped":1},`, 1), `{}`,
			"only a part"},
		{"nothing there", none, `{"indices":["logs"],"fields":{"@timestamp":{"date":{"type":"date"}}}}`, ""},
		{"the user may not ask", none, `{"error":"security_exception"}`, ""},
	} {
		base, _ := answering(t, http.StatusOK, map[string]string{"/logs/_search": c.search, "/logs/_field_caps": c.caps})
		l, err := newServer("elastic:"+base+"/logs", Filter{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Open(t.Context())
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestADocumentWhoseSourceIsNotStoredIsNamed: with _source switched off in the mapping.
func TestADocumentWhoseSourceIsNotStoredIsNamed(t *testing.T) {
	base, _ := answering(t, http.StatusOK, map[string]string{"/logs/_search": `{"_shards":{"total":1},"hits":{"hits":[
{"_index":"logs","_id":"aa","fields":{"@timestamp":["2026-01-29T12:00:00.123456789Z"]}}]}}`})
	got := foundIn(t, "elastic:"+base+"/logs", "since:2026-01-29 until:2026-01-30")
	want := `UNKNOWN {"@timestamp":"2026-01-29T12:00:00.123456789Z","_id":"aa","_index":"logs"}`
	if strings.Join(got, "\n") != want {
		t.Errorf("got %q", got)
	}
}

// TestElasticsearchIsFollowedByAskingAgain: each document is delivered once.
func TestElasticsearchIsFollowedByAskingAgain(t *testing.T) {
	base, asked := answering(t, http.StatusOK, map[string]string{"/logs/_search": elasticAnswered})
	store := fedByName(t, "elastic:"+base+"/logs", 100)
	until(t, "three requests", func() bool { return strings.Count(asked(), "_search") >= 4 })
	rest(store)
	if st := store.Stats(); st.Lines != 2 || st.Rows != 2 {
		t.Errorf("%d lines, want 2 (%v)", st.Lines, st.Errors)
	}
}

package logfile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"opsdeck/internal/pattern"
)

// elasticWords decides which words can be pushed down to Elasticsearch. A search there
// finds tokens of indexed fields, not text: a word is pushed down only if that cannot miss
// a document whose JSON contains it.
type elasticWords struct {
	fields []string // fields with text, in order
	keys   []string // names of all fields, in lower case
	opaque bool     // documents contain text that no search finds
}

// elasticMaxFields is the maximum number of fields to search.
const elasticMaxFields = 64

// elasticField is a field, or an object of fields, in a mapping.
type elasticField struct {
	Type       string                  `json:"type"`
	Index      *bool                   `json:"index"`
	Enabled    *bool                   `json:"enabled"`
	Dynamic    any                     `json:"dynamic"` // a bool or text
	Analyzer   string                  `json:"analyzer"`
	Properties map[string]elasticField `json:"properties"`
}

// mapped requests the mapping, once.
func (a *elasticAPI) mapped(ctx context.Context, l *server) (*elasticWords, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.words != nil {
		return a.words, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/_mapping?ignore_unavailable=true", nil)
	if err != nil {
		return nil, err
	}
	body, err := l.ask(req)
	if err != nil {
		return nil, err
	}
	var indexes map[string]struct {
		Mappings elasticField `json:"mappings"`
	}
	if err := json.Unmarshal(body, &indexes); err != nil {
		return nil, fmt.Errorf("read the mapping of Elasticsearch: %w", err)
	}
	words := &elasticWords{}
	for _, index := range indexes {
		words.learn("", index.Mappings)
	}
	slices.Sort(words.fields)
	words.fields = slices.Compact(words.fields)
	words.opaque = words.opaque || len(words.fields) == 0 || len(words.fields) > elasticMaxFields
	a.words = words
	return words, nil
}

// learn adds the fields of a mapping below a prefix.
func (w *elasticWords) learn(prefix string, f elasticField) {
	if d := fmt.Sprint(f.Dynamic); d == "false" || d == "runtime" || f.Enabled != nil && !*f.Enabled {
		w.opaque = true // fields that no mapping lists
	}
	for name, field := range f.Properties {
		w.keys = append(w.keys, strings.ToLower(name))
		switch {
		case field.Index != nil && !*field.Index:
			w.opaque = true
		case field.Type == "text" && field.Analyzer != "" && field.Analyzer != "standard":
			w.opaque = true
		}
		switch field.Type {
		case "text", "match_only_text", "keyword", "wildcard", "constant_keyword":
			w.fields = append(w.fields, prefix+name)
		case "", "object":
			w.learn(prefix+name+".", field)
		case "date", "date_nanos", "boolean", "ip", "byte", "short", "integer", "long", "unsigned_long",
			"half_float", "float", "double", "scaled_float": // never contains a word of letters
		default:
			w.opaque = true
		}
	}
}

// elasticWord matches words that the standard analyzer never splits.
var elasticWord = pattern.New(`^(?:\(\?i\))?([A-Za-z]{3,64})$`)

// clauses are the filters for the words that can be pushed down. A value longer than a
// keyword's ignore_above is not indexed; _ignored lists such fields.
func (w *elasticWords) clauses(f *Filter) (out []any) {
	if w.opaque {
		return nil
	}
	for _, text := range slices.Concat(f.Contains, f.Matches) {
		m := elasticWord.FindStringSubmatch(text)
		if m == nil || w.said(strings.ToLower(m[1])) {
			continue
		}
		should := []any{anyMap{"exists": anyMap{"field": "_ignored"}}}
		for _, field := range w.fields {
			should = append(should, anyMap{"wildcard": anyMap{field: anyMap{
				"value": "*" + m[1] + "*", "case_insensitive": true,
			}}})
		}
		out = append(out, anyMap{"bool": anyMap{"should": should, "minimum_should_match": 1}})
	}
	return out
}

// said reports whether documents contain a word outside their texts: in the name of a
// field, or as true, false or null.
func (w *elasticWords) said(word string) bool {
	for _, key := range append([]string{"true", "false", "null"}, w.keys...) {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

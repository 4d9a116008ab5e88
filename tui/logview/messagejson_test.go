package logview

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
)

func TestJSONInAMessageIsFound(t *testing.T) {
	for message, want := range map[string]string{
		`response {"status":200,"data":{"orderId":456}} done`: `{"status":200,"data":{"orderId":456}}`,
		`[Pay] list [{"a":1},{"a":2}]`:                        `[{"a":1},{"a":2}]`,
		`{broken {"a":"客户"} rest`:                             `{"a":"客户"}`,
		`set {1, 2, 3} of [main]`:                             "",
		`no {"a":`:                                            "",
		`[1,2,3,4,5,6,7]`:                                     "",
		strings.Repeat("{", 100_000):                          "",
		"":                                                    "",
	} {
		if got := jsonIn(message); got != want {
			t.Errorf("%.40s: %q, want %q", message, got, want)
		}
	}
}

// TestAValueInAMessageIsTakenIntoTheQuery: the word finds the event that it came from.
func TestAValueInAMessageIsTakenIntoTheQuery(t *testing.T) {
	e := logs.Event{Format: logs.FormatText}
	e.Message = `response {"status":200,"data":{"orderId":456,"客户":"张三","note":"a b"},"on":true} done`
	e.Raw = "2026-01-29 12:00:00 INFO " + e.Message
	var words []string
	for _, v := range pairsOf(&e) {
		word := new(finder).wordOf(v)
		words = append(words, word)
		q, err := query.ParseQuery(word, e.Time)
		if err != nil || !q.MatchEvent(&e, []byte(e.Raw)) || !q.MatchLine(e.Raw) {
			t.Errorf("%s does not find its event: %v", word, err)
		}
	}
	if got := fmt.Sprint(words); got != "[status=200 data.orderId=456 on=true]" {
		t.Errorf("words %s", got)
	}
	e.Format = logs.FormatJSON
	if pairs := pairsOf(&e); len(pairs) > 0 {
		t.Errorf("escaped values are offered: %v", pairs)
	}
}

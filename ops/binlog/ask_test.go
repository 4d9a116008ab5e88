package binlog

import (
	"slices"
	"testing"
	"time"
)

func TestAQueryOfTheLogIsReadAsWritten(t *testing.T) {
	now := time.Date(2026, 1, 29, 14, 0, 0, 0, time.UTC)
	key := []string{"4", `a "b", c`, ""}
	q, wrong := ParseQuery(`table:orders kind:DELETE rows:>100 since:-1h `+KeyTerm(key), "shop", now, time.UTC)
	if wrong != nil {
		t.Fatal(wrong)
	}
	if q.Table != "shop.orders" || q.Schema != "shop" || q.Kind != Delete || q.RowsOver != 100 ||
		!q.Since.Equal(now.Add(-time.Hour)) || !slices.Equal(q.Key, key) {
		t.Fatalf("%+v", q)
	}
	for text, end := range map[string]int{
		"key:1":                             5,
		"kind:drop":                         9,
		"rows:many":                         9,
		"since:2026-02-30":                  16,
		"orders":                            6,
		"table:":                            6,
		"since:2026-01-29 until:2026-01-01": 33,
	} {
		if _, wrong := ParseQuery(text, "shop", now, time.UTC); wrong == nil || wrong.End != end || wrong.Msg.Empty() {
			t.Errorf("%q: %+v", text, wrong)
		}
	}
}

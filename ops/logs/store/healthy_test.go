package store

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPatternsAreComparedSinceTheLastHealthyHour(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 1, 29, 0, 0, 0, 0, time.UTC)
	for i := range 600 { // ten hours; trouble in the last three, with a new message from its beginning on
		fmt.Fprintf(&b, "%s INFO cache miss key=orders:%d\n", at.Format(time.RFC3339), i)
		if i%60 == 30 {
			fmt.Fprintf(&b, "%s ERROR one in an hour %d\n", at.Format(time.RFC3339), i)
		}
		if i > 420 && i%10 == 0 {
			fmt.Fprintf(&b, "%s WARN lock wait exceeded on table %d\n", at.Format(time.RFC3339), i)
			fmt.Fprintf(&b, "%s ERROR Unable to connect to the database. Retrying (%d)\n", at.Format(time.RFC3339), i)
		}
		at = at.Add(time.Minute)
	}
	fmt.Fprintf(
		&b,
		`{"timestamp":"%s","type":"ORDER_CREATED","userId":1,"userName":"吴晓东","data":{}}`+"\n",
		at.Format(time.RFC3339),
	)
	fmt.Fprintf(
		&b,
		`{"timestamp":"%s","type":"ORDER_CREATED","userId":2,"userName":"张涛","data":{}}`+"\n",
		at.Format(time.RFC3339),
	)
	s := newTestStore(t)
	s.Add("m", "m", inMemory(b.String()), false, false)
	quiet(t, s)
	list, compared := s.Patterns(t.Context(), time.Time{})
	if want := at.Add(-3 * time.Hour); !compared.Healthy || !compared.Since.Equal(want) {
		t.Errorf("compared since %v (healthy: %v), want %v", compared.Since, compared.Healthy, want)
	}
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprint(p.State, " ", p.Text, " ", p.Count))
	}
	want := "2 Unable to connect to the database. Retrying (#) 17|2 lock wait exceeded on table # 17|0 one in an " +
		"hour # 10|2 ORDER_CREATED 2|0 cache miss key=orders:# 600"
	if strings.Join(got, "|") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, "|"), want)
	}
}

// TestNamesDoNotMakePatterns: a sentence about many customers is one pattern, and
// none is new because a customer is.
func TestNamesDoNotMakePatterns(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 1, 29, 0, 0, 0, 0, time.UTC)
	line := func(text string) { fmt.Fprintf(&b, "%s WARN [A] %s\n", at.Format(time.RFC3339), text) }
	names := []string{"上海瑞丰", "杭州老街坊", "宁波华联", "台州千禾", "温州聚福", "金华瑞丰", "南京万家", "绍兴永盛", "湖州锦江", "苏州同兴"}
	for i := range 600 {
		line("客户 " + names[i*9/600] + " 信用额度不足") // the last one's never comes
		line(fmt.Sprintf("GET /api/v1/%c 200 took %dms", 'a'+i%12, i))
		line([]string{"Order created", "Order updated", "Order deleted"}[i%3])
		at = at.Add(time.Minute)
	}
	line("客户 " + names[9] + " 信用额度不足")
	s := newTestStore(t)
	s.Add("m", "m", inMemory(b.String()), false, false)
	quiet(t, s)
	list, _ := s.Patterns(t.Context(), time.Time{})
	counts := map[string]int64{}
	for _, p := range list {
		if counts[p.Text] = p.Count; p.State != PatternSteady {
			t.Errorf("%s is told as new or surging", p.Text)
		}
	}
	if counts["客户 … 信用额度不足"] != 601 || counts["Order created"] != 200 || counts["GET /api/v#/a # took #ms"] != 50 ||
		len(counts) != 16 {
		t.Errorf("%d patterns: %v", len(counts), counts)
	}
}

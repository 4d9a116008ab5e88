package logs

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
	fmt.Fprintf(&b, `{"timestamp":"%s","type":"ORDER_CREATED","userId":1,"userName":"吴晓东","data":{}}`+"\n", at.Format(time.RFC3339))
	fmt.Fprintf(&b, `{"timestamp":"%s","type":"ORDER_CREATED","userId":2,"userName":"张涛","data":{}}`+"\n", at.Format(time.RFC3339))
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
	want := "2 Unable to connect to the database. Retrying (#) 17|2 lock wait exceeded on table # 17|0 one in an hour # 10|2 ORDER_CREATED 2|0 cache miss key=orders:# 600"
	if strings.Join(got, "|") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, "|"), want)
	}
}

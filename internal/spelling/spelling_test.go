package spelling

import "testing"

func TestTheNearestNameIsReallyNear(t *testing.T) {
	for word, want := range map[string]string{
		"tracee": "trace", "trcae": "trace", "changs": "changes", "lsit": "list", "xport": "export", "exprot": "export",
		"binlog": "", "foo": "", "t": "", "on": "in", "race": "trace", "liste": "list", "列表": "", "": "",
	} {
		if got := Nearest(word, []string{"list", "trace", "changes", "export", "in"}); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestASwapOfNeighboursIsOneEdit(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"same", "same", 0}} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("%q %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

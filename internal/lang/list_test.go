package lang

import "testing"

func TestAListIsJoinedAsItsLanguageDoes(t *testing.T) {
	m := M("missing: %s", List{"a", "b", "c"})
	if got := English().Msg(m); got != "missing: a, b, c" {
		t.Error(got)
	}
	if got := Chinese().Msg(m); got != "缺少：a、b、c" {
		t.Error(got)
	}
	if got := English().Msg(M("missing: %s", List(nil))); got != "missing: " {
		t.Errorf("%q", got)
	}
}

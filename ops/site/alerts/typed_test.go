package alerts

import (
	"testing"

	"opsdeck/internal/lang"
)

// TestTheNextCommandOfAnAlertNamesItsConfiguration: whoever reads a message may have
// another default.
func TestTheNextCommandOfAnAlertNamesItsConfiguration(t *testing.T) {
	s := &watched{Service: Service{Program: "opsdeck --config /etc/a.yaml --service shop"}}
	got := s.typed(lang.M("verify it: %s", lang.Raw("opsdeck backup verify x")))
	const want = "verify it: opsdeck --config /etc/a.yaml --service shop backup verify x"
	if lang.English().Msg(got) != want {
		t.Errorf("%q, want %q", lang.English().Msg(got), want)
	}
	plain := lang.Raw("opsdeck alerts")
	if got := (&watched{}).typed(plain); got.String() != "opsdeck alerts" {
		t.Errorf("%q", got)
	}
}

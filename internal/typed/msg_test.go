package typed

import (
	"testing"

	"opsdeck/internal/lang"
)

// TestASentenceKeepsItsService: a printer that writes commands for one configuration does not
// take the service out of an advice, and one without a command stays as it is.
func TestASentenceKeepsItsService(t *testing.T) {
	own := Program("/c.yaml", "")
	p := lang.English().Rewriting(func(text string) string { return Text(own, text) })
	m := Msg(Program("/c.yaml", "two"), lang.M("Resume it: %s", "opsdeck restore resume"))
	if got := p.Msg(m); got != "Resume it: opsdeck --config /c.yaml --service two restore resume" {
		t.Error(got)
	}
	if plain := lang.M("Start it: %s", "systemctl start x"); Msg(own, plain).Key != plain.Key {
		t.Errorf("%+v", Msg(own, plain))
	}
}

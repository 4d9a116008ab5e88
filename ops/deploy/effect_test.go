package deploy

import (
	"testing"
	"time"
)

func TestOnlyAPlanThatStopsTheServiceSaysSo(t *testing.T) {
	for want, steps := range map[string][]Step{
		"shop will be stopped, changed and started.":                                               Update(time.Minute),
		"shop will be changed by the steps of this plan.":                                          {{Name: "reload", Kind: KindCommand}},
		"A new instance of shop will be started beside the running one, and nginx switched to it.": BlueGreen(time.Minute),
	} {
		if got := Effect("shop", steps).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

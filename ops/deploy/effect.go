package deploy

import (
	"slices"

	"opsdeck/internal/lang"
)

// Effect says what a plan does to the service that runs: a plan without a step that
// stops it must not claim that it will be stopped.
func Effect(service string, steps []Step) lang.Msg {
	has := func(kind Kind) bool {
		return slices.ContainsFunc(steps, func(s Step) bool { return s.Kind == kind })
	}
	switch {
	case has(KindStop):
		return lang.M("%s will be stopped, changed and started.", service)
	case has(KindSwitch):
		return lang.M("A new instance of %s will be started beside the running one, and nginx switched to it.", service)
	}
	return lang.M("%s will be changed by the steps of this plan.", service)
}

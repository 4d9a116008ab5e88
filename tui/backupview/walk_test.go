package backupview

import (
	"testing"

	"opsdeck/tui/walk"
)

// TestWalk looks at every face of the page.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		faces := map[string]walk.Face{}
		for name, keys := range map[string][]string{
			"list": nil, "detail": {"down", "enter"}, "compared": {"down", "enter", "o"}, "plan": {"p"},
		} {
			p := shown(code)
			press(p, keys...)
			faces[name] = walk.Face{
				Env:   p.stock.env,
				View:  p.View,
				Press: func(keys ...string) { press(p, keys...) },
			}
		}
		return faces
	})
}

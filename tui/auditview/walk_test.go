package auditview

import (
	"testing"

	"opsdeck/tui/walk"
)

// TestWalk looks at every face of the page.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		faces := map[string]walk.Face{}
		for name, scene := range scenes {
			p := settled(t, code, sample(t))
			scene(p)
			faces[name] = walk.Face{
				Env:   p.base.env,
				View:  p.View,
				Press: func(keys ...string) { press(p, keys...) },
			}
		}
		return faces
	})
}

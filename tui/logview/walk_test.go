package logview

import (
	"testing"

	"opsdeck/tui/walk"
)

// TestWalk looks at every face of the page.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		faces := map[string]walk.Face{}
		for name, keys := range map[string][]string{"list": nil, "detail": {"enter"}, "patterns": {"p"}} {
			p, store := opened(t, code, sizes[2])
			key(p, store, t, keys...)
			faces[name] = walk.Face{Env: p.look.env, View: p.View}
		}
		return faces
	})
}

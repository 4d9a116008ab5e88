package statusview

import (
	"testing"

	"opsdeck/tui/page"
	"opsdeck/tui/walk"
)

// TestWalk looks at every face of the page.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		faces := map[string]walk.Face{}
		for name, keys := range map[string][]string{"list": nil, "detail": {"enter"}, "last": {"end", "enter"},
			"bad": {"b"}} {
			p, _ := newPage(code, incident())
			p.View(page.Size{Width: 80, Height: 24})
			press(p, keys...)
			faces[name] = walk.Face{
				Env:   p.look.env,
				View:  p.View,
				Press: func(keys ...string) { press(p, keys...) },
			}
		}
		return faces
	})
}

package restoreview

import (
	"fmt"
	"testing"

	"opsdeck/tui/walk"
)

// TestWalk looks at every face of the page.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		faces := map[string]walk.Face{}
		for name, desk := range scenes() {
			for step := range 7 {
				p := newPage(code, desk)
				for range step {
					p.base.mark(1)
				}
				faces[fmt.Sprintf("%s, step %d", name, step+1)] = walk.Face{
					Env:  p.base.env,
					View: p.View,
					Press: func(keys ...string) {
						for _, k := range keys {
							p.Key(key(k))
						}
					},
				}
			}
		}
		return faces
	})
}

package logview

import (
	"testing"

	"opsdeck/tui/walk"
)

// TestWalk looks at every face of the page.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		faces := map[string]walk.Face{}
		for name, keys := range map[string][]string{"list": nil, "detail": {"enter"}, "patterns": {"p"},
			"delta": {"d"}, "filters": {"F"}, "files": {"D"}} {
			p, store := opened(t, code, sizes[2])
			p.restore(Options{
				Highlights: []Filter{{Query: "context:RedisLockService", Colour: "cyan"}},
				Session:    Session{Filters: []Filter{{Query: "'nothing 客户", Does: FilterOut, On: true}}},
			})
			key(p, store, t, keys...)
			faces[name] = walk.Face{
				Env:   p.look.env,
				View:  p.View,
				Press: func(keys ...string) { key(p, store, t, keys...) },
			}
		}
		return faces
	})
}

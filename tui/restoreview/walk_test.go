package restoreview

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/walk"
	"opsdeck/tui/widget"
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
		p := newPage(code, scenes()["plan"])
		p.base.problem = ops.E(ops.Failed, lang.M("this transaction cannot be undone row by row")).
			WithHint(lang.M("restore to just before it: opsdeck restore --before %s --plan; only the table %s: "+
				"opsdeck restore --before %s --tables %s --plan", "0-1-321", "audit_logs", "0-1-321", "audit_logs"))
		faces["trouble"] = walk.Face{Env: p.base.env, View: p.View}
		rows := []pick{{id: "1", text: strings.Repeat("备份 ", 60)}, {id: "2", text: "备份"}}
		for name, many := range map[string]bool{"one of several": false, "several": true} {
			dialog := newPicker(p.base.env, lang.M("Choose the backup"), rows, many, nil)
			faces[name] = walk.Face{Env: p.base.env, View: func(size page.Size) string {
				return widget.Over(widget.Fill(nil, size), dialog.View(size), size)
			}}
		}
		return faces
	})
}

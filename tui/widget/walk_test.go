package widget

import (
	"context"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/walk"
)

// TestWalk looks at the dialogs that pages share.
func TestWalk(t *testing.T) {
	walk.Every(t, func(code string) map[string]walk.Face {
		env := &page.Env{Ctx: context.Background(), Lang: lang.For(code), Theme: theme.New(theme.Options{})}
		none := func() tea.Cmd { return nil }
		long := lang.Raw(strings.Repeat("客户有限公司 qianzhang_sales ", 40))
		items := []Item{}
		for range 30 {
			items = append(items, Item{"客户", strings.Repeat("备份 ", 60)})
		}
		faces := map[string]walk.Face{}
		for name, dialog := range map[string]page.Overlay{
			"pick":    NewPick(env, lang.M("Choose a service"), items, func(int) tea.Cmd { return nil }),
			"empty":   NewPick(env, lang.M("Choose a service"), nil, func(int) tea.Cmd { return nil }),
			"prompt":  NewPrompt(env, lang.M("Note"), env.Lang.Msg(long), "", func(string) tea.Cmd { return nil }),
			"confirm": NewConfirm(env, lang.M("Start the restore"), []lang.Msg{long}, "qianzhang_sales", none),
			"ask": NewAsk(env, lang.M("Export"), []lang.Msg{long}, false,
				Choice{Key: "t", Label: lang.M("as text")}),
			"text": NewText(env, lang.M("Help"), strings.Fields(long.String()), "客户"),
		} {
			faces[name] = walk.Face{Env: env, View: func(size page.Size) string {
				return Over(Fill(nil, size), dialog.View(size), size)
			}}
		}
		return faces
	})
}

package main

import (
	"strings"

	"opsdeck/tui/theme"
)

// look is how the console looks on this terminal.
func (a *app) look() theme.Options {
	look := theme.Options{
		Deep:  strings.Contains(a.getenv("TERM"), "256color") || a.getenv("COLORTERM") != "",
		Mono:  !a.color,
		ASCII: a.flags.ASCII || theme.Poor(a.getenv),
	}
	asked := ""
	if loaded, err := a.config(); err == nil {
		asked = loaded.Console.Theme
		look.ASCII = look.ASCII || loaded.Console.ASCII
	}
	look.Dark = theme.DarkBackground(asked, a.getenv("COLORFGBG"))
	return look
}

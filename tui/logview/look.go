package logview

import (
	"time"

	"opsdeck/tui/page"
)

// look is what every part of the tab draws and works with.
type look struct {
	env      *page.Env
	o        Options
	size     page.Size
	mode     mode
	ink      inks
	shown    bool
	incident time.Time
	panel    int  // rows of the panel that is open
	wasShown bool // the tab was opened once
}

package main

import (
	"time"

	"github.com/alecthomas/kong"
)

// globals are the flags of every command.
type globals struct {
	ConfigFile string           `name:"config" placeholder:"FILE" help:"Configuration file." type:"path"`
	Lang       string           `placeholder:"en|zh" enum:",en,zh" default:"" help:"Language: en or zh; else by LC_ALL, LC_MESSAGES, LANG."`
	NoColor    bool             `help:"No colour; NO_COLOR, TERM=dumb and pipes do the same."`
	ASCII      bool             `name:"ascii" help:"Borders and marks in ASCII."`
	Plain      bool             `help:"No colour, only ASCII marks; the console prints and reads lines, for screen readers."`
	ReadOnly   bool             `help:"Refuse every operation that changes something."`
	Service    string           `placeholder:"NAME" help:"The service to act on, when several are configured."`
	Timeout    time.Duration    `placeholder:"DUR" help:"Stop after this long."`
	Version    kong.VersionFlag `help:"Print the version."`
}

package main

import (
	"io"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the code that a shell's start file evaluates.
func (c *completionCmd) Run(a *app, ctx *kong.Context) error {
	if c.Shell == "fish" {
		_, err := io.WriteString(a.out, fishCompletion)
		return err
	}
	return (&kongcompletion.Completion{Shell: c.Shell, Code: true}).Run(ctx)
}

// fishCompletion offers files where opsdeck offers nothing, as bash's does.
const fishCompletion = `function __opsdeck_complete
    set -lx OPSDECK_COMPLETE fish
    set -lx COMP_LINE (commandline -cp)
    set -l found (opsdeck)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c opsdeck -f -a '(__opsdeck_complete)'
`

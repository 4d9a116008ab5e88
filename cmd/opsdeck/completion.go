package main

import (
	"fmt"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/muesli/roff"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the code that a shell's start file evaluates.
func (c *completionCmd) Run(ctx *kong.Context) error {
	return (&kongcompletion.Completion{Shell: c.Shell, Code: true}).Run(ctx)
}

type manCmd struct{}

// Run prints the manual page in roff.
func (c *manCmd) Run(a *app, k *kong.Kong) error {
	_, err := fmt.Fprint(a.out, mangokong.NewManPage(1, k.Model).Build(roff.NewDocument()))
	return err
}

// Package runbook is what is shown of a runbook, filled for a service: its steps with the
// commands that do them.
package runbook

import "opsdeck/internal/lang"

// Entry is a runbook in the list.
type Entry struct {
	Name string
	When lang.Msg
}

// Book is a runbook, filled for the service.
type Book struct {
	Entry
	Service string
	Steps   []Step
}

// Step is what to do, and the commands that do it.
type Step struct {
	Do       lang.Msg
	Commands []Command
}

// Command is a line for a shell.
type Command struct {
	Line string
	Fill bool // a person has to fill something in before it can be run
	Harm bool // it overwrites or deletes data: it is confirmed by the service's name
}

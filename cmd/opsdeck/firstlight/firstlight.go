// Package firstlight keeps the program from asking the terminal for its
// background at start. Bubble Tea v1 does that in its init, and waits up to five
// seconds for a terminal that does not answer, even for `opsdeck --version`.
// Told beforehand, Lip Gloss does not ask.
//
// Nothing later can do it: the question is asked of Lip Gloss' default renderer in Bubble Tea's
// init (tea_init.go), so that a renderer of one's own with a fixed profile and background,
// tea.WithEnvironment and every other option of a program come too late, and package main is
// initialised last (tried). Termenv itself leaves the question out only for TERM=dumb, screen and
// tmux, and where CI is set: none of these can be set from within the process before.
//
// It is a module of its own because of its path: Go initialises packages whose
// imports are ready in the order of their paths, and this one has to come before
// Bubble Tea's.
package firstlight

import "github.com/charmbracelet/lipgloss"

func init() { lipgloss.SetHasDarkBackground(true) }

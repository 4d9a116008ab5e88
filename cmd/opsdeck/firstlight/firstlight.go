// Package firstlight keeps the program from asking the terminal for its
// background at start. Bubble Tea v1 does that in its init, and waits up to five
// seconds for a terminal that does not answer, even for `opsdeck --version`.
// Told beforehand, Lip Gloss does not ask.
//
// It is a module of its own because of its path: Go initialises packages whose
// imports are ready in the order of their paths, and this one has to come before
// Bubble Tea's.
package firstlight

import "github.com/charmbracelet/lipgloss"

func init() { lipgloss.SetHasDarkBackground(true) }

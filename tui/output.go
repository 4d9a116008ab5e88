package tui

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"opsdeck/tui/screen"
)

// display is the terminal's file, written to through a screen.
type display struct {
	*os.File
	*screen.Screen
}

func (d display) Write(b []byte) (int, error) { return d.Screen.Write(b) }
func (d display) Close() error                { return d.File.Close() }

// WriteString hides the file's own, which would go past the screen.
func (d display) WriteString(s string) (int, error) { return d.Screen.Write([]byte(s)) }

// ReadFrom hides the file's own, which would go past the screen.
func (d display) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{d.Screen}, r)
}

// differ puts a screen between Bubble Tea and the terminal.
func differ(in io.Reader, out io.Writer) (*screen.Screen, io.Writer) {
	f, ok := out.(*os.File)
	if !ok {
		sc := screen.New(out, screen.Options{})
		return sc, sc
	}
	kind := os.Getenv("TERM")
	sc := screen.New(f, screen.Options{
		Ask:  kind != "dumb" && isTerminal(in) && isTerminal(out),
		Sync: synchronizes(kind),
		In:   in,
	})
	return sc, display{f, sc}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// synchronizes tells whether a terminal of this kind knows mode 2026, or at least
// passes over it. The console of Linux and hardware terminals know nothing of it.
func synchronizes(kind string) bool {
	switch {
	case kind == "", kind == "dumb", kind == "linux", kind == "ansi", strings.HasPrefix(kind, "vt"):
		return false
	}
	return true
}

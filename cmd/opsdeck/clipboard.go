package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/aymanbagabas/go-osc52/v2"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
)

// clipboardLimit is how many bytes of text go through OSC 52; common terminals
// drop sequences over 100,000 bytes, and base64 adds a third.
const clipboardLimit = 70_000

// clipboard puts text on the operator's own machine by OSC 52, through tmux and
// screen, or in a file where the text is too long for that.
type clipboard struct {
	out    io.Writer
	getenv func(string) string
	dir    string
}

func (c clipboard) put(text string) (lang.Msg, error) {
	if len(text) > clipboardLimit {
		return c.file(text)
	}
	seq := osc52.New(text)
	switch {
	case c.getenv("TMUX") != "":
		seq = seq.Tmux()
	case strings.HasPrefix(c.getenv("TERM"), "screen"):
		seq = seq.Screen()
	}
	if _, err := fmt.Fprint(c.out, seq); err != nil {
		return lang.M("could not copy: %s", err.Error()), err
	}
	return lang.M("sent to the terminal's clipboard (OSC 52): %d bytes", len(text)), nil
}

func (c clipboard) file(text string) (lang.Msg, error) {
	path := filepath.Join(c.dir, "copied-"+time.Now().Format("20060102-150405")+".txt")
	if err := atomicfile.WriteBytes(path, 0o600, []byte(text)); err != nil {
		return lang.M("could not copy: %s", err.Error()), err
	}
	return lang.M("too long for the clipboard; written to %s", path), nil
}

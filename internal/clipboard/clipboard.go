// Package clipboard puts text on the operator's own machine.
package clipboard

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aymanbagabas/go-osc52/v2"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
)

// limit is how many bytes of text go through OSC 52; common terminals
// drop sequences over 100,000 bytes, and base64 adds a third.
const limit = 70_000

// Clipboard is the operator's, beyond the terminal.
type Clipboard struct {
	Out    io.Writer // the terminal
	Getenv func(string) string
	Dir    string // of the files for texts that are too long
}

// Put copies a text by tmux, where that runs, else by OSC 52, or to a file where the text is
// too long for that. It says which.
func (c Clipboard) Put(text string) (lang.Msg, error) {
	if c.Getenv("TMUX") != "" && toTmux(text) == nil {
		return lang.M("copied to tmux's buffer and the terminal's clipboard: %d bytes", len(text)), nil
	}
	seq := c.sequences(text)
	if len(text) > limit || seq == "" {
		return c.file(text)
	}
	if _, err := io.WriteString(c.Out, seq); err != nil {
		return lang.M("could not copy: %s", err.Error()), err
	}
	return lang.M("sent to the terminal's clipboard (OSC 52): %d bytes", len(text)), nil
}

// screenString is how long a sequence may be that GNU screen swallows. The rest of a
// longer one lands on the display.
const screenString = 760

// sequences is OSC 52, in tmux also in the wrapping that it passes on: whether it
// takes the one or the other is its user's setting. GNU screen takes the wrapped one
// alone. A terminal by the name of screen may be either's: where the plain one is too
// long for screen there is none, "".
func (c Clipboard) sequences(text string) string {
	seq := osc52.New(text)
	plain := seq.String()
	switch term := c.Getenv("TERM"); {
	case c.Getenv("TMUX") != "" || strings.HasPrefix(term, "tmux"):
		return plain + seq.Tmux().String()
	case c.Getenv("STY") != "":
		return seq.Screen().String()
	case strings.HasPrefix(term, "screen") && len(plain) > screenString:
		return ""
	case strings.HasPrefix(term, "screen"):
		return plain + seq.Screen().String()
	}
	return plain
}

// tmuxWait is how long tmux may take.
const tmuxWait = 5 * time.Second

// toTmux gives the text to tmux, which keeps it and, from version 3.2 on, passes it
// on to its terminal whatever it lets programs do.
func toTmux(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), tmuxWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", "load-buffer", "-w", "-")
	cmd.Stdin = strings.NewReader(text)
	return cmd.Run()
}

func (c Clipboard) file(text string) (lang.Msg, error) {
	path := filepath.Join(c.Dir, "copied-"+time.Now().Format("20060102-150405")+".txt")
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return lang.M("could not copy: %s", err.Error()), err
	}
	if err := atomicfile.WriteBytes(path, 0o600, []byte(text)); err != nil {
		return lang.M("could not copy: %s", err.Error()), err
	}
	return lang.M("too long for the clipboard: written to %s in %s", filepath.Base(path), c.Dir), nil
}

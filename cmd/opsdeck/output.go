package main

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"

	"opsdeck/internal/diskfull"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// output is standard output that is no terminal. It remembers that something could not be
// written: most of what prints tables does not look.
type output struct {
	io.Writer

	mu     sync.Mutex
	failed error // the first one
}

// noticing is a stream whose failures are remembered, unless it is a terminal.
func noticing(out io.Writer) io.Writer {
	if isTerminal(out) {
		return out
	}
	return &output{Writer: out}
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.failed == nil {
			o.failed = err
		}
	}
	return n, err
}

// incomplete says that results could not be written, where a command has nothing else to say;
// nil if all were, or if nobody reads them.
func (p *printer) incomplete(err error) error {
	o, is := p.out.(*output)
	if !is {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	unread := errors.Is(o.failed, unix.EPIPE) || errors.Is(o.failed, io.ErrClosedPipe) ||
		errors.Is(o.failed, unix.EBADF)
	said := err != nil && !errors.Is(err, o.failed) && !errors.As(err, new(exitCode))
	if o.failed == nil || unread || said {
		return nil
	}
	why := o.failed
	if file := (*fs.PathError)(nil); errors.As(why, &file) {
		why = file.Err
	}
	e := ops.Wrap(o.failed, ops.Failed,
		lang.M("the output is incomplete: it could not be written (%s)", why.Error()))
	if diskfull.Is(o.failed) {
		return e.WithHint(lang.M("free space where it goes, and run the command again"))
	}
	return e.WithHint(lang.M("run the command again with its output elsewhere"))
}

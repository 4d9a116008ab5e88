// Command opsdeck is a terminal console for the person who looks after a
// MySQL-backed service, and the same abilities as commands.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	// Before Bubble Tea's own init asks the terminal for its background and waits 5 s for an answer
	// (tea_init.go). A renderer with a fixed profile and background, and every option of a program,
	// come after that init (tried: 5.2 s instead of 0.2 s for --version).
	_ "a.opsdeck/firstlight"
)

func main() {
	log.SetOutput(io.Discard) // what libraries have to say beside their errors would tear the screen
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) }) // who presses ctrl-C twice does not wait
	code := run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

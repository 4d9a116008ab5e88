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

	_ "a.opsdeck/firstlight" // before anything asks the terminal
)

func main() {
	log.SetOutput(io.Discard) // what libraries have to say beside their errors would tear the screen
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) }) // who presses ctrl-C twice does not wait
	code := run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// Command opsdeck-demo is the embedded world: a small sales system that lives,
// so that opsdeck has something to look after. It holds a MySQL-compatible
// server, a Redis, a back end process, logs, backups and a drill history, all of
// it below one folder and on loopback ports.
//
//	opsdeck-demo                     the console on a world in a temporary folder
//	opsdeck-demo up --dir D          a world for scripts; prints "ready D/config.yaml"
//	opsdeck-demo fault NAME --dir D  plants a fault in a world that is up, or heals it
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

const usage = `opsdeck-demo: a small sales system for opsdeck to look after

  opsdeck-demo [--opsdeck FILE]            open the console on a world in a temporary folder
  opsdeck-demo up --dir D                  keep a world up below D until stopped
  opsdeck-demo fault NAME [--heal] --dir D plant or heal a fault while it is up
  opsdeck-demo faults --dir D              list them

options: --fault NAME  plant a fault at the start (%s)
         --real        use the mariadbd or mysqld of this machine, privately
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	var ended *exec.ExitError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case errors.As(err, &ended):
		os.Exit(max(1, ended.ExitCode()))
	case errors.Is(err, errStopped):
		os.Exit(notRunning)
	case errors.Is(err, flag.ErrHelp):
		fmt.Printf(usage, strings.Join(faultNames(), ", "))
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, usage, strings.Join(faultNames(), ", "))
		os.Exit(64)
	default:
		fmt.Fprintln(os.Stderr, "opsdeck-demo:", err)
		os.Exit(1)
	}
}

var (
	errUsage   = errors.New("usage")
	errStopped = errors.New("the service is stopped")
)

// notRunning is what a status command says of a stopped service (LSB).
const notRunning = 3

// options are the words of the command line.
type options struct {
	dir, fault, opsdeck string
	real, heal          bool
	args                []string
}

func parse(args []string) (verb string, o options, err error) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	set := flag.NewFlagSet("opsdeck-demo", flag.ContinueOnError)
	set.Usage = func() {}
	set.SetOutput(io.Discard)
	set.StringVar(&o.dir, "dir", "", "")
	set.StringVar(&o.fault, "fault", "", "")
	set.StringVar(&o.opsdeck, "opsdeck", "", "")
	set.BoolVar(&o.real, "real", false, "")
	set.BoolVar(&o.heal, "heal", false, "")
	for len(args) > 0 { // flags may stand after words
		switch err := set.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return "", o, err
		case err != nil:
			return "", o, errUsage
		}
		if args = set.Args(); len(args) > 0 {
			o.args, args = append(o.args, args[0]), args[1:]
		}
	}
	if o.fault != "" && !knownFault(o.fault) {
		return "", o, fmt.Errorf("no fault %q: one of %s", o.fault, strings.Join(faultNames(), ", "))
	}
	if verb != "" && o.dir == "" {
		return "", o, errUsage
	}
	return verb, o, nil
}

func run(ctx context.Context, args []string) error {
	verb, o, err := parse(args)
	if err != nil {
		return err
	}
	switch verb {
	case "":
		return runConsole(ctx, o)
	case "up":
		return up(ctx, o)
	case "backend":
		return runBackend(ctx, o.dir)
	case "service":
		return serviceCommand(ctx, o)
	case "fault":
		if len(o.args) != 1 {
			return errUsage
		}
		return askFault(ctx, controlSocket(o.dir), o.args[0], !o.heal)
	case "faults":
		return listFaults(ctx, o.dir)
	}
	return errUsage
}

// up keeps a world up until the context ends.
func up(ctx context.Context, o options) error {
	w, err := newWorld(o)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.start(ctx); err != nil {
		return err
	}
	fmt.Println("ready", w.path("config.yaml"))
	<-ctx.Done()
	return nil
}

func listFaults(ctx context.Context, dir string) error {
	faults, err := askFaults(ctx, controlSocket(dir))
	for _, f := range faults {
		mark := " "
		if f.Active {
			mark = "*"
		}
		fmt.Printf("%s %-11s %s\n", mark, f.Name, f.About)
	}
	return err
}

// serviceCommand is what the configuration's start, stop and status commands run.
func serviceCommand(ctx context.Context, o options) error {
	if len(o.args) != 1 {
		return errUsage
	}
	running, err := askService(ctx, controlSocket(o.dir), o.args[0])
	if err == nil && o.args[0] == "status" && !running {
		return errStopped
	}
	return err
}

// runConsole opens the console on a world of its own, and ends the world after it.
func runConsole(ctx context.Context, o options) error {
	program, err := findOpsdeck(o.opsdeck)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "opsdeck-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.dir = dir + "/world"
	fmt.Fprintln(os.Stderr, "building a small world in", o.dir)
	w, err := newWorld(o)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.start(ctx); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "--config", w.path("config.yaml"))
	cmd.Stdin = os.Stdin
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), socketEnv+"="+controlSocket(o.dir))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it restores the terminal
	cmd.WaitDelay = consolePatience
	return cmd.Run()
}

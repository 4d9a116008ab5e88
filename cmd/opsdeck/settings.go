package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"opsdeck/internal/cells"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/trust"
	"opsdeck/internal/typed"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/probe"
	"opsdeck/ops/site"
)

// settings are what the program was started with: flags, environment, and the
// configuration, read when somebody asks for it.
type settings struct {
	flags  *globals
	getenv func(string) string

	// answered waits for a look at a file that may never answer; over tells what told the
	// command to stop: --timeout, a signal, or nothing. See until.
	answered func(path string, look func() error) error
	over     func() error

	// shown is the service that the console shows where no flag names one; "" is the first.
	shown string

	// speak is told the language of the configuration, where no flag says another.
	speak func(lang string)

	// unconfigured is called before a command works for the service of the defaults, where no file
	// says another.
	unconfigured func()

	once   sync.Once
	loaded *config.Loaded
	lerr   error
}

// again is how this program is called with the same configuration and service.
func (s *settings) again() string { return typed.Program(s.flags.ConfigFile, s.flags.Service) }

// programFor is how this program is called again for a service.
func (s *settings) programFor(service string) string {
	if l, err := s.config(); s.flags.Service == "" && (err != nil || len(l.Services) < 2) {
		service = ""
	}
	return typed.Program(s.flags.ConfigFile, service)
}

// inLang writes sentences in a language, with commands that work when they are typed.
func (s *settings) inLang(code string) *lang.Printer {
	program := s.again()
	ascii := s.flags.ASCII || s.flags.Plain
	if program == typed.Name && !ascii {
		return lang.For(code)
	}
	return lang.For(code).Rewriting(func(text string) string {
		if text = typed.Text(program, text); ascii {
			return cells.ASCII(text)
		}
		return text
	})
}

// until lets the configuration and its folders be waited for until ctx ends.
func (s *settings) until(ctx context.Context) {
	s.answered = func(path string, look func() error) error { return lock.Answered(ctx, path, look) }
	s.over = ctx.Err
}

// look looks at a file; without until it waits for as long as that takes.
func (s *settings) look(path string, look func() error) error {
	if s.answered == nil {
		return look()
	}
	return s.answered(path, look)
}

// config loads the configuration, once.
func (s *settings) config() (*config.Loaded, error) {
	s.once.Do(func() {
		s.loaded, s.lerr = s.loadConfig()
		if s.lerr != nil {
			s.lerr = configError(s.lerr)
		} else if s.flags.Lang == "" && s.loaded.Console.Lang != "" {
			s.speak(s.loaded.Console.Lang)
		}
	})
	return s.loaded, s.lerr
}

// configPath is the configuration file that is read; "" where there is none.
func (s *settings) configPath() string { return config.Find(s.flags.ConfigFile, s.getenv) }

// loadConfig reads the configuration. It holds commands that are run: one that
// others may write is refused.
func (s *settings) loadConfig() (*config.Loaded, error) {
	path := s.configPath()
	got := make(chan *config.Loaded, 1)
	err := s.look(path, func() error {
		l, err := config.Load(path)
		if err == nil && path != "" {
			err = trust.Path(path)
		}
		got <- l
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-got, nil
}

func configError(err error) error {
	var untrusted *trust.Error
	var silent *lock.UnansweredError
	if errors.As(err, &untrusted) || errors.As(err, &silent) {
		return err
	}
	var e *config.Error
	hint := lang.M("`opsdeck config init` writes a commented file, `opsdeck config check` checks one")
	if errors.As(err, &e) {
		switch {
		case errors.Is(e.Err, fs.ErrPermission):
			if _, next, ok := site.NotOurs(e.Err); ok {
				hint = next
			}
		case e.Folder:
			hint = lang.M("name a file in it, or another one")
		case e.Line > 0:
			hint = lang.M("correct line %d of %s, then check it: opsdeck config check", e.Line, e.Path)
		}
		return ops.E(ops.Config, lang.M("the configuration cannot be used: %s", e.Msg())).WithHint(hint)
	}
	return ops.Wrap(err, ops.Config, lang.M("the configuration cannot be read")).WithHint(hint)
}

// insecure tells of a file with a secret that others can read.
func insecure(err error) bool {
	var e *config.InsecureError
	return errors.As(err, &e)
}

// stateDir is the folder of records, locks and restores.
func (s *settings) stateDir() (string, error) {
	l, err := s.config()
	if err != nil {
		return "", err
	}
	dir := l.StateDirFor(os.Getuid(), s.getenv)
	return dir, s.look(dir, func() error {
		var none *fs.PathError
		if errors.As(probe.NoFolder(dir), &none) && errors.Is(none, syscall.ENOTDIR) {
			return noState(none)
		}
		return trust.Path(dir)
	})
}

// stateWritable refuses a restore whose state folder takes no writes, before it plans anything.
func (s *settings) stateWritable() error {
	dir, err := s.stateDir()
	if err != nil {
		return err
	}
	var broken error
	err = s.look(dir, func() error { broken = probe.Folder(dir).Unwritable; return nil })
	if err != nil || broken == nil {
		return err
	}
	if in := (*fs.PathError)(nil); errors.As(broken, &in) {
		in = &fs.PathError{Op: in.Op, Path: filepath.Join(dir, "restores"), Err: in.Err}
		if full := site.FullDisk(in); full != nil {
			return full
		}
	}
	what, see := doctor.Unwritable(dir, broken)
	return ops.Wrap(broken, ops.Failed, lang.M("a restore needs its state folder: %s", what)).
		WithHint(lang.M("find out why: %s; meanwhile set another state_dir, or restore by hand: %s", see,
			"opsdeck runbook restore --plain"))
}

// noFolder is the cause of an error whose sentence says all of it.
type noFolder struct{ *fs.PathError }

func (e noFolder) Error() string { return e.Path }

func (e noFolder) Unwrap() error { return e.PathError }

// noState is the error of a state folder that is none: no record in it is absent, it is unread.
func noState(none *fs.PathError) error {
	what, look := doctor.Unwritable(none.Path, none)
	return ops.Wrap(noFolder{none}, ops.Config, lang.M("the state folder cannot be used: %s", what)).
		WithHint(lang.M("find out why: %s; then move it away, or set another state_dir", look))
}

// writable refuses a state-changing command under --read-only.
func (s *settings) writable() error {
	if !s.flags.ReadOnly {
		return nil
	}
	return ops.E(ops.Usage, lang.M("refused: opsdeck was started with --read-only")).
		WithHint(lang.M("run it again without --read-only"))
}

// mayChange is writable for a command of which a dry run was asked, or not: what
// changes nothing may be looked at.
func (s *settings) mayChange(dryRun bool) error {
	if dryRun {
		return nil
	}
	return s.writable()
}

// service is the configured service that --service names, or the only one.
func (s *settings) service() (*config.Service, error) {
	l, err := s.config()
	if err != nil {
		return nil, err
	}
	if s.flags.Service == "" && len(l.Services) > 1 {
		return nil, ops.E(ops.Usage, lang.M("several services are configured")).
			WithHint(lang.M("choose one with --service: %s", strings.Join(l.Names(), ", ")))
	}
	s.sayDefaults(l)
	return s.consoleService()
}

// sayDefaults says that no configuration file was found, once.
func (s *settings) sayDefaults(l *config.Loaded) {
	if l.Path == "" && s.unconfigured != nil {
		s.unconfigured()
		s.unconfigured = nil
	}
}

// defaultsUsed is the sentence of sayDefaults.
func defaultsUsed(l *config.Loaded) lang.Msg {
	return lang.M("no configuration file: this is %s of the defaults; write one: opsdeck config init",
		l.Services[0].Name)
}

// consoleService is the service that --service names, or the console shows.
func (s *settings) consoleService() (*config.Service, error) {
	l, err := s.config()
	if err != nil {
		return nil, err
	}
	found, ok := l.Service(cmp.Or(s.flags.Service, s.shown))
	if !ok {
		return nil, ops.E(ops.Config, lang.M("no service %q is configured", s.flags.Service)).
			WithHint(lang.M("choose one with --service: %s", strings.Join(l.Names(), ", ")))
	}
	return found, nil
}

// statusServices are the services that status looks at: the one named, or all.
func (s *settings) statusServices() ([]config.Service, error) {
	if s.flags.Service != "" {
		one, err := s.consoleService()
		if err != nil {
			return nil, err
		}
		return []config.Service{*one}, nil
	}
	l, err := s.config()
	if err != nil {
		return nil, err
	}
	s.sayDefaults(l)
	return l.Services, nil
}

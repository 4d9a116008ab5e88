package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/cells"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/site"
	"opsdeck/ops/site/alerts"
	"opsdeck/ops/site/ready"
)

type configCmd struct {
	Init  configInitCmd  `cmd:"" help:"Write a commented configuration file."`
	Show  configShowCmd  `cmd:"" help:"Show the effective values and where each came from."`
	Check configCheckCmd `cmd:"" help:"Check the configuration file and the files it names."`
}

//go:embed config_template.yaml
var configTemplate []byte

type configInitCmd struct {
	DryRun bool `help:"Print the file instead of writing it."`
	Force  bool `help:"Replace an existing file."`
}

// Run writes the commented defaults where the configuration is looked for.
func (c *configInitCmd) Run(a *app) error {
	if c.DryRun {
		_, err := a.out.Write(configTemplate)
		return err
	}
	if err := a.writable(); err != nil {
		return err
	}
	path := initPath(a)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) && !c.Force {
		return ops.E(ops.Failed, lang.M("%s already exists; nothing was changed", path)).
			WithHint(lang.M("edit it, or replace it with --force"))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the folder of %s cannot be created", path))
	}
	if err := atomicfile.WriteBytes(path, 0o644, configTemplate); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("%s cannot be written", path))
	}
	a.say(lang.M("wrote %s", path))
	return nil
}

func initPath(a *app) string {
	if a.flags.ConfigFile != "" {
		return config.Home(a.flags.ConfigFile)
	}
	if os.Getuid() == 0 && a.getenv("XDG_CONFIG_HOME") == "" {
		return config.System("/etc/opsdeck/config.yaml", a.getenv)
	}
	base := a.getenv("XDG_CONFIG_HOME")
	if base == "" {
		base = config.Home("~/.config")
	}
	return filepath.Join(base, "opsdeck", "config.yaml")
}

type configShowCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type configShowJSON struct {
	Path     string           `json:"path"`
	StateDir string           `json:"state_dir"`
	Settings []config.Setting `json:"settings"`
}

// Run shows every effective value and where it came from.
func (c *configShowCmd) Run(a *app) error {
	l, err := a.config()
	if err != nil {
		return err
	}
	state, _ := a.stateDir()
	if c.JSON {
		return a.json(configShowJSON{l.Path, state, l.Settings()})
	}
	if l.Path == "" {
		a.note(lang.M("no configuration file: these are the defaults"))
	}
	t := cells.Table{Head: []string{a.lang.T("key"), a.lang.T("value"), a.lang.T("from")}, Max: a.width()}
	for _, s := range l.Settings() {
		t.Rows = append(t.Rows, []string{s.Key, termsafe.Line(fmt.Sprint(s.Value)), termsafe.Line(s.Source)})
	}
	fmt.Fprint(a.out, t)
	return nil
}

type configCheckCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

type configCheckJSON struct {
	OK       bool     `json:"ok"`
	Path     string   `json:"path"`
	Problems []string `json:"problems"`
}

// Run checks the file, and the files with secrets that it names.
func (c *configCheckCmd) Run(a *app) error {
	l, err := a.config()
	if err != nil {
		if c.JSON {
			a.json(configCheckJSON{Path: a.configPath(), Problems: []string{err.Error()}})
			return exitCode(ops.Config)
		}
		return err
	}
	problems := ready.ConfigProblems(l)
	for i, s := range l.Services {
		if err := alerts.Check(s, watchedChecks(a.checked(&l.Services[i]), ""), a.clock.Now()); err != nil {
			problems = append(problems, err)
		}
	}
	if c.JSON {
		doc := configCheckJSON{OK: len(problems) == 0, Path: l.Path}
		for _, p := range problems {
			doc.Problems = append(doc.Problems, p.Error())
		}
		if err := a.json(doc); err != nil {
			return err
		}
		if !doc.OK {
			return exitCode(ops.Config)
		}
		return nil
	}
	if len(problems) > 0 {
		for _, p := range problems[1:] {
			a.note(lang.M("also: %s", lang.Raw(site.Sentence(a.lang, a.explain(p)))))
		}
		return problems[0]
	}
	switch {
	case l.Path == "":
		a.say(lang.M("no configuration file: using the defaults"))
	case !slices.ContainsFunc(l.Settings(), func(s config.Setting) bool { return s.Source != "default" }):
		a.say(lang.M("%s: valid, and sets nothing: using the defaults", l.Path))
	default:
		a.say(lang.M("%s: valid, services: %d", l.Path, len(l.Services)))
	}
	return nil
}

package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/alecthomas/kong"

	"opsdeck/internal/commandline"
	"opsdeck/ops/logfile"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/runbooks"
)

// values are what a flag or an argument can be, known without asking a server: a
// fixed choice, or names from the configuration and the machine's own files.
func values(a *app, at commandline.Cursor, v *kong.Value) []string {
	if v.Enum != "" {
		return slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
	}
	if v.Name == "tab" {
		return []string{"status", "logs", "audit", "backups", "restore"}
	}
	if v.Flag == nil && at.Node.Name == "runbook" {
		return runbooks.Names()
	}
	l, err := a.config()
	if err != nil {
		return nil
	}
	if v.Name == "service" || v.Name == "server" {
		return l.Names()
	}
	if v.Name == "only" {
		return checkNames(a)
	}
	return namesOf(a, at, v)
}

// namesOf are the names that one service has.
func namesOf(a *app, at commandline.Cursor, v *kong.Value) []string {
	s, err := a.consoleService()
	if err != nil {
		return nil
	}
	group := ""
	for n := at.Node; n != nil && n.Parent != nil; n = n.Parent {
		group = n.Name
	}
	dir := backups.Folder(s)
	switch {
	case v.Flag != nil && v.Name == "from",
		v.Flag == nil && group == "backup" && v.Name == "name" && at.Node.Name != "run":
		return backups.NamesIn(dir)
	case v.Name == "copy":
		var out []string
		for _, c := range s.Backup.Copies {
			out = append(out, c.Name)
		}
		return out
	case v.Flag == nil && group == "restore" && v.Name == "id":
		return restoreNames(a)
	case v.Flag != nil && v.Name == "source":
		return logfile.Names(s.Logs.Paths())
	case v.Flag != nil && (v.Name == "table" || v.Name == "tables"):
		return backups.TablesIn(dir)
	}
	return nil
}

// checkNames are the names, kinds and services that --only takes.
func checkNames(a *app) []string {
	services, err := a.statusServices()
	if err != nil {
		return nil
	}
	var out []string
	for _, c := range a.checks(services) {
		out = append(out, c.Name, string(c.Kind), c.Service)
	}
	return out
}

// restoreNames are the ids of the restores on record.
func restoreNames(a *app) []string {
	dir, err := a.stateDir()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(dir, "restores"))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

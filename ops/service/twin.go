package service

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/internal/pattern"
	"opsdeck/ops"
)

// Twin is a controller that can run a second instance of its process on another port,
// under the same name: what stops or starts the process acts on both.
type Twin interface {
	// StartOn is the command that starts an instance like the one that runs, in the folder
	// that it is moved to, and the variables that it needs besides PORT.
	StartOn(ctx context.Context, port int, to Move) (line string, env []string, err error)
	// StopOn is the command that ends the instance on a port; "" where there is none.
	StopOn(ctx context.Context, port int) (line string, err error)
	// GaveUp tells whether the instance that was started on a port, and was not ready yet, ended
	// for good or again and again, and its logs. What cannot be told counts as no.
	GaveUp(ctx context.Context, port int) (logs []string, is bool)
	// Owns tells of a process that listens whether it belongs to an instance.
	Owns(ctx context.Context) (is func(pid int) bool, err error)
}

// Move is the folder of the code that an instance is started in. Its zero value leaves it
// where it is.
type Move struct {
	From []string // folders of the code that the instance to copy may run from
	To   string
}

// path is where a path of the instance is after the move; moved tells that it is below one
// of the folders of the code.
func (m Move) path(path string) (to string, moved bool) {
	for _, from := range m.From {
		for _, from := range []string{from, real(from)} {
			if path == from {
				return m.To, true
			}
			if rest, is := strings.CutPrefix(path, from+"/"); is {
				return m.To + "/" + rest, true
			}
		}
	}
	return path, false
}

// real is a path without links; the path itself where it does not exist.
func real(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// pm2Instance is the part of an element of `pm2 jlist` that a twin is made of.
type pm2Instance struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	ID   int    `json:"pm_id"`
	Env  pm2Env `json:"pm2_env"`
}

// words reads a list of words that PM2 may have kept as one text.
func words(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return strings.Fields(one)
	}
	return nil
}

func (i *pm2Instance) variable(name string) string {
	raw := i.Env.Env[name]
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw) // a number
}

// instances are those of the process.
func (p *pm2) instances(ctx context.Context) ([]pm2Instance, error) {
	if !p.alive(ctx) {
		return nil, nil
	}
	out := p.run(ctx, "jlist")
	if out.err != nil {
		return nil, out.failed("pm2 jlist")
	}
	for at := range maxNotes {
		rest := skipBrackets(out.stdout, at)
		var all []pm2Instance
		if rest == "" {
			break
		}
		if json.NewDecoder(strings.NewReader(rest)).Decode(&all) == nil {
			return slices.DeleteFunc(all, func(i pm2Instance) bool { return i.Name != p.name }), nil
		}
	}
	return nil, ops.E(ops.Failed, lang.M("pm2 jlist did not print JSON"))
}

// skipBrackets is the text from its bracket of a number on, 0 the first; "" is none.
func skipBrackets(text string, n int) string {
	for ; ; n-- {
		at := strings.IndexByte(text, '[')
		if at < 0 {
			return ""
		}
		if n == 0 {
			return text[at:]
		}
		text = text[at+1:]
	}
}

// pm2 is the command for the daemon of the process.
func (p *pm2) command() string {
	if p.home == pm2Home("") {
		return "pm2"
	}
	return "PM2_HOME=" + quote(p.home) + " pm2"
}

// own are variables that PM2 or a deployment sets for itself.
var own = pattern.New(`^(?:PORT|unique_id|(?:PM2|pm2|pm|npm|OPSDECK)_.*|NODE_APP_INSTANCE|status|name|args|` +
	`namespace|version|vizion.*|.*[^A-Za-z0-9_].*|\d.*)$`)

// StartOn starts a copy of the newest instance: its script, arguments and variables, with
// the folder of the code replaced. One that runs is preferred. The variables go by the
// environment: they hold secrets.
func (p *pm2) StartOn(ctx context.Context, port int, to Move) (line string, env []string, err error) {
	all, err := p.instances(ctx)
	if err != nil {
		return "", nil, err
	}
	online := slices.DeleteFunc(slices.Clone(all), func(i pm2Instance) bool { return i.Env.Status != "online" })
	if len(online) > 0 {
		all = online
	}
	if len(all) == 0 {
		return "", nil, ops.E(ops.Failed, lang.M(
			"PM2 is not running %s: a second instance cannot be started as a copy of it", p.name)).
			WithHint(lang.M("start it first: %s", p.Commands().Start))
	}
	from := all[len(all)-1]
	args := words(from.Env.Args)
	if slices.ContainsFunc(args, func(a string) bool { return namesPort(a) }) {
		return "", nil, ops.E(ops.Config, lang.M(
			"%s gets its port as an argument, so a second instance would use the same port",
			p.name)).WithHint(lang.M("set deploy.switch.start and deploy.switch.stop in the configuration"))
	}
	if err := from.move(to); err != nil {
		return "", nil, err
	}
	line = "env -u OPSDECK_DEPLOYMENT " + p.command() + " " + p.startLine(from, to, len(all))
	return line + " && " + p.command() + " save", from.variables(to), nil
}

// move puts the instance into the folder of a release. One that does not run from a folder
// of the code would start as what it is: the former release.
func (i *pm2Instance) move(to Move) error {
	if to.To == "" {
		return nil
	}
	script, moved := to.path(i.Env.Script)
	folder, too := to.path(i.Env.Folder)
	if !moved && !too {
		return ops.E(ops.Config,
			lang.M("PM2 runs %s in %s, which is not the code's folder %s: a copy of it would not run "+
				"the new release", i.Env.Script, i.Env.Folder, to.From[0])).
			WithHint(lang.M("set deploy.dir to the folder that PM2 runs, or set deploy.switch.start and " +
				"deploy.switch.stop"))
	}
	i.Env.Script = script
	i.Env.Folder = folder
	return nil
}

// variables are those that the instance was started with, besides PM2's own.
func (i *pm2Instance) variables(to Move) (env []string) {
	for name := range i.Env.Env {
		if !own.MatchString(name) {
			value, _ := to.path(i.variable(name))
			env = append(env, name+"="+value)
		}
	}
	slices.Sort(env)
	return env
}

// startLine is what PM2 is told to start; workers is their number in cluster mode.
func (p *pm2) startLine(from pm2Instance, to Move, workers int) string {
	moved := func(words []string) (out []string) {
		for _, w := range words {
			w, _ = to.path(w)
			out = append(out, w)
		}
		return out
	}
	line := "start " + quote(from.Env.Script) + " --name " + quote(p.name) + " --force --cwd " + quote(from.Env.Folder)
	if i := from.Env.Interpreter; i != "" && i != "none" {
		line += " --interpreter " + quote(i)
	}
	if from.Env.Mode == "cluster_mode" {
		line += fmt.Sprintf(" -i %d", workers)
	}
	line += p.optionsOf(from)
	if n := moved(words(from.Env.NodeArgs)); len(n) > 0 {
		line += " --node-args " + quote(strings.Join(n, " "))
	}
	if args := moved(words(from.Env.Args)); len(args) > 0 {
		line += " --"
		for _, a := range args {
			line += " " + quote(a)
		}
	}
	return line
}

var aPort = pattern.New(`^(?:--?p(?:ort)?=?)?\d{4,5}$`)

func namesPort(argument string) bool { return aPort.MatchString(argument) || argument == "--port" }

// StopOn ends the instance on a port. One that was started without PORT is known by the
// process that listens there.
func (p *pm2) StopOn(ctx context.Context, port int) (line string, err error) {
	all, err := p.instances(ctx)
	if err != nil {
		return "", err
	}
	held, err := listener.On(port)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, i := range all {
		on := i.variable("PORT") == strconv.Itoa(port)
		if i.variable("PORT") == "" {
			on = slices.ContainsFunc(held, func(s listener.Socket) bool { return i.holds(s.PID) })
		}
		if on {
			ids = append(ids, strconv.Itoa(i.ID))
		}
	}
	if len(ids) == 0 {
		return "", nil
	}
	return p.command() + " delete " + strings.Join(ids, " ") + " && " + p.command() + " save --force", nil
}

// crashes are so many restarts of an instance that was never ready that a next one will not
// do: PM2 itself gives up only one that ends within a second.
const crashes = 5

// GaveUp looks for instances of a port that PM2 no longer starts, or starts in vain.
func (p *pm2) GaveUp(ctx context.Context, port int) (logs []string, is bool) {
	all, err := p.instances(ctx)
	if err != nil {
		return nil, false
	}
	for _, i := range all {
		ended := i.Env.Status == "errored" || i.Env.Status == "stopped" || i.Env.Restarts >= crashes
		if i.variable("PORT") == strconv.Itoa(port) && ended {
			logs = append(logs, i.Env.Err, i.Env.Out)
			is = true
		}
	}
	return logs, is
}

// Owns asks PM2 once for the instances.
func (p *pm2) Owns(ctx context.Context) (is func(pid int) bool, err error) {
	all, err := p.instances(ctx)
	return func(pid int) bool {
		return slices.ContainsFunc(all, func(i pm2Instance) bool { return i.holds(pid) })
	}, err
}

// holds tells whether a process is the one that listens for the instance: the instance or a
// child of it, or in cluster mode PM2's daemon, which listens for all of its workers.
func (i *pm2Instance) holds(pid int) bool {
	return descends(pid, i.PID) || i.Env.Mode == "cluster_mode" && descends(i.PID, pid)
}

// descends tells whether a process is another one, or was started by it or its children.
func descends(pid, from int) bool {
	for range 16 {
		if pid <= 1 || from <= 1 {
			return false
		}
		if pid == from {
			return true
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return false
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 {
			return false
		}
		if pid, err = strconv.Atoi(fields[1]); err != nil {
			return false
		}
	}
	return false
}

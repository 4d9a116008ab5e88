// Package deploys checks whether a machine and a service are fit, and brings
// releases of the service there and back.
package deploys

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/internal/oplog"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/doctor"
	"opsdeck/ops/health"
	"opsdeck/ops/host"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/mysql"
	"opsdeck/ops/probe"
	"opsdeck/ops/service"
	"opsdeck/ops/site"
)

// Desk is a service with what deploying it needs.
type Desk struct {
	*site.Site
	// Styles is how the lines of a log are read; nil, or a nil style, is as everywhere.
	Styles func(source string) *line.Style

	conf   config.Deploy
	ctl    health.Controller
	arrive time.Duration // 0 is arriveLimit
}

// Open makes the desk of a service.
func Open(s *site.Site) (*Desk, error) {
	ctl, err := service.New(s.Service.Process)
	if err != nil {
		return nil, err
	}
	conf := s.Service.Deploy
	conf.Switch = conf.Switch.Filled(*s.Service)
	return &Desk{Site: s, conf: conf, ctl: ctl}, nil
}

// lookTime bounds the questions to one server.
const lookTime = 10 * time.Second

// view is what several of the checks need to know first.
type view struct {
	*Desk
	process health.Process
	dir     string   // the code's folder; "" is unknown
	noDir   lang.Msg // why it is unknown
	env     deploy.Settings
	sockets func() (listener.Sockets, error) // looks once
}

// look asks for what several of the checks need.
func look(ctx context.Context, d *Desk) view {
	ask, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	v := view{Desk: d, process: d.ctl.Status(ask), sockets: sync.OnceValues(listener.All)}
	v.dir, v.noDir = d.folder(v.process)
	v.env = v.settings()
	return v
}

// Check looks at the machine and the service.
func (d *Desk) Check(ctx context.Context) ([]deploy.Finding, error) {
	v := look(ctx, d)
	needs, err := v.needs()
	if err != nil {
		return nil, err
	}
	at := host.Look{Root: config.System("", d.Getenv), Dir: v.diskFolder()}
	out := deploy.JudgeMachine(at.Machine(ctx), needs)
	out = append(out, deploy.JudgePorts(v.places(ctx))...)
	if v.dir == "" {
		out = append(
			out,
			deploy.Finding{Name: "env", State: ops.StateUnknown, Detail: lang.M("cannot check: %s", v.noDir),
				Why: lang.M("the service reads its passwords, ports and database from it"),
				Fix: "deploy: {dir: FOLDER}"},
		)
	} else {
		out = append(out, deploy.JudgeSettings(v.env)...)
	}
	out = append(out, v.secrets())
	out = append(out, deploy.JudgeFiles(v.files())...)
	out = append(out, deploy.JudgeWeb(v.web(ctx))...)
	out = append(out, v.front()...)
	out = append(out, v.upstreamFile()...)
	out = append(out, v.database(ctx)...)
	if d.Service.Process.Kind == "pm2" {
		out = append(out, deploy.JudgeBoot(v.boot(), d.Service.Process.Name)...)
	}
	return out, ctx.Err()
}

// folder is that of the service's code.
func (d *Desk) folder(p health.Process) (string, lang.Msg) {
	if d.conf.Dir != "" {
		return config.Home(d.conf.Dir), lang.Msg{}
	}
	if p.PID == 0 {
		return "", lang.M("deploy.dir is not configured, and no running process shows its folder")
	}
	dir, err := host.Folder(p.PID)
	if err != nil {
		return "", lang.M("deploy.dir is not configured, and the folder of pid %d cannot be read", p.PID)
	}
	return dir, lang.Msg{}
}

// diskFolder is the folder whose disk counts: the code's, else the one to work in.
func (v view) diskFolder() string {
	if v.dir != "" {
		return v.dir
	}
	return "/"
}

func (v view) needs() (deploy.Needs, error) {
	memory, err := human.ParseBytes(v.conf.Memory)
	if err != nil {
		return deploy.Needs{}, err
	}
	disk, err := human.ParseBytes(v.conf.Disk)
	if err != nil {
		return deploy.Needs{}, err
	}
	n := deploy.Needs{Memory: memory, Disk: disk, Container: v.Service.Database.Container, Doors: v.doors()}
	if v.has("package.json") || v.Service.Process.Kind == "pm2" {
		n.Node = v.conf.Node
	}
	n.Docker = v.Service.Process.Kind == "compose" || v.composeFile() != ""
	return n, nil
}

// doors are the ports that have to stay open behind a firewall: those of ssh and of what serves the users, which is the
// service itself where nothing is in front of it.
func (v view) doors() (out []deploy.Door) {
	sockets, err := v.sockets()
	if err != nil {
		return nil
	}
	open := sockets.Public()
	fronted := false
	for port, name := range open {
		front := probe.Front(name)
		fronted = fronted || front
		if front || name == "sshd" || name == "systemd" { // systemd listens for programs that it starts on demand
			out = append(out, deploy.Door{Port: port, Name: name})
		}
	}
	port := probe.LocalPort(v.Service.Health.URL)
	if name, is := open[port]; is && !fronted {
		out = append(out, deploy.Door{Port: port, Name: name})
	}
	return out
}

// has tells whether the code's folder holds a file.
func (v view) has(name string) bool {
	if v.dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(v.dir, name))
	return err == nil
}

// composeFile is the path of the code's Compose file, or "".
func (v view) composeFile() string {
	for _, name := range []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"} {
		if v.has(name) {
			return filepath.Join(v.dir, name)
		}
	}
	return ""
}

// settings reads the environment file and what it is compared with.
func (v view) settings() deploy.Settings {
	if v.dir == "" {
		return deploy.Settings{}
	}
	s := deploy.Settings{Path: filepath.Join(v.dir, v.conf.Env)}
	text, err := regular.ReadFile(s.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.Absent = true
	case err != nil:
		s.Env = deploy.Unknown[deploy.Env](lang.M("permission denied"))
	default:
		s.Env = deploy.Known(deploy.ParseEnv(string(text)))
	}
	own, _ := s.Env.Value.Get("PORT")
	s.Expected = v.expected(own)
	if info, err := os.Stat(s.Path); err == nil {
		s.Modified = info.ModTime()
	}
	example := filepath.Join(v.dir, v.conf.Example)
	if text, err = regular.ReadFile(example); err != nil {
		s.Example = deploy.Unknown[deploy.Env](lang.M("the code has no %s", v.conf.Example))
	} else {
		s.Example = deploy.Known(deploy.ParseEnv(string(text)))
	}
	s.Running = v.running()
	return s
}

func (v view) running() deploy.Fact[deploy.Running] {
	if v.process.PID == 0 {
		return deploy.Unknown[deploy.Running](lang.M("the service's process is not known"))
	}
	r, err := host.Process(v.process.PID)
	if err != nil {
		return deploy.Unknown[deploy.Running](lang.M("the environment of pid %d cannot be read", v.process.PID))
	}
	return deploy.Known(r)
}

// expected is what opsdeck's own configuration uses, by the keys of FIELD.md; own is the
// PORT of the environment file.
func (v view) expected(own string) map[string]string {
	out := map[string]string{}
	if port := probe.LocalPort(v.Service.Health.URL); port > 0 && !v.fronted(port, own) {
		out["PORT"] = strconv.Itoa(port)
	}
	if v.Service.Database.Name != "" {
		out["DB_DATABASE"] = v.Service.Database.Name
	}
	if t, err := mysql.Resolve(v.Service.Database); v.hasDatabase() && err == nil && t.Network == "tcp" {
		out["DB_HOST"], out["DB_PORT"], _ = net.SplitHostPort(t.Addr)
	}
	return out
}

// secrets judges the environment file, the options file and the Compose file.
func (v view) secrets() deploy.Finding {
	var all []deploy.Secret
	var unread []string
	switch {
	case v.env.Env.Seen:
		all = append(all, deploy.SecretsOf(v.env.Path, v.env.Env.Value)...)
	case v.dir == "":
		unread = append(unread, ".env")
	case !v.env.Absent:
		unread = append(unread, v.env.Path)
	}
	if v.env.Running.Seen { // a process manager may set what no file holds
		r := v.env.Running.Value
		all = append(all, deploy.SecretsOf("pid "+strconv.Itoa(r.PID), envOf(r))...)
	}
	if t, err := mysql.Resolve(v.Service.Database); err != nil {
		unread = append(unread, v.Service.Database.OptionsFile)
	} else if t.Password != "" {
		all = append(all, deploy.Secret{Place: v.Service.Database.OptionsFile + ": password", Value: t.Password})
	}
	if path := v.Service.Redis.PasswordFile; path != "" {
		secret, err := config.ReadSecret(path)
		if err != nil {
			unread = append(unread, path)
		} else {
			all = append(all, deploy.Secret{Place: path, Value: secret})
		}
	}
	for _, path := range append(v.present(pm2Files), v.composeFile()) {
		if path == "" {
			continue
		}
		found, err := inText(path)
		if err != nil {
			unread = append(unread, path)
		}
		all = append(all, found...)
	}
	return deploy.JudgeSecrets(all, unread)
}

// pm2Files are where PM2 is told the environment of its processes.
var pm2Files = []string{"ecosystem.config.js", "ecosystem.config.cjs", "ecosystem.json", "ecosystem.config.json"}

// present are the paths of those files of the code that there are.
func (v view) present(names []string) (out []string) {
	for _, name := range names {
		if v.has(name) {
			out = append(out, filepath.Join(v.dir, name))
		}
	}
	return out
}

// envOf is what a process was started with, as a file of variables would say it.
func envOf(r deploy.Running) (e deploy.Env) {
	for _, key := range slices.Sorted(maps.Keys(r.Env)) {
		e.Vars = append(e.Vars, deploy.Var{Key: key, Value: r.Env[key]})
	}
	return e
}

// inText finds default secrets in the lines of a file.
func inText(path string) ([]deploy.Secret, error) {
	text, err := regular.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []deploy.Secret
	for i, line := range strings.Split(string(text), "\n") {
		if secret := ops.DefaultSecretIn(line); secret != "" {
			out = append(out, deploy.Secret{Place: path + ":" + strconv.Itoa(i+1), Value: secret})
		}
	}
	return out, nil
}

// files are those that hold secrets.
func (v view) files() []deploy.File {
	var out []deploy.File
	paths := []string{config.Home(v.Service.Redis.PasswordFile)}
	if v.hasDatabase() {
		paths = append(paths, config.Home(v.Service.Database.OptionsFile))
	}
	if v.dir != "" && !v.env.Absent {
		paths = append([]string{v.env.Path}, paths...)
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		f := deploy.File{Path: path}
		switch {
		case errors.Is(err, os.ErrNotExist):
			f.Mode.Why = lang.M("it does not exist")
		case err != nil:
			f.Mode.Why = lang.M("permission denied")
		default:
			f.Mode = deploy.Known(info.Mode())
		}
		out = append(out, f)
	}
	return out
}

func (d *Desk) hasDatabase() bool {
	c := d.Service.Database
	return c.Name != "" || c.Host != "" || c.Socket != ""
}

// database asks the service's database.
func (v view) database(ctx context.Context) []deploy.Finding {
	d := v.Service.Database
	if !v.hasDatabase() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	t, err := mysql.Resolve(d)
	var facts deploy.Server
	if err == nil {
		facts, err = mysql.DeployFacts(ctx, t, d.Name, v.Service.Audit.Table)
	}
	if err != nil {
		e := v.Explain(err)
		return deploy.JudgeServer(deploy.Unknown[deploy.Server](lang.Raw(site.Sentence(v.Lang, e))))
	}
	out := deploy.JudgeServer(deploy.Known(facts))
	return append(out, v.grants(ctx, t))
}

// grants judges what the account of the backups may do.
func (v view) grants(ctx context.Context, t mysql.Target) deploy.Finding {
	f := deploy.Finding{Name: "mysql-grants", Why: lang.M("a backup without these privileges is incomplete")}
	facts, err := mysql.Facts(ctx, t, v.Service.Database.Name)
	if err != nil {
		f.State, f.Detail = ops.StateUnknown, lang.M("cannot check: %s", v.Explain(err).What)
		return f
	}
	missing := doctor.BackupFindings(facts, v.Service.Database.Name)
	if len(missing) == 0 {
		return deploy.Finding{Name: f.Name, Detail: lang.M("%s has every privilege that a backup needs", facts.User)}
	}
	worst := missing[0]
	for _, m := range missing {
		if m.State > worst.State {
			worst = m
		}
	}
	f.State = worst.State
	f.Detail = worst.What
	f.Fix = worst.Fix
	return f
}

// Repair makes a safe change and puts it on record.
func (d *Desk) Repair(ctx context.Context, entry oplog.Entry, r deploy.Repair) error {
	if err := d.Writable(); err != nil {
		return err
	}
	return d.Record(ctx, entry, func(context.Context, map[string]string) error {
		info, err := os.Lstat(r.Path)
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("not a regular file")
		}
		if err == nil {
			err = os.Chmod(r.Path, r.Mode)
		}
		if err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("cannot change the mode of %s", r.Path)).
				WithHint(lang.M("run it as the file's owner or as root: chmod 600 %s", human.Shell(r.Path)))
		}
		return nil
	})
}

package deploys

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/host"
	"opsdeck/ops/probe"
	"opsdeck/ops/service"
)

// What the steps of a switch keep in the journal.
const (
	standbyPort = "standby_port" // of the instance that was started beside the other
	activePort  = "active_port"  // of the one that nginx had before
)

var upstreamServer = regexp.MustCompile(`(?m)(?:^|[{;])\s*server\s+127\.0\.0\.1:([0-9]+)\s*;`)

// upstream is the file that nginx includes.
func (d *Desk) upstream(port int) []byte {
	return fmt.Appendf(nil, "# Written by opsdeck deploy.\nupstream %s {\n\tserver 127.0.0.1:%d;\n}\n",
		d.conf.Switch.Upstream, port)
}

// firstUpstream is the command that writes that file once.
func firstUpstream(d *Desk) string {
	text := strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(string(d.upstream(d.conf.Switch.Ports[0])))
	return "printf '" + text + "' >" + human.Shell(d.conf.Switch.File)
}

// active is the port that nginx sends users to, as its file says, and the other one.
func (d *Desk) active() (active, other int, err error) {
	s := d.conf.Switch
	hint := lang.M("write it once by hand: %s; include it in nginx's http block", firstUpstream(d))
	text, err := regular.ReadFile(s.File)
	if err != nil {
		return 0, 0,
			ops.Wrap(err, ops.Config, lang.M("the file of nginx's upstream cannot be read: %s", s.File)).WithHint(hint)
	}
	found := upstreamServer.FindAllStringSubmatch(string(text), -1)
	if len(found) == 1 {
		active, _ = strconv.Atoi(found[0][1])
	}
	switch active {
	case s.Ports[0]:
		return active, s.Ports[1], nil
	case s.Ports[1]:
		return active, s.Ports[0], nil
	}
	return 0, 0,
		ops.E(ops.Config, lang.M("%s does not name one of the ports %d and %d", s.File, s.Ports[0], s.Ports[1])).
			WithHint(hint)
}

// mayStandBy refuses a plan whose second instance could not be started, before anything
// is installed or the database is changed for it.
func mayStandBy(ctx context.Context, d *Desk, steps []deploy.Step) error {
	if !deploy.Beside(steps) || len(d.conf.Switch.Ports) != 2 {
		return nil
	}
	_, other, err := d.active()
	if err != nil || d.conf.Switch.Stop != "" {
		return err
	}
	twin, is := d.ctl.(service.Twin)
	if !is {
		return noTwin()
	}
	_, err = twin.StopOn(ctx, other)
	return err
}

// standby starts the new release on the port that nginx does not use, and waits until it
// is ready. What ran there, the release before the last, is stopped first.
func (j *job) standby(ctx context.Context) (lang.Msg, error) {
	port, err := strconv.Atoi(j.state.Data[standbyPort])
	if err != nil {
		active, other, err := j.active()
		if err != nil {
			return lang.Msg{}, err
		}
		port = other
		data := map[string]string{standbyPort: strconv.Itoa(other), activePort: strconv.Itoa(active)}
		if err := j.note(deploy.Line{Event: deploy.EventSeen, Data: data}); err != nil {
			return lang.Msg{}, err
		}
	}
	if err := j.stopOn(ctx, port); err != nil {
		return lang.Msg{}, err
	}
	if err := free(ctx, port); err != nil {
		return lang.Msg{}, err
	}
	if err := j.startOn(ctx, port, j.plan.Code()); err != nil {
		return lang.Msg{}, err
	}
	if err := j.readyOn(ctx, port); err != nil {
		return lang.Msg{}, err
	}
	said, err := j.isNew(ctx, port)
	if err != nil {
		return lang.Msg{}, err
	}
	return lang.M("the instance on port %d is ready; /health/version: %s", port, said), nil
}

// askKeeper is how often PM2 is asked about an instance that is not ready.
const askKeeper = time.Second

// readyOn waits until the instance on a port is ready, or its keeper has stopped trying.
func (j *job) readyOn(ctx context.Context, port int) error {
	twin, is := j.ctl.(service.Twin)
	is = is && j.conf.Switch.Start == ""
	asked := time.Now()
	for ask := probe.Readiness(local(port)); ; {
		one, cancel := context.WithTimeout(ctx, j.Service.Health.Timeout)
		r := ask(one)
		cancel()
		if r.State == ops.StateOK {
			return nil
		}
		if is && time.Since(asked) >= askKeeper {
			asked = time.Now()
			if logs, ended := twin.GaveUp(ctx, port); ended {
				return &failure{ops.E(ops.Failed,
					lang.M("the instance on port %s does not stay up", strconv.Itoa(port))).
					WithHint(lang.M("read its log: opsdeck logs --newest --limit 50")), lastLines(logs)}
			}
		}
		if pause(ctx) != nil {
			return &failure{ops.E(ops.Failed, r.Detail), nil}
		}
	}
}

// onPort runs a command with the port of an instance in its environment.
func (j *job) onPort(ctx context.Context, port int, line string, env ...string) error {
	return j.runWith(ctx, "export PORT="+strconv.Itoa(port)+"; "+line, env, j.note.Child)
}

// startOn starts the instance on a port, of the release in a folder.
func (j *job) startOn(ctx context.Context, port int, code string) error {
	if line := j.conf.Switch.Start; line != "" {
		return j.onPort(ctx, port, "cd "+human.Shell(code)+" && { "+line+"\n}")
	}
	twin, is := j.ctl.(service.Twin)
	if !is {
		return noTwin()
	}
	line, env, err := twin.StartOn(ctx, port, releases{j.Desk}.moveTo(j.plan, code))
	if err != nil {
		return err
	}
	return j.onPort(ctx, port, line, env...)
}

// stopOn stops the instance on a port, if there is one.
func (j *job) stopOn(ctx context.Context, port int) error {
	if line := j.conf.Switch.Stop; line != "" {
		return j.onPort(ctx, port, line)
	}
	twin, is := j.ctl.(service.Twin)
	if !is {
		return noTwin()
	}
	line, err := twin.StopOn(ctx, port)
	if err != nil || line == "" {
		return err
	}
	return j.onPort(ctx, port, line)
}

func noTwin() error {
	return ops.E(ops.Config, lang.M("how the second instance is started is not known")).
		WithHint(lang.M("set deploy.switch.start and deploy.switch.stop in the configuration"))
}

// free waits until nobody listens on a port, for a short time: what was stopped may take
// a moment to leave it.
func free(ctx context.Context, port int) error {
	for end := time.Now().Add(5 * time.Second); ; {
		held, err := listener.On(port)
		if err != nil || len(held) == 0 {
			return err
		}
		if time.Now().After(end) {
			return taken(port, held[0])
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// version is what /health/version says at an address; "" where it names none.
func (j *job) version(ctx context.Context, url string) (string, lang.Msg) {
	one, cancel := context.WithTimeout(ctx, j.Service.Health.Timeout)
	defer cancel()
	r := probe.Version(url)(one)
	for _, f := range r.Fields {
		if text, is := f.Value.(string); is && f.Name == "version" {
			return text, r.Detail
		}
	}
	return "", r.Detail
}

func local(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// arriveLimit is how long nginx may take to send users to the new instance after it was
// told to reload.
const arriveLimit = 10 * time.Second

// arrived makes sure that users get the instance on a port, where the two instances report
// different versions and health.url goes through nginx. A reload succeeds as well where
// nginx does not include the file that was written.
func (j *job) arrived(ctx context.Context, port int) error {
	url := j.Service.Health.URL
	ports := j.conf.Switch.Ports
	if url == "" || instancePort(j.Service) > 0 {
		return nil
	}
	other := ports[0] + ports[1] - port
	want, _ := j.version(ctx, local(port))
	former, _ := j.version(ctx, local(other))
	if want == "" || former == "" || want == former {
		return nil
	}
	for end := time.Now().Add(cmp.Or(j.arrive, arriveLimit)); ; {
		now, _ := j.version(ctx, url)
		if now != former {
			return nil
		}
		if time.Now().After(end) {
			return ops.E(ops.Failed,
				lang.M("nginx was reloaded, but %s still reports version %s, not %s", url, former, want)).
				WithHint(lang.M("check that nginx includes %s and passes requests to its upstream", j.conf.Switch.File))
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// isNew asks the new instance for its version. Where the former one is known to tell that
// of package.json, the new one has to tell that of the new package.json.
func (j *job) isNew(ctx context.Context, port int) (lang.Msg, error) {
	now, said := j.version(ctx, local(port))
	former, err := strconv.Atoi(j.state.Data[activePort])
	if err != nil || now == "" || j.plan.To == "" {
		return said, nil
	}
	was, _ := j.version(ctx, local(former))
	old := j.versionAt(ctx, j.plan.From)
	meant := j.versionAt(ctx, j.plan.To)
	if was != "" && was == old && meant != "" && now != meant {
		return said,
			ops.E(ops.Failed, lang.M("port %d: the instance reports version %s, but the new code is version %s", port,
				now, meant)).
				WithHint(lang.M("check whether the start command runs the new build: opsdeck logs --newest --limit 50"))
	}
	return said, nil
}

// versionAt is the version in the package.json of a commit; "" where it names none.
func (j *job) versionAt(ctx context.Context, commit string) string {
	lines, err := j.repo(j.plan).git(ctx, "show", commit+":./package.json")
	if err != nil {
		return ""
	}
	var body struct{ Version string }
	if json.Unmarshal([]byte(strings.Join(lines, "\n")), &body) != nil {
		return ""
	}
	return body.Version
}

// endStandby stops the instance that was started beside the other.
func (j *job) endStandby(ctx context.Context) (lang.Msg, error) {
	port, err := strconv.Atoi(j.state.Data[standbyPort])
	if err != nil {
		return lang.M("nothing to undo: no second instance was started"), nil
	}
	active, _, err := j.active()
	if err == nil && active == port {
		err = ops.E(ops.Failed, lang.M("nginx still sends users to port %d", port))
	}
	if err != nil {
		return lang.Msg{}, err
	}
	if err := drain(ctx, port); err != nil {
		return lang.Msg{}, err
	}
	return lang.M("the instance on port %d is stopped", port), j.stopOn(ctx, port)
}

// An instance is stopped when nothing was connected to it for drainQuiet: nginx's former
// workers send it requests until they have ended. Connections that last, as those of
// WebSockets, are cut after drainLimit.
const (
	drainQuiet = time.Second
	drainLimit = 30 * time.Second
)

func drain(ctx context.Context, port int) error {
	quiet := time.Now()
	for end := quiet.Add(drainLimit); time.Since(quiet) < drainQuiet && time.Now().Before(end); {
		n, err := listener.Connected(port)
		if err != nil {
			return err
		}
		if n > 0 {
			quiet = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// toStandby sends users to the new instance. The former one keeps running, for the way
// back and for the requests that it has.
func (j *job) toStandby(ctx context.Context) (lang.Msg, error) {
	return j.aimAt(ctx, standbyPort)
}

// point lets the link to the current release follow nginx.
func (j *job) point(key string) error {
	p := j.plan
	if p.Releases == "" {
		return nil
	}
	if key == activePort {
		return point(p.Releases, p.Dir, p.Former, p.Below)
	}
	return point(p.Releases, p.Dir, p.Code(), p.Below)
}

// switchBack sends users to the former instance again. One that has stopped meanwhile is
// started from its folder first: nginx must not be sent to a port that does not answer.
func (j *job) switchBack(ctx context.Context) (lang.Msg, error) {
	port, err := strconv.Atoi(j.state.Data[activePort])
	if err != nil {
		return j.aimAt(ctx, activePort)
	}
	one, cancel := context.WithTimeout(ctx, j.Service.Health.Timeout)
	r := probe.Readiness(local(port))(one)
	cancel()
	if r.State == ops.StateOK {
		return j.aimAt(ctx, activePort)
	}
	if err := j.revive(ctx, port); err != nil {
		return lang.Msg{}, err
	}
	return j.aimAt(ctx, activePort)
}

// revive starts the former instance again and waits until it is ready.
func (j *job) revive(ctx context.Context, port int) error {
	former := j.plan.Former
	if former == "" {
		former = j.plan.Dir
	}
	if err := j.stopOn(ctx, port); err != nil {
		return err
	}
	if err := free(ctx, port); err != nil {
		return err
	}
	if err := j.startOn(ctx, port, former); err != nil {
		return err
	}
	return j.readyOn(ctx, port)
}

// aimAt lets nginx use a port that the journal holds. A file that nginx refuses is taken
// back before anything was reloaded.
func (j *job) aimAt(ctx context.Context, key string) (lang.Msg, error) {
	port, err := strconv.Atoi(j.state.Data[key])
	if err != nil {
		return lang.Msg{}, ops.E(ops.Failed, lang.M("no step of type standby was run before"))
	}
	s := j.conf.Switch
	before, err := regular.ReadFile(s.File)
	if err != nil {
		return lang.Msg{}, err
	}
	if active, _, err := j.active(); err != nil || active != port {
		if err := atomicfile.WriteBytes(s.File, 0o644, j.upstream(port)); err != nil {
			return lang.Msg{}, err
		}
	}
	if err = j.run(ctx, s.Test, j.note.Child); err == nil {
		if err = j.run(ctx, s.Reload, j.note.Child); err == nil {
			err = j.arrived(ctx, port)
		}
	}
	if err == nil {
		return lang.M("nginx sends users to port %d", port), j.point(key)
	}
	if back := atomicfile.WriteBytes(s.File, 0o644, before); back != nil {
		return lang.Msg{}, back
	}
	again := host.Run(context.WithoutCancel(ctx), host.Command{
		Shell: s.Test + " && " + s.Reload,
		Dir:   j.code(),
		Hide:  j.veil(j.plan.Dir).text,
	})
	if again.Err != nil {
		j.Say(lang.M("nginx was not reloaded after its file was restored: %s", again.Why()))
	}
	return lang.Msg{}, err
}

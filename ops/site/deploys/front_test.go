package deploys

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/internal/listener"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/health"
	"opsdeck/ops/probe"
)

// TestChecksThatAskOneInstanceAreRefused: a switch would be verified by the instance that
// users no longer get. Through nginx nothing is said.
func TestChecksThatAskOneInstanceAreRefused(t *testing.T) {
	t.Parallel()
	for url, refused := range map[string]bool{
		"http://localhost:3000": true, "http://127.0.0.1:3001": true,
		"http://localhost": false, "http://shop.example:3000": false,
	} {
		d, _ := desk(t, func(c *config.Service) {
			c.Health.URL = url
			c.Process = config.Process{Kind: "none"}
			c.Deploy.Switch = config.DeploySwitch{File: "/nowhere/up.conf", Ports: []int{3000, 3001}}
		})
		_, err := d.Plan(t.Context(), "blue-green", "")
		if is := err != nil && strings.Contains(err.Error(), "would check the wrong one"); is != refused {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := d.Plan(t.Context(), "update", ""); err == nil || strings.Contains(err.Error(), "health.url") {
			t.Errorf("%s, a plan that does not switch: %v", url, err)
		}
		f := view{Desk: d}.front()
		if len(f) != 1 || (f[0].State == ops.StateWarning) != refused || refused == (f[0].Fix == "") {
			t.Errorf("%s: %+v", url, f)
		}
	}
}

// TestTheProgramInFrontIsNotCalledAForeigner: users reach the service through nginx, which
// holds the port of health.url. One that holds the service's own port is named.
func TestTheProgramInFrontIsNotCalledAForeigner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url, env, holder string
		ports            []int
		front            bool
	}{
		{"http://127.0.0.1:8080", "PORT=3000\n", "nginx", []int{3000, 3001}, true},
		{"http://127.0.0.1:3001", "PORT=3000\n", "nginx", []int{3000, 3001}, false},
		{"http://127.0.0.1:8080", "PORT=3000\n", "nginx", nil, true},
		{"http://127.0.0.1", "", "nginx", nil, true},
		{"http://127.0.0.1:3000", "PORT=3000\n", "nginx", nil, false},
		{"http://127.0.0.1:3000", "", "nginx", nil, false},
		{"http://127.0.0.1:8080", "PORT=3000\n", "java", nil, false},
	} {
		d, dir := desk(t, func(s *config.Service) {
			s.Health.URL = c.url
			s.Process = config.Process{Kind: "pm2", Name: "shop"}
			if c.ports != nil {
				s.Deploy.Switch = config.DeploySwitch{File: "/nowhere/up.conf", Ports: c.ports}
			}
		})
		write(t, filepath.Join(dir, ".env"), c.env, 0o600)
		port := probe.LocalPort(c.url)
		look := func() (listener.Sockets, error) {
			return listener.Sockets{port: {{PID: 42, Name: c.holder}}}, nil
		}
		running := health.Process{Kind: "pm2", PID: 7, State: health.ProcessRunning}
		v := view{Desk: d, dir: dir, sockets: look, process: running}
		v.env = v.settings()
		f := deploy.JudgePorts(v.places(t.Context()))
		at := slices.IndexFunc(f, func(f deploy.Finding) bool { return f.Name == fmt.Sprint("port-", port) })
		if at < 0 || (f[at].State == ops.StateOK) != c.front {
			t.Errorf("%+v: %+v", c, f)
		}
		if _, compared := v.env.Expected["PORT"]; compared == c.front {
			t.Errorf("%+v: PORT of the environment file is compared: %v", c, compared)
		}
	}
}

// TestAPlanWhoseInstanceCannotBeStartedIsRefused, before it installs anything. The file of
// nginx's upstream may have its server in one line.
func TestAPlanWhoseInstanceCannotBeStartedIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "up.conf")
	for _, c := range []struct{ file, start, says string }{
		{"", "true", "cannot be read"},
		{"upstream shop { server 127.0.0.1:9; }\n", "true", "does not name one of the ports 3000 and 3001"},
		{"# server 127.0.0.1:3000;\n", "true", "does not name one of the ports 3000 and 3001"},
		{"upstream shop { server 127.0.0.1:3001; }\n", "", "how the second instance is started is not known"},
		{"upstream shop { server 127.0.0.1:3001; }\n", "true", ""},
		{"upstream shop {\n\tserver 127.0.0.1:3000;\n}\n", "true", ""},
	} {
		d, _ := desk(t, func(s *config.Service) {
			s.Process = config.Process{Kind: "none"}
			s.Deploy.Switch = config.DeploySwitch{File: file, Ports: []int{3000, 3001}, Start: c.start, Stop: c.start}
		})
		if c.file != "" {
			write(t, file, c.file, 0o600)
		}
		err := mayStandBy(t.Context(), d, []deploy.Step{{Kind: deploy.KindStandby}})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.file, err, c.says)
		}
		if err := mayStandBy(t.Context(), d, []deploy.Step{{Kind: deploy.KindStart}}); err != nil {
			t.Errorf("a plan without a second instance: %v", err)
		}
	}
}

package deploys

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/deploy"
)

// nginxBin is a real nginx.
func nginxBin(t *testing.T) string {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx, err = exec.LookPath("/usr/sbin/nginx")
	}
	if err != nil && os.Getenv("OPSDECK_REAL") == "required" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return nginx
}

// behindNginx is a shop with two ports behind a real nginx, at release 1.
func behindNginx(t *testing.T) (s *shop, front string, ports []int) {
	t.Parallel()
	nginx := nginxBin(t)
	ports = freePorts(t, 3)
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	conf := filepath.Join(dir, "nginx.conf")
	file := filepath.Join(dir, "shop.conf")
	write(t, conf, nginxConf(dir, file, ports[2]), 0o644)
	front = fmt.Sprintf("http://127.0.0.1:%d", ports[2])
	s = newShop(t, func(c *config.Service) {
		run := filepath.Dir(c.Deploy.Dir)
		c.Health.URL = front
		c.Process = config.Process{Kind: "none"}
		c.Deploy.Switch = config.DeploySwitch{File: file, Upstream: "shop", Ports: ports[:2],
			Start:  "setsid node app.js $PORT >" + run + "/log.$PORT 2>&1 & echo $! >" + run + "/pid.$PORT",
			Stop:   "p=$(cat " + run + "/pid.$PORT) || exit 0; kill $p; while kill -0 $p 2>/dev/null; do sleep 0.02; done; rm " + run + "/pid.$PORT",
			Test:   nginx + " -t -c " + conf,
			Reload: nginx + " -s reload -c " + conf}
		c.Deploy.Plans = []config.DeployPlan{{Name: "update", Steps: []config.DeployStep{
			{Name: "pull", Kind: "pull"}, {Name: "standby", Kind: "standby"}, {Name: "switch", Kind: "switch"},
			{Name: "ready", Kind: "ready"}, {Name: "last", Run: "[ ! -e broken-last ]"}}}}
	})
	write(t, file, string(s.upstream(ports[0])), 0o644)
	sh := func(line string) {
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = s.app
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	t.Cleanup(func() {
		// by its pid: nginx -s stop refuses where the test left a configuration that is not valid
		exec.Command("sh", "-c", "p=$(cat "+dir+"/pid) && kill $p; while kill -0 $p 2>/dev/null; do sleep 0.02; done").Run()
		for _, port := range ports[:2] {
			exec.Command("sh", "-c", fmt.Sprintf("PORT=%d; ", port)+s.conf.Switch.Stop).Run()
		}
	})
	sh(fmt.Sprintf("PORT=%d; ", ports[0]) + s.conf.Switch.Start)
	sh(nginx + " -c " + conf)
	for end := time.Now().Add(2 * time.Minute); s.version() != "1.0.0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nginx does not answer")
		}
	}
	return s, front, ports
}

// nginxConf is a whole configuration for a server in a folder of the test's own.
func nginxConf(dir, file string, port int) string {
	return fmt.Sprintf("daemon on; master_process on; pid %[1]s/pid; error_log %[1]s/error.log;\n"+
		"events {}\nhttp { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;\n"+
		"uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; include %[2]s;\n"+
		"server { listen 127.0.0.1:%[3]d; location / { proxy_pass http://shop; } } }\n", dir, file, port)
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		port, err := testdb.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}

// load asks again and again until stop is called, which tells how many answers there were
// and the first that was not 200. Four ask in turn, one each 16 ms, over new connections: a
// gap in which nobody listens is met, and the machine is left to what is tested. Without the
// pause the connections that were closed fill the tables that every look for a port reads.
func load(url string) (stop func() (asked int64, bad string)) {
	var asked atomic.Int64
	var first atomic.Value
	over := make(chan struct{})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			time.Sleep(time.Duration(i) * 16 * time.Millisecond)
			next := time.NewTicker(64 * time.Millisecond)
			defer next.Stop()
			for {
				select {
				case <-over:
					return
				case <-next.C:
				}
				if bad := ask(strings.TrimPrefix(url, "http://")); bad != "" {
					first.CompareAndSwap(nil, bad)
				}
				asked.Add(1)
			}
		})
	}
	return func() (int64, string) {
		close(over)
		all.Wait()
		bad, _ := first.Load().(string)
		return asked.Load(), bad
	}
}

// ask asks for /health and reads the answer to its end; bad is "" for a whole one of status
// 200. It is HTTP by hand, for a tenth of what net/http takes under the race detector.
func ask(address string) (bad string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	if _, err = io.WriteString(conn, "GET /health HTTP/1.0\r\nHost: "+address+"\r\n\r\n"); err != nil {
		return err.Error()
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return err.Error()
	}
	status, _, _ := strings.Cut(string(answer), "\r\n")
	if !strings.Contains(status, " 200 ") || !strings.HasSuffix(string(answer), "}") {
		return status + ": " + string(answer)
	}
	return ""
}

// TestNoRequestIsLostWhileNginxIsSwitched, there and back, under load.
func TestNoRequestIsLostWhileNginxIsSwitched(t *testing.T) {
	s, front, ports := behindNginx(t)
	s.commit("two", map[string]string{"package.json": pkg("2", "")})
	stop := load(front)
	p, state := s.deploy("update")
	if state.Result != deploy.ResultDone {
		t.Errorf("%s %s %v", state.Result, state.Detail, state.Tail)
	}
	s.becomes("2.0.0")
	if active, _, err := s.active(); err != nil || active != ports[1] {
		t.Errorf("port %d, %v", active, err)
	}
	state, err := s.Carry(t.Context(), p, deploy.EventBack, nil)
	if err != nil || state.Result != deploy.ResultTakenBack {
		t.Errorf("%v, %s %s", err, state.Result, state.Detail)
	}
	s.becomes("1.0.0")
	if asked, bad := stop(); bad != "" || asked < 20 {
		t.Errorf("%d requests, one was answered %q", asked, bad)
	}
}

// becomes waits until nginx's workers have the release: a reload returns before.
func (s *shop) becomes(version string) {
	s.t.Helper()
	for end := time.Now().Add(2 * time.Minute); s.version() != version; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("release %q answers, not %s", s.version(), version)
		}
	}
}

// TestAFileThatNginxRefusesLeavesAllAsBefore: the file is the former one, release 1
// answers, and the second instance is stopped.
func TestAFileThatNginxRefusesLeavesAllAsBefore(t *testing.T) {
	s, front, ports := behindNginx(t)
	before, err := os.ReadFile(s.conf.Switch.File)
	if err != nil {
		t.Fatal(err)
	}
	s.conf.Switch.Upstream = "no { such"
	s.commit("two", map[string]string{"package.json": pkg("2", "")})
	stop := load(front)
	p, state := s.deploy("update")
	s.failed(p, state, "switch", "nginx")
	if asked, bad := stop(); bad != "" || asked == 0 {
		t.Errorf("%d requests, one was answered %q", asked, bad)
	}
	after, err := os.ReadFile(s.conf.Switch.File)
	if err != nil || string(after) != string(before) {
		t.Errorf("the file is %s, %v", after, err)
	}
	if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[1])); err == nil {
		c.Close()
		t.Error("the second instance still runs")
	}
	if !strings.Contains(state.Detail+strings.Join(state.Tail, " "), "shop.conf") {
		t.Errorf("nginx's own words are missing: %s %v", state.Detail, state.Tail)
	}
}

package testdb

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// DockerEngine is a real Docker engine in a folder of its own. It has no network
// but the machine's (network_mode host or none) and no images but imported ones.
type DockerEngine struct {
	Host string // DOCKER_HOST
	Dir  string // a folder for the test's projects

	proc *process
}

// BusyboxImage is an image with a shell and the usual small commands; the
// engine has it from its start.
const BusyboxImage = "opsdeck-busybox:1"

// Docker starts an engine of the test's own, which ends with the test together
// with every container. It needs root: a test on a machine that cannot have one
// is skipped with the reason.
//
// The engine is process 1 of its own namespace with mounts and a /run of its own,
// so that its containers and mounts end with it even when it is killed. It is
// never given a folder of the machine but its own.
func Docker(t testing.TB) *DockerEngine {
	t.Helper()
	if os.Geteuid() != 0 {
		absent(t, fmt.Errorf("a Docker engine of the test's own needs root"))
	}
	for _, name := range []string{"dockerd", "docker", "busybox", "unshare"} {
		if _, err := program("", name); err != nil {
			absent(t, err)
		}
	}
	dir, err := newFolder("docker")
	if err != nil {
		t.Fatal(err)
	}
	d := &DockerEngine{Dir: dir, Host: "unix://" + filepath.Join(dir, "docker.sock")}
	t.Cleanup(func() {
		if d.proc != nil {
			d.Stop(t)
		}
		os.RemoveAll(dir)
	})
	d.Start(t)
	d.importBusybox(t)
	return d
}

// dockerScript runs in the new namespaces; $1 is the engine's folder.
const dockerScript = `mount -t tmpfs tmpfs /run && echo '{}' >"$1/daemon.json" && exec dockerd --config-file "$1/daemon.json" --storage-driver=vfs \
	--iptables=false --ip6tables=false --bridge=none --data-root "$1/root" --exec-root "$1/exec" --pidfile "$1/dockerd.pid" -H "unix://$1/docker.sock"`

// Start starts the engine if it does not run; its containers stay stopped.
func (d *DockerEngine) Start(t testing.TB) {
	t.Helper()
	if d.proc != nil && d.proc.running() {
		return
	}
	for tries := 1; ; tries++ {
		err := d.start()
		if err == nil {
			return
		}
		// It gives its containerd 15 seconds and no more, which a busy machine may need longer for.
		if tries == 5 || !strings.Contains(err.Error(), "waiting for containerd") {
			absent(t, err)
		}
	}
}

func (d *DockerEngine) start() (err error) {
	// What it wrote down of processes that are gone: their numbers have new owners in the new namespace.
	os.Remove(filepath.Join(d.Dir, "dockerd.pid"))
	os.RemoveAll(filepath.Join(d.Dir, "exec"))
	d.proc, err = launch(
		d.Dir,
		[]string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"},
		"unshare",
		"--pid",
		"--mount",
		"--fork",
		"--kill-child",
		"--mount-proc",
		"sh",
		"-c",
		dockerScript,
		"sh",
		d.Dir,
	)
	if err != nil {
		return err
	}
	return d.proc.ready(d.answers)
}

func (d *DockerEngine) answers(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(d.Host, "unix://"))
	if err != nil {
		return err
	}
	conn.Close()
	return d.command(ctx, "docker", "version").Run()
}

// Stop ends the engine, and with it every container.
func (d *DockerEngine) Stop(t testing.TB) {
	t.Helper()
	d.proc.kill()
}

func (d *DockerEngine) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = d.Dir, append(os.Environ(), "DOCKER_HOST="+d.Host)
	return cmd
}

// Run runs a command (docker, docker-compose) against the engine and returns its
// standard output.
func (d *DockerEngine) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := d.command(t.Context(), name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

const importScript = `mkdir -p image/bin image/tmp && cp "$1" image/bin/busybox
for applet in $(image/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "image/bin/$applet"; done
tar -C image -c . | docker import - "$2"`

func (d *DockerEngine) importBusybox(t testing.TB) {
	t.Helper()
	busybox, err := program("", "busybox")
	if err != nil {
		absent(t, err)
	}
	d.Run(t, "sh", "-ec", importScript, "sh", busybox, BusyboxImage)
}

// Compose finds one of the two programs called Compose: "plugin" is that of the
// docker command, "old" the one of its own. The answer is a folder for
// DOCKER_CONFIG, in which the docker command has the plugin or has it not.
func (d *DockerEngine) Compose(t testing.TB, which string) (config string) {
	t.Helper()
	config = filepath.Join(d.Dir, "config-"+which)
	plugins := filepath.Join(config, "cli-plugins")
	if err := os.MkdirAll(plugins, 0o700); err != nil {
		t.Fatal(err)
	}
	if which == "old" {
		if _, err := program("", "docker-compose"); err != nil {
			absent(t, err)
		}
		return config
	}
	plugin, err := program(filepath.Join(cacheDir(), "compose"), "docker-compose")
	if err != nil {
		absent(t, err)
	}
	if err := os.Symlink(plugin, filepath.Join(plugins, "docker-compose")); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	return config
}

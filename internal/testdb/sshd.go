package testdb

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SSHServer is a real sshd that lets the test's own user in by a key.
type SSHServer struct {
	Host         string
	Port         int
	User         string
	IdentityFile string // private key, 0600
	KnownHosts   string // file with the server's key
	Dir          string // a folder to copy into

	home string
	proc *process
}

// SSHD starts an sshd of the test's own. It ends with the test.
func SSHD(t testing.TB) *SSHServer {
	t.Helper()
	if _, err := program("", "sshd"); err != nil {
		absent(t, err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	home, err := newFolder("sshd")
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHServer{Host: "127.0.0.1", User: me.Username, home: home, Dir: filepath.Join(home, "files"),
		IdentityFile: filepath.Join(home, "key"), KnownHosts: filepath.Join(home, "known_hosts")}
	t.Cleanup(func() {
		if s.proc != nil {
			s.proc.kill()
		}
		os.RemoveAll(home)
	})
	if err := s.prepare(); err != nil {
		absent(t, err)
	}
	s.Start(t)
	return s
}

// prepare makes the keys and the configuration.
func (s *SSHServer) prepare() error {
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd's own, fixed at its build
			return err
		}
	}
	for _, key := range []string{"key", "host_key"} {
		if err := run("", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.home, key)); err != nil {
			return err
		}
	}
	var err error
	if s.Port, err = FreePort(); err != nil {
		return err
	}
	host, err := os.ReadFile(filepath.Join(s.home, "host_key.pub"))
	if err != nil {
		return err
	}
	known := fmt.Sprintf("[%s]:%d %s", s.Host, s.Port, host)
	config := []string{
		"ListenAddress " + net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		"HostKey " + filepath.Join(s.home, "host_key"),
		"AuthorizedKeysFile " + filepath.Join(s.home, "key.pub"),
		"PidFile none",
		"StrictModes no",
		"UsePAM no",
		"PasswordAuthentication no",
		"PermitRootLogin yes",
		"Subsystem sftp internal-sftp",
		"SetEnv SHLVL=1", // a bash that thinks itself the second reads no .bashrc, which may do anything
	}
	if err := os.WriteFile(s.KnownHosts, []byte(known), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.home, "sshd_config"), []byte(strings.Join(config, "\n")+"\n"), 0o600)
}

// Start starts the server if it does not run.
func (s *SSHServer) Start(t testing.TB) {
	t.Helper()
	if s.proc != nil && s.proc.running() {
		return
	}
	path, err := program("", "sshd")
	if err != nil {
		absent(t, err)
	}
	if s.proc, err = launch(s.home, nil, path, "-D", "-e", "-f", filepath.Join(s.home, "sshd_config")); err != nil {
		t.Fatal(err)
	}
	err = s.proc.ready(func(context.Context) error {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("start sshd: %v", err)
	}
}

// Kill is kill -9.
func (s *SSHServer) Kill() { s.proc.kill() }

// Options are the arguments for ssh that reach the server without a question.
func (s *SSHServer) Options() []string {
	return []string{"-p", strconv.Itoa(s.Port), "-i", s.IdentityFile, "-o", "UserKnownHostsFile=" + s.KnownHosts,
		"-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"}
}

// Run runs a command on the server through ssh.
func (s *SSHServer) Run(t testing.TB, command string) []byte {
	t.Helper()
	cmd := exec.Command("ssh", append(s.Options(), s.User+"@"+s.Host, command)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh %s: %v: %s", command, err, s.proc.tail())
	}
	return out
}

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// realServer is a private mariadbd or mysqld of this machine.
type realServer struct {
	at      account
	dir     string
	program string
	maria   bool
	child   *child
}

// newReal initialises a data folder for the server program found on the PATH.
func newReal(ctx context.Context, dir, password string) (*realServer, error) {
	r := &realServer{dir: dir}
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd", "mysqld", "/usr/sbin/mysqld"} {
		if path, err := exec.LookPath(name); err == nil {
			r.program = path
			break
		}
	}
	if r.program == "" {
		return nil, errors.New("neither mariadbd nor mysqld is on the PATH")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r.at = account{"127.0.0.1", port, "qianzhang", password}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	version, err := exec.CommandContext(ctx, r.program, "--version").Output()
	if err != nil {
		return nil, err
	}
	r.maria = strings.Contains(string(version), "MariaDB")
	return r, r.initialise(ctx)
}

func (r *realServer) account() account { return r.at }

func (r *realServer) setFull(bool) {}

func (r *realServer) initialise(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, r.program, "--no-defaults", "--initialize-insecure", "--datadir="+r.data())
	if r.maria {
		cmd = exec.CommandContext(
			ctx,
			"mariadb-install-db",
			"--no-defaults",
			"--datadir="+r.data(),
			"--skip-test-db",
			"--auth-root-authentication-method=normal",
		)
	}
	cmd.Args = append(cmd.Args, asUser()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise %s: %w: %s", r.data(), err, out[max(0, len(out)-400):])
	}
	sql := fmt.Sprintf(
		"CREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;\nCREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY "+
			"'%s';\nGRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION;\n",
		database,
		r.at.user,
		r.at.password,
		r.at.user,
	)
	return os.WriteFile(filepath.Join(r.dir, "init.sql"), []byte(sql), 0o600)
}

func (r *realServer) data() string { return filepath.Join(r.dir, "data") }

// asUser is the argument without which a server refuses to run as root.
func asUser() []string {
	if os.Getuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func (r *realServer) start(ctx context.Context) error {
	if r.child.running() {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(r.dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := append(
		[]string{
			"--no-defaults",
			"--datadir=" + r.data(),
			"--socket=" + filepath.Join(r.dir, "sock"),
			"--port=" + strconv.Itoa(r.at.port),
			"--bind-address=" + r.at.host,
			"--pid-file=" + filepath.Join(
				r.dir,
				"pid",
			),
			"--server-id=1",
			"--log-bin=" + filepath.Join(r.data(), "binlog"),
			"--innodb-buffer-pool-size=64M",
			"--init-file=" + filepath.Join(r.dir, "init.sql"),
		},
		asUser()...)
	if r.child, err = spawn(log, log, nil, r.program, args...); err != nil {
		return err
	}
	return r.await(ctx)
}

// await waits until the account can be used: the server answers before it has
// run its init file.
func (r *realServer) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	db, err := sql.Open(
		"mysql",
		fmt.Sprintf("%s:%s@tcp(%s:%d)/%s?timeout=2s", r.at.user, r.at.password, r.at.host, r.at.port, database),
	)
	if err != nil {
		return err
	}
	defer db.Close()
	for pause(ctx, 50*time.Millisecond) {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		if !r.child.running() {
			return fmt.Errorf("%s ended; see %s", r.program, filepath.Join(r.dir, "server.log"))
		}
	}
	return fmt.Errorf("%s does not answer: %w", r.program, err)
}

func (r *realServer) stop() { r.child.stop(20 * time.Second) }

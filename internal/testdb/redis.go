package testdb

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RedisServer is a real Redis server, without a password and without
// persistence.
type RedisServer struct {
	Addr string // host:port
	Host string
	Port int

	dir, program string
	extra        []string
	proc         *process
}

// Redis starts a Redis server of the test's own, with further arguments for
// redis-server ("--requirepass", "secret"). It ends with the test.
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	r := &RedisServer{Host: "127.0.0.1", extra: args}
	var err error
	if r.program, err = program("", "redis-server"); err != nil {
		absent(t, err)
	}
	if r.dir, err = newFolder("redis"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.proc != nil {
			r.proc.kill()
		}
		os.RemoveAll(r.dir)
	})
	for range 3 {
		if r.Port, err = FreePort(); err != nil {
			t.Fatal(err)
		}
		r.Addr = net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
		if err = r.start(); err == nil {
			return r
		}
	}
	t.Fatalf("start redis: %v", err)
	return nil
}

func (r *RedisServer) start() error {
	args := append(
		[]string{"--port", strconv.Itoa(r.Port), "--bind", r.Host, "--save", "", "--appendonly", "no", "--dir", r.dir},
		r.extra...)
	var err error
	if r.proc, err = launch(r.dir, nil, r.program, args...); err != nil {
		return err
	}
	return r.proc.ready(r.ping)
}

// ping takes any answer to PING, also one that asks for a password.
func (r *RedisServer) ping(context.Context) error {
	conn, err := net.DialTimeout("tcp", r.Addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	fmt.Fprint(conn, "PING\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+PONG") && !strings.HasPrefix(line, "-NOAUTH") {
		err = fmt.Errorf("PING: %q", line)
	}
	return err
}

// Kill is kill -9.
func (r *RedisServer) Kill() { r.proc.kill() }

// Stop ends the server in order.
func (r *RedisServer) Stop(t testing.TB) {
	t.Helper()
	if err := r.proc.stop(); err != nil {
		t.Fatalf("stop redis: %v", err)
	}
}

// Start starts the server again on the same port, without its former contents.
func (r *RedisServer) Start(t testing.TB) {
	t.Helper()
	if r.proc.running() {
		return
	}
	if err := r.start(); err != nil {
		t.Fatalf("start redis: %v", err)
	}
}

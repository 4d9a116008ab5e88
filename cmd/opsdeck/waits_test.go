package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
)

// needed are arguments without which a command is only a mistake.
var needed = map[string][]string{
	"audit trace": {"ORDER", "1"}, "audit export": {"-o", "out.csv"}, "backup show": {"x"}, "completion": {"bash"},
	"restore lost": {
		"--from",
		"x",
	}, "serve": {"--listen", "127.0.0.1:0"}, "logs": {"x", "--follow"}, "status": {"--watch", "1s"},
	"restore worker": {"x", "--first", "begin"},
}

// silence accepts connections and never says a word.
func silence(t *testing.T) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	host, port, _ = net.SplitHostPort(l.Addr().String())
	return host, port
}

// holdFile locks a file as another program would.
func holdFile(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

// TestEveryCommandEndsByTimeoutAndBySignal runs every command where nothing
// answers: a server, a Redis, a service that accept and say nothing, a record of
// operations that somebody keeps locked.
func TestEveryCommandEndsByTimeoutAndBySignal(t *testing.T) {
	host, port := silence(t)
	dir := t.TempDir()
	config := configFile(
		t,
		"services:\n  - name: q\n    health: {url: 'http://"+host+":"+port+"'}\n    redis: {address: '"+host+":"+port+"'}\n"+
			"    database: {name: q, host: "+host+", port: "+port+", options_file: "+filepath.Join(
			dir,
			"my.cnf",
		)+"}\n"+
			"    logs: ["+filepath.Join(
			dir,
			"a.log",
		)+"]\n    backup: {dir: "+filepath.Join(
			dir,
			"backups",
		)+"}\nstate_dir: "+filepath.Join(
			dir,
			"state",
		)+"\n",
	)
	os.WriteFile(filepath.Join(dir, "my.cnf"), []byte("[client]\nuser=u\npassword=p\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "a.log"), []byte("x\n"), 0o600)
	os.Mkdir(filepath.Join(dir, "backups"), 0o700)
	holdFile(t, filepath.Join(dir, "state", "operations.jsonl"))
	for name := range leaves(t) {
		args := append([]string{"--config", config, "--lang", "en"}, strings.Fields(name)...)
		args = append(append(args, needed[name]...), changingCommands[name]...)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endsSoon(t, context.Background(), append([]string{"--timeout", "300ms"}, args...))
			ctx, stop := context.WithTimeout(context.Background(), 300*time.Millisecond) // as run sees a signal
			defer stop()
			endsSoon(t, ctx, args)
		})
	}
}

func endsSoon(t *testing.T, ctx context.Context, args []string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := make(chan int, 1)
	go func() { code <- run(ctx, args, stdio{in: strings.NewReader(""), out: &out, err: &errs}) }()
	select {
	case got := <-code:
		if strings.Contains(errs.String(), "did not stop within") || got < 0 {
			t.Errorf("%v: exit %d: %s", args, got, errs.String())
		}
	case <-time.After(time.Minute):
		t.Fatalf("%v never ends", args)
	}
}

// TestALockedRecordOfOperationsIsTold makes a backup while somebody keeps the
// record locked: it ends by --timeout and says who that is.
func TestALockedRecordOfOperationsIsTold(t *testing.T) {
	config, _, dir := aShop(t, testdb.MariaDB(t))
	record := filepath.Join(dir, "state", "operations.jsonl")
	holdFile(t, record)
	var out, errs bytes.Buffer
	code := run(
		context.Background(),
		[]string{"--config", config, "--lang", "en", "--timeout", "2s", "backup", "create"},
		stdio{in: strings.NewReader(""), out: &out, err: &errs},
	)
	if code != 75 || !strings.Contains(errs.String(), "has locked "+record) ||
		!strings.Contains(errs.String(), "running since") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

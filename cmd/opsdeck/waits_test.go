package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/testdb"
)

// aDump is a backup of another tool in the world where nothing answers.
const aDump = "q_20260101_020000.sql.gz"

// reached are arguments with which a command comes to where it waits, besides those of
// changingCommands.
var reached = map[string][]string{
	"status":                  {"--watch", "1s"},
	"logs search":             {"x", "--follow"},
	"audit trace":             {"ORDER", "1"},
	"audit export":            {"-o", "out.csv"},
	"backup show":             {aDump},
	"backup verify":           {"--deep", aDump},
	"backup remove":           {aDump, "--confirm", "q"},
	"backup accept":           {aDump, "--confirm", "q"},
	"backup drill":            {aDump},
	"backup prune":            {"--foreign", "--confirm", "q"},
	"restore run":             {"--from", aDump, "--confirm", "q"},
	"restore lost":            {"--from", aDump},
	"restore worker":          {"x", "--first", "begin"},
	"restore rewind":          {"--txn", "binlog.000001:4", "--confirm", "q"},
	"restore rescue":          {"--table", "t", "--merge", "all", "--confirm", "q"},
	"restore standby remove":  {"--confirm", "q"},
	"restore standby rebuild": {"--confirm", "q"},
	"audit archive":           {"--year", "2020", "--delete", "--confirm", "q"},
	"audit restore-archive":   {"DIR/audit_logs_2020.sql.gz"},
	"deploy run":              {"update", "--confirm", "q"},
	"watch silence":           {"mysql", "--for", "1h", "--why", "x"},
	"serve":                   {"--listen", "127.0.0.1:0"},
	"completion":              {"bash"},
}

// atOnce are commands that need nothing of what does not answer, or have nothing to do in
// that world: no restore was begun, no alert fires, no backup is good.
var atOnce = []string{
	"alerts", "backup accept", "backup binlog verify", "backup drills", "backup list", "backup prune",
	"backup remove", "backup schedule remove",
	"backup schedule show", "backup show", "completion", "config check", "config init", "config show", "console",
	"deploy plan", "deploy status", "logs learn", "man", "restore abort", "restore attach", "restore drop-old",
	"restore report", "restore resume", "restore set-aside", "restore undo", "runbook",
	"watch ack", "watch install", "watch silences", "watch unsilence",
}

// ends are a command's exit codes when --timeout and when a signal ends it.
type ends struct{ timeout, signal int }

// stopped are the commands that end otherwise than with 75 and 130: the exit code of three is a
// state, four run until they are stopped, the others have an answer of their own by then.
var stopped = map[string]ends{
	"status":               {1, 130}, // a warning outweighs what is unknown
	"doctor":               {3, 130},
	"deploy check":         {3, 130},
	"serve":                {0, 0},
	"watch run":            {0, 0},
	"backup binlog follow": {75, 0},
	"backup binlog list":   {0, 0},
	"restore status":       {0, 0},
	"watch rules":          {0, 0},
	"deploy undo":          {64, 64},
}

func endsOf(name string) ends {
	if e, ok := stopped[name]; ok {
		return e
	}
	return ends{75, 130}
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

// stuck is a world where nothing answers: a server, a Redis, a service, a copy, a webhook
// accept and say nothing; somebody keeps the record of operations locked.
func stuck(t *testing.T, host, port, code string) (config, dir string) {
	t.Helper()
	dir = t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"my.cnf": "[client]\nuser=u\npassword=p\n", "a.log": "x\n", "url": "http://" + host + ":" + port + "/\n",
		"keys": "access_key: a\nsecret_key: b\n",
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	var dump bytes.Buffer
	z := gzip.NewWriter(&dump)
	fmt.Fprint(z, "-- MySQL dump 10.13\nUSE `q`;\nCREATE TABLE `t` (`id` int NOT NULL, PRIMARY KEY (`id`));\n"+
		"INSERT INTO `t` VALUES (1);\n-- Dump completed on 2026-01-01  2:00:00\n")
	z.Close()
	for _, name := range []string{"backups/" + aDump, "backups/q_20260102_020000.sql.gz", "audit_logs_2020.sql.gz"} {
		if err := os.WriteFile(at(name), dump.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config = configFile(t, strings.NewReplacer("DIR", dir, "SILENT", host+":"+port, "HOST", host, "PORT", port, "CODE",
		code).Replace(
		`services:
  - name: q
    health: {url: 'http://SILENT'}
    redis: {address: 'SILENT'}
    process: {kind: none}
    database: {name: q, host: HOST, port: PORT, options_file: DIR/my.cnf}
    logs: [DIR/a.log]
    backup:
      dir: DIR/backups
      binlog: follow
      copies: [{name: off, kind: s3, endpoint: "SILENT", insecure: true, target: b/p, credentials_file: DIR/keys}]
    restore: {standby: true}
    notify: [{name: hook, kind: webhook, url_file: DIR/url}]
    deploy: {dir: CODE, plans: [{name: update, steps: [{name: wait, run: sleep 600}]}]}
state_dir: DIR/state
`))
	holdFile(t, at("state/operations.jsonl"))
	return config, dir
}

// gitTree makes a work tree with one commit.
func gitTree(t *testing.T, dir string) {
	t.Helper()
	for _, words := range [][]string{
		{"init", "-q", dir},
		{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"},
	} {
		if out, err := exec.Command("git", words...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", words, err, out)
		}
	}
}

// TestEveryCommandEndsByTimeoutAndBySignal runs every command where nothing answers. One
// that ends before it is told to has waited for nothing: it is in the list of those.
func TestEveryCommandEndsByTimeoutAndBySignal(t *testing.T) {
	host, port := silence(t)
	code := filepath.Join(t.TempDir(), "code")
	gitTree(t, code)
	const wait, neverWaited = 300 * time.Millisecond, 3 * time.Minute
	for name := range leaves(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, dir := stuck(t, host, port, code)
			args := append([]string{"--config", config, "--lang", "en"}, strings.Fields(name)...)
			more, ok := reached[name]
			if !ok {
				more = changingCommands[name]
			}
			for _, a := range more {
				args = append(args, strings.ReplaceAll(a, "DIR", dir))
			}
			most, quick := wait, slices.Contains(atOnce, name)
			if quick {
				most = neverWaited
			}
			began := time.Now()
			code, said := endsSoon(t, context.Background(), append([]string{"--timeout", most.String()}, args...))
			if waited := time.Since(began) >= most; waited == quick {
				t.Errorf("waited: %v; exit %d: %s", waited, code, said)
			}
			if want := endsOf(name).timeout; !quick && code != want {
				t.Errorf("--timeout: exit %d, want %d: %s", code, want, said)
			}
			ctx, signal := context.WithCancel(context.Background())
			defer signal()
			time.AfterFunc(wait, signal)
			code, said = endsSoon(t, ctx, args)
			if want := endsOf(name).signal; !quick && code != want {
				t.Errorf("signal: exit %d, want %d: %s", code, want, said)
			}
		})
	}
}

func endsSoon(t *testing.T, ctx context.Context, args []string) (code int, said string) {
	t.Helper()
	var out, errs bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, args, stdio{in: strings.NewReader(""), out: &out, err: &errs}) }()
	select {
	case code = <-ended:
		if strings.Contains(errs.String(), "did not stop within") || code < 0 {
			t.Errorf("%v: exit %d: %s", args, code, errs.String())
		}
		return code, errs.String()
	case <-time.After(5 * time.Minute):
		t.Fatalf("%v never ends", args)
		return 0, ""
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

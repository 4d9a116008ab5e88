package testdb

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/testenv"
)

func TestMain(m *testing.M) {
	if os.Getenv("TESTDB_CHILD") != "" {
		holdServer()
	}
	if path := os.Getenv("TESTDB_LOCK"); path != "" {
		holdLock(path)
	}
	Main(m)
}

// holdServer is the test process that TestServersDieWithAKilledTest kills.
func holdServer() {
	s, err := newServer(mariadbFlavour, nil)
	if err == nil {
		err = s.start()
	}
	if err != nil {
		os.Stdout.WriteString("failed " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString(strconv.Itoa(s.PID()) + " " + s.dir + "\n")
	select {}
}

func TestEachServerAnswersAndKeepsItsBinaryLog(t *testing.T) {
	Each(t, func(t *testing.T, s *Server) {
		var version, binlog string
		if err := s.Open(t, "").QueryRow("SELECT VERSION(), @@log_bin").Scan(&version, &binlog); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(version, "MariaDB") != (s.Flavour == "mariadb") || binlog != "1" {
			t.Errorf("%s is %s with log_bin=%s", s.Flavour, version, binlog)
		}
	})
}

func TestDumpLoadsIntoAnotherSchema(t *testing.T) {
	Each(t, func(t *testing.T, s *Server) {
		from, to := s.Schema(t), s.Schema(t)
		s.Exec(
			t,
			from,
			"CREATE TABLE a (id INT PRIMARY KEY, name VARCHAR(20)); INSERT INTO a VALUES (1, '千张'), (2, NULL)",
		)
		args := []string{"--no-tablespaces", from}
		if s.Flavour == "mysql" {
			args = append(args, "--set-gtid-purged=OFF") // on by default in 9.7, and refused by the server it came from
		}
		s.Client(t, to, bytes.NewReader(s.Dump(t, args...)))
		var n int
		if err := s.Open(t, to).QueryRow("SELECT COUNT(*) FROM a WHERE name = '千张'").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

func TestDataOutlivesKill(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			s := Private(t, flavour, "--max-connections=33")
			s.Exec(
				t,
				"",
				"CREATE DATABASE d",
				"CREATE TABLE d.a (id INT PRIMARY KEY)",
				"INSERT INTO d.a VALUES (1), (2), (3)",
			)
			port := s.Port
			s.Kill()
			if err := s.Open(t, "").Ping(); err == nil {
				t.Fatal("it answers after kill -9")
			}
			s.Start(t)
			var n, max int
			if err := s.Open(t, "").QueryRow("SELECT COUNT(*), @@max_connections FROM d.a").Scan(&n,
				&max); err != nil ||
				n != 3 ||
				max != 33 ||
				s.Port != port {
				t.Errorf("%d rows, max_connections %d, port %d was %d, %v", n, max, s.Port, port, err)
			}
			s.Stop(t)
			s.Start(t)
		})
	}
}

func TestServersDieWithAKilledTest(t *testing.T) {
	MariaDB(t) // skips where there is none
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "TESTDB_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1000)
	n, _ := out.Read(line)
	word := strings.Fields(string(line[:n]))
	cmd.Process.Kill()
	cmd.Wait()
	pid, err := strconv.Atoi(word[0])
	if err != nil {
		t.Fatalf("the child said %q", line[:n])
	}
	for deadline := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil &&
		!zombie(pid); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("server %d outlived its test process", pid)
		}
	}
	folder := filepath.Dir(word[1])
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		sweep(testenv.Temp()) // or another test process does just now
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			break
		} else if time.Now().After(deadline) {
			t.Errorf("folder %s is still there: %v", folder, err)
			break
		}
	}
	if _, err := os.Stat(folders.root); err != nil {
		t.Errorf("the sweep took our own folder: %v", err)
	}
}

// zombie tells that a process has ended though nobody waited for it, as happens
// to orphans where process 1 reaps none.
func zombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(text), ") Z ")
}

func TestRedisStopsAndStarts(t *testing.T) {
	r := Redis(t)
	r.Stop(t)
	if err := r.ping(t.Context()); err == nil {
		t.Fatal("it answers after the stop")
	}
	r.Start(t)
	if err := r.ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPM2RunsAProcess(t *testing.T) {
	p := PM2(t)
	script := filepath.Join(p.Dir, "app.js")
	if err := os.WriteFile(script, []byte("console.log('千张'); setInterval(() => {}, 1000)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Run(t, "start", script, "--name", "qianzhang-backend")
	var list []struct {
		Name string `json:"name"`
		PID  int    `json:"pid"`
	}
	if err := json.Unmarshal(p.Run(t, "jlist"), &list); err != nil || len(list) != 1 ||
		list[0].Name != "qianzhang-backend" {
		t.Fatalf("%+v, %v", list, err)
	}
	p.Kill(t)
	if syscall.Kill(list[0].PID, 0) == nil && !zombie(list[0].PID) {
		t.Error("the process outlived its daemon")
	}
}

func TestSSHDLetsUsIn(t *testing.T) {
	s := SSHD(t)
	if got := string(s.Run(t, "echo 千张")); got != "千张\n" {
		t.Errorf("got %q", got)
	}
}

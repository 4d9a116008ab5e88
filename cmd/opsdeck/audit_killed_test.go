package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// started runs the real program in a process that can be killed.
func started(t *testing.T, bin, config string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(bin, append([]string{"--config", config, "--lang", "en"}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// killedAt kills (-9) the program before the first statement that is the one: its
// connections are held up there, however fast it is and whatever else runs. The
// configuration by which it reached the server still works afterwards.
func killedAt(
	t *testing.T,
	srv *testdb.Server,
	bin, config string,
	is func(statement string) bool,
	args ...string,
) (tapped string) {
	t.Helper()
	there := make(chan struct{}, 100)
	gone := make(chan struct{})
	host, port, err := net.SplitHostPort(srv.Tap(t, func(statement string) {
		select {
		case <-gone:
			return
		default:
		}
		if is(statement) {
			there <- struct{}{}
			<-gone // then the server learns that nobody is there any more
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	options := filepath.Join(t.TempDir(), "tap.cnf")
	if err := os.WriteFile(options, fmt.Appendf(nil, "[client]\nuser=%s\npassword=%s\nssl-mode=DISABLED\n", srv.User,
		srv.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	tapped = configFile(
		t,
		regexp.MustCompile(`options_file: [^,]*, host: [^,]*, port: \d+`).ReplaceAllString(string(text),
			fmt.Sprintf("options_file: %s, host: %s, port: %s", options, host, port)),
	)
	cmd := started(t, bin, tapped, args...)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-there:
	case err := <-ended:
		close(gone)
		t.Fatalf("%v ended before it came there: %v", args, err)
	case <-time.After(5 * time.Minute):
		close(gone)
		t.Fatalf("%v never came there", args)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	close(gone)
	return tapped
}

// many puts n further rows of last year in.
func many(t *testing.T, srv *testdb.Server, schema string, n int) {
	t.Helper()
	srv.Exec(
		t,
		schema,
		"CREATE TABLE d (n INT)",
		"INSERT INTO d VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
		fmt.Sprintf(
			`SET time_zone='+00:00'; INSERT INTO audit_logs (user_id, action, resource_type, resource_id, old_value, new_value, created_at)
		SELECT s %% 9, 'UPDATE', 'ORDER', s %% 97, '{"status": "待审核"}', CONCAT('{"status": "已审核", "note": "', SHA2(s, 512), '"}'), TIMESTAMP('%d-07-01') + INTERVAL s SECOND
		FROM (SELECT a.n*100000 + b.n*10000 + c.n*1000 + e.n*100 + f.n*10 + g.n s FROM d a, d b, d c, d e, d f, d g WHERE a.n*100000 + b.n*10000 < %d ORDER BY s) x WHERE s < %d`,
			time.Now().Year()-1,
			n,
			n,
		),
	)
}

// The program is killed (-9) in the middle of an export and of a deletion; the
// same command goes on exactly.
func TestAKilledOpsdeckExportsAndDeletesExactly(t *testing.T) {
	t.Parallel()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	servers := map[string]func(testing.TB) *testdb.Server{"mariadb": testdb.MariaDB}
	if os.Getenv("OPSDECK_SOAK") != "" {
		servers["mysql"] = testdb.MySQL
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) { killedOn(t, bin, server(t)) })
	}
}

func killedOn(t *testing.T, bin string, srv *testdb.Server) {
	config, schema, dir := auditWorld(t, srv)
	many(t, srv, schema, 40_000)
	file := filepath.Join(dir, "x.csv")
	export := []string{"audit", "export", "-o", file, "--json"}
	var chunks atomic.Int64
	tapped := killedAt(t, srv, bin, config, func(statement string) bool {
		if strings.Contains(statement, " LIMIT ") && chunks.Add(1) == 6 {
			time.Sleep(time.Second) // so much time has passed behind this chunk that a note is due
		}
		_, err := os.Stat(file + ".part.json")
		return err == nil
	}, export...)
	if _, err := os.Stat(file); err == nil {
		t.Fatal("it was done before it was killed")
	}
	out, _ := asked(t, tapped, 0, export...)
	var doc map[string]any
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc["rows"] != 40_250.0 || doc["resumed"] != true {
		t.Fatalf("%v %s", err, out)
	}
	asked(t, config, 0, "audit", "export", "-o", file+".whole")
	a, _ := os.ReadFile(file)
	b, _ := os.ReadFile(file + ".whole")
	if !bytes.Equal(a, b) {
		t.Fatalf("%d bytes in two pieces, %d in one", len(a), len(b))
	}
	killedWhileDeleting(t, srv, bin, config, schema)
}

func killedWhileDeleting(t *testing.T, srv *testdb.Server, bin, config, schema string) {
	db := srv.Open(t, schema)
	remove := []string{
		"audit",
		"archive",
		"--year",
		fmt.Sprint(time.Now().Year() - 1),
		"--delete",
		"--confirm",
		schema,
		"--json",
		"--pause",
		"0s",
	}
	var batches atomic.Int64
	killedAt(
		t,
		srv,
		bin,
		config,
		func(statement string) bool { return strings.HasPrefix(statement, "DELETE ") && batches.Add(1) == 12 },
		remove...)
	left := counted(t, db)
	if left <= 50 || left >= 40_250 {
		t.Fatalf("%d rows were left when it was killed", left)
	}
	out, _ := asked(t, config, 0, remove...)
	var doc map[string]any
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc["made"] != false ||
		doc["deleted_rows"] != float64(left-50) ||
		doc["gone_rows"] != float64(40_250-left) ||
		doc["differing_rows"] != 0.0 {
		t.Fatalf("%v, %d were left: %s", err, left, out)
	}
	if n := counted(t, db); n != 50 {
		t.Fatalf("%d rows of this year are left", n)
	}
}

func counted(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT COUNT(*) FROM audit_logs").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

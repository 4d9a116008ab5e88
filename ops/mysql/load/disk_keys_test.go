package load

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql/dump"
)

// smallDisk mounts one of some megabytes; it ends with the test.
func smallDisk(t *testing.T, dir, size string) {
	t.Helper()
	if out, err := osexec.Command("mount", "-t", "tmpfs", "-o", "mode=1777,size="+size, "none", dir).CombinedOutput(); err != nil {
		t.Skipf("a small tmpfs cannot be mounted: %v %s", err, out)
	}
	t.Cleanup(func() { osexec.Command("umount", "-l", dir).Run() })
}

// ballast takes the room that a disk has left, but for a little in which a server makes
// the files that it needs for a definition; remove it to make room again.
func ballast(t *testing.T, dir string) (path string) {
	path = filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return path
	}
	defer f.Close()
	for size := 1 << 20; size > 0; { // to the last byte
		if n, err := f.Write(make([]byte, size)); err != nil || n < size {
			size /= 2
		}
	}
	if info, err := f.Stat(); err != nil || f.Truncate(info.Size()-128<<10) != nil {
		t.Errorf("%s: %v", path, err)
	}
	return path
}

// keyed is a schema whose keys are larger than its rows.
func keyed(t *testing.T, s *testdb.Server) string {
	t.Helper()
	name := s.Schema(t)
	number := "1+a.d+10*b.d+100*c.d+1000*d.d" // up to 4000
	hash := func(salt string) string { return "RPAD(SHA2(CONCAT(" + number + ",'" + salt + "'),256), 180, 'x')" }
	digits := "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL " +
		"SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	from := strings.ReplaceAll("FROM D a, D b, D c, D d WHERE d.d < 4", "D", digits)
	s.Exec(
		t,
		name,
		"CREATE TABLE wide (id INT PRIMARY KEY, a VARCHAR(180), b VARCHAR(180), c VARCHAR(180), KEY ab (a, b), KEY "+
			"bc (b, c), KEY ca (c, a), UNIQUE KEY abc (a, c, b)) ENGINE=InnoDB CHARACTER SET ascii",
		"INSERT INTO wide SELECT "+number+", "+hash("a")+", "+hash("b")+", "+hash("c")+" "+from,
		"CREATE TABLE other (id INT PRIMARY KEY)",
		"INSERT INTO other VALUES (1), (2)",
	)
	return name
}

// The disk fills up just when the secondary keys are added: that of the server's
// temporary files, or that of the table. The load says so and has made no key; the
// same load goes on to its end when there is room.
func TestAFullDiskWhileKeysAreAddedLosesNothing(t *testing.T) {
	testdb.Quiet(t)
	deferAll(t)
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			temporary := t.TempDir()
			smallDisk(t, temporary, "48m")
			s := testdb.Private(t, flavour, "--innodb-sort-buffer-size=262144", "--innodb-tmpdir="+temporary)
			from := keyed(t, s)
			native := backedUp(t, s, dump.Options{Databases: []string{from}})
			foreign := source(t, s.Dump(t, "--databases", from))
			sources := map[string]*Source{"native": native, "foreign": foreign}
			others := map[string]string{"native": "foreign", "foreign": "native"}
			for to, src := range sources {
				if os.Getenv("OPSDECK_SOAK") == "" && (to == "native") != (flavour == "mysql") {
					continue // each kind of dump fills each disk on one of the servers
				}
				overcome(t, s, src, Options{Schema: "tmp_" + to, From: from}, temporary)
				to = others[to]
				dir := filepath.Join(s.DataDir(), "own_"+to)
				s.Exec(t, "", "CREATE DATABASE own_"+to)
				smallDisk(t, dir, "48m")
				overcome(t, s, sources[to], Options{Schema: "own_" + to, From: from}, dir)
				s.Exec(t, "", "DROP TABLE own_"+to+".wide", "DROP TABLE own_"+to+".other") // before its disk goes
			}
		})
	}
}

// overcome loads a source while a disk fills up behind its rows, and again.
func overcome(t *testing.T, s *testdb.Server, src *Source, o Options, disk string) {
	t.Helper()
	var full atomic.Value
	filling := o
	filling.Report = func(p ops.Progress) {
		if p.Phase == "indexes" && full.CompareAndSwap(nil, "") {
			full.Store(ballast(t, disk))
		}
	}
	_, err := Run(t.Context(), target(s), src, filling)
	t.Logf("%s: %v", o.Schema, err)
	path, _ := full.Load().(string)
	if err == nil || path == "" {
		t.Fatalf("%s: the keys went onto a full disk (%q)", o.Schema, path)
	}
	said(t, err)
	if !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%s: it does not say that the disk is full: %v", o.Schema, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s.Open(t, "").Ping() != nil { // InnoDB ends itself when a rollback finds no room
		s.Kill()
		s.Start(t)
	}
	if n := keysOf(t, s, o.Schema); n != 0 {
		t.Errorf("%s: %d parts of keys are there behind the failure", o.Schema, n)
	}
	if r := mustRun(t, s, src, o); !r.Resumed {
		t.Errorf("%s: the second run began anew", o.Schema)
	}
	if src.Manifest != nil {
		mustVerify(t, s, src.Manifest, o.Schema)
	} else {
		sameAs(t, s, o.Schema, o.From)
	}
}

// keysOf is how many columns the secondary keys of the wide table have.
func keysOf(t *testing.T, s *testdb.Server, schema string) (n int) {
	t.Helper()
	err := s.Open(t, "").
		QueryRow("SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'wide' "+
			"AND INDEX_NAME <> 'PRIMARY'", schema).
		Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

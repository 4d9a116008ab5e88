// Package testdb gives tests private, real servers: MySQL 9, MariaDB, Redis, S3,
// PM2, sshd, Docker and systemd, each on a free port of the loopback or behind a
// socket, in a folder of its own. They are started on first use and end with the
// test process, also when that is killed. What they need is installed by
// .ci/install-real.
//
// A server that is not there skips the test with the reason, unless
// OPSDECK_REAL=required, which makes it a failure.
package testdb

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"opsdeck/internal/testenv"
)

// Main runs a package's tests and ends all servers afterwards. It is the body of
// TestMain, takes its *testing.M, and does not return.
func Main(m interface{ Run() int }) {
	code := m.Run()
	cleanUp()
	testenv.Clean()
	os.Exit(code)
}

// Each runs a subtest on MySQL and one on MariaDB, named "mysql" and "mariadb",
// on the servers that the test process shares.
func Each(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Helper()
	t.Run("mysql", func(t *testing.T) { test(t, MySQL(t)) })
	t.Run("mariadb", func(t *testing.T) { test(t, MariaDB(t)) })
}

// Beside is Each with both servers at once: for tests that wait more than they
// work, and share nothing between the two.
func Beside(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Helper()
	Each(t, func(t *testing.T, s *Server) {
		t.Parallel()
		test(t, s)
	})
}

// MySQL is the MySQL 9 server that the test process shares.
func MySQL(t testing.TB) *Server { t.Helper(); return shared(t, mysqlFlavour) }

// MariaDB is the MariaDB server that the test process shares.
func MariaDB(t testing.TB) *Server { t.Helper(); return shared(t, mariadbFlavour) }

// Private starts a server of the test's own ("mysql" or "mariadb"), with further
// arguments for the server program. It ends with the test.
func Private(t testing.TB, flavour string, args ...string) *Server {
	t.Helper()
	f, ok := flavours[flavour]
	if !ok {
		t.Fatalf("testdb: no flavour %q", flavour)
	}
	s, err := newServer(f, args)
	if err == nil {
		t.Cleanup(s.remove)
		err = s.start()
	}
	if err != nil {
		absent(t, err)
	}
	return s
}

var (
	sharedMu sync.Mutex
	sharedBy = map[string]*sharedServer{}
)

type sharedServer struct {
	server *Server
	err    error
}

func shared(t testing.TB, f *flavour) *Server {
	t.Helper()
	sharedMu.Lock()
	defer sharedMu.Unlock()
	got := sharedBy[f.name]
	if got == nil {
		got = &sharedServer{}
		if got.server, got.err = newServer(f, nil); got.err == nil {
			got.err = got.server.start()
		}
		sharedBy[f.name] = got
	}
	if got.err != nil {
		absent(t, got.err)
	}
	return got.server
}

// absent ends a test whose server is not to be had.
func absent(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("OPSDECK_REAL") == "required" {
		t.Fatalf("testdb: %v", err)
	}
	t.Skipf("testdb: %v", err)
}

// cacheDir is where .ci/install-real keeps MySQL 9 and PM2, and this package
// its initialised data folders.
func cacheDir() string {
	if dir := os.Getenv("OPSDECK_REAL_DIR"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = testenv.Temp()
	}
	return filepath.Join(dir, "opsdeck-test")
}

// program finds an executable: in dir if that is given, else on the PATH and in
// the system's sbin folders.
func program(dir string, names ...string) (string, error) {
	dirs := []string{dir}
	if dir == "" {
		dirs = append(filepath.SplitList(testenv.SystemPath()), "/usr/sbin", "/sbin", "/usr/libexec")
	}
	for _, name := range names {
		for _, d := range dirs {
			if path, err := exec.LookPath(filepath.Join(d, name)); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s is not installed (.ci/install-real installs it)", strings.Join(names, " or "))
}

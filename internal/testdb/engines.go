package testdb

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// WithEngines starts a server of the test's own with the storage engines that a
// plain one does not have: MySQL with FEDERATED, MariaDB with those of its other
// packages, loaded by INSTALL SONAME. engines are the names of those that are there.
func WithEngines(t testing.TB, flavour string) (s *Server, engines map[string]bool) {
	t.Helper()
	if flavour == "mysql" {
		s = Private(t, flavour, "--federated")
	} else {
		dir := filepath.Join(cacheDir(), "mariadb-engines")
		if _, err := os.Stat(dir); err != nil {
			absent(t, fmt.Errorf("MariaDB's storage engines are not there (.ci/install-real brings them): %w", err))
		}
		s = Private(t, flavour, "--plugin-dir="+dir)
		for _, name := range []string{"ha_federatedx", "ha_blackhole", "ha_connect", "ha_spider", "ha_oqgraph",
			"ha_archive"} {
			if _, err := s.Open(t, "").Exec("INSTALL SONAME '" + name + "'"); err != nil {
				t.Logf("%s: %v", name, err)
			}
		}
	}
	rows, err := s.Open(t, "").Query("SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT <> 'NO'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	engines = map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		engines[name] = true
	}
	return s, engines
}

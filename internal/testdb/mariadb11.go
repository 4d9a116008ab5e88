package testdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mariadb11Flavour is MariaDB 11.8, beside the one of the machine's own packages.
var mariadb11Flavour = &flavour{
	name:   "mariadb11",
	family: "mariadb",
	tools: map[string][]string{"server": {"mariadbd"}, "mysql": {"mariadb"}, "mysqldump": {"mariadb-dump"},
		"mysqladmin": {"mariadb-admin"}},
	bin:     func() string { return filepath.Join(cacheDir(), "mariadb11", "bin") },
	init:    initMariaDB11,
	args:    []string{mariadbLog},
	wrapped: true,
}

func init() { flavours["mariadb11"] = mariadb11Flavour }

// MariaDB11 is the MariaDB 11.8 server that the test process shares; its Flavour is
// "mariadb". It is for what differs between the two.
func MariaDB11(t testing.TB) *Server { t.Helper(); return shared(t, mariadb11Flavour) }

// systemTables are the files of which mariadb-install-db makes a data folder, in its order.
var systemTables = []string{
	"mariadb_system_tables.sql",
	"mariadb_performance_tables.sql",
	"mariadb_system_tables_data.sql",
	"fill_help_tables.sql",
	"maria_add_gis_sp_bootstrap.sql",
	"mariadb_sys_schema.sql",
}

// initMariaDB11 does what mariadb-install-db does, which does not run from the folder
// that the packages are unpacked into.
func initMariaDB11(server, data string) error {
	if err := os.MkdirAll(filepath.Join(data, "mysql"), 0o700); err != nil {
		return err
	}
	share := filepath.Join(filepath.Dir(filepath.Dir(server)), "root", "usr", "share", "mariadb")
	var sql strings.Builder
	sql.WriteString("CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n")
	for _, name := range systemTables {
		text, err := os.ReadFile(filepath.Join(share, name))
		if err != nil && name != "fill_help_tables.sql" {
			return err
		}
		sql.Write(text)
		sql.WriteByte('\n')
	}
	start := append([]string{"--bootstrap", "--datadir=" + data, "--max-allowed-packet=8M", mariadbLog}, asUser()...)
	if err := run(sql.String(), server, start...); err != nil {
		return err
	}
	return run("FLUSH PRIVILEGES;\nDROP USER IF EXISTS root@'127.0.0.1';\n"+accounts, server, start...)
}

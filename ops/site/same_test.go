package site_test

import (
	"testing"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/site"
)

// TestTwoServersMayHaveDatabasesOfOneName: a restore of one is none of the other, whatever
// the addresses; what cannot be told counts as the same.
func TestTwoServersMayHaveDatabasesOfOneName(t *testing.T) {
	t.Parallel()
	here, there := testdb.MariaDB(t), testdb.MySQL(t)
	at := func(s *testdb.Server, name string) config.Database {
		return config.Database{Name: name, Host: s.Host, Port: s.Port, OptionsFile: s.OptionsFile(t)}
	}
	identity := func(s *testdb.Server) string {
		id, err := schema.Identity(t.Context(), s.Open(t, ""))
		if err != nil || id == "" {
			t.Fatalf("%q %v", id, err)
		}
		return id
	}
	one := restore.Target{Database: "shop", Live: "shop", Address: "/run/mysqld.sock", Identity: identity(here)}
	gone := at(here, "shop")
	gone.Port = 1
	unknown := one
	unknown.Identity = ""
	beside := one
	beside.Database = "shop_copy"
	for what, c := range map[string]struct {
		d    config.Database
		t    restore.Target
		want bool
	}{
		"by another address":   {at(here, "shop"), one, true},
		"on another server":    {at(there, "shop"), one, false},
		"another database":     {at(here, "crm"), one, false},
		"a schema beside it":   {at(here, "shop"), beside, true},
		"a server that is off": {gone, one, true},
		"an unknown server":    {at(there, "shop"), unknown, true},
	} {
		if got := site.SameDatabase(t.Context(), c.d, c.t); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

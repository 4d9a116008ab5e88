package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestAFailedRestoreEndsInJSON asks for restores that are refused before a run
// begins, each for another reason.
func TestAFailedRestoreEndsInJSON(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.must("backup", "create", "--tables", "ar_invoices", "--where", "id<2")
	s.must("backup", "create", "--no-data")
	parts, _ := filepath.Glob(filepath.Join(s.dir, "backups", "ar_invoices_*.sql.gz"))
	if len(parts) != 1 {
		t.Fatalf("%v", parts)
	}
	filtered := filepath.Base(parts[0])
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{64, "nosuch", []string{"--from", "nosuch", "--confirm", s.live}},
		{64, "nothing was done", []string{"--confirm", "other"}},
		{1, "where id<2", []string{"--from", filtered, "--tables", "ar_invoices", "--confirm", s.live}},
		{64, "--nosuch", []string{"--nosuch"}},
		{1, "does not contain nothing_such", []string{"--tables", "nothing_such", "--confirm", s.live}},
		{64, "no such restore", []string{"attach", "nosuch"}},
	} {
		o := s.run(append(append([]string{"restore"}, c.args...), "--json")...)
		lines := strings.Split(strings.TrimSpace(o.out), "\n")
		var last struct{ Result, Error, Hint string }
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Result != "refused" ||
			o.code != c.code ||
			!strings.Contains(last.Error, c.says) {
			t.Errorf("%v: exit %d, %+v, %v\n%s\n%s", c.args, o.code, last, err, o.out, o.err)
		}
	}
	list := s.must("backup", "list").out
	for _, part := range []string{"contains 1 of", "filtered: id<2", "structure only"} {
		if !strings.Contains(list, part) {
			t.Errorf("the list does not say %q:\n%s", part, list)
		}
	}
	if show := s.must("backup", "show", filtered).out; !strings.Contains(show, "filtered: id<2") {
		t.Errorf("the backup's page does not say that it is filtered:\n%s", show)
	}
}

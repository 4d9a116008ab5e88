package doctor

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

func TestGrantsAreReadAsTheServerPrintsThem(t *testing.T) {
	r := ParseGrants([]string{
		"GRANT USAGE ON *.* TO `backup`@`localhost` IDENTIFIED BY PASSWORD '*2470 TO ON'",
		"GRANT PROCESS, RELOAD ON *.* TO `backup`@`localhost`",
		"GRANT FLUSH_TABLES,BACKUP_ADMIN ON *.* TO `backup`@`localhost`",
		"GRANT SELECT, LOCK TABLES, SHOW VIEW ON `qianzhang\\_%`.* TO `backup`@`localhost` WITH GRANT OPTION",
		"GRANT ALL PRIVILEGES ON `odd TO name`.* TO `backup`@`localhost`",
		"GRANT SELECT (`a`), INSERT ON `other`.`t` TO `backup`@`localhost`",
		"GRANT `role`@`%` TO `backup`@`localhost`",
		"REVOKE SELECT ON `qianzhang\\_secret`.* FROM `backup`@`localhost`",
		"nonsense",
	})
	for _, c := range []struct {
		right, db string
		want      bool
	}{
		{"PROCESS", "", true}, {"RELOAD", "any", true}, {"FLUSH_TABLES", "", true}, {"SUPER", "", false},
		{"SELECT", "qianzhang_sales", true}, {"SELECT", "qianzhangXsales", false}, {"SELECT", "", false},
		{"SELECT", "qianzhang_secret", false}, {"LOCK TABLES", "qianzhang_secret", true},
		{"DROP", "odd TO name", true}, {"DROP", "qianzhang_sales", false},
		{"INSERT", "other", false}, {"SELECT", "other", false},
	} {
		if got := r.Has(c.right, c.db); got != c.want {
			t.Errorf("%s on %q: %v", c.right, c.db, got)
		}
	}
	if len(r.Roles) != 1 {
		t.Errorf("roles %v", r.Roles)
	}
}

func TestBackupUserOfTheFieldLacksOnlyWhatIsOptional(t *testing.T) {
	at := Places{Live: "qianzhang_sales", Beside: "qianzhang_sales__new_1"}
	field := NewAccount("backup@localhost", "9.7.4",
		[]string{"GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `qianzhang_sales`.* TO `backup`@`localhost`"},
		nil)
	found := field.Lacks(Backup, at)
	if len(found) != 4 {
		t.Fatalf("%+v", found)
	}
	for _, f := range found {
		if f.State != ops.StateWarning || !strings.HasSuffix(f.Fix, " ON *.* TO 'backup'@'localhost'") {
			t.Errorf("%+v", f)
		}
	}
	none := NewAccount("x", "9.7.4", nil, nil)
	if found := none.Lacks(Backup, at); found[0].State != ops.StateCritical || len(found) != 9 {
		t.Errorf("no rights at all: %+v", found)
	}
	all := NewAccount("root@localhost", "9.7.4",
		[]string{"GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"}, nil)
	for _, verb := range []Verb{Backup, Restore, Until, Rescue, Drill, Standby, Archive} {
		if found := all.Lacks(verb, at); len(found) != 0 {
			t.Errorf("all rights: %+v", found)
		}
		if verb != Until && verb != Archive && len(none.Lacks(verb, at)) == 0 {
			t.Errorf("%s needs nothing", verb)
		}
	}
	one := NewAccount("x@%", "9.7.4", []string{"GRANT ALL PRIVILEGES ON `a_b`.* TO `x`@`%`"}, nil)
	if found := one.Lacks(Restore, Places{Live: "a_b", Beside: "a_b__new_1"}); len(found) != 2 ||
		!strings.Contains(found[0].Fix, "`a\\_b\\_\\_%`.* TO 'x'@'%'") {
		t.Errorf("rights on the database alone: %+v", found)
	}
}

// TestSuperGivesNoMoreOnNewMariaDB: since 11.0 it is one right among others there.
func TestSuperGivesNoMoreOnNewMariaDB(t *testing.T) {
	super := []string{"GRANT SUPER ON *.* TO `b`@`h`"}
	for version, missing := range map[string]int{"9.7.4": 0, "10.11.19-MariaDB-log": 0, "11.8.9-MariaDB": 1} {
		if found := NewAccount("b@h", version, super, nil).Lacks(Until, Places{}); len(found) != missing {
			t.Errorf("%s: %+v", version, found)
		}
	}
}

// TestRightsAreNamedAsTheServerKnowsThem: an older server gets the older name, or none
// where it asks for no right.
func TestRightsAreNamedAsTheServerKnowsThem(t *testing.T) {
	a := NewAccount("b@h", "8.0.11", nil, []string{"BINLOG_ADMIN", "SYSTEM_VARIABLES_ADMIN", "SUPER"})
	if found := a.Lacks(Until, Places{}); len(found) != 1 ||
		found[0].Fix != "GRANT BINLOG_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.* TO 'b'@'h'" {
		t.Errorf("%+v", found)
	}
	a = NewAccount("b@h", "5.7.44", nil, []string{"SUPER", "PROCESS", "REPLICATION CLIENT"})
	for _, f := range a.Lacks(Backup, Places{}) {
		if strings.Contains(f.Fix, "XA_RECOVER_ADMIN") || strings.Contains(f.Fix, "SUPER") {
			t.Errorf("%+v", f)
		}
	}
}

func TestServerFactsAreJudged(t *testing.T) {
	now := time.Now()
	good := Server{
		Flavour: "mysql",
		User:    "root@localhost",
		Grants: []string{
			"GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost`",
			"GRANT SUPER ON *.* TO `root`@`localhost`",
		},
		Now:       now,
		Asked:     now,
		Binlog:    true,
		MaxPacket: 64 << 20,
		Tables:    8,
		Routines:  1,
	}
	worst := func(change func(*Server)) ops.State {
		s := good
		change(&s)
		return Report{Points: JudgeServer(s, "q", Places{"db", "db__new_1", "opsdeck_drill_20000101_000000"})}.State()
	}
	for name, c := range map[string]struct {
		change func(*Server)
		want   ops.State
	}{
		"good":              {func(*Server) {}, ops.StateOK},
		"MyISAM":            {func(s *Server) { s.Engines = map[string]int{"MyISAM": 2} }, ops.StateWarning},
		"no table":          {func(s *Server) { s.Tables = 0 }, ops.StateWarning},
		"no key":            {func(s *Server) { s.Keyless = 1 }, ops.StateWarning},
		"key required":      {func(s *Server) { s.Keyless, s.RequireKey = 1, true }, ops.StateCritical},
		"definers":          {func(s *Server) { s.MissingDefiners = []string{"ghost@%"} }, ops.StateWarning},
		"definers unknown":  {func(s *Server) { s.DefinersUnknown = true }, ops.StateUnknown},
		"clock":             {func(s *Server) { s.Now = now.Add(-time.Minute) }, ops.StateWarning},
		"a slow answer":     {func(s *Server) { s.Now, s.Took = now.Add(-3*time.Second), 6*time.Second }, ops.StateOK},
		"small packet":      {func(s *Server) { s.MaxPacket = 1 << 20 }, ops.StateWarning},
		"functions, no one": {func(s *Server) { s.Grants = s.Grants[1:] }, ops.StateCritical},
	} {
		if got := worst(c.change); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestFoldersAreJudged(t *testing.T) {
	for name, c := range map[string]struct {
		f    Folder
		room int64
		want ops.State
	}{
		"good": {Folder{Path: "/b", Exists: true, Mode: 0o700, Free: 50, Size: 100}, 10,
			ops.StateOK},
		"to be made": {Folder{Path: "/b/c", Parent: "/b", Free: 50, Size: 100}, 0, ops.StateOK},
		"not makable": {Folder{Path: "/b/c", Parent: "/b", Free: 50, Size: 100, Unwritable: fs.ErrPermission}, 0,
			ops.StateCritical},
		"read only": {Folder{Path: "/b", Exists: true, Mode: 0o700, Free: 50, Size: 100, Unwritable: syscall.EROFS},
			0, ops.StateCritical},
		"open": {Folder{Path: "/b", Exists: true, Mode: 0o755, Free: 50, Size: 100}, 0,
			ops.StateWarning},
		"nearly full": {Folder{Path: "/b", Exists: true, Mode: 0o700, Free: 10, Size: 100}, 0,
			ops.StateWarning},
		"no room": {Folder{Path: "/b", Exists: true, Mode: 0o700, Free: 50, Size: 100}, 60,
			ops.StateCritical},
	} {
		if got := JudgeFolder(c.f, "x", "", true, 0.2, c.room).State(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestDefaultPasswordsAreCriticalAndNeverSaid(t *testing.T) {
	for password, want := range map[string]ops.State{"qianzhang_password": ops.StateCritical, "": ops.StateWarning,
		"k3fJ!9": ops.StateOK} {
		p := JudgePassword(password, "q")
		if p.State() != want {
			t.Errorf("%q: %s", password, p.State())
		}
		for _, f := range p.Findings {
			if password != "" && strings.Contains(f.What.String()+f.Fix, password) {
				t.Errorf("%q is said", password)
			}
		}
	}
}

func TestMissingToolsAreNamedWithTheirUse(t *testing.T) {
	p := JudgeTools(
		map[string]lang.Msg{"pm2": lang.Raw("use"), "rsync": lang.Raw("copies")},
		func(name string) bool { return name == "rsync" },
		"q",
	)
	if p.State() != ops.StateCritical || len(p.Findings) != 1 ||
		p.Findings[0].What.String() != "pm2 is not on the PATH: use" {
		t.Fatalf("%+v", p)
	}
}

func TestTheDrillsGrantIsOfItsSchemas(t *testing.T) {
	const scratch = "opsdeck_drill_20000101_000000"
	lacks := func(lines ...string) []Finding {
		return NewAccount("b@h", "9.7.4", lines, nil).Lacks(Drill, Places{Drill: scratch})
	}
	found := lacks("GRANT ALL PRIVILEGES ON `shop%`.* TO `b`@`h`")
	if len(found) != 1 || !strings.Contains(found[0].Fix, " ON `opsdeck\\_drill\\_%`.* TO 'b'@'h'") {
		t.Fatalf("%+v", found)
	}
	if left := lacks(strings.ReplaceAll(found[0].Fix, "'", "`")); left != nil {
		t.Errorf("what it says to grant is not enough: %+v", left)
	}
}

// TestOneGrantDecides: of two patterns that match a database, the servers take the more
// specific alone. The statements that doctor prints are enough by that rule.
func TestOneGrantDecides(t *testing.T) {
	const db, beside = "shop_a", "shop_a__new_20260101_000000_0000"
	for name, grants := range map[string][]string{
		"nothing":           {"GRANT USAGE ON *.* TO `b`@`h`"},
		"the field's user":  {"GRANT SELECT, LOCK TABLES, SHOW VIEW ON `shop\\_a`.* TO `b`@`h`"},
		"an unescaped name": {"GRANT SELECT ON `shop_a`.* TO `b`@`h`"},
		"a wide pattern":    {"GRANT SELECT, INSERT ON `shop%`.* TO `b`@`h`"},
		"a pattern and a name": {"GRANT SELECT ON `shop\\_a`.* TO `b`@`h`",
			"GRANT ALL PRIVILEGES ON `shop%`.* TO `b`@`h`"},
		"the order is the same": {"GRANT ALL PRIVILEGES ON `shop%`.* TO `b`@`h`",
			"GRANT SELECT ON `shop\\_a`.* TO `b`@`h`"},
	} {
		lacks := func() []Finding {
			a := NewAccount("b@h", "9.7.4", grants, nil)
			at := Places{Live: db, Beside: beside}
			return append(a.Lacks(Backup, at), a.Lacks(Restore, at)...)
		}
		found := lacks()
		if len(found) == 0 {
			t.Errorf("%s: nothing is missing", name)
		}
		for _, f := range found {
			grants = merge(grants, strings.ReplaceAll(f.Fix, "'", "`"))
		}
		if left := lacks(); len(left) > 0 {
			t.Errorf("%s: with what doctor says to grant: %+v", name, left)
		}
	}
	both := ParseGrants([]string{"GRANT SELECT ON `shop\\_a`.* TO `b`@`h`", "GRANT INSERT ON `shop%`.* TO `b`@`h`",
		"GRANT DELETE ON `shop%`.* TO `role`"})
	for right, want := range map[string]bool{"SELECT": true, "INSERT": false, "DELETE": true} {
		if got := both.Has(right, db); got != want {
			t.Errorf("%s: %v", right, got)
		}
	}
}

// merge does what a server does with a grant on a pattern that has one.
func merge(grants []string, further string) []string {
	_, on, _ := strings.Cut(further, " ON ")
	for i, g := range grants {
		if strings.HasSuffix(g, " ON "+on) {
			list, _, _ := strings.Cut(strings.TrimPrefix(further, "GRANT "), " ON ")
			grants[i] = strings.Replace(g, " ON ", ", "+list+" ON ", 1)
			return grants
		}
	}
	return append(grants, further)
}

// TestRoutinesOfOthersAreNotTakenForGranted: the field's backup user does not see them, so
// nobody can say that its backups are full.
func TestRoutinesOfOthersAreNotTakenForGranted(t *testing.T) {
	field := "GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `shop\\_a`.* TO `b`@`h`"
	global := "GRANT RELOAD, PROCESS, REPLICATION CLIENT, SLAVE MONITOR, XA_RECOVER_ADMIN ON *.* TO `b`@`h`"
	for name, c := range map[string]struct {
		flavour    string
		privileges []string
		grants     []string
		unread     int
		fix        string // "" is: nothing is found
		state      ops.State
	}{
		"MySQL": {"mysql", []string{"SHOW_ROUTINE"}, nil, 0, "GRANT SHOW_ROUTINE ON *.* TO 'b'@'h'",
			ops.StateWarning},
		"MariaDB": {"mariadb", nil, nil, 0, "GRANT SELECT ON mysql.proc TO 'b'@'h'", ops.StateWarning},
		"newer MariaDB": {
			"mariadb",
			[]string{"SHOW CREATE ROUTINE"},
			nil,
			0,
			"GRANT SHOW CREATE ROUTINE ON `shop\\_a`.* TO 'b'@'h'",
			ops.StateWarning,
		},
		"some cannot be read": {"mysql", []string{"SHOW_ROUTINE"}, nil, 2, "GRANT SHOW_ROUTINE ON *.* TO 'b'@'h'",
			ops.StateCritical},
		"SHOW_ROUTINE":  {"mysql", nil, []string{"GRANT SHOW_ROUTINE ON *.* TO `b`@`h`"}, 0, "", ops.StateOK},
		"SELECT on all": {"mysql", nil, []string{"GRANT SELECT ON *.* TO `b`@`h`"}, 0, "", ops.StateOK},
		"mysql.proc":    {"mariadb", nil, []string{"GRANT SELECT ON `mysql`.`proc` TO `b`@`h`"}, 0, "", ops.StateOK},
		"MySQL has no proc": {
			"mysql",
			[]string{"SHOW_ROUTINE"},
			[]string{"GRANT SELECT ON `mysql`.* TO `b`@`h`"},
			0,
			"GRANT SHOW_ROUTINE ON *.* TO 'b'@'h'",
			ops.StateWarning,
		},
	} {
		s := Server{Flavour: c.flavour, User: "b@h", Grants: append(c.grants, field, global),
			Privileges: c.privileges, Routines: c.unread}
		found := BackupFindings(s, "shop_a")
		switch {
		case c.fix == "" && len(found) > 0:
			t.Errorf("%s: %+v", name, found)
		case c.fix != "" && (len(found) != 1 || found[0].Fix != c.fix || found[0].State != c.state):
			t.Errorf("%s: %+v", name, found)
		}
	}
}

package doctor

import (
	"strings"
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
	r := ParseGrants(
		[]string{"GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON `qianzhang_sales`.* TO `backup`@`localhost`"},
	)
	found := JudgeBackup(r, "backup@localhost", "qianzhang_sales")
	if len(found) != 3 {
		t.Fatalf("%+v", found)
	}
	for _, f := range found {
		if f.State != ops.StateWarning || !strings.HasSuffix(f.Fix, " ON *.* TO 'backup'@'localhost'") {
			t.Errorf("%+v", f)
		}
	}
	if found := JudgeBackup(ParseGrants(nil), "x", "db"); found[0].State != ops.StateCritical ||
		len(found) != len(backupNeeds) {
		t.Errorf("no rights at all: %+v", found)
	}
	all := ParseGrants([]string{"GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"})
	if found := append(JudgeBackup(all, "root@localhost", "db"), JudgeRestore(all, "root@localhost", "db", "db__new_1")...); len(
		found,
	) != 0 {
		t.Errorf("all rights: %+v", found)
	}
	one := ParseGrants([]string{"GRANT ALL PRIVILEGES ON `a_b`.* TO `x`@`%`"})
	if found := JudgeRestore(one, "x@%", "a_b", "a_b__new_1"); len(found) != 1 ||
		!strings.Contains(found[0].Fix, "`a\\_b%`.* TO 'x'@'%'") {
		t.Errorf("rights on the database alone: %+v", found)
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
		return Report{Points: JudgeServer(s, "q", "db", "db__new_1")}.State()
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
		"good": {Folder{Path: "/b", Exists: true, Writable: true, Mode: 0o700, Free: 50, Size: 100}, 10,
			ops.StateOK},
		"to be made":  {Folder{Path: "/b/c", Parent: "/b", Writable: true, Free: 50, Size: 100}, 0, ops.StateOK},
		"not makable": {Folder{Path: "/b/c", Parent: "/b", Free: 50, Size: 100}, 0, ops.StateCritical},
		"read only":   {Folder{Path: "/b", Exists: true, Mode: 0o700, Free: 50, Size: 100}, 0, ops.StateCritical},
		"open": {Folder{Path: "/b", Exists: true, Writable: true, Mode: 0o755, Free: 50, Size: 100}, 0,
			ops.StateWarning},
		"nearly full": {Folder{Path: "/b", Exists: true, Writable: true, Mode: 0o700, Free: 10, Size: 100}, 0,
			ops.StateWarning},
		"no room": {Folder{Path: "/b", Exists: true, Writable: true, Mode: 0o700, Free: 50, Size: 100}, 60,
			ops.StateCritical},
	} {
		if got := JudgeFolder(c.f, "x", "", true, 0.2, c.room).State(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestDefaultPasswordsAreCriticalAndNeverSaid(t *testing.T) {
	for password, want := range map[string]ops.State{"qianzhang_password": ops.StateCritical, "": ops.StateWarning, "k3fJ!9": ops.StateOK} {
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
	live := ParseGrants([]string{"GRANT ALL PRIVILEGES ON `shop%`.* TO `b`@`h`"})
	found := JudgeDrill(live, "b@h", scratch)
	if len(found) != 1 || !strings.Contains(found[0].Fix, " ON `opsdeck\\_drill\\_%`.* TO 'b'@'h'") {
		t.Fatalf("%+v", found)
	}
	if left := JudgeDrill(ParseGrants([]string{strings.ReplaceAll(found[0].Fix, "'", "`")}), "b@h",
		scratch); left != nil {
		t.Errorf("what it says to grant is not enough: %+v", left)
	}
}

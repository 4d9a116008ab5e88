package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// strange are global settings that a session begins with. Each of them breaks
// statements, hides rows, or changes how values and names are written. A server
// that lacks one, or a value, goes without it.
var strange = []string{
	"max_execution_time = 1", "max_statement_time = 0.001", "sql_select_limit = 1", "max_join_size = 1",
	"sql_big_selects = 0",
	"sql_safe_updates = 1", "show_gipk_in_create_table_and_information_schema = 0",
	"sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION,REAL_AS_FLOAT'",
	"sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,EMPTY_STRING_IS_NULL,SIMULTANEOUS_ASSIGNMENT'",
	"autocommit = 0", "completion_type = 2", "transaction_isolation = 'READ-UNCOMMITTED'", "tx_isolation = " +
		"'READ-UNCOMMITTED'",
	"transaction_read_only = 1", "tx_read_only = 1", "idle_transaction_timeout = 1",
	"idle_readonly_transaction_timeout = 1",
	"wait_timeout = 1", "net_read_timeout = 1", "net_write_timeout = 1", "lock_wait_timeout = 1",
	"innodb_lock_wait_timeout = 1",
	"group_concat_max_len = 4", "div_precision_increment = 0", "max_sort_length = 4", "max_error_count = 0",
	"sql_quote_show_create = 0",
	"sql_auto_is_null = 1", "lc_messages = 'zh_CN'", "lc_messages = 'de_DE'", "lc_time_names = 'zh_CN'",
	"time_zone = '+05:45'",
	"default_week_format = 3", "default_storage_engine = MyISAM", "default_tmp_storage_engine = MEMORY",
	"big_tables = 1",
	"sql_generate_invisible_primary_key = 1", "sql_require_primary_key = 1", "foreign_key_checks = 0",
	"unique_checks = 0",
	"check_constraint_checks = 0", "sql_notes = 0", "sql_warnings = 1", "note_verbosity = " +
		"'basic,unusable_keys,explain'",
	"alter_algorithm = INSTANT", "system_versioning_alter_history = KEEP", "sql_if_exists = 1",
	"old_mode = 'ZERO_DATE_TIME_CAST,NO_PROGRESS_INFO'",
	"system_versioning_asof = '2000-01-01 00:00:00'", "low_priority_updates = 1", "show_create_table_verbosity = 1",
	"character_set_server = latin1", "character_set_client = latin1", "character_set_results = latin1",
	"collation_connection = latin1_german1_ci",
	"max_session_mem_used = 65536", "tmp_disk_table_size = 1024", "max_tmp_session_space_usage = 65536",
	"query_cache_type = 1",
	"explicit_defaults_for_timestamp = 0", "innodb_strict_mode = 1", "restrict_fk_on_non_standard_key = 1",
	"sql_buffer_result = 1",
}

// imposeSettings gives a server strange settings, and its own back at the end.
func imposeSettings(t *testing.T, db *testdb.Server, settings []string) (taken int) {
	t.Helper()
	admin, err := db.Open(t, "").Conn(t.Context()) // its session began with the server's own
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range append([]string{"SESSION wait_timeout = 28800"}, settings...) {
		name, _, _ := strings.Cut(set, " ")
		var before sql.NullString
		if admin.QueryRowContext(t.Context(), "SELECT @@GLOBAL."+name).Scan(&before) != nil {
			if strings.HasPrefix(set, "SESSION") {
				_, _ = admin.ExecContext(t.Context(), "SET "+set)
			}
			continue
		}
		if _, err := admin.ExecContext(t.Context(), "SET GLOBAL "+set); err != nil {
			t.Logf("%s is not taken: %v", set, err)
			continue
		}
		taken++
		t.Cleanup(func() {
			if _, err := admin.ExecContext(context.Background(), "SET GLOBAL "+name+" = ?", before); err != nil {
				number := before.String
				if _, err := admin.ExecContext(context.Background(), "SET GLOBAL "+name+" = "+number); err != nil {
					t.Errorf("%s is left as it is: %v", name, err)
				}
			}
		})
	}
	return taken
}

// withoutSuper makes the site log in as an account to which init_connect applies.
func (s *realSite) withoutSuper() {
	s.t.Helper()
	rights := "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, LOCK " +
		"TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, " +
		"CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, REPLICATION CLIENT, "
	if s.db.Flavour == "mysql" {
		rights += "SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, BACKUP_ADMIN, SESSION_VARIABLES_ADMIN, SYSTEM_USER"
	} else {
		rights += "SET USER, BINLOG MONITOR, DELETE HISTORY"
	}
	s.db.Exec(s.t, "", "CREATE USER plain@'%' IDENTIFIED BY 'x'", "GRANT "+rights+" ON *.* TO plain@'%'")
	s.t.Cleanup(func() { s.db.Exec(s.t, "", "DROP USER plain@'%'") })
	s.write("plain.cnf", "[client]\nuser=plain\npassword=x\n")
	s.amend(s.options, filepath.Join(s.dir, "plain.cnf"))
}

// imposed is what init_connect does to a session.
const imposed = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', autocommit = 0, @@timestamp = 1, " +
	"time_zone = '-11:00', sql_select_limit = 1; " +
	"SET NAMES latin1; USE information_schema"

// TestEveryVerbShedsWhatTheServerImposes goes through the verbs under all of
// the settings at once, with an account to which init_connect applies.
func TestEveryVerbShedsWhatTheServerImposes(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		s.withHistory()
		db.Exec(
			t,
			s.live,
			"CREATE TABLE keyless (a CHAR(20), b DATETIME(6), t TIMESTAMP NULL)",
			"INSERT INTO keyless VALUES ('a', '2026-01-01 00:00:00.5', '2026-01-01'), ('b\\\\', NULL, NULL), ('c', "+
				"NULL, NULL)",
		)
		if db.Flavour == "mysql" {
			db.Exec(
				t,
				s.live,
				"SET sql_generate_invisible_primary_key = 1; CREATE TABLE hidden_key (a INT); INSERT INTO "+
					"hidden_key VALUES (3), (4)",
			)
		}
		good := s.dump()
		s.withoutSuper()
		t.Run("all", func(t *testing.T) {
			s := s.in(t)
			imposeSettings(t, db, append(strange, "log_bin_trust_function_creators = 1",
				`init_connect = "`+imposed+`"`))
			s.everyVerb()
		})
		definer := regexp.MustCompile("DEFINER=[^ *]+") // ALTER EVENT makes an event its user's
		sameDump(t, definer.ReplaceAllString(good, ""), definer.ReplaceAllString(s.dump(), ""))
	})
}

// everyVerb runs the verbs that talk to the server, and ends with the tables as
// they were at its backup.
func (s *realSite) everyVerb() {
	s.t.Helper()
	s.must("status", "--only", "mysql,schema")
	made := s.must("backup", "create", "--json").out
	var backup struct {
		Name       string
		Rows       int64
		Consistent bool
	}
	if err := json.Unmarshal([]byte(made), &backup); err != nil || !backup.Consistent {
		s.t.Fatalf("%v %s", err, made)
	}
	s.must("backup", "verify", "--all", "--deep")
	s.must("backup", "drill")
	s.must("audit", "list", "--limit", "5")
	s.must("restore", "--from", backup.Name, "--to", s.live+"__2", "--confirm", s.live+"__2")
	s.must("restore", "rescue", "--table", "orders")
	if o := s.must("restore", "lost"); strings.Contains(o.out, "made_later") {
		s.t.Errorf("lost: %s", o.out)
	}
	s.must("restore", "--from", backup.Name, "--confirm", s.live)
}

package mysql

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// strange are global values that differ from those of our sessions, by the name of
// the variable. A server that lacks one goes without it.
var strange = map[string]string{
	"max_execution_time": "1", "max_statement_time": "0.001", "sql_select_limit": "0", "max_join_size": "1",
	"sql_safe_updates": "1",
	"show_gipk_in_create_table_and_information_schema": "0", "autocommit": "0", "completion_type": "2",
	"transaction_isolation": "'SERIALIZABLE'",
	"tx_isolation":          "'SERIALIZABLE'", "transaction_read_only": "1", "tx_read_only": "1",
	"idle_transaction_timeout": "1", "wait_timeout": "1",
	"sql_mode":        "'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'",
	"max_error_count": "0", "group_concat_max_len": "4", "div_precision_increment": "0", "sql_quote_show_create": "0",
	"sql_auto_is_null": "1",
	"lc_messages":      "'de_DE'", "lc_time_names": "'zh_CN'", "default_storage_engine": "MyISAM",
	"sql_require_primary_key":            "1",
	"sql_generate_invisible_primary_key": "1", "foreign_key_checks": "0", "unique_checks": "0",
	"check_constraint_checks": "0", "sql_notes": "0",
	"alter_algorithm": "'COPY'", "sql_if_exists": "1", "old_mode": "'ZERO_DATE_TIME_CAST'",
	"system_versioning_asof":          "'2000-01-01 00:00:00'",
	"system_versioning_alter_history": "KEEP", "note_verbosity": "''", "max_session_mem_used": "65536",
	"innodb_lock_wait_timeout": "1",
	"enforce_storage_engine":   "MyISAM", "default_regex_flags": "'DOTALL'", "max_sort_length": "64",
	"default_week_format": "3",
}

// TestASessionIsTheSameOnAnyServer opens a session under each strange setting
// alone, and asks the server for the session's values.
func TestASessionIsTheSameOnAnyServer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		target := Target{
			Network:  "tcp",
			Addr:     net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
			User:     s.User,
			Password: s.Password,
		}
		admin, err := s.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		global := func(name, value string) error {
			_, err := admin.ExecContext(context.Background(), "SET GLOBAL "+name+" = "+value)
			return err
		}
		checked := 0
		for name, value := range strange {
			if global(name, value) != nil {
				continue
			}
			for what, wrong := range foreignTo(t, target) {
				t.Errorf("under %s = %s the session's %s is %s", name, value, what, wrong)
			}
			if err := global(name, "DEFAULT"); err != nil {
				t.Fatal(name, err)
			}
			checked++
		}
		if checked < 25 {
			t.Errorf("only %d settings were tried", checked)
		}
	})
}

// foreignTo are the session's values that are not ours.
func foreignTo(t *testing.T, target Target) map[string]string {
	t.Helper()
	db, err := Open(t.Context(), target, "information_schema")
	if err != nil {
		t.Error(err)
		return nil
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SHOW SESSION VARIABLES")
	if err != nil {
		t.Error(err)
		return nil
	}
	defer rows.Close()
	now := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		now[name] = value
	}
	wrong := map[string]string{}
	for _, want := range settings {
		value, has := now[want.Name]
		switch {
		case !has || want.holds(value) || want.Name == "max_error_count" && value == "1024":
		case want.Name == "completion_type" && value == "NO_CHAIN",
			want.Name == "enforce_storage_engine" && value == "":
		case want.Name == "sql_mode" && strings.Contains(value, "STRICT_ALL_TABLES") &&
			!strings.Contains(value, "ANSI"):
		case want.Name == "default_tmp_storage_engine" && value == "":
		default:
			wrong[want.Name] = value
		}
	}
	return wrong
}

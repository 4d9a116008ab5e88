package mysql

// Setting is a session variable and the value that every session of ours gives it.
type Setting struct {
	Name  string // as SHOW VARIABLES prints it
	Value string // as SET takes it

	// Privileged settings may need a right that the account lacks. Then they stay
	// as they are: they only change how objects are made, never what is read.
	Privileged bool
}

const unlimited = "18446744073709551615"

// settings are the session variables that change which rows a session sees, how
// the server writes values, names, definitions and messages, what statements
// mean, or when the server ends them. A variable that a server lacks is left out.
// Who needs another value sets it after that, as dump and load do.
//
// Names and meaning: MySQL 9 Reference Manual, "Server System Variables";
// MariaDB, "Server System Variables" and "System-Versioned Tables".
var settings = []Setting{
	// What ends a statement or a session early.
	{Name: "max_execution_time", Value: "0"},
	{Name: "max_statement_time", Value: "0"},
	{Name: "max_join_size", Value: unlimited},
	{Name: "sql_big_selects", Value: "1"},
	{Name: "sql_safe_updates", Value: "0"},
	{Name: "lock_wait_timeout", Value: "60"},
	{Name: "innodb_lock_wait_timeout", Value: "50"},
	{Name: "wait_timeout", Value: "28800"},
	{Name: "net_read_timeout", Value: "3600"},
	{Name: "net_write_timeout", Value: "3600"},
	{Name: "idle_transaction_timeout", Value: "0"},
	{Name: "idle_readonly_transaction_timeout", Value: "0"},
	{Name: "idle_write_transaction_timeout", Value: "0"},
	{Name: "max_session_mem_used", Value: "9223372036854775807"},
	{Name: "tmp_disk_table_size", Value: unlimited},
	{Name: "max_tmp_session_space_usage", Value: "0", Privileged: true},
	{Name: "low_priority_updates", Value: "0", Privileged: true},

	// Which rows a statement sees and returns.
	{Name: "sql_select_limit", Value: unlimited},
	{Name: "sql_auto_is_null", Value: "0"},
	{Name: "system_versioning_asof", Value: "DEFAULT"},
	{Name: "autocommit", Value: "1"},
	{Name: "completion_type", Value: "0"},
	{Name: "transaction_isolation", Value: "'REPEATABLE-READ'"},
	{Name: "tx_isolation", Value: "'REPEATABLE-READ'"},
	{Name: "transaction_read_only", Value: "0"},
	{Name: "tx_read_only", Value: "0"},
	{Name: "use_secondary_engine", Value: "OFF"},
	{Name: "query_cache_type", Value: "OFF", Privileged: true},

	// How statements are read and values written. Strict: a write of ours that
	// does not fit must fail, not be cut to fit.
	{Name: "sql_mode", Value: "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"},
	{Name: "old_mode", Value: "'UTF8_IS_UTF8MB3'"},
	{Name: "old_passwords", Value: "0"},
	{Name: "time_zone", Value: "@@GLOBAL.time_zone"},
	{Name: "timestamp", Value: "DEFAULT"},
	{Name: "lc_messages", Value: "'en_US'"},
	{Name: "lc_time_names", Value: "'en_US'"},
	{Name: "default_week_format", Value: "0"},
	{Name: "default_regex_flags", Value: "''"},
	{Name: "div_precision_increment", Value: "4"},
	{Name: "group_concat_max_len", Value: "1048576"},
	{Name: "max_sort_length", Value: "1024"},
	{Name: "max_error_count", Value: "1024", Privileged: true},
	{Name: "sql_notes", Value: "1"},
	{Name: "note_verbosity", Value: "'basic'"},
	{Name: "sql_warnings", Value: "0"},
	{Name: "sql_quote_show_create", Value: "1"},
	{Name: "show_create_table_verbosity", Value: "0"},
	{Name: "show_create_table_skip_secondary_engine", Value: "0", Privileged: true},
	{Name: "show_gipk_in_create_table_and_information_schema", Value: "ON"},
	{Name: "show_old_temporals", Value: "0"},
	{Name: "resultset_metadata", Value: "FULL"},

	// What statements that make or change something do.
	{Name: "foreign_key_checks", Value: "1"},
	{Name: "unique_checks", Value: "1"},
	{Name: "check_constraint_checks", Value: "1"},
	{Name: "sql_if_exists", Value: "0"},
	{Name: "alter_algorithm", Value: "'DEFAULT'"},
	{Name: "system_versioning_alter_history", Value: "ERROR"},
	{Name: "system_versioning_insert_history", Value: "0"},
	{Name: "default_storage_engine", Value: "InnoDB"},
	{Name: "default_tmp_storage_engine", Value: "InnoDB"},
	{Name: "enforce_storage_engine", Value: "NULL", Privileged: true},
	{Name: "big_tables", Value: "0"},
	{Name: "sql_buffer_result", Value: "0"},
	{Name: "sql_require_primary_key", Value: "0", Privileged: true},
	{Name: "sql_generate_invisible_primary_key", Value: "0", Privileged: true},
	{Name: "restrict_fk_on_non_standard_key", Value: "0", Privileged: true},
}

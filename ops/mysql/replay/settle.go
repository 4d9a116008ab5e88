package replay

import (
	"fmt"
	"strconv"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// guarded are session variables that only some accounts may set, so they are set only if
// their value differs; the server's values are read once. A variable that the server does
// not have is not included.
//
// MySQL Reference Manual, "System Variable Privileges".
type guarded map[string]string

// guardedNames are the variables whose value the log records, or implies by omission.
var guardedNames = []string{
	"auto_increment_increment",
	"auto_increment_offset",
	"explicit_defaults_for_timestamp",
	"default_collation_for_utf8mb4",
	"default_table_encryption",
	"collation_server",
	"innodb_strict_mode",
}

// settle sets the session variables of the statement. A value that is not logged is the
// server's default, as for mysqlbinlog, and not the previous statement's value.
//
// Query_log_event::print_query_header in log_event.cc of MySQL and MariaDB.
func (r *runner) settle(i *format.Item, settings []string) error {
	r.plain.ready = false
	if len(r.judge.temp) > 0 || r.thread != 0 {
		if err := asThread(r, i.Query.Thread); err != nil {
			return err
		}
	}
	for _, s := range append(r.sessionOf(i), settings...) {
		if _, err := r.apply.ExecContext(r.ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return r.guard(i.Query)
}

// sessionOf are the statements for settings that every account may change.
func (r *runner) sessionOf(i *format.Item) []string {
	q := i.Query
	set := []string{using(r.Schema)}
	if q.HasSQLMode {
		set = append(set, fmt.Sprintf("SET SESSION sql_mode = %d", q.SQLMode))
	}
	if q.HasFlags2 {
		set = append(
			set,
			fmt.Sprintf("SET SESSION foreign_key_checks = %d, unique_checks = %d, sql_auto_is_null = %d",
				bit(q.Flags2&format.OptionNoForeignKeys == 0), bit(q.Flags2&format.OptionNoUnique == 0),
				bit(q.Flags2&format.OptionAutoIsNull != 0)),
		)
	}
	if q.HasFlags2 && r.server.maria {
		set = append(set, fmt.Sprintf("SET SESSION check_constraint_checks = %d",
			bit(q.Flags2&format.OptionNoCheckConstraints == 0)))
	}
	if q.TimeZone != "" {
		set = append(set, "SET SESSION time_zone = "+schema.String(q.TimeZone))
	}
	if c, ok := r.server.collations[int(q.Client)]; ok && q.Client != 0 {
		set = append(set, "SET character_set_client = "+c[0])
	}
	if c, ok := r.server.collations[int(q.Connection)]; ok && q.Connection != 0 {
		set = append(set, "SET collation_connection = "+c[1])
	}
	if c, ok := r.server.collations[int(q.Database)]; ok && q.Database != 0 && r.server.maria {
		set = append(set, "SET collation_database = "+c[1])
	}
	return append(set, fmt.Sprintf("SET SESSION lc_time_names = %d, timestamp = %d.%06d", q.LCTime,
		i.Event.Timestamp, q.Micros))
}

// guard sets the guarded variables.
func (r *runner) guard(q *format.Query) error {
	if r.guarded == nil {
		if err := r.askGuarded(); err != nil {
			return err
		}
	}
	want := map[string]string{
		"auto_increment_increment": strconv.Itoa(max(int(q.Increment), 1)),
		"auto_increment_offset":    strconv.Itoa(max(int(q.Offset), 1)),
		"innodb_strict_mode":       "0", // not logged: accept what the server accepted then
	}
	switch {
	case q.Explicit > 0:
		want["explicit_defaults_for_timestamp"] = strconv.Itoa(int(q.Explicit) - 1)
	case r.server.maria && q.HasFlags2:
		want["explicit_defaults_for_timestamp"] = strconv.Itoa(bit(q.Flags2&format.OptionExplicitDefaults != 0))
	}
	if c, ok := r.server.collations[int(q.Default4)]; ok && q.Default4 != 0 {
		want["default_collation_for_utf8mb4"] = c[1]
	}
	if c, ok := r.server.collations[int(q.Server)]; ok && q.Server != 0 {
		want["collation_server"] = c[1]
	}
	if q.Encryption > 0 {
		want["default_table_encryption"] = strconv.Itoa(int(q.Encryption) - 1)
	}
	for _, name := range guardedNames {
		value, wanted := want[name]
		now, there := r.guarded[name]
		if !wanted || !there || now == value {
			continue
		}
		if err := r.setGuarded(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) setGuarded(name, value string) error {
	text := value
	if _, err := strconv.Atoi(value); err != nil {
		text = schema.String(value)
	}
	q := "SET SESSION " + name + " = " + text
	_, err := r.apply.ExecContext(r.ctx, q)
	if mysql.Number(err) == mysql.ErrSpecificAccess && name == "innodb_strict_mode" {
		delete(r.guarded, name) // the statement that needs it will report the error
		return nil
	}
	if mysql.Number(err) == mysql.ErrSpecificAccess {
		return ops.Wrap(err, ops.Config, lang.M("the statement was logged with %s = %s, which this user may not set",
			name, value)).
			WithHint(lang.Raw(r.server.grant()))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", q, err)
	}
	r.guarded[name] = value
	return nil
}

func (r *runner) askGuarded() error {
	r.guarded = guarded{}
	for _, name := range guardedNames {
		value, err := schema.One(r.ctx, r.apply, "SELECT @@SESSION."+name)
		if mysql.Number(err) == mysql.ErrUnknownVariable {
			continue
		}
		if err != nil {
			return err
		}
		r.guarded[name] = value
	}
	return nil
}

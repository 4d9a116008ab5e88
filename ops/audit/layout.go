package audit

import (
	"sort"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Column is a column that was found in the table.
type Column struct {
	Name      string
	Type      string // as information_schema says, lower case: "bigint", "json", "timestamp"
	Nullable  bool
	Integer   bool // any integer type
	JSON      bool // the server's JSON type, or text that a check keeps JSON
	Exact     bool // text whose collation tells upper from lower case
	Binary    bool // bytes without a character set
	Counted   bool // AUTO_INCREMENT
	OnUpdate  bool // the server writes it anew when the row changes
	Precision int  // digits of a second's fraction, for times
}

// Index is an index that was found: its columns in order.
type Index struct {
	Name    string
	Columns []string
	Unique  bool
}

// Layout is which column stands for which field, and which indexes help.
type Layout struct {
	Schema, Table string
	Columns       [NumFields]*Column // nil: the table has none
	Extra         []Column           // columns that stand for no field
	Indexes       []Index
	Keys          []Column       // with the time they make a row unique; see key.go
	Unique        bool           // without the time too
	Trusted       bool           // no index says so, only the configuration
	Zone          *time.Location // of the wall time in a DATETIME column; UTC for a TIMESTAMP
	Aliases       Aliases        // of kinds of resources

	numbered bool
	keyed    Index           // the unique index that gave Keys
	primary  bool            // the key is the primary one, so every index ends with it
	named    [NumFields]bool // by the configuration
}

// Has tells whether a column stands for the field.
func (l *Layout) Has(f Field) bool { return l.Columns[f] != nil }

// Column is the field's column; the zero Column when there is none.
func (l *Layout) Column(f Field) Column {
	if c := l.Columns[f]; c != nil {
		return *c
	}
	return Column{}
}

// Fields are those that the table has, in the order of their constants.
func (l *Layout) Fields() []Field {
	var out []Field
	for i, c := range l.Columns {
		if c != nil {
			out = append(out, Field(i))
		}
	}
	return out
}

// Other names that columns of near shapes have, best first. The field's own
// name always comes before these.
var synonyms = map[Field][]string{
	ID: {"audit_id", "log_id"},
	CreatedAt: {
		"createdat",
		"created",
		"create_time",
		"created_time",
		"gmt_create",
		"timestamp",
		"occurred_at",
		"event_time",
		"logged_at",
		"time",
	},
	UserID:   {"userid", "operator_id", "actor_id", "uid", "account_id"},
	UserName: {"username", "operator_name", "operator", "actor_name", "actor", "user"},
	Action:   {"action_type", "operation", "event", "event_type", "verb", "type"},
	ResourceType: {
		"resourcetype",
		"entity_type",
		"object_type",
		"target_type",
		"entity",
		"resource",
		"module",
		"table_name",
	},
	ResourceID: {"resourceid", "entity_id", "object_id", "target_id", "record_id"},
	Changes:    {"change", "diff", "change_set", "changeset", "details", "detail"},
	OldValue:   {"oldvalue", "old_values", "old_data", "before", "before_value"},
	NewValue:   {"newvalue", "new_values", "new_data", "after", "after_value"},
	IP:         {"ipaddress", "ip", "client_ip", "remote_addr"},
	UserAgent:  {"useragent", "agent"},
	Path:       {"apipath", "path", "url", "uri", "request_path"},
	Method:     {"httpmethod", "method", "request_method"},
	Request:    {"requestbody", "request", "request_data", "body", "params"},
	Response:   {"responsedata", "response", "response_body", "result"},
	Key:        {"idempotencykey", "request_id", "requestid", "trace_id"},
}

// Map decides which column stands for which field: what the configuration
// names, else the field's own name, else one of its known other names, always
// without regard to case. id, created_at and action must be there, id in a
// unique index, created_at a time.
func Map(schema, table string, found []Column, indexes []Index, named map[string]string) (*Layout, error) {
	l := &Layout{Schema: schema, Table: table, Indexes: indexes, Zone: time.UTC}
	byName := make(map[string]*Column, len(found))
	for i := range found {
		byName[strings.ToLower(found[i].Name)] = &found[i]
	}
	taken := map[*Column]bool{}
	if err := l.mapNamed(byName, taken, named); err != nil {
		return nil, err
	}
	for _, synonym := range []bool{false, true} {
		for f := range l.Columns {
			l.pick(Field(f), synonym, byName, taken)
		}
	}
	for i := range found {
		if !taken[&found[i]] {
			l.Extra = append(l.Extra, found[i])
		}
	}
	if err := l.check(found); err != nil {
		return l, err
	}
	return l, l.setKeys(found)
}

func (l *Layout) mapNamed(byName map[string]*Column, taken map[*Column]bool, named map[string]string) error {
	keys := make([]string, 0, len(named))
	for name := range named {
		keys = append(keys, name)
	}
	sort.Strings(keys)
	for _, name := range keys {
		f, ok := fieldNamed(name)
		if !ok {
			return ops.E(ops.Config, lang.M("audit.columns names a field %q that does not exist", name)).
				WithHint(lang.M("the fields are: %s", strings.Join(fieldNames[:], ", ")))
		}
		c := byName[strings.ToLower(named[name])]
		if c == nil {
			return ops.E(ops.Config, lang.M("the table %s has no column %q, which audit.columns gives for %s", l.Table,
				named[name], name))
		}
		l.Columns[f], taken[c], l.named[f] = c, true, true
	}
	return nil
}

func (l *Layout) pick(f Field, synonym bool, byName map[string]*Column, taken map[*Column]bool) {
	if l.Columns[f] != nil {
		return
	}
	names := []string{f.String()}
	if synonym {
		names = synonyms[f]
	}
	for _, n := range names {
		if c := byName[n]; c != nil && !taken[c] {
			l.Columns[f], taken[c] = c, true
			return
		}
	}
}

func (l *Layout) check(found []Column) error {
	var missing []string
	for _, f := range []Field{ID, CreatedAt, Action} {
		if !l.Has(f) {
			missing = append(missing, f.String())
		}
	}
	if len(missing) > 0 {
		var names []string
		for _, c := range found {
			names = append(names, c.Name)
		}
		return ops.E(ops.Config, lang.M("the table %s is not an audit table that opsdeck can read: no column for %s "+
			"among its %d (%s)",
			l.Table, strings.Join(missing, ", "), len(found), strings.Join(names, ", "))).
			WithHint(lang.M("name the columns under audit.columns in the configuration, e.g. created_at: logged_on"))
	}
	if t := l.Columns[CreatedAt].Type; t != "timestamp" && t != "datetime" && t != "date" {
		return ops.E(ops.Config,
			lang.M("the column %s of %s has the type %s, not a time", l.Columns[CreatedAt].Name, l.Table, t)).
			WithHint(lang.M("name another column as audit.columns.created_at"))
	}
	return nil
}

// indexOn finds an index that begins with the columns of these fields, in order.
func (l *Layout) indexOn(fields ...Field) (Index, bool) {
	for _, ix := range l.Indexes {
		if l.begins(ix, fields) {
			return ix, true
		}
	}
	return Index{}, false
}

func (l *Layout) begins(ix Index, fields []Field) bool {
	if len(ix.Columns) < len(fields) {
		return false
	}
	for i, f := range fields {
		if !l.Has(f) || !strings.EqualFold(ix.Columns[i], l.Columns[f].Name) {
			return false
		}
	}
	return true
}

// KeyIndex is the index that rows come by their key from; nameless when there
// is none.
func (l *Layout) KeyIndex() Index {
	if l.numbered {
		ix, _ := l.indexOn(ID)
		return ix
	}
	return l.keyed
}

package load

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// HeldTables lists the tables of a dump without manifest that belong to one of its
// databases; "" is for all.
func HeldTables(c *backup.DumpContents, database string) (out []backup.DumpTable) {
	for _, s := range c.Schemas {
		if s.Name != "" && s.Name != database && database != "" {
			continue
		}
		for _, t := range s.Tables {
			i := slices.IndexFunc(out, func(x backup.DumpTable) bool { return x.Name == t.Name })
			if i < 0 {
				out = append(out, t)
				continue
			}
			out[i].Rows += t.Rows
			out[i].Bytes += t.Bytes
			out[i].Inexact = out[i].Inexact || t.Inexact
		}
	}
	return out
}

// CompareHeld counts the rows of a loaded dump without manifest and compares them with
// the rows in the dump's own statements. Drill and restore both use it. A table is
// Unchecked when it stores no rows of its own, and when the dump's statements can leave
// another number of rows (REPLACE, INSERT IGNORE) and did. counted are the rows of tables
// that were counted before; it may be nil.
func CompareHeld(
	ctx context.Context,
	q schema.Querier,
	in string,
	held []backup.DumpTable,
	counted map[string]int64,
) (out []backup.TableVerdict, err error) {
	there, err := schema.Tables(ctx, q, in)
	if err != nil {
		return nil, err
	}
	fold, err := schema.One(ctx, q, "SELECT @@lower_case_table_names")
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		v := backup.TableVerdict{Name: h.Name, State: backup.Missing, WantRows: h.Rows, Definition: backup.Unchecked}
		if t := named(there, h.Name, fold != "0"); t != nil {
			v.Name = t.Name
			if rows, known := counted[t.Name]; known {
				v.Rows = rows
			} else if v.Rows, err = countRows(ctx, q, t, false); err != nil {
				return nil, err
			}
			if err := compareHeld(ctx, q, t, h, &v); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// named finds a table; with fold the server may have changed the case of its name.
func named(there []*schema.Table, name string, fold bool) *schema.Table {
	i := slices.IndexFunc(there, func(t *schema.Table) bool {
		return t.Name == name || fold && strings.EqualFold(t.Name, name)
	})
	if i < 0 {
		return nil
	}
	return there[i]
}

func compareHeld(
	ctx context.Context,
	q schema.Querier,
	t *schema.Table,
	h backup.DumpTable,
	v *backup.TableVerdict,
) error {
	v.State = backup.Unchecked
	if !t.OwnRows() {
		return nil
	}
	if v.Rows != h.Rows && t.Versioned { // the dump may hold former versions of rows too
		all, err := countRows(ctx, q, t, true)
		if err != nil {
			return err
		}
		if all == h.Rows {
			v.Rows = all
		}
	}
	switch {
	case v.Rows == h.Rows:
		v.State = backup.Same
	case !h.Inexact:
		v.State, v.Detail = backup.Differs, "number of rows"
	}
	return nil
}

// rowsOf counts the rows of a table that stores rows of its own; of others 0.
func countRows(ctx context.Context, q schema.Querier, t *schema.Table, history bool) (int64, error) {
	if !t.OwnRows() {
		return 0, nil
	}
	text, err := schema.One(ctx, q, "SELECT COUNT(*) FROM "+t.From(history))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

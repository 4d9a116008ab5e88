package load

import (
	"context"
	"database/sql"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/schema"
)

// CompareRows reads a table and compares its rows with a manifest. Verify, drill and
// restore all use it. It does not compare definitions. A table that stores no rows of
// its own is not read, and is Unchecked. The connection must be set up by
// checksum.Session. tick may be nil; it is called now and then with the number of rows
// read so far.
func CompareRows(
	ctx context.Context,
	c *sql.Conn,
	t *schema.Table,
	want backup.Table,
	tick func(rows int64),
) (backup.TableVerdict, error) {
	d := backup.TableVerdict{
		Name:         want.Name,
		State:        backup.Unchecked,
		WantRows:     want.Rows,
		WantChecksum: want.Checksum,
		Definition:   backup.Unchecked,
	}
	if !t.OwnRows() {
		return d, nil
	}
	rows, sum, err := checksum.Table(ctx, c, t, want.History, tick)
	if err != nil {
		return d, err
	}
	d.Rows, d.Checksum = rows, sum.String()
	switch {
	case want.Checksum == "" && want.Rows == 0: // another tool's dump, whose rows may not have been counted
	case rows != want.Rows:
		d.State, d.Detail = backup.Differs, "number of rows"
	case want.Checksum == "":
	case d.Checksum != want.Checksum:
		d.State, d.Detail = backup.Differs, "contents of rows"
	default:
		d.State = backup.Same
	}
	return d, nil
}

// CompareSequence compares a MariaDB sequence, including its next value, with the
// manifest.
func CompareSequence(ctx context.Context, c *sql.Conn, t *schema.Table, want backup.Object) (string, error) {
	create, err := schema.CreateTable(ctx, c, t)
	if err != nil {
		return backup.Unchecked, err
	}
	return state(schema.HashIs(create, want.DefinitionHash), want.DefinitionHash), nil
}

// CompareDefinition compares the definition of a table in the schema in with that of the
// manifest, whose schema is from. It is Unchecked when the manifest has no hash.
func CompareDefinition(
	ctx context.Context,
	c *sql.Conn,
	t *schema.Table,
	want backup.Table,
	in, from string,
) (string, error) {
	if want.DefinitionHash == "" {
		return backup.Unchecked, nil
	}
	create, err := schema.CreateTable(ctx, c, t)
	if err != nil {
		return backup.Unchecked, err
	}
	same := schema.HashIs(create, want.DefinitionHash) ||
		schema.HashIs(original(create, "", "", in, from, schema.Ident), want.DefinitionHash)
	return state(same, want.DefinitionHash), nil
}

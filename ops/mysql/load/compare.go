package load

import (
	"context"
	"database/sql"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/schema"
)

// CompareRows reads a table and judges whether it holds the rows that a manifest
// tells of: it is the judge of verify, drill and restore alike. Definitions are
// not looked at. A table without rows of its own is not read, and Unchecked. The
// connection must have been set up by checksum.Session. tick, when not nil, is
// told the rows read now and then.
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

// CompareSequence judges whether a MariaDB sequence is as the manifest tells,
// its next value too.
func CompareSequence(ctx context.Context, c *sql.Conn, t *schema.Table, want backup.Object) (string, error) {
	create, err := schema.CreateTable(ctx, c, t)
	if err != nil {
		return backup.Unchecked, err
	}
	return state(schema.HashIs(create, want.DefinitionHash), want.DefinitionHash), nil
}

// CompareDefinition judges whether a table of the schema in is defined as the manifest
// tells of it in the schema from. Without a hash in the manifest it is Unchecked.
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

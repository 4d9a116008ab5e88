package load

import (
	"context"
	"database/sql"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/sqlscan"
)

// Lendable reports that a view was refused because of the definer of another view that it
// reads: he does not exist (1449), or has no privilege in this database (1356), which may be
// one beside the database of his grants.
func Lendable(err error) bool {
	n := mysql.Number(err)
	return n == 1449 || n == 1356
}

// Lent is the statement that creates a view for the connected user.
func Lent(create []byte, mode sqlscan.Mode) ([]byte, error) {
	p, err := sqlscan.Parse(create, mode)
	if err != nil || p.Definer == "" {
		return create, err
	}
	return sqlscan.Apply(p.SQL, []sqlscan.Edit{p.Redefine("CURRENT_USER")}), nil
}

// lend creates the views of a plan, in its order, for the connected user, then gives each its
// definer, from the last to the first: no view is created over one whose definer may not read.
// failed are those that the server refuses even so.
func lend(ctx context.Context, c *sql.Conn, steps []step) (failed map[string]error, err error) {
	failed = map[string]error{}
	var made []step
	for _, o := range steps {
		if o.kind != "view" {
			continue
		}
		switch err := makeView(ctx, c, o, true); {
		case err == nil:
			made = append(made, o)
		case ctx.Err() != nil || mysql.Number(err) == 0:
			return failed, err
		default:
			failed[o.object] = err
		}
	}
	for i := len(made) - 1; i >= 0; i-- {
		if err := makeView(ctx, c, made[i], false); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

func makeView(ctx context.Context, c *sql.Conn, o step, lent bool) error {
	for _, v := range o.statements {
		text := v.sql
		if v.parsed.Verb == "CREATE" {
			if drop := dropFor(v); drop != "" {
				if err := define(ctx, c, drop); err != nil {
					return err
				}
			}
			if lent {
				own, err := Lent(v.sql, v.parsed.Mode)
				if err != nil {
					return err
				}
				text = own
			}
		}
		if err := define(ctx, c, string(text)); err != nil {
			return err
		}
	}
	return nil
}

package swap

import (
	"context"
	"database/sql"
	"regexp"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// hold takes the server's lock of a rehearsal's schema: while it is held, nobody sweeps the
// schema. A killed process loses it with its connection.
func hold(ctx context.Context, db *sql.DB, name string) (free func(), err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := schema.One(ctx, c, "SELECT GET_LOCK(?, 0)", name); err != nil {
		c.Close()
		return nil, err
	}
	return func() {
		c.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", name)
		c.Close()
	}, nil
}

// rehearsalID ends the name of a rehearsal's schema: its time in nanoseconds, in hex.
var rehearsalID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// sweepRehearsals drops the schemas that killed rehearsals left, and says so. They hold
// definitions without rows. What cannot be dropped is said too.
func (s *Surveyor) sweepRehearsals(ctx context.Context, a *restore.Assessment, db *sql.DB, live string, unlogged bool) {
	prefix := strings.TrimSuffix(restore.SideSchema(live, "probe4", "0123456789abcdef"), "0123456789abcdef")
	names, err := schema.All(ctx, db, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE LEFT(SCHEMA_NAME, "+
		"CHAR_LENGTH(?)) = ? AND IS_FREE_LOCK(SCHEMA_NAME) = 1", prefix, prefix)
	if err != nil {
		return
	}
	for _, n := range names {
		if id, ours := strings.CutPrefix(n[0], prefix); !ours || !rehearsalID.MatchString(id) {
			continue
		}
		said := lang.M("removed %s: an earlier check was killed and left it, without rows", n[0])
		state := ops.StateOK
		if err := dropRehearsal(ctx, db, n[0], unlogged); err != nil {
			said = lang.M("an earlier check was killed and left %s, without rows; it could not be removed: %s", n[0], err.Error())
			state = ops.StateWarning
		}
		a.Findings = append(a.Findings, restore.Finding{State: state, What: restore.N(said)})
	}
}

func dropRehearsal(ctx context.Context, db *sql.DB, name string, unlogged bool) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if unlogged {
		if _, err := c.ExecContext(ctx, "SET SESSION sql_log_bin = 0"); err != nil {
			return err
		}
		defer c.ExecContext(context.WithoutCancel(ctx), "SET SESSION sql_log_bin = 1")
	}
	_, err = c.ExecContext(ctx, "DROP DATABASE IF EXISTS "+schema.Ident(name))
	return err
}

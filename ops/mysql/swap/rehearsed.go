package swap

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// The schemas in which a plan tries what a restore does: the RENAME takes two.
const (
	probeFrom    = "probe1"
	probeTo      = "probe2"
	probeOwner   = "probe3"
	probeObjects = "probe4"
)

var probeRoles = []string{probeFrom, probeTo, probeOwner, probeObjects}

// probeID makes the end of a trial schema's name.
func probeID() string { return fmt.Sprintf("%x", time.Now().UnixNano()) }

// hold takes the server's lock of a trial's schema: while it is held, nobody sweeps the
// schema. A killed process loses it with its connection.
func hold(ctx context.Context, db *sql.DB, name string) (free func(), err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := holdOn(ctx, c, name); err != nil {
		c.Close()
		return nil, err
	}
	return func() {
		c.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", name)
		c.Close()
	}, nil
}

// holdOn takes the locks of trial schemas on a connection, which keeps them until it ends.
func holdOn(ctx context.Context, c *sql.Conn, names ...string) error {
	for _, name := range names {
		if _, err := schema.One(ctx, c, "SELECT GET_LOCK(?, 0)", name); err != nil {
			return err
		}
	}
	return nil
}

// rehearsalID ends the name of a trial's schema: its time in nanoseconds, in hex.
var rehearsalID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// sweepTrials drops the schemas that killed plans left, and says so. They hold definitions
// without rows. What cannot be dropped is said too.
func (s *Surveyor) sweepTrials(ctx context.Context, a *restore.Assessment, db *sql.DB, live string) {
	logged, err := schema.One(ctx, db, "SELECT @@GLOBAL.log_bin")
	if err != nil {
		return
	}
	for _, role := range probeRoles {
		s.sweepTrial(ctx, a, db, live, role, logged != "0")
	}
}

func (s *Surveyor) sweepTrial(
	ctx context.Context,
	a *restore.Assessment,
	db *sql.DB,
	live, role string,
	unlogged bool,
) {
	prefix := strings.TrimSuffix(restore.SideSchema(live, role, "0123456789abcdef"), "0123456789abcdef")
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
			said = lang.M("an earlier check was killed and left %s, without rows; it could not be removed: %s", n[0],
				err.Error())
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

package swap

import (
	"context"
	"database/sql"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// armedEvents are the enabled events of a database that run within the hour.
const armedEvents = "SELECT EVENT_NAME, COALESCE(CONCAT('EVERY ', INTERVAL_VALUE, ' ', INTERVAL_FIELD), " +
	"CONCAT('AT ', EXECUTE_AT)) " +
	"FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? AND STATUS = 'ENABLED' AND @@GLOBAL.event_scheduler = " +
	"'ON' AND (INTERVAL_FIELD IN ('SECOND', 'MINUTE') OR INTERVAL_FIELD = 'HOUR' AND INTERVAL_VALUE = '1' " +
	"OR EXECUTE_AT BETWEEN NOW() AND NOW() + INTERVAL 1 HOUR) " +
	"AND (STARTS IS NULL OR STARTS < NOW() + INTERVAL 1 HOUR) AND (ENDS IS NULL OR ENDS > NOW()) ORDER BY EVENT_NAME"

// surveyEvents warns of the database's own events that will run during the restore: they
// write to it although the service is stopped. Where they cannot be read, the check of step 2
// still finds what they write.
func (s *Surveyor) surveyEvents(ctx context.Context, db *sql.DB, a *restore.Assessment, live string) {
	rows, err := db.QueryContext(ctx, armedEvents, live)
	if err != nil {
		return
	}
	defer rows.Close()
	var events, statements []string
	for rows.Next() {
		var name, when string
		if err := rows.Scan(&name, &when); err != nil {
			return
		}
		disable := "ALTER EVENT " + restore.Name(live, name) + " DISABLE"
		events = append(events, name+" ("+when+")")
		statements = append(statements, disable)
		a.Armed = append(a.Armed, restore.Armed{Event: name, When: when, Disable: disable})
	}
	if rows.Err() != nil || len(events) == 0 {
		return
	}
	a.Findings = append(a.Findings, restore.Finding{
		State: ops.StateWarning,
		What: restore.N(lang.M("events of %s run during the restore, and what they write stops it: %s", live,
			strings.Join(events, ", "))),
		Hint: restore.N(lang.M("disable them before the restore: %s; or all events of the server: %s",
			strings.Join(statements, "; "), "SET GLOBAL event_scheduler = OFF")),
	})
}

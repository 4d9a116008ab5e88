package schema

import (
	"context"
	"fmt"
)

// Inventory lists all that a database holds, as "kind name": table, view, procedure,
// function, trigger, event. MariaDB's sequences are tables here. A database that holds
// nothing, and one that does not exist, have an empty inventory.
func Inventory(ctx context.Context, q Querier, name string) ([]string, error) {
	rows, err := All(
		ctx,
		q,
		`SELECT IF(TABLE_TYPE LIKE '%VIEW%', 'view', 'table'), TABLE_NAME
			FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?
		UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
		UNION ALL SELECT 'trigger', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
		UNION ALL SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?`,
		name,
		name,
		name,
		name,
	)
	if err != nil {
		return nil, fmt.Errorf("list what %s holds: %w", name, err)
	}
	var all []string
	for _, r := range rows {
		all = append(all, r[0]+" "+r[1])
	}
	return all, nil
}

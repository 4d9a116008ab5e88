package schema

import (
	"context"
	"fmt"
)

// Grants are the lines of SHOW GRANTS for the session's user, with what its active roles
// bring. A role whose grants cannot be shown is left out.
func Grants(ctx context.Context, q Querier) ([]string, error) {
	rows, err := All(ctx, q, "SHOW GRANTS") // MariaDB's has the role's lines, too
	if err != nil {
		return nil, fmt.Errorf("show grants: %w", err)
	}
	if role, err := One(ctx, q, "SELECT CURRENT_ROLE()"); err == nil && len(role) > 0 && role[0] == '`' { // MySQL
		if merged, err := All(ctx, q, "SHOW GRANTS FOR CURRENT_USER() USING "+role); err == nil {
			rows = merged
		}
	}
	lines := make([]string, 0, len(rows))
	for _, r := range rows {
		lines = append(lines, r[0])
	}
	return lines, nil
}

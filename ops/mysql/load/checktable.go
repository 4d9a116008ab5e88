package load

import (
	"context"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// CheckTable runs CHECK TABLE and returns the problems that the server reports: none for
// a sound table, and none for a table whose engine does not support the check. Plan,
// drill and restore all use it. A quick check does not scan for rows with wrong links.
//
// MySQL Reference Manual, "CHECK TABLE Statement".
func CheckTable(ctx context.Context, q schema.Querier, in, name string, quick bool) (complaints []string, err error) {
	query := "CHECK TABLE " + schema.Name(in, name)
	if quick {
		query += " QUICK"
	}
	rows, err := schema.All(ctx, q, query)
	for _, r := range rows { // Table, Op, Msg_type, Msg_text
		if len(r) == 4 && complaint(strings.ToLower(r[2]), r[3]) {
			complaints = append(complaints, r[3])
		}
	}
	return complaints, err
}

func complaint(kind, text string) bool {
	switch kind {
	case "note", "info":
		return false
	case "status":
		return text != "OK" && text != "Table is already up to date" && !strings.Contains(text, "support")
	}
	return true
}

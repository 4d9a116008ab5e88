package load

import (
	"context"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// CheckTable asks the server whether a table is whole, and returns what it complains
// of: nothing for one that is well, and for one whose engine has no such check. It is
// the one reading of CHECK TABLE's answer, for plan, drill and restore alike. A quick
// check does not look for rows whose links are wrong.
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

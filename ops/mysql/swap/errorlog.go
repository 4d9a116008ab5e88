package swap

import (
	"context"
	"database/sql"
	"io"
	"path/filepath"
	"strings"

	"opsdeck/internal/regular"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/mysql/schema"
)

const (
	mostEvidence = 4        // lines of the error log that are shown
	logTail      = 64 << 10 // bytes at its end that are searched
)

// lastErrors are the last lines of the server's error log that report a fault: from
// MySQL's error log table, else from the file, if it is on this machine and readable.
func (g *Damage) lastErrors(ctx context.Context, db *sql.DB) []string {
	rows, err := schema.All(
		ctx,
		db,
		"SELECT DATA FROM performance_schema.error_log WHERE PRIO = 'Error' ORDER BY LOGGED DESC LIMIT 4",
	)
	if err == nil && len(rows) > 0 {
		var out []string
		for _, r := range rows {
			out = append([]string{termsafe.Line(r[0])}, out...)
		}
		return out
	}
	where, err := schema.All(ctx, db, "SELECT @@log_error, @@datadir")
	if err != nil || len(where) == 0 || where[0][0] == "" || where[0][0] == "stderr" ||
		!local(g.Target.Network, g.Target.Addr) {
		return nil
	}
	path := where[0][0]
	if !filepath.IsAbs(path) {
		path = filepath.Join(where[0][1], path)
	}
	return faultLines(path)
}

// faultLines are the last lines of a log that report a fault; none if it cannot be read.
func faultLines(path string) (out []string) {
	f, err := regular.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-logTail), logTail))
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "[ERROR]") || strings.Contains(line, "Assertion") ||
			strings.Contains(line, "InnoDB: Failing assertion") {
			out = append(out, termsafe.Line(line))
		}
	}
	return out[max(0, len(out)-mostEvidence):]
}

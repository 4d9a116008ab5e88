package swap

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// lookLimit bounds how long one table may be looked at for newer rows.
const lookLimit = 4 * time.Second

// timeColumns are the names that such columns go by, the surest first.
var timeColumns = []string{"created_at", "createdat", "create_time", "created", "created_on", "gmt_create", "updated_at", "updatedat", "update_time", "modified_at", "gmt_modified"}

// loss fills in what is newer than the backup.
func (s *Server) loss(ctx context.Context, a *restore.Assessment, live string, src restore.Source) {
	for _, t := range a.Tables {
		if !t.Exists {
			continue
		}
		if !t.InBackup && src.Manifest {
			a.Loss.Tables = append(a.Loss.Tables, restore.LossTable{Table: t.Name, Newer: max(t.Rows, 0), Estimate: t.Estimate, How: "count", Vanishes: true})
			continue
		}
		one, ok := s.lossOf(ctx, live, t, src.At)
		if !ok {
			a.Loss.Unknown = append(a.Loss.Unknown, t.Name)
		} else if one.Newer > 0 {
			a.Loss.Tables = append(a.Loss.Tables, one)
		}
	}
	s.lossPeople(ctx, a, live, src.At)
}

func (s *Server) lossOf(ctx context.Context, live string, t restore.TableState, since time.Time) (restore.LossTable, bool) {
	out := restore.LossTable{Table: t.Name, Estimate: true}
	column, when, err := s.newerThan(ctx, live, t.Name, since)
	if err == nil && column != "" {
		n, err := s.bounded(ctx, "SELECT COUNT(*) FROM "+restore.Name(live, t.Name)+" WHERE "+restore.Name(column)+" > "+when)
		if err == nil {
			out.Newer, _ = strconv.ParseInt(n, 10, 64)
			out.How, out.Estimate = column, !strings.HasPrefix(strings.ToLower(column), "create")
			return out, true
		}
	}
	if t.BackupRows >= 0 && t.Rows >= 0 {
		out.Newer, out.How = max(0, t.Rows-t.BackupRows), "count"
		return out, true
	}
	return out, false
}

// newerThan finds the column that tells a row's age, and the moment as a
// literal of it. TIMESTAMP is compared in UTC, DATETIME in the server's zone.
func (s *Server) newerThan(ctx context.Context, in, table string, since time.Time) (column, literal string, err error) {
	db, err := s.db(ctx)
	if err != nil {
		return "", "", err
	}
	rows, err := schema.All(ctx, db, "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND DATA_TYPE IN ('timestamp', 'datetime')", in, table)
	if err != nil || since.IsZero() {
		return "", "", err
	}
	for _, want := range timeColumns {
		for _, r := range rows {
			if strings.ToLower(r[0]) != want {
				continue
			}
			at := since.UTC()
			if r[1] == "datetime" {
				at = at.Add(s.zone(ctx, db))
			}
			return r[0], schema.String(at.Format("2006-01-02 15:04:05.000000")), nil
		}
	}
	return "", "", nil
}

// zone is how far the server's clock on the wall is ahead of UTC.
func (s *Server) zone(ctx context.Context, db *sql.DB) time.Duration {
	text, err := schema.One(ctx, db, "SELECT ROUND(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) / 60)")
	if err != nil {
		return 0
	}
	minutes, _ := strconv.Atoi(text)
	return time.Duration(minutes) * time.Minute
}

// bounded runs a query in UTC for one value, and gives up in time.
func (s *Server) bounded(ctx context.Context, query string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return schema.One(ctx, c, query)
}

// lossPeople names who acted since, by the audit rows: newest first by key, for
// created_at has no index there.
func (s *Server) lossPeople(ctx context.Context, a *restore.Assessment, live string, since time.Time) {
	if s.Audit == "" {
		return
	}
	column, when, err := s.newerThan(ctx, live, s.Audit, since)
	if err != nil || column == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	newest := "(SELECT * FROM " + restore.Name(live, s.Audit) + " ORDER BY id DESC LIMIT 20000) a WHERE a." + restore.Name(column) + " > " + when
	a.Loss.Users = s.people(ctx, c, "SELECT COALESCE(user_name, user_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
		"SELECT user_id, COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20")
	a.Loss.Resources = s.people(ctx, c, "SELECT CONCAT(resource_type, ':', resource_id), COUNT(*) FROM "+newest+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20")
}

// people runs the first query that the table's shape allows.
func (s *Server) people(ctx context.Context, c *sql.Conn, queries ...string) []string {
	for _, q := range queries {
		rows, err := schema.All(ctx, c, q)
		if err != nil {
			continue
		}
		var out []string
		for _, r := range rows {
			out = append(out, r[0]+" ("+r[1]+")")
		}
		return out
	}
	return nil
}

// Export writes the rows that are newer than the restore to the run's folder, a
// file of INSERTs for each table, for replay by hand.
func (s *Server) Export(ctx context.Context, p *restore.Plan, since time.Time, f restore.Folder, report restore.Report) (restore.Loss, []string, error) {
	loss := restore.Loss{Since: since}
	db, err := s.db(ctx)
	if err != nil {
		return loss, nil, err
	}
	names, err := tables(ctx, db, p.Target.Live)
	if err != nil {
		return loss, nil, err
	}
	dir := filepath.Join(f.Path, "later-writes")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return loss, nil, err
	}
	var files []string
	for i, t := range names {
		report(ops.Progress{Phase: "export", Object: t, Done: int64(i), Total: int64(len(names)), Unit: "tables"})
		column, when, err := s.newerThan(ctx, p.Target.Live, t, since)
		if err != nil {
			return loss, files, err
		}
		if column == "" {
			loss.Unknown = append(loss.Unknown, t)
			continue
		}
		path := filepath.Join(dir, strings.NewReplacer("/", "_", "\x00", "_").Replace(t)+".sql")
		n, err := s.exportTable(ctx, p.Target.Live, t, restore.Name(column)+" > "+when, path)
		if err != nil {
			return loss, files, fmt.Errorf("export %s: %w", t, err)
		}
		if n > 0 {
			files = append(files, path)
			loss.Tables = append(loss.Tables, restore.LossTable{Table: t, Newer: n, How: column})
		}
	}
	return loss, files, nil
}

// exportTable writes a file only when there is a row for it.
func (s *Server) exportTable(ctx context.Context, in, table, where, path string) (n int64, err error) {
	c, err := s.conn(ctx, "", 15*time.Second)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	columns, err := exportColumns(ctx, c, in, table)
	if err != nil {
		return 0, err
	}
	var names, reads []string
	for _, col := range columns {
		names, reads = append(names, restore.Name(col.name)), append(reads, col.read())
	}
	list := strings.Join(names, ", ")
	rows, err := c.QueryContext(ctx, "SELECT "+strings.Join(reads, ", ")+" FROM "+restore.Name(in, table)+" WHERE "+where)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	out, err := atomicfile.Create(path, 0o600)
	if err != nil {
		return 0, err
	}
	defer out.Abort()
	fmt.Fprintf(out, "SET time_zone = '+00:00';\n")
	cells, to := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return 0, err
		}
		line := append([]byte("INSERT INTO "+restore.Name(table)+" ("+list+") VALUES ("), values(columns, cells)...)
		if _, err := out.Write(append(line, ");\n"...)); err != nil {
			return 0, err
		}
		n++
	}
	if err := rows.Err(); err != nil || n == 0 {
		return 0, err
	}
	return n, out.Commit()
}

// exportColumn is a column that an INSERT may name.
type exportColumn struct {
	name   string
	binary bool // its bytes are no text: written as hexadecimal
}

func (c exportColumn) read() string {
	if c.binary {
		return "HEX(" + restore.Name(c.name) + ")"
	}
	return restore.Name(c.name)
}

func exportColumns(ctx context.Context, c *sql.Conn, in, table string) ([]exportColumn, error) {
	rows, err := schema.All(ctx, c, `SELECT COLUMN_NAME, DATA_TYPE IN ('binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'bit', 'geometry', 'point', 'linestring',
		'polygon', 'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection', 'geomcollection', 'vector')
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND EXTRA NOT LIKE '%STORED GENERATED%' AND EXTRA NOT LIKE '%VIRTUAL GENERATED%'
		ORDER BY ORDINAL_POSITION`, in, table)
	var out []exportColumn
	for _, r := range rows {
		out = append(out, exportColumn{r[0], r[1] == "1"})
	}
	return out, err
}

func values(columns []exportColumn, cells []sql.RawBytes) []byte {
	var out []byte
	for i, v := range cells {
		if i > 0 {
			out = append(out, ", "...)
		}
		switch {
		case v == nil:
			out = append(out, "NULL"...)
		case columns[i].binary:
			out = append(out, "x'"+string(v)+"'"...)
		default:
			out = schema.AppendString(out, []byte(v))
		}
	}
	return out
}

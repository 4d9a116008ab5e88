package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"opsdeck/internal/atomicfile"
)

// writeOldBackups writes what the old script left before opsdeck came, an empty
// file of its cron line that still ran lately, its two logs, and last year's
// audit archive.
func (w *world) writeOldBackups(ctx context.Context, data *dataset) error {
	dir := w.path("backups")
	var old []held
	for _, h := range inventory(w.now) {
		if h.at.Before(w.installed()) || h.fault == faultEmpty {
			old = append(old, h)
		}
	}
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, h := range old {
		group.Go(func() error { return writeOldBackup(dir, h, data) })
	}
	group.Go(func() error { return writeArchive(dir, w.now, data) })
	if err := group.Wait(); err != nil {
		return err
	}
	return writeScriptLogs(dir, old)
}

func writeOldBackup(dir string, h held, data *dataset) error {
	path := filepath.Join(dir, h.name)
	err := writeGzip(path, func(w io.Writer) error {
		if h.fault == faultEmpty {
			return nil
		}
		return oldDump(w, data, h.at)
	})
	if err != nil {
		return err
	}
	return os.Chtimes(path, h.at, h.at.Add(2*time.Second))
}

func writeGzip(path string, fill func(io.Writer) error) error {
	return atomicfile.Write(path, 0o600, func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		b := bufio.NewWriterSize(z, 1<<16)
		if err := fill(b); err != nil {
			return err
		}
		if err := b.Flush(); err != nil {
			return err
		}
		return z.Close()
	})
}

// oldDump writes what `mysqldump --databases` writes, of the rows before cut.
func oldDump(w io.Writer, data *dataset, cut time.Time) error {
	fmt.Fprintf(
		w,
		"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n-- Host: 127.0.0.1    Database: %s\n-- "+
			"------------------------------------------------------\n-- Server version\t8.0.36\n\n",
		database,
	)
	fmt.Fprint(
		w,
		"/*!50503 SET NAMES utf8mb4 */;\n/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n/*!40103 SET "+
			"TIME_ZONE='+00:00' */;\n/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, "+
			"FOREIGN_KEY_CHECKS=0 */;\n\n",
	)
	fmt.Fprintf(
		w,
		"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `%s` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n\nUSE `%s`;\n",
		database,
		database,
	)
	for i, c := range columns {
		fmt.Fprintf(
			w,
			"\n--\n-- Table structure for table `%s`\n--\n\nDROP TABLE IF EXISTS `%s`;\n%s;\n\nLOCK TABLES `%s` "+
				"WRITE;\n",
			c.table,
			c.table,
			schema[i],
			c.table,
		)
		dumpRows(w, c.table, c.names, data, cut)
		fmt.Fprint(w, "UNLOCK TABLES;\n")
	}
	_, err := fmt.Fprintf(
		w,
		"\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS "+
			"*/;\n\n-- Dump completed on %s\n",
		cut.Format("2006-01-02 15:04:05"),
	)
	return err
}

func dumpRows(w io.Writer, table, names string, data *dataset, cut time.Time) {
	const perStatement = 500
	open := false
	for i, row := range data.rows[table] {
		if !data.times[table][i].Before(cut) {
			break
		}
		switch {
		case !open:
			fmt.Fprintf(w, "INSERT INTO `%s` (%s) VALUES ", table, names)
		default:
			io.WriteString(w, ",")
		}
		open = true
		io.WriteString(w, "(")
		for n, v := range row {
			if n > 0 {
				io.WriteString(w, ",")
			}
			io.WriteString(w, literal(v))
		}
		io.WriteString(w, ")")
		if i%perStatement == perStatement-1 {
			io.WriteString(w, ";\n")
			open = false
		}
	}
	if open {
		io.WriteString(w, ";\n")
	}
}

var escaper = strings.NewReplacer("\\", "\\\\", "'", "\\'", "\n", "\\n")

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + escaper.Replace(v) + "'"
	case time.Time:
		return "'" + v.UTC().Format("2006-01-02 15:04:05.000000") + "'"
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	}
	return fmt.Sprint(v)
}

// writeArchive is last year's audit rows, as the yearly job leaves them.
func writeArchive(dir string, now time.Time, data *dataset) error {
	year := now.Year() - 1
	end := time.Date(year+1, 1, 1, 0, 0, 0, 0, now.Location())
	path := filepath.Join(dir, fmt.Sprintf("audit_logs_%d.sql.gz", year))
	last := len(columns) - 1
	err := writeGzip(path, func(w io.Writer) error {
		fmt.Fprintf(w, "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n\n%s;\n", schema[last])
		dumpRows(w, columns[last].table, columns[last].names, data, end)
		_, err := fmt.Fprintf(w, "\n-- Dump completed on %s\n", end.Format("2006-01-02 15:04:05"))
		return err
	})
	if err != nil {
		return err
	}
	at := end.Add(3 * time.Hour)
	return os.Chtimes(path, at, at)
}

// writeScriptLogs is what the old script says of its work: that all is well.
func writeScriptLogs(dir string, list []held) error {
	var b strings.Builder
	for i := len(list) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "[%s] 备份成功: %s\n", list[i].at.Format("2006-01-02 15:04:05"), filepath.Join(dir, list[i].name))
	}
	for _, name := range []string{"backup.log", "cron.log"} {
		if err := atomicfile.WriteBytes(filepath.Join(dir, name), 0o600, []byte(b.String())); err != nil {
			return err
		}
	}
	return nil
}

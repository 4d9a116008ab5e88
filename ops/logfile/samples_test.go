package logfile

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// understood is what is read of a file: events, those with a time, and those that are a
// warning or worse. lnav calls lines without a level info, so info is not counted.
type understood struct{ Events, Times, Warnings int64 }

// BenchmarkCompareSamples counts in how many files of each folder in OPSDECK_LOG_SAMPLES
// (with : between them) opsdeck and lnav read times, and warnings or errors. A file has
// times when nine events of ten have one.
func BenchmarkCompareSamples(b *testing.B) {
	dirs := os.Getenv("OPSDECK_LOG_SAMPLES")
	if dirs == "" {
		b.Skip("set OPSDECK_LOG_SAMPLES=DIR:DIR to folders of log samples")
	}
	for _, dir := range filepath.SplitList(dirs) {
		b.Run(filepath.Base(dir), func(b *testing.B) {
			var files, times, theirTimes, warnings, theirWarnings float64
			err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return err
				}
				ours, theirs := readByUs(b, path), readByLnav(b, path)
				count := func(n *float64, ok bool) {
					if ok {
						*n++
					}
				}
				files++
				count(&times, ours.Events > 0 && ours.Times*10 >= ours.Events*9)
				count(&theirTimes, theirs.Times > 0)
				count(&warnings, ours.Warnings > 0)
				count(&theirWarnings, theirs.Warnings > 0)
				if theirs.Times > 0 && ours.Times*10 < ours.Events*9 || theirs.Warnings > 0 && ours.Warnings == 0 {
					b.Logf("%s: opsdeck %+v, lnav %+v", filepath.Base(path), ours, theirs)
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(files, "files")
			b.ReportMetric(times, "times_by_opsdeck")
			b.ReportMetric(theirTimes, "times_by_lnav")
			b.ReportMetric(warnings, "warnings_by_opsdeck")
			b.ReportMetric(theirWarnings, "warnings_by_lnav")
		})
	}
}

func readByUs(b *testing.B, path string) (u understood) {
	scan := index.Scan{Query: &query.Query{}, Zone: time.UTC, Unnumbered: true}
	p := line.NewParser(time.UTC, time.Now())
	err := scan.Each(context.Background(), Group([]string{path}), func(h *index.Hit) error {
		e, err := scan.Event(p, h)
		if err != nil || h.Off != h.Head {
			return err
		}
		u.Events++
		if !e.Time.IsZero() {
			u.Times++
		}
		if e.Level >= logs.LevelWarn {
			u.Warnings++
		}
		return nil
	})
	if err != nil {
		b.Logf("%s: %v", path, err)
	}
	return u
}

func readByLnav(b *testing.B, path string) understood {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "lnav", "-n",
		"-c", `;SELECT count(*) AS Events, count(log_time) AS Times, sum(log_level IN `+
			`('warning','error','critical','fatal')) AS Warnings FROM all_logs`, "-c", ":write-json-to -", path)
	cmd.Env = append(os.Environ(), "HOME="+b.TempDir(), "TERM=xterm")
	out, err := cmd.Output()
	if err != nil {
		b.Logf("%s: lnav: %v", path, err)
	}
	var rows []understood
	if at := strings.IndexByte(string(out), '['); at >= 0 {
		_ = json.Unmarshal(out[at:], &rows) // null where there is no line
	}
	if len(rows) == 0 {
		return understood{}
	}
	return rows[0]
}

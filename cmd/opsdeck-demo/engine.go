package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/version"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
)

// stage is a backup that our own engine made while the world's year was being
// put in: of the rows before cut.
type stage struct {
	cut      time.Time
	path     string
	manifest *backup.Manifest
}

// installed is when opsdeck came; before that, the old script made the backups.
func (w *world) installed() time.Time { return w.now.AddDate(0, 0, -95) }

// cuts are the moments of the stages; the last is last night's backup.
func (w *world) cuts() []time.Time {
	return []time.Time{w.installed(), w.now.AddDate(0, 0, -30), newestDaily(w.now)}
}

// fillInStages puts the rows in, and makes a backup at each stage.
func (w *world) fillInStages(ctx context.Context, data *dataset) error {
	for i, cut := range w.cuts() {
		s := stage{cut: cut, path: w.path("run", fmt.Sprintf("stage%d.sql.gz", i))}
		if err := data.load(ctx, w.db, cut); err != nil {
			return err
		}
		a := w.sql.account()
		target := mysql.Target{
			Network:  "tcp",
			Addr:     fmt.Sprintf("%s:%d", a.host, a.port),
			User:     a.user,
			Password: a.password,
		}
		var err error
		s.manifest, err = dump.Run(
			ctx,
			target,
			dump.Options{
				Databases: []string{database},
				Kind:      backup.KindScheduled,
				Tool:      "opsdeck " + version.Get().Version,
			},
			s.path,
		)
		if err != nil {
			return fmt.Errorf("back up %s: %w", database, err)
		}
		w.stages = append(w.stages, s)
	}
	return data.load(ctx, w.db, w.now.Add(time.Hour))
}

// writeOwnBackups gives each name of the inventory since opsdeck came the stage
// of its time, and remembers most as verified.
func (w *world) writeOwnBackups(ctx context.Context) error {
	dir := w.path("backups")
	index, err := backup.OpenIndex(w.path("state"), dir)
	if err != nil {
		return err
	}
	for _, h := range inventory(w.now) {
		if h.at.Before(w.installed()) || h.fault == faultEmpty {
			continue
		}
		if err := w.copyStage(dir, h); err != nil {
			return err
		}
		if h.fault != "" {
			continue
		}
		if err := verifyAt(ctx, index, filepath.Join(dir, h.name), h.at.Add(time.Minute)); err != nil {
			return err
		}
	}
	for _, s := range w.stages {
		if err := os.Remove(s.path); err != nil {
			return err
		}
		os.Remove(s.path + backup.ManifestSuffix)
	}
	return nil
}

// copyStage makes one backup: the file of the newest stage that is not newer
// than it, with a manifest of its own name and time.
func (w *world) copyStage(dir string, h held) error {
	i := len(w.stages) - 1
	for i > 0 && w.stages[i].cut.After(h.at) {
		i--
	}
	path := filepath.Join(dir, h.name)
	if err := copyFile(path, w.stages[i].path, h.fault); err != nil {
		return err
	}
	m := *w.stages[i].manifest
	m.File, m.StartedAt, m.SnapshotAt, m.FinishedAt = h.name, h.at, h.at, h.at.Add(2*time.Second)
	if h.tier == "emergency" {
		m.Kind = backup.KindEmergency
	}
	text, err := backup.EncodeManifest(&m)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(path+backup.ManifestSuffix, 0o600, text); err != nil {
		return err
	}
	return os.Chtimes(path, h.at, h.at)
}

// copyFile copies a file; a truncated one gets the first part of it.
func copyFile(to, from, fault string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if fault == faultTruncated {
		size = size * 6 / 10
	}
	return atomicfile.Write(to, 0o600, func(w io.Writer) error {
		_, err := io.CopyN(w, src, size)
		return err
	})
}

// verifyAt verifies a backup, and remembers it as of a moment in the past.
func verifyAt(ctx context.Context, index *backup.Index, path string, at time.Time) error {
	check, err := backup.Verify(ctx, path, func() time.Time { return at }, nil)
	if err != nil {
		return err
	}
	file, manifest, err := backup.Identify(path)
	if err != nil {
		return err
	}
	return index.Record(file, manifest, check)
}

// The faults planted in the inventory.
const (
	faultEmpty     = "empty"     // a failed mysqldump before a gzip that succeeded
	faultTruncated = "truncated" // cut by a full disk
)

// held is one backup of the world's year.
type held struct {
	name, tier string
	at         time.Time
	fault      string
}

// night is the moment of a day's scheduled backup.
func night(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 2, 0, 0, 0, day.Location())
}

func newestDaily(now time.Time) time.Time {
	at := night(now)
	if !at.Before(now) {
		at = night(now.AddDate(0, 0, -1))
	}
	return at
}

// inventory is what retention keeps of a year, newest first within each tier:
// daily, weekly and monthly names, and the emergency's of a restore. The third
// newest daily and the third newest weekly are faulty.
func inventory(now time.Time) []held {
	var list []held
	count := map[string]int{}
	faulty := map[string]string{"daily": faultEmpty, "weekly": faultTruncated}
	add := func(tier, prefix string, at time.Time) {
		if !at.Before(now) {
			return
		}
		count[tier]++
		h := held{name: prefix + at.Format("_20060102_150405") + ".sql.gz", tier: tier, at: at}
		if count[tier] == 3 {
			h.fault = faulty[tier]
		}
		list = append(list, h)
	}
	for day := range 8 {
		add("daily", database, night(now.AddDate(0, 0, -day)))
	}
	sunday := now.AddDate(0, 0, -int(now.Weekday()))
	for week := range 5 {
		add("weekly", "weekly_"+database, night(sunday.AddDate(0, 0, -7*week)))
	}
	first := now.AddDate(0, 0, 1-now.Day())
	for month := range 12 {
		add("monthly", "monthly_"+database, night(first.AddDate(0, -month, 0)))
	}
	add("emergency", "emergency_backup", night(now.AddDate(0, 0, -43)).Add(8*time.Hour+17*time.Minute))
	slices.SortStableFunc(list, func(a, b held) int { return b.at.Compare(a.at) })
	return list
}

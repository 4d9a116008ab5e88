package metrics

import (
	"context"
	"time"

	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/site/backups"
)

var (
	backupCount = gauge("opsdeck_backups", "Backups in the folder by tier and by what verification found.",
		"service", "tier", "state")
	backupMissing = gauge("opsdeck_backup_slots_missing", "Days, weeks or months of the retention policy that no "+
		"backup covers.", "service", "tier")
	backupTime = gauge("opsdeck_backup_newest_timestamp_seconds", "Moment of the newest good backup of the tier.",
		"service", "tier")
	backupAge = gauge("opsdeck_backup_newest_age_seconds", "Age of the newest good backup of the tier.", "service",
		"tier")
	backupSize = gauge("opsdeck_backup_newest_size_bytes", "Size of the newest good backup of the tier.", "service",
		"tier")
	backupRows = gauge("opsdeck_backup_newest_rows",
		"Rows in the newest good backup of the tier; absent when they were "+"not counted.", "service", "tier")
	backupFolder = gauge("opsdeck_backup_folder_bytes", "Size of all backups in the folder.", "service")
	goodTime     = gauge("opsdeck_backup_good_timestamp_seconds",
		"Moment of the newest good full backup, in the folder "+"or at a copy; absent when there is none.", "service")
	goodAge = gauge("opsdeck_backup_good_age_seconds",
		"Age of the newest good full backup, in the folder or at a copy; "+"absent when there is none.", "service")
	goodExists = gauge("opsdeck_backup_good", "Whether there is a good full backup, in the folder or at a copy.",
		"service")
	goodLimit = gauge("opsdeck_backup_good_age_limit_seconds", "The setting backup.late.", "service")
	rpo       = gauge(
		"opsdeck_rpo_seconds",
		"How much of the newest past would be lost now: time since the newest moment "+
			"that good backups and the archived binary log restore; absent when nothing can be restored.",
		"service",
	)
	archiveSize = gauge("opsdeck_binlog_archive_bytes", "Size of the archived binary log.", "service")
	archiveGaps = gauge("opsdeck_binlog_archive_gaps", "Gaps of the archived binary log since the newest full backup.",
		"service")
	archiveLag = gauge("opsdeck_binlog_archive_lag_seconds",
		"How far the archive is behind the server; absent when the "+"server does not answer.", "service")
)

// lagTime is how long the server may take to say where its binary log ends.
const lagTime = 5 * time.Second

func (s Source) backups(ctx context.Context) ([]Value, error) {
	at, err := s.Site()
	if err != nil {
		return nil, err
	}
	sh, err := backups.Open(at)
	if err != nil {
		return nil, err
	}
	inv, err := sh.ReadOrNone(ctx)
	if err != nil {
		return nil, err
	}
	away, err := sh.Elsewhere(inv)
	if err != nil {
		return nil, err
	}
	name := s.Service.Name
	var out []Value
	for _, t := range inv.Tiers(sh.Keep(), sh.Daily, backups.Grace) {
		out = append(out, tierValues(name, t)...)
	}
	out = append(out, is(backupFolder, float64(inv.Bytes), name))
	if late := s.Service.Backup.Late; late > 0 {
		out = append(out, is(goodLimit, late.Seconds(), name))
	}
	best := backup.NewestAnywhere(inv, away, inv.Database)
	out = append(out, is(goodExists, truth(best != nil), name))
	if best != nil {
		out = append(out, is(goodTime, unix(best.At), name), since(goodAge, best.At, name))
	}
	return append(out, s.reach(ctx, sh, best)...), nil
}

func tierValues(service string, t backup.TierInfo) (out []Value) {
	tier := string(t.Tier)
	counts := map[backup.State]int{}
	var newest *backup.Set
	for _, s := range t.Sets {
		counts[s.State]++
		if newest == nil && s.State == backup.Good {
			newest = s
		}
	}
	for _, state := range []backup.State{backup.Good, backup.Unverified, backup.Bad} {
		out = append(out, is(backupCount, float64(counts[state]), service, tier, string(state)))
	}
	if t.Slots != nil {
		out = append(out, is(backupMissing, float64(len(t.Unfilled())), service, tier))
	}
	if newest == nil {
		return out
	}
	out = append(out, is(backupTime, unix(newest.At), service, tier), since(backupAge, newest.At, service, tier),
		is(backupSize, float64(newest.Size), service, tier))
	if len(newest.Summary.Counts) > 0 {
		out = append(out, is(backupRows, float64(newest.Summary.Rows), service, tier))
	}
	return out
}

// reach tells how far back a loss of the database would throw the service, with
// the newest good backup and the archived binary log.
func (s Source) reach(ctx context.Context, sh *backups.Shelf, best *backup.Set) (out []Value) {
	name := s.Service.Name
	var to time.Time
	if best != nil {
		to = best.At
	}
	h, err := sh.Binlog().Holdings(ctx)
	if err != nil || len(h.Spans) == 0 { // the check of the backups says why
		return lost(name, to)
	}
	asked := sh.Clock.Now()
	bounded, cancel := context.WithTimeout(ctx, lagTime)
	defer cancel()
	live := sh.Binlog().Live(bounded, h)
	h = h.With(live)
	open := 0
	for _, g := range h.Gaps {
		if !g.Healed {
			open++
		}
	}
	out = append(out, is(archiveSize, float64(h.Size), name), is(archiveGaps, float64(open), name))
	if live.Known {
		out = append(out, is(archiveLag, live.Lag.Seconds(), name))
	}
	if best != nil {
		if end, ok := replayable(h.Spans, live.Server, best.At); ok && end.After(to) {
			to = end
		}
		if live.Known && live.Lag == 0 && held(h.Spans, live.Server, best.At) {
			to = asked // the archive holds all that the server had written
		}
	}
	return append(out, lost(name, to)...)
}

// lost is the time since the newest moment that can be restored.
func lost(service string, to time.Time) []Value {
	if to.IsZero() {
		return nil
	}
	return []Value{since(rpo, to, service)}
}

// replayable is the end of the span of a server's log that holds a moment: what was
// written between the two can be replayed.
func replayable(spans []binlog.Span, server string, at time.Time) (end time.Time, ok bool) {
	for _, s := range spans {
		// The log's times may be whole seconds.
		if s.Server == server && !s.FromTime.IsZero() && !s.FromTime.After(at) &&
			!s.ToTime.Before(at.Truncate(time.Second)) {
			end, ok = s.ToTime, true
		}
	}
	return end, ok
}

// held tells whether the server's newest span is the one that holds a moment, or
// ended before it with nothing written since.
func held(spans []binlog.Span, server string, at time.Time) bool {
	var newest *binlog.Span
	for i := range spans {
		if spans[i].Server == server {
			newest = &spans[i]
		}
	}
	return newest != nil && !newest.FromTime.IsZero() && !newest.FromTime.After(at)
}

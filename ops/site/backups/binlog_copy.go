package backups

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/remote"
)

// pieceBytes is about how long a piece of the binary log at a copy is at most: what
// is lost of a transfer that breaks.
const pieceBytes = 64 << 20

// Logs are the binary logs at a copy. Whoever asks closes their store.
func (sh Offsite) Logs(c config.Copy, dry bool, report func(ops.Progress)) (*remote.Logs, error) {
	store, err := remote.OpenBinlog(c)
	if err != nil {
		return nil, err
	}
	return &remote.Logs{
		Name:   c.Name,
		Target: PlaceOf(c),
		Owner:  sh.Service.Name,
		Store:  store,
		State:  sh.StateDir,
		Now:    sh.Clock.Now,
		Report: report,
		DryRun: dry,
	}, nil
}

// sendLogs brings what a copy lacks of the binary log; nil when nothing is archived
// here. oldest and at are the oldest full backup there: what ends before it is not sent.
func (sh Offsite) sendLogs(
	ctx context.Context,
	c config.Copy,
	how Syncing,
	oldest time.Time,
	at *binlog.Position,
) (*remote.LogsSent, error) {
	servers, err := sh.Binlog().Archive().Servers()
	if err != nil || len(servers) == 0 {
		return nil, err
	}
	if !how.Dry {
		held, err := sh.holdLogs(c)
		var by *lock.HeldError
		if errors.As(err, &by) {
			return sh.sentBefore(c) // somebody else sends it now
		}
		if err != nil {
			return nil, err
		}
		defer held.Release()
	}
	l, err := sh.Logs(c, how.Dry, how.Report)
	if err != nil {
		return nil, err
	}
	defer l.Store.Close()
	there, lost, err := l.Look(ctx)
	if err != nil {
		return nil, err
	}
	out := &remote.LogsSent{Lost: lost}
	var failed []error
	for _, id := range servers {
		segments, err := sh.Binlog().Archive().Segments(id)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, s := range segments[len(binlog.Retire(segments, oldest, at)):] {
			err := sh.sendLog(ctx, l, s, &there, out)
			if ctx.Err() != nil || ops.CodeOf(err) == ops.Busy {
				return out, err
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // it was pruned meanwhile
				failed = append(failed, err)
			}
		}
	}
	out.Reaches = reaches(l.Mine(there))
	return out, errors.Join(failed...)
}

// reaches is up to when pieces hold the log.
func reaches(pieces []binlog.Piece) (at time.Time) {
	for _, chain := range binlog.Chains(pieces) {
		if chain.Segment.ToTime.After(at) {
			at = chain.Segment.ToTime
		}
	}
	return at
}

// holdLogs takes the lock of whoever sends the binary log to a copy.
func (sh Offsite) holdLogs(c config.Copy) (*lock.Lock, error) {
	dir := filepath.Join(sh.StateDir, "copies")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(sh.Service.Name + "\x00" + PlaceOf(c)))
	who := lock.Holder{User: oplog.UserName(), What: "backup sync"}
	return lock.Take(filepath.Join(dir, "binlog-"+hex.EncodeToString(sum[:8])+".lock"), who)
}

// sentBefore is the result for a copy to which somebody else sends now.
func (sh Offsite) sentBefore(c config.Copy) (*remote.LogsSent, error) {
	at, err := binlog.ReadAtCopy(sh.StateDir, c.Name, PlaceOf(c))
	return &remote.LogsSent{Reaches: reaches(at.Pieces)}, err
}

// SendLogs brings one copy what it lacks of the binary log, and no backups.
func (sh Offsite) SendLogs(ctx context.Context, c config.Copy) (*remote.LogsSent, error) {
	cp, err := sh.Copier(c, false, nil)
	if err != nil {
		return nil, err
	}
	defer cp.Store.Close()
	listing, err := backup.ReadListing(sh.StateDir, c.Name, PlaceOf(c))
	if err != nil {
		return nil, err
	}
	oldest, at, err := sh.oldestThere(ctx, cp, c, listing)
	if err != nil {
		return nil, err
	}
	return sh.sendLogs(ctx, c, Syncing{}, oldest, at)
}

// CopyBinlogEvery is how often a follower brings the copies what is new.
const CopyBinlogEvery = 15 * time.Minute

// FollowBinlog archives until ctx ends, and brings the copies what is new every so
// often; 0 brings them nothing.
func (sh Offsite) FollowBinlog(ctx context.Context, o binarchive.Options, every time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		if every > 0 && len(sh.Service.Backup.Copies) > 0 {
			sh.keepSending(ctx, every)
		}
	}()
	_, err := binarchive.Run(ctx, o)
	cancel()
	<-sending
	return err
}

// keepSending brings the copies what they lack of the binary log, again and again until
// ctx ends. A copy that fails is told of once, until it works again.
func (sh Offsite) keepSending(ctx context.Context, every time.Duration) {
	failing := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		for _, c := range sh.Service.Backup.Copies {
			_, err := sh.SendLogs(ctx, c)
			if ctx.Err() != nil {
				return
			}
			if err != nil && !failing[c.Name] {
				sh.Say(lang.M("the binlog could not be copied to %s: %s", c.Name, err.Error()))
			}
			failing[c.Name] = err != nil
		}
	}
}

// sendLog brings what a copy lacks of one log file.
func (sh Offsite) sendLog(
	ctx context.Context,
	l *remote.Logs,
	s *binlog.Segment,
	there *binlog.AtCopy,
	out *remote.LogsSent,
) error {
	end, closed := s.FromPos, false
	for _, c := range binlog.Chains(l.Mine(*there)) {
		if c.Segment.File == s.File && c.Segment.Identity == s.Identity && c.Segment.Server == s.Server {
			end, closed = c.End()
		}
	}
	if closed || end > s.ToPos {
		return nil
	}
	cuts, err := sh.Binlog().Archive().Cuts(sh.Service.Name, s, end, closed, pieceBytes)
	if errors.Is(err, binarchive.ErrOtherFrames) { // another archive of this log was copied before
		cuts, err = sh.Binlog().Archive().Cuts(sh.Service.Name, s, s.FromPos, closed, pieceBytes)
	}
	if err != nil {
		return err
	}
	var send []remote.Cut
	for i := range cuts {
		send = append(send, remote.Cut{Piece: cuts[i].Piece, Open: cuts[i].Reader})
	}
	return l.Send(ctx, there, send, out)
}

// oldestThere is the oldest full backup at a copy that a restore may take, and its
// place in the binary log, nil when it is not known.
func (sh Offsite) oldestThere(
	ctx context.Context,
	cp *remote.Copier,
	c config.Copy,
	l backup.Listing,
) (time.Time, *binlog.Position, error) {
	sc := sh.Scan(c.Target)
	set := oldestFull(sc.NewInventory(sc.SetsAtCopy(l, cp.Copies)))
	if set == nil {
		return time.Time{}, nil, nil
	}
	var text bytes.Buffer
	if err := cp.Store.Get(ctx, set.Name+backup.ManifestSuffix, &text); err != nil {
		return time.Time{}, nil, err
	}
	m, err := backup.DecodeManifest(text.Bytes())
	if err != nil || m.Position.File == "" {
		return set.At, nil, nil
	}
	return set.At, &binlog.Position{File: m.Position.File, Pos: m.Position.Pos}, nil
}

// PruneLogsThere removes at a copy what of the binary log no backup needs that is kept
// there.
func (sh Offsite) PruneLogsThere(ctx context.Context, cp *remote.Copier, c config.Copy) error {
	before, err := binlog.ReadAtCopy(sh.StateDir, c.Name, PlaceOf(c))
	if err != nil || len(before.Pieces) == 0 {
		return err // a copy that never got any is not asked
	}
	listing, err := backup.ReadListing(sh.StateDir, c.Name, PlaceOf(c))
	if err != nil {
		return err
	}
	oldest, at, err := sh.oldestThere(ctx, cp, c, listing)
	if err != nil || oldest.IsZero() {
		return err
	}
	l, err := sh.Logs(c, false, nil)
	if err != nil {
		return err
	}
	defer l.Store.Close()
	there, _, err := l.Look(ctx)
	if err != nil {
		return err
	}
	gone := l.Retired(there, oldest, at)
	if len(gone) == 0 {
		return nil
	}
	entry := oplog.Entry{Action: "backup.prune", Object: c.Name + "/" + remote.BinlogFolder}
	return sh.Record(ctx, entry, func(ctx context.Context, detail map[string]string) error {
		locked, err := l.Drop(ctx, &there, gone)
		sh.Say(lang.M("removed %d pieces of the binlog at the copy %s, %d are locked there",
			len(gone)-locked, c.Name, locked))
		return err
	})
}

// LogsAt is what a copy holds of the binary log.
type LogsAt struct {
	binlog.AtCopy
	Spans []binlog.Span
	Gaps  []binlog.Gap
}

// LogsThere is what the configured copies hold of the binary log as they were last
// looked at: by sync, verify, or fetch. It needs no line to them.
func (sh Offsite) LogsThere() (all []LogsAt, err error) {
	for _, c := range sh.Service.Backup.Copies {
		at, err := binlog.ReadAtCopy(sh.StateDir, c.Name, PlaceOf(c))
		if err != nil {
			return nil, ops.Wrap(err, ops.Failed, lang.M("the record of the copies cannot be read"))
		}
		spans, gaps := at.Spans()
		all = append(all, LogsAt{AtCopy: at, Spans: spans, Gaps: gaps})
	}
	return all, nil
}

// LookAtLogs asks a copy what it holds of the binary log.
func (sh Offsite) LookAtLogs(ctx context.Context, c config.Copy, dry bool) (LogsAt, error) {
	l, err := sh.Logs(c, dry, nil)
	if err != nil {
		return LogsAt{}, err
	}
	defer l.Store.Close()
	at, _, err := l.Look(ctx)
	spans, gaps := at.Spans()
	return LogsAt{AtCopy: at, Spans: spans, Gaps: gaps}, err
}

// VerifyLogs lets a copy read its pieces of the binary log back, and holds them
// against their hashes: up to so many bytes, those first that were read longest ago;
// 0 reads all.
func (sh Offsite) VerifyLogs(ctx context.Context, c config.Copy, limit int64) (remote.LogsVerified, LogsAt, error) {
	l, err := sh.Logs(c, false, nil)
	if err != nil {
		return remote.LogsVerified{}, LogsAt{}, err
	}
	defer l.Store.Close()
	at, _, err := l.Look(ctx)
	if err != nil {
		return remote.LogsVerified{}, LogsAt{}, err
	}
	v, err := l.Verify(ctx, &at, limit)
	spans, gaps := at.Spans()
	return v, LogsAt{AtCopy: at, Spans: spans, Gaps: gaps}, err
}

// HealedAt is the moment of the newest good full backup that a copy itself holds: whoever
// has only the copy starts there. Zero: it holds none.
func (sh Offsite) HealedAt(ctx context.Context, c config.Copy) (time.Time, error) {
	cp, err := sh.Copier(c, true, nil)
	if err != nil {
		return time.Time{}, err
	}
	defer cp.Store.Close()
	inv, err := cp.Inventory(ctx, sh.Scan(c.Target))
	if err != nil {
		return time.Time{}, err
	}
	if s := backup.Newest(inv, inv.Database); s != nil {
		return s.At, nil
	}
	return time.Time{}, nil
}

// LogsFetched is what was brought from a copy into the archive.
type LogsFetched struct {
	Files   int // fetched now
	Here    int // the archive has them
	Bytes   int64
	Taken   []string // not fetched: the archive has another log of that name
	Reaches time.Time
}

// FetchLogs brings into the archive what a copy holds and it lacks.
func (sh Offsite) FetchLogs(
	ctx context.Context,
	c config.Copy,
	dry bool,
	report func(ops.Progress),
) (out LogsFetched, err error) {
	l, err := sh.Logs(c, dry, report)
	if err != nil {
		return out, err
	}
	defer l.Store.Close()
	at, _, err := l.Look(ctx)
	if err != nil {
		return out, err
	}
	chains := binlog.Chains(at.Pieces)
	if len(chains) == 0 {
		return out, l.Nothing()
	}
	if dry {
		return sh.wouldFetch(chains)
	}
	who := lock.Holder{User: oplog.UserName(), What: "backup binlog fetch --copy"}
	for _, chain := range chains {
		did, err := sh.Binlog().Archive().Adopt(ctx, chain, l, who)
		if err != nil {
			return out, err
		}
		out.count(chain, did)
		if did == binarchive.Fetched && report != nil {
			report(ops.Progress{Phase: "fetch", Object: chain.Segment.File, Done: out.Bytes, Unit: "bytes"})
		}
	}
	return out, nil
}

func (f *LogsFetched) count(c *binlog.Chain, did binarchive.Adopted) {
	switch did {
	case binarchive.Fetched:
		f.Files++
		f.Bytes += c.Segment.SizeBytes
	case binarchive.Here:
		f.Here++
	case binarchive.Taken:
		f.Taken = append(f.Taken, c.Segment.File)
	}
	if c.Segment.ToTime.After(f.Reaches) {
		f.Reaches = c.Segment.ToTime
	}
}

func (sh Offsite) wouldFetch(chains []*binlog.Chain) (out LogsFetched, err error) {
	for _, c := range chains {
		did, err := sh.Binlog().Archive().Lacks(c)
		if err != nil {
			return out, err
		}
		out.count(c, did)
	}
	return out, nil
}

// OrFromCopy makes an error hint at a copy that may hold more of the log than the
// archive here.
func (sh Offsite) OrFromCopy(ctx context.Context, err error) error {
	var known *ops.Error
	if !errors.As(err, &known) || ctx.Err() != nil {
		return err
	}
	here, hereErr := sh.Binlog().Holdings(ctx)
	there, thereErr := sh.LogsThere()
	if hereErr != nil || thereErr != nil {
		return err
	}
	last := binlog.Furthest(here.Spans)
	for _, at := range there {
		end := binlog.Furthest(at.Spans)
		if last == nil && (end != nil || at.At.IsZero()) || last != nil && end != nil && end.ToTime.After(last.ToTime) {
			return known.WithHint(lang.M("a copy may have more of the log; fetch it with: opsdeck backup binlog "+
				"fetch --copy %s", at.Copy))
		}
	}
	return err
}

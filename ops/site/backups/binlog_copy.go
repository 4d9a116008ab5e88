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

// pieceBytes is the approximate maximum size of a binlog piece at a copy: what a broken
// transfer loses.
const pieceBytes = 64 << 20

// logs are the binlogs at a copy. The caller closes their store.
func (sh Offsite) logs(c config.Copy, dry bool, report func(ops.Progress)) (*remote.Logs, error) {
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

// sendLogs sends the binlog that a copy lacks; nil if nothing is archived here. oldest and
// at describe the oldest full backup there: files that end before it are not sent.
func (sh Offsite) sendLogs(ctx context.Context, c config.Copy, how Syncing, oldest time.Time,
	at *binlog.Position) (*remote.LogsSent, error) {
	servers, err := sh.Binlog().Archive().Servers()
	if err != nil || len(servers) == 0 {
		return nil, err
	}
	if !how.Dry {
		held, err := sh.holdLogs(c)
		var by *lock.HeldError
		if errors.As(err, &by) {
			return sh.sentBefore(c) // another process is sending it
		}
		if err != nil {
			return nil, err
		}
		defer held.Release()
	}
	l, err := sh.logs(c, how.Dry, how.Report)
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

// reaches is the time up to which pieces contain the log.
func reaches(pieces []binlog.Piece) (at time.Time) {
	for _, chain := range binlog.Chains(pieces) {
		if chain.Segment.ToTime.After(at) {
			at = chain.Segment.ToTime
		}
	}
	return at
}

// holdLogs takes the lock for sending the binlog to a copy.
func (sh Offsite) holdLogs(c config.Copy) (*lock.Lock, error) {
	dir := filepath.Join(sh.StateDir, "copies")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(sh.Service.Name + "\x00" + PlaceOf(c)))
	who := lock.Holder{User: oplog.UserName(), What: "backup sync"}
	return lock.Take(filepath.Join(dir, "binlog-"+hex.EncodeToString(sum[:8])+".lock"), who)
}

// sentBefore is the result for a copy to which another process is sending.
func (sh Offsite) sentBefore(c config.Copy) (*remote.LogsSent, error) {
	at, err := binlog.ReadAtCopy(sh.StateDir, c.Name, PlaceOf(c))
	return &remote.LogsSent{Reaches: reaches(at.Pieces)}, err
}

// SendLogs sends the binlog that one copy lacks, and no backups.
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

// CopyBinlogEvery is the interval at which a follower sends new binlog to the copies.
const CopyBinlogEvery = 15 * time.Minute

// FollowBinlog archives until ctx ends, and sends new binlog to the copies at the given
// interval; 0 sends none.
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

// keepSending sends the binlog that the copies lack, repeatedly until ctx ends. A copy
// that fails is reported once, until it works again.
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

// sendLog sends the part of one log file that a copy lacks.
func (sh Offsite) sendLog(ctx context.Context, l *remote.Logs, s *binlog.Segment, there *binlog.AtCopy,
	out *remote.LogsSent) error {
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

// oldestThere is the oldest full backup at a copy that a restore may use, and its binlog
// position, nil if unknown.
func (sh Offsite) oldestThere(ctx context.Context, cp *remote.Copier, c config.Copy,
	l backup.Listing) (time.Time, *binlog.Position, error) {
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

// PruneLogsThere removes the binlog at a copy that no backup there needs.
func (sh Offsite) PruneLogsThere(ctx context.Context, cp *remote.Copier, c config.Copy) error {
	before, err := binlog.ReadAtCopy(sh.StateDir, c.Name, PlaceOf(c))
	if err != nil || len(before.Pieces) == 0 {
		return err // a copy that never received any is not contacted
	}
	listing, err := backup.ReadListing(sh.StateDir, c.Name, PlaceOf(c))
	if err != nil {
		return err
	}
	oldest, at, err := sh.oldestThere(ctx, cp, c, listing)
	if err != nil || oldest.IsZero() {
		return err
	}
	l, err := sh.logs(c, false, nil)
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

// LogsAt is a copy's binlog.
type LogsAt struct {
	binlog.AtCopy
	Spans []binlog.Span
	Gaps  []binlog.Gap
}

// LogsThere are the configured copies' binlogs as of the last check by sync, verify, or
// fetch. It needs no connection to them.
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

// LookAtLogs checks which binlog a copy has.
func (sh Offsite) LookAtLogs(ctx context.Context, c config.Copy, dry bool) (LogsAt, error) {
	l, err := sh.logs(c, dry, nil)
	if err != nil {
		return LogsAt{}, err
	}
	defer l.Store.Close()
	at, _, err := l.Look(ctx)
	spans, gaps := at.Spans()
	return LogsAt{AtCopy: at, Spans: spans, Gaps: gaps}, err
}

// VerifyLogs makes a copy read back its binlog pieces, and compares them with their
// hashes: up to the given number of bytes, least recently read first; 0 reads all.
func (sh Offsite) VerifyLogs(ctx context.Context, c config.Copy, limit int64) (remote.LogsVerified, LogsAt, error) {
	l, err := sh.logs(c, false, nil)
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

// LogsFetched is the result of fetching from a copy into the archive.
type LogsFetched struct {
	Files   int // fetched now
	Here    int // already in the archive
	Bytes   int64
	Taken   []string       // not fetched: the archive has another log of that name
	Bad     []binlog.Piece // damaged at the copy: what they hold was not fetched
	Reaches time.Time
}

// FetchLogs fetches into the archive what a copy has and the archive lacks.
func (sh Offsite) FetchLogs(ctx context.Context, c config.Copy, dry bool,
	report func(ops.Progress)) (out LogsFetched, err error) {
	l, err := sh.logs(c, dry, report)
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
	for i := 0; i < len(chains); i++ {
		chain := chains[i]
		did, err := sh.Binlog().Archive().Adopt(ctx, chain, l, who)
		var spoiled *binarchive.DamagedPieceError
		if errors.As(err, &spoiled) { // the file up to there, or by other pieces, and all others
			if err := l.Spoiled(&at, spoiled.Piece); err != nil {
				return out, err
			}
			if rest := chainOf(binlog.Chains(at.Pieces), chain.Segment); rest != nil {
				chains[i] = rest
				i--
			}
			continue
		}
		if err != nil {
			return out, err
		}
		out.count(chain, did)
		if did == binarchive.Fetched && report != nil {
			report(ops.Progress{Phase: "fetch", Object: chain.Segment.File, Done: out.Bytes, Unit: "bytes"})
		}
	}
	out.Bad = at.Damaged()
	return out, nil
}

// chainOf is the chain of a log file; nil if there is none.
func chainOf(chains []*binlog.Chain, s *binlog.Segment) *binlog.Chain {
	for _, c := range chains {
		if c.Segment.Server == s.Server && c.Segment.File == s.File && c.Segment.Identity == s.Identity {
			return c
		}
	}
	return nil
}

// LostLogsError is the error of a fetch that could not get what damaged pieces hold.
func LostLogsError(c string, bad []binlog.Piece) error {
	return ops.E(ops.Failed, lang.M("%d pieces of the binlog at the copy %s are damaged, the first in %s; what they "+
		"hold was not fetched, everything else was", len(bad), c, bad[0].Segment.File)).
		WithHint(lang.M("see the gaps: opsdeck backup binlog list; a restore to a moment after a gap needs a full " +
			"backup that was made after it"))
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

// OrFromCopy adds a hint to an error: a copy may have more of the log than the local
// archive.
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

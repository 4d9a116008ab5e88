package standby

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/listener"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/restore/standby"
)

// errPaused ends a round that is to go on later.
var errPaused = errors.New("paused")

// How often the server's load and the disk are looked at, and how long work that was begun
// waits for a busy server before the round ends. Tests change them.
var (
	lookEvery = time.Second
	busyFor   = 20 * time.Second
)

// restShare: after work of some time there is a pause of a quarter of it.
const restShare = 4

// gate says when work has to wait.
type gate struct {
	mu     sync.Mutex
	looked time.Time
	worked time.Time // when the last pause ended
	why    lang.Msg
}

// paced passes progress on, and holds the work up, or ends it, where others need the
// server.
func (r *round) paced(ctx context.Context) run.Report {
	return func(p ops.Progress) {
		if r.Report != nil {
			r.Report(p)
		}
		if err := r.rest(ctx); errors.Is(err, errPaused) {
			r.stop(errPaused)
		}
	}
}

// rest is called between two pieces of work. Its error ends the round: a restore may need
// the standby, or the server or its disk need the room.
func (r *round) rest(ctx context.Context) error {
	g := &r.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.worked.IsZero() {
		sleep(ctx, min(time.Since(g.worked), time.Second)/restShare)
	}
	for last := time.Now().Add(busyFor); ctx.Err() == nil; {
		if time.Since(g.looked) >= lookEvery {
			g.looked = time.Now()
			g.why = r.occupied(ctx)
		}
		if g.why.Empty() {
			break
		}
		if time.Now().After(last) || r.open || g.worked.IsZero() {
			r.did.Paused = g.why
			return errPaused
		}
		sleep(ctx, lookEvery)
	}
	g.worked = time.Now()
	return ctx.Err()
}

// occupied is why work has to wait now.
func (r *round) occupied(ctx context.Context) lang.Msg {
	why, err := r.restoring()
	if err != nil {
		why = lang.M("the restores in %s cannot be read", r.StateDir)
	}
	if r.open = !why.Empty(); r.open {
		return why
	}
	return r.load(ctx)
}

// notePause remembers why the work stopped.
func (r *round) notePause() error {
	r.rec.Paused = restore.N(r.did.Paused)
	if r.rec.State == standby.Off {
		r.rec.Why = restore.Note{}
	}
	return r.save()
}

// noteUnbuilt remembers why there is no standby yet.
func (r *round) noteUnbuilt(err error) {
	if err == nil || r.rec.State != standby.Off {
		return
	}
	r.rec.Paused = restore.Note{}
	r.rec.Why = restore.RawNote(err.Error())
	var known *ops.Error
	if errors.As(err, &known) {
		r.rec.Why = restore.N(known.What)
	}
	r.save() // the error itself is returned
}

func (r *round) paused() bool { return !r.did.Paused.Empty() }

// load looks at the server's threads and its disk. What cannot be seen is no reason to
// wait: then the work itself fails.
func (r *round) load(ctx context.Context) lang.Msg {
	if most := r.Service.Restore.StandbyThreads; most > 0 {
		if n, err := r.server.Facts.ThreadsRunning(ctx); err == nil && n > most {
			return lang.M("the server is busy: Threads_running is %d, the limit %d", n, most)
		}
	}
	free, size := roomOf(ctx, r.server.Facts, r.Target)
	if free >= 0 && free < r.keepFree(size) {
		return lang.M("the server's disk is nearly full: %s are free, %s stay free", human.Bytes(free),
			human.Bytes(r.keepFree(size)))
	}
	return lang.Msg{}
}

// keepFree is how much of the disk stays free: half of what Status warns from.
func (k *Keeper) keepFree(size int64) int64 {
	return int64(float64(size) * k.Service.Health.DiskFree / 2)
}

// roomOf is disk. Tests fill it.
var roomOf = disk

// disk is what is free on the disk of the server's data, and its size; -1 where that is not
// on this machine.
func disk(ctx context.Context, s *swap.Facts, t mysql.Target) (free, size int64) {
	host, _, err := net.SplitHostPort(t.Addr)
	if t.Network != "unix" && (err != nil || !listener.Loopback(host)) {
		return -1, -1
	}
	dir, err := s.DataDir(ctx)
	var st unix.Statfs_t
	if err != nil || unix.Statfs(dir, &st) != nil {
		return -1, -1
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize
}

// cost is what a standby of a backup would take.
func (k *Keeper) cost(ctx context.Context, s *swap.Facts, src restore.Source) (Cost, error) {
	c := Cost{Backup: src.Name}
	live, err := s.SizeOf(ctx, k.Service.Database.Name)
	if err != nil {
		return c, err
	}
	c.NeedBytes = max(live, int64(float64(src.RawBytes)*rawRoom))
	c.LogBytes = src.RawBytes
	var size int64
	c.FreeBytes, size = disk(ctx, s, k.Target)
	if c.FreeBytes >= 0 {
		c.KeepBytes = k.keepFree(size)
	}
	return c, nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

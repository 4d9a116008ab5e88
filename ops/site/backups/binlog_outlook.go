package backups

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
)

// outlookEvery is how often a look that is not for all of the archive looks again.
const outlookEvery = 5 * time.Minute

// Outlook looks for the first statement of the archive, after the newest usable full backup,
// that a replay cannot do: no restore reaches a later moment. nil is none, and also an
// archive that continues no backup, which other findings tell. One that no key opens here is
// an error, binarchive.ErrSealed: what is in it is not known. What
// was looked through is remembered, so a look costs what is new. A look that is not for all
// of it ends after some seconds, and one some minutes later continues.
func (sh Binlog) Outlook(ctx context.Context, all bool) (*replay.Stop, error) {
	src, err := sh.newestContinued(ctx)
	if err != nil || src == nil {
		return nil, err
	}
	before := sh.readOutlook()
	age := sh.Clock.Now().Sub(before.LookedAt)
	if !all && before.Backup == src.Name && age >= 0 && age < outlookEvery {
		return before.Stops, nil
	}
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return nil, err
	}
	keys, _ := sh.Identities() // without a key only an unencrypted archive can be read
	log, err := changes.OpenArchive(sh.Archive(), keys)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	run, err := log.From(src.Database, src.Positions)
	if err != nil {
		return nil, nil
	}
	now, err := before.Continue(ctx, target, run, *src)
	if errors.Is(err, changes.ErrNoStart) { // the archive was restarted
		now, err = replay.Outlook{}.Continue(ctx, target, run, *src)
	}
	for all && err == nil && now.Partial {
		now, err = now.Continue(ctx, target, run, *src)
	}
	if errors.Is(err, binarchive.ErrSealed) {
		return nil, sh.ChangesError(err)
	}
	if err != nil {
		return nil, err
	}
	now.LookedAt = sh.Clock.Now()
	if text, err := json.Marshal(now); err == nil { // another user's state folder: look again next time
		os.MkdirAll(filepath.Dir(sh.outlookPath()), 0o700)
		atomicfile.WriteBytes(sh.outlookPath(), 0o600, text)
	}
	return now.Stops, nil
}

// newestContinued is the newest full backup that the log may continue; nil if there is none.
func (sh Binlog) newestContinued(ctx context.Context) (*restore.Source, error) {
	inv, err := sh.ReadOrNone(ctx)
	if err != nil || inv == nil {
		return nil, err
	}
	var newest *backup.Set
	for _, s := range inv.Sets {
		usable := s.Restorable(inv.Database) && s.State != backup.Bad && !s.Foreign
		if usable && (newest == nil || s.At.After(newest.At)) {
			newest = s
		}
	}
	if newest == nil {
		return nil, nil
	}
	m, err := backup.ReadManifest(newest.Path)
	if err != nil {
		return nil, nil // a backup that cannot be read is found elsewhere
	}
	src := &restore.Source{Name: newest.Name, Database: inv.Database, Positions: restore.PositionsOf(m)}
	for _, o := range m.Objects {
		if o.Database == src.Database {
			src.Holds = append(src.Holds, o)
		}
	}
	return src, nil
}

func (sh Binlog) outlookPath() string {
	sum := sha256.Sum256([]byte(sh.Service.Name + "\x00" + sh.Dir))
	return filepath.Join(sh.StateDir, "binlog", "outlook-"+hex.EncodeToString(sum[:8])+".json")
}

// readOutlook is the last look; empty if there was none or it cannot be read.
func (sh Binlog) readOutlook() (o replay.Outlook) {
	text, err := regular.ReadFile(sh.outlookPath())
	if err != nil || json.Unmarshal(text, &o) != nil {
		return replay.Outlook{}
	}
	return o
}

// StopText tells which statement ends what a restore can reach.
func StopText(s replay.Stop) lang.Msg {
	return lang.M("a replay stops at %s (%s, %s): %s", s.At.String(), s.Time.Local().Format("2006-01-02 15:04:05"),
		s.ID,
		s.Why.Msg)
}

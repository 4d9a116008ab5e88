package backups

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"opsdeck/internal/diskfull"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	reader "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
)

// Archive is the service's binlog archive.
func (sh Binlog) Archive() binarchive.Folder {
	hosts, _ := backup.ReadServers(sh.StateDir, sh.Service.Name) // unknown: none but the connected one
	return binarchive.Folder{Dir: filepath.Join(sh.Dir, binarchive.FolderName), Service: sh.Service.Name, Hosts: hosts}
}

// BinlogOptions are the options for a follower of this service.
func (sh Binlog) BinlogOptions(ctx context.Context, what string) (binarchive.Options, error) {
	o := binarchive.Options{
		Folder:     sh.Archive(),
		Service:    sh.Service.Name,
		Recipients: sh.Service.Backup.Recipients,
	}
	o.Who = lock.Holder{User: oplog.UserName(), What: what}
	var err error
	if o.Target, err = mysql.Resolve(sh.Service.Database); err != nil {
		return o, err
	}
	// A key helps to read the part that is continued; continuing works without one.
	o.Keys, _ = sh.Identities()
	o.Start = sh.oldestFile(ctx)
	return o, nil
}

// oldestFile is the binlog file in the oldest full backup's position; "" if unknown.
func (sh Binlog) oldestFile(ctx context.Context) string {
	inv, err := sh.Read(ctx)
	if err != nil {
		return ""
	}
	set := oldestFull(inv)
	if set == nil {
		return ""
	}
	m, err := backup.ReadManifest(set.Path)
	if err != nil {
		return ""
	}
	return m.Position.File
}

// oldestFull is the oldest full backup that a restore may use.
func oldestFull(inv *backup.Inventory) (oldest *backup.Set) {
	for _, s := range inv.Sets {
		if s.Restorable(inv.Database) && s.State != backup.Bad {
			oldest = s
		}
	}
	return oldest
}

// TellBinlog reports a follower's notes.
func (sh Binlog) TellBinlog(n binarchive.Note) {
	switch {
	case n.Begun != nil:
		sh.Say(lang.M("%s starts", n.Begun.File))
	case n.Ended != nil:
		sh.Say(lang.M("%s is complete: %s, %s in the archive", n.Ended.File,
			human.Bytes(n.Ended.RawBytes), human.Bytes(n.Ended.SizeBytes)))
	case n.Mended != nil:
		sh.Say(lang.M("DAMAGED: %s; what the server still has of it is fetched again", n.Mended.Sentence()))
	case n.Files != nil:
		sh.Say(lang.M("this user lacks %s: the binlog is read from the server's files in %s, up to a second later "+
			"than over the connection", "REPLICATION SLAVE", n.Files.String()))
		if n.Files.Container != "" {
			sh.Say(lang.M("docker cp copies the current file whole each time"))
		}
	case n.Gap != nil:
		sh.Say(lang.M("GAP in the archive: %s", GapText(*n.Gap)))
		sh.Say(lang.M("make a full backup now: opsdeck backup create"))
	case n.Retry != nil:
		sh.Say(lang.M("the connection to the server broke; the binlog is not archived until it is back, retrying: %s",
			sh.Lang.Msg(sh.BinlogSentence(n.Retry).What)))
	case n.Back:
		sh.Say(lang.M("the server is back; the binlog is being archived again"))
	}
}

// GapText tells what is missing and why.
func GapText(g binlog.Gap) lang.Msg {
	from := binlog.Position{File: g.FromFile, Pos: g.FromPos}.String()
	to := binlog.Position{File: g.ToFile, Pos: g.ToPos}.String()
	switch g.Reason {
	case binlog.Reset:
		return lang.M("the server's log started over with the same names after %s; it continues with %s", from, to)
	case binlog.Cut:
		return lang.M("the server no longer has the rest of the file after %s; it continues with %s", from, to)
	case binlog.Foreign:
		return lang.M("the transactions before %s do not match those in the archive up to %s", to, from)
	case binlog.Unlogged:
		return lang.M("from %s on, the server did not log the database's changes", to)
	}
	return lang.M("the files between %s and %s are missing", from, to)
}

// UnloggedText tells that a server setting excludes a database from its log.
func UnloggedText(database, setting string) lang.Msg {
	return lang.M("the server does not log changes of %s (%s): they are not in the archive", database, setting)
}

// BinlogError converts a follower's error to a sentence and a hint.
func (sh Binlog) BinlogError(err error) error {
	if err == nil {
		return nil
	}
	return sh.BinlogSentence(err)
}

// BinlogSentence is BinlogError for an error that is not nil.
func (sh Binlog) BinlogSentence(err error) *ops.Error {
	var server *reader.ServerError
	var known *ops.Error
	var path *fs.PathError
	var unlogged *changes.UnloggedError
	var files *reader.FilesError
	switch {
	case errors.As(err, &files) && !errors.As(err, &server):
		return ops.Wrap(err, ops.Failed, lang.M("the server's log files cannot be read: %s", files.Why))
	case errors.As(err, &known):
		return known
	case errors.Is(err, binarchive.ErrLogOff):
		return ops.Wrap(err, ops.Config, lang.M("the server's binlog is off: nothing written after a backup can "+
			"be restored")).
			WithHint(lang.M("set log_bin in the server's configuration and restart it"))
	case reader.LacksRight(err), mysql.Number(err) == errSpecialAccess:
		return ops.Wrap(err, ops.Config, lang.M("this user has no permission to read the binlog")).
			WithHint(lang.M("`opsdeck doctor` prints the GRANT statements; or set another user in the options file"))
	case errors.As(err, &unlogged):
		return ops.Wrap(err, ops.Config, UnloggedText(unlogged.Database, unlogged.Setting))
	case errors.Is(err, binarchive.ErrDamaged):
		return ops.Wrap(err, ops.Failed, lang.M("the binlog archive is damaged")).
			WithHint(lang.M("check with: opsdeck backup binlog verify; move the damaged file away and make a full " +
				"backup"))
	case errors.Is(err, binarchive.ErrEnded), errors.Is(err, io.ErrUnexpectedEOF):
		return ops.Wrap(err, ops.Failed, lang.M("the server closed the connection"))
	case mysql.TimedOut(err) && !errors.As(err, &path):
		return ops.Wrap(err, ops.Busy, lang.M("the server sends no more of the binlog; the connection may be stalled")).
			WithHint(lang.M("check the network, the proxy or the load balancer between here and the server, then run " +
				"it again"))
	case errors.As(err, &path) && diskfull.Is(path):
		return ops.Wrap(path, ops.Failed, lang.M("the disk of %s is full: the archive cannot be written; what was "+
			"archived is complete, and the next run continues from there", sh.Dir)).
			WithHint(lang.M("find what fills it: `opsdeck runbook disk-full`; or move the folder to a larger disk"))
	case errors.As(err, &path):
		return ops.Wrap(path, ops.Failed, lang.M("the archive cannot be written; what was archived is complete, "+
			"and the next run continues from there")).
			WithHint(lang.M("find the cause: %s", fixOf(sh.Dir, path)))
	}
	return sh.Explain(err)
}

// errSpecialAccess is the server's error for a missing privilege.
const errSpecialAccess = 1227

// fixOf is the command that shows why a folder cannot be written.
func fixOf(dir string, err error) string {
	_, fix := doctor.Unwritable(dir, err)
	return fix
}

package backups

import (
	"context"
	"errors"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
)

// OpenChanges opens all available binlog of the service's server. It reports if that is
// only the archive.
func (sh Binlog) OpenChanges(ctx context.Context) (*changes.Source, error) {
	target, err := mysql.Resolve(sh.Service.Database)
	if err != nil {
		return nil, err
	}
	keys, err := sh.Identities()
	if err != nil {
		return nil, err
	}
	src, err := changes.Open(ctx, sh.Archive(), keys, target)
	if err != nil {
		return nil, sh.BinlogError(err)
	}
	if err := src.Unlogged(sh.Service.Database.Name); err != nil {
		sh.Say(sh.BinlogSentence(err).What)
	}
	if src.LiveErr == nil {
		return src, nil
	}
	if src.Empty() {
		src.Close()
		return nil, sh.BinlogError(src.LiveErr)
	}
	sh.Say(lang.M("reading only the archive: %s", sh.Lang.Msg(sh.BinlogSentence(src.LiveErr).What)))
	return src, nil
}

// ChangesError converts an error of reading the log to a sentence.
func (sh Binlog) ChangesError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, binarchive.ErrSealed):
		return ops.Wrap(err, ops.Config, lang.M("the binlog archive is encrypted, and no configured key decrypts it")).
			WithHint(lang.M("set backup.identity to the age key file"))
	case errors.Is(err, changes.ErrNotFound):
		return ops.Wrap(err, ops.Usage, lang.M("this transaction is not in the binlog")).
			WithHint(lang.M("list the ids with: opsdeck audit changes; show how far the archive reaches with: " +
				"opsdeck backup binlog list"))
	}
	return sh.BinlogError(err)
}

// TraceError makes a sentence of why a row cannot be traced by its key; it returns other
// errors unchanged.
func TraceError(err error, table string) error {
	switch {
	case errors.Is(err, changes.ErrNoTable):
		return ops.Wrap(err, ops.Usage, lang.M("there is no table %s", table))
	case errors.Is(err, changes.ErrNoKey):
		return ops.Wrap(err, ops.Usage, lang.M("%s has no primary key, so its rows cannot be told apart", table)).
			WithHint(lang.M("list all changes of the table: opsdeck audit changes --table %s", human.Shell(table)))
	case errors.Is(err, changes.ErrKeyParts):
		return ops.Wrap(err, ops.Usage,
			lang.M("the key needs a value for each column of the primary key of %s", table)).
			WithHint(lang.M("separate the values with commas; put a value with a comma in double quotes"))
	}
	return err
}

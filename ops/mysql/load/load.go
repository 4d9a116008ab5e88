// Package load restores dumps into a schema of MySQL or MariaDB: backups of
// ops/mysql/dump over several connections, chunk by chunk, and dumps of other tools as a
// stream. It never runs a statement that would change anything outside the target
// schema: every statement is tokenised (ops/mysql/sqlscan) and judged before the first
// one runs.
//
// A load can be interrupted at any moment and resumes from there: each chunk of rows is
// committed together with its line in the table ProgressTable of the target schema,
// which is dropped at the end. Only for a foreign dump, rows of tables without
// transactions are inserted again.
package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// ProgressTable is the table of the target schema in which a load records its progress.
const ProgressTable = schema.LoadTable

// What to do about definers that do not exist on the target.
const (
	DefinerKeep    = "keep"    // leave the clause as it is
	DefinerCurrent = "current" // the loading user becomes the definer
)

// Options say what to load and where.
type Options struct {
	Schema string // the target; created when it does not exist
	// the database in the dump; "": the manifest's first; for a foreign dump, none but the
	// target itself
	From   string
	Tables []string // only these tables, with their triggers; empty: everything
	// Without are objects to leave out, each as "table x", "view y", "trigger z" …
	Without []string

	Commit  int64  // bytes of text per commit; 0 is 24 MB. A member is never split
	Jobs    int    // connections for rows; 0 is the number of cores, at least 2
	Definer string // DefinerKeep or DefinerCurrent; "" refuses definers that do not exist on the target
	Events  bool   // events keep their status: for the real restore only
	// EventsOff are events that are created disabled even so.
	EventsOff []string
	Replace   bool // drop tables and objects of the same names; otherwise the schema must not have them

	// Apart means that the target stays beside the database of the dump. Where the server folds
	// names, code that names that database in another case then means the target too; else it
	// keeps its text, which is what a verification compares.
	Apart bool

	SkipOthers bool // of a dump of several databases, load From and skip the others
	NoBinlog   bool // SET sql_log_bin = 0: replicas and point-in-time recovery will miss the rows
	NoLocal    bool // never LOAD DATA LOCAL
	NoDefer    bool // create secondary indexes before the rows

	// Spare leaves out objects that opsdeck does not understand or does not allow, and
	// notes each. Such a table is refused all the same.
	Spare bool

	Report func(ops.Progress) // may be nil

	// Whole is called for each table whose rows and keys are complete, while others
	// still load. It may be called from any goroutine, and must not block. It is not
	// called for a foreign dump or for tables that an earlier attempt completed. It may
	// be nil.
	Whole func(table string)
}

func (o Options) jobs() int {
	if o.Jobs > 0 {
		return o.Jobs
	}
	return max(2, runtime.NumCPU())
}

// Run loads a source into a schema. It refuses a dump before the first statement runs.
// After an error or a cancelled ctx, Run can be called again with the same options and
// resumes. Errors for people are *ops.Error.
func Run(ctx context.Context, target mysql.Target, src *Source, o Options) (*backup.LoadReport, error) {
	if o.Schema == "" {
		return nil, errors.New("load without a target schema")
	}
	if system(o.Schema) {
		return nil, ops.E(ops.Usage, lang.M("%s is a system database: nothing is loaded into it", o.Schema))
	}
	begin := time.Now()
	s, err := connect(ctx, target, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.alone(ctx); err != nil {
		return nil, err
	}
	s.report = &backup.LoadReport{
		Schema: o.Schema,
		From:   o.From,
		Native: src.Manifest != nil && len(src.Manifest.Members) > 0,
	}
	if s.report.Native {
		err = s.native(ctx, src)
	} else {
		err = s.foreign(ctx, src)
	}
	s.report.Duration = time.Since(begin)
	s.report.DurationMS = s.report.Duration.Milliseconds()
	if err != nil {
		return s.report, explain(ctx, err, target)
	}
	return s.report, nil
}

// explain turns the error that ended a load into an *ops.Error.
func explain(ctx context.Context, err error, target mysql.Target) error {
	var known *ops.Error
	switch {
	case ctx.Err() != nil:
		return ops.Wrap(err, ops.CodeOf(ctx.Err()), lang.M("the load was interrupted"))
	case errors.As(err, &known):
		return err
	case mysql.Number(err) != 0 || mysql.Lost(err):
		return mysql.Explain(err, target)
	}
	return ops.Wrap(err, ops.Failed, lang.M("the load failed"))
}

func system(schema string) bool {
	switch schema {
	case "mysql", "information_schema", "performance_schema", "sys":
		return true
	}
	return false
}

// refuse returns the error for a refused statement.
func refuse(where string, reason lang.Msg) error {
	said := ops.E(ops.Failed, lang.M("refused, nothing was loaded: %s (%s)", reason, where))
	return &refusedError{said: said, reason: reason}
}

// withoutIt adds to the refusal of a statement of a foreign dump what can be done, if the
// statement is about nothing but the target.
func withoutIt(err error) error {
	var refused *refusedError
	if errors.As(err, &refused) && refused.reason.Key == notAllowed("").Key {
		refused.said.WithHint(lang.M("take that statement out of a copy of the dump and restore the copy"))
	}
	return err
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

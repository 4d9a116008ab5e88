package replay

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Table is the table in the target database that records the progress of a replay. It is
// dropped at the end.
const Table = schema.ReplayTable

// Rows of the table.
const (
	rowState   = 1
	rowPending = 2
)

// State is the progress of a replay. It is committed with the data.
type State struct {
	At           binlog.Place            `json:"at"` // all groups that end here or before are done
	Transactions int64                   `json:"transactions"`
	Changed      int64                   `json:"rows_changed"`
	Statements   int64                   `json:"statements,omitempty"` // run again: their rows are not in Changed
	Rows         map[string]int64        `json:"rows"`                 // expected row counts; -1 if unknown
	Cascaded     []string                `json:"cascaded,omitempty"`   // may have lost rows by foreign keys, unlogged
	XA           map[string]binlog.Place `json:"xa,omitempty"`         // start positions of prepared transactions
	Events       []string                `json:"events,omitempty"`     // to enable after the swap
	Ended        bool                    `json:"ended,omitempty"`
	// Temps is the number of temporary tables that were open: they end with the session.
	Temps int `json:"temps,omitempty"`
}

// Texts say what a replay changed.
func Texts(rows, statements int64) lang.Msg {
	switch {
	case statements == 0:
		return lang.M("%s rows changed", human.Count(rows))
	case rows == 0:
		return lang.M("%s statements run again, whose rows are not counted", human.Count(statements))
	}
	return lang.M("%s rows changed, and %s statements run again, whose rows are not counted", human.Count(rows),
		human.Count(statements))
}

// pending is a step that cannot be committed with the position: a definition, or rows of a
// non-transactional table. It is recorded before the step begins.
type pending struct {
	At     binlog.Place `json:"at"`     // position of the group
	Number int          `json:"number"` // index of the statement in the group; 0 for rows
	Look   string       `json:"look,omitempty"`
	Twice  bool         `json:"twice,omitempty"` // repeating it is harmless
}

// ErrAgain reports that a replay was interrupted in a step that may or may not have been
// done: the backup must be loaded again.
var ErrAgain = errors.New("the replay was interrupted in a step that may or may not have been done")

// Begun reports whether a replay into a database was started and can continue.
func Begun(ctx context.Context, q schema.Querier, in string) (bool, error) {
	rows, err := schema.All(
		ctx,
		q,
		"SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		in,
		Table,
	)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	rows, err = schema.All(ctx, q, "SELECT 1 FROM "+schema.Name(in, Table)+" WHERE id = 1")
	return len(rows) > 0, err
}

// Peek reads the progress of a replay into a database. ok is false if none was started, or
// if one was interrupted in a step that may or may not have been done.
func Peek(ctx context.Context, q schema.Querier, in string) (state State, ok bool, err error) {
	begun, err := Begun(ctx, q, in)
	if err != nil || !begun {
		return state, false, err
	}
	wait, there, err := read[pending](ctx, q, in, rowPending)
	if err != nil || there && wait.Number == 0 {
		return state, false, err
	}
	state, ok, err = read[State](ctx, q, in, rowState)
	return state, ok && (state.Temps == 0 || state.Ended), err
}

// Prepare records that a backup is loaded and a replay begins. events are to be enabled
// after the swap.
func Prepare(
	ctx context.Context,
	c *sql.Conn,
	in string,
	from binlog.Place,
	rows map[string]int64,
	events []string,
) error {
	first := State{At: from, Rows: maps.Clone(rows), Events: events}
	text, err := json.Marshal(first)
	if err != nil {
		return err
	}
	err = mysql.Define(ctx, c,
		"CREATE TABLE IF NOT EXISTS "+schema.Name(in, Table)+
			" (id INT PRIMARY KEY, what LONGTEXT CHARACTER SET utf8mb4 NOT NULL) ENGINE=InnoDB",
		"INSERT INTO "+schema.Name(in, Table)+" VALUES (1, "+schema.String(string(text))+")",
	)
	if err != nil {
		return fmt.Errorf("record that the replay begins: %w", err)
	}
	return nil
}

// Finish drops the progress table.
func Finish(ctx context.Context, c *sql.Conn, in string) error {
	return mysql.Define(ctx, c, "DROP TABLE IF EXISTS "+schema.Name(in, Table))
}

// read reads a row of the table; ok is false if it does not exist.
func read[T any](ctx context.Context, q schema.Querier, in string, id int) (v T, ok bool, err error) {
	rows, err := schema.All(ctx, q, fmt.Sprintf("SELECT what FROM %s WHERE id = %d", schema.Name(in, Table), id))
	if err != nil || len(rows) == 0 {
		return v, false, err
	}
	return v, true, json.Unmarshal([]byte(rows[0][0]), &v)
}

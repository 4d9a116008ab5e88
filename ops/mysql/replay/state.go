package replay

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// Table is where a replay notes how far it is, in the schema that it replays into. It is
// dropped at the end.
const Table = "_opsdeck_replay"

// Rows of the table.
const (
	rowState   = 1
	rowPending = 2
)

// State is how far a replay is. It is committed with the data.
type State struct {
	At           binlog.Place            `json:"at"` // all groups that end there or before are done
	Transactions int64                   `json:"transactions"`
	Changed      int64                   `json:"rows_changed"`
	Rows         map[string]int64        `json:"rows"`             // how many each table should have; -1 not known
	XA           map[string]binlog.Place `json:"xa,omitempty"`     // where prepared transactions begin
	Events       []string                `json:"events,omitempty"` // to be enabled after the exchange
	Ended        bool                    `json:"ended,omitempty"`
}

// pending is a step that cannot be committed with the place: a definition, or rows of a
// table without transactions. It is written before the step begins.
type pending struct {
	At     binlog.Place `json:"at"`     // of the group
	Number int          `json:"number"` // of the statement in the group; 0 for rows
	Look   string       `json:"look,omitempty"`
	Twice  bool         `json:"twice,omitempty"` // doing it again is harmless
}

// ErrAgain says that a replay was broken off inside of a step that is neither surely
// done nor surely not done: the backup must be loaded again.
var ErrAgain = errors.New("the replay was broken off in a step of which it cannot be told whether it was done")

// Begun tells whether a replay into a schema was begun and can go on.
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

// Peek reads how far a replay into a schema is; ok is false where none was begun, or one
// was broken off in a step of which it cannot be told whether it was done.
func Peek(ctx context.Context, q schema.Querier, in string) (state State, ok bool, err error) {
	begun, err := Begun(ctx, q, in)
	if err != nil || !begun {
		return state, false, err
	}
	wait, there, err := read[pending](ctx, q, in, rowPending)
	if err != nil || there && wait.Number == 0 {
		return state, false, err
	}
	return read[State](ctx, q, in, rowState)
}

// Prepare notes that a backup is loaded and a replay begins. Events are those that are to
// be enabled after the exchange.
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
	for _, q := range []string{
		"CREATE TABLE IF NOT EXISTS " + schema.Name(in, Table) +
			" (id INT PRIMARY KEY, what LONGTEXT CHARACTER SET utf8mb4 NOT NULL) ENGINE=InnoDB",
		"INSERT INTO " + schema.Name(in, Table) + " VALUES (1, " + schema.String(string(text)) + ")",
	} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("note that the replay begins: %w", err)
		}
	}
	return nil
}

// Finish drops the table.
func Finish(ctx context.Context, c *sql.Conn, in string) error {
	_, err := c.ExecContext(ctx, "DROP TABLE IF EXISTS "+schema.Name(in, Table))
	return err
}

// read reads a row of the table; ok is false when it is not there.
func read[T any](ctx context.Context, q schema.Querier, in string, id int) (v T, ok bool, err error) {
	rows, err := schema.All(ctx, q, fmt.Sprintf("SELECT what FROM %s WHERE id = %d", schema.Name(in, Table), id))
	if err != nil || len(rows) == 0 {
		return v, false, err
	}
	return v, true, json.Unmarshal([]byte(rows[0][0]), &v)
}

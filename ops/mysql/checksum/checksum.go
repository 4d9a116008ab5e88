// Package checksum proves that two tables hold the same rows, without caring
// for their order.
//
// The canonical text of a row is, for each stored column in the order of
// definition (schema.Table.Stored: no computed column; the period of a
// system-versioned table only when its history is read), the server's text of
// the column's expression (schema.Column.Expr), read in a session that Session
// has set up: utf8mb4, time zone +00:00, sql_mode ”. NULL is the byte 0xFB; any
// other value is its length as a length-encoded integer of the MySQL protocol,
// then its bytes. That is, byte for byte, the payload of the row's packet in a
// text result set, so that a reader of the protocol has it for nothing.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_row.html
//
// A row's hash is the 128-bit XXH3 of its canonical text; a table's checksum is
// the sum of its rows' hashes modulo 2^128: rows in another order give the same
// sum, a row that is there twice counts twice.
package checksum

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"

	"github.com/zeebo/xxh3"

	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// Sum is a checksum: a 128-bit number. The zero value is that of no rows.
type Sum struct{ Hi, Lo uint64 }

// Row is the hash of one row's canonical text.
func Row(canonical []byte) Sum {
	h := xxh3.Hash128(canonical)
	return Sum{h.Hi, h.Lo}
}

// Add adds another sum.
func (s *Sum) Add(o Sum) {
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, o.Lo, 0)
	s.Hi, _ = bits.Add64(s.Hi, o.Hi, carry)
}

// String is the manifest's form: 32 hex digits.
func (s Sum) String() string { return fmt.Sprintf("%016x%016x", s.Hi, s.Lo) }

// Session makes a connection render values canonically. It stays so.
func Session(ctx context.Context, conn *sql.Conn) error {
	for _, set := range []string{
		"SET NAMES utf8mb4", "SET SESSION time_zone = '+00:00'", "SET SESSION sql_mode = ''",
	} {
		if _, err := conn.ExecContext(ctx, set); err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
	}
	return nil
}

// Table reads a whole table and returns its rows and checksum. The connection
// must have been set up by Session. history reads all versions of the rows of a
// system-versioned table. tick, when not nil, is told the rows read now and then.
func Table(
	ctx context.Context,
	conn *sql.Conn,
	t *schema.Table,
	history bool,
	tick func(rows int64),
) (rows int64, sum Sum, err error) {
	s, err := rowread.Query(ctx, conn, t.Stored(history && t.Versioned), "FROM "+t.From(history))
	if err != nil {
		return 0, sum, err
	}
	defer s.Close()
	for s.Next() {
		sum.Add(Row(s.Row()))
		rows++
		if tick != nil && rows&0xffff == 0 {
			tick(rows)
		}
	}
	return rows, sum, s.Err()
}

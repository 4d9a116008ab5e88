package replay

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// The variables of a BINLOG statement in two fragments. The server empties them.
const (
	firstFragment  = "@opsdeck_binlog_1"
	secondFragment = "@opsdeck_binlog_2"
)

// besideRows is what a BINLOG statement has besides the rows of one event, in bytes: the
// table map and the statement's own words.
const besideRows = 16 << 10

// binlog is the statements that apply events: one BINLOG statement, or for events that are
// too long for one, two fragments in variables if the server takes them.
//
// https://mariadb.com/kb/en/binlog/
func (s *server) binlog(events []byte) []string {
	whole := inBinlog(events)
	if mysql.Fits(len(whole), s.packet) == nil || !s.fragments {
		return []string{whole}
	}
	text := base64.StdEncoding.EncodeToString(events)
	half := (len(text)/2 + 3) / 4 * 4
	return []string{
		fmt.Sprintf("SET %s = '%s'", firstFragment, text[:half]),
		fmt.Sprintf("SET %s = '%s'", secondFragment, text[half:]),
		fmt.Sprintf("BINLOG %s, %s", firstFragment, secondFragment),
	}
}

// takesNative returns a *mysql.PacketError if the server's BINLOG statement cannot take a
// rows event of n bytes.
func (s *server) takesNative(n int) error {
	text := base64.StdEncoding.EncodedLen(n + besideRows)
	if s.fragments {
		text = text/2 + besideRows
	}
	return mysql.Fits(text, s.packet)
}

// byStatements reports whether a rows event is applied as statements because it is too long
// for the BINLOG statement: in those, a value may be as long as the packet.
func (s *server) byStatements(r *format.Rows) bool {
	return s.packet > 0 && s.takesNative(r.NativeSize()) != nil
}

// Long is the longest change of a replay.
type Long struct {
	ID    string // of its transaction
	Table string
	Bytes int  // as a rows event
	Value int  // the longest value in it; 0 if the event is short
	Part  bool // it has only parts of a JSON document
}

// measure finds the longest rows event of a group.
func (l *look) measure(i *format.Item) error {
	m := i.Rows.Map
	n := i.Rows.NativeSize()
	if m.Schema != l.q.From || !l.judge.inScope(m.Name) || n <= l.long.Bytes {
		return nil
	}
	l.long = Long{ID: i.Group.ID(), Table: m.Name, Bytes: n, Part: i.Rows.InPart()}
	if !l.q.server.byStatements(i.Rows) {
		return nil
	}
	return i.Rows.Each(func(c binlog.RowChange) error {
		for _, image := range [][]binlog.Value{c.Before, c.After} {
			for _, v := range image {
				l.long.Value = max(l.long.Value, len(v.Text))
			}
		}
		return nil
	})
}

// fits is an error for a change that this server does not accept; nil if it does. native
// tells whether this user may run BINLOG.
func (l Long) fits(ctx context.Context, target mysql.Target, q Question, f *Forecast, native bool) error {
	s := &q.server
	refused := s.takesNative(l.Bytes)
	if refused == nil {
		return nil
	}
	what := lang.M("a change of table %s in transaction %s", l.Table, l.ID)
	var packet *mysql.PacketError
	if native && (l.Part || f.Triggers || triggered(ctx, target, q.From, l.Table)) && errors.As(refused, &packet) {
		return packet.Explain(what)
	}
	if errors.As(mysql.Fits(l.Value, s.packet), &packet) {
		return packet.Explain(what)
	}
	return nil
}

// triggered reports whether a table has triggers, which statements would fire, or keeps its
// history, which statements cannot write. It is true if that cannot be seen.
func triggered(ctx context.Context, target mysql.Target, database, table string) bool {
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return true
	}
	defer db.Close()
	n, err := schema.One(ctx, db,
		"SELECT (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = "+
			"? AND EVENT_OBJECT_TABLE = ?) + (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? "+
			"AND TABLE_NAME = ? AND TABLE_TYPE = 'SYSTEM VERSIONED')", database, table, database, table)
	return err != nil || n != "0"
}

// mariaVersion finds the version of a MariaDB server.
var mariaVersion = regexp.MustCompile(`(?i)(\d+)\.(\d+)\.\d+-mariadb`)

// takesFragments reports whether the server's BINLOG statement takes fragments: MariaDB from
// 10.5 on.
func takesFragments(ctx context.Context, q schema.Querier) (bool, error) {
	version, err := schema.One(ctx, q, "SELECT VERSION()")
	found := mariaVersion.FindStringSubmatch(version)
	if err != nil || found == nil {
		return false, err
	}
	major, _ := strconv.Atoi(found[1])
	minor, _ := strconv.Atoi(found[2])
	return major > 10 || major == 10 && minor >= 5, nil
}

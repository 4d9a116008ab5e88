package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// errPacketTooLarge is the server's error for a statement over max_allowed_packet. It ends
// the connection, often before the client can read it.
const errPacketTooLarge = 1153

// mostPacket is the largest max_allowed_packet, in bytes.
const mostPacket = 1 << 30

// packetBesides is what a packet holds besides a value, in bytes, with room to spare.
const packetBesides = 1 << 10

// PacketError is a statement or a value that is longer than the server accepts.
type PacketError struct {
	Needs int64 // bytes
	Limit int64 // max_allowed_packet, bytes
}

func (e *PacketError) Error() string {
	return fmt.Sprintf("%d bytes, and max_allowed_packet is %d", e.Needs, e.Limit)
}

// Explain is the error for a person; what names the row or the transaction.
func (e *PacketError) Explain(what lang.Msg) *ops.Error {
	said := ops.Wrap(e, ops.Failed, lang.M("%s needs max_allowed_packet of %s or more; on the server it is %s", what,
		human.Bytes(e.Needs), human.Bytes(e.Limit)))
	if e.Needs >= mostPacket {
		return said.WithHint(lang.M("no server accepts more than 1 GiB: leave it out"))
	}
	return said.WithHint(lang.M("as an administrator: %s; then run the same command again", raisePacket(e.Needs)))
}

// raisePacket is the statement that lets the server accept a packet of n bytes.
func raisePacket(n int64) string {
	const step = 16 << 20
	return fmt.Sprintf("SET GLOBAL max_allowed_packet = %d", min(mostPacket, n/step*step+step))
}

// Packet is the session's max_allowed_packet, in bytes.
func Packet(ctx context.Context, q schema.Querier) (int64, error) {
	text, err := schema.One(ctx, q, "SELECT @@max_allowed_packet")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// Fits returns a *PacketError if a server with this max_allowed_packet refuses a statement
// of n bytes.
func Fits(n int, packet int64) error {
	if needs := int64(n) + packetBesides; needs > packet {
		return &PacketError{Needs: needs, Limit: packet}
	}
	return nil
}

// explainPacket explains an error of a statement's length; nil if it is another one.
func explainPacket(err error) error {
	var packet *PacketError
	switch {
	case errors.As(err, &packet):
		return packet.Explain(lang.M("a row"))
	case Number(err) == errPacketTooLarge, errors.Is(err, mysqldriver.ErrPktTooLarge):
		return ops.Wrap(err, ops.Failed, lang.M("a statement is longer than the server accepts (max_allowed_packet)")).
			WithHint(lang.M("raise max_allowed_packet on the server"))
	}
	return nil
}

// Execer is a session or a transaction that runs statements.
type Execer interface {
	schema.Querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// ExecLong runs a statement of ours. In one that is longer than max_allowed_packet, long
// values are first collected in variables of the session, piece by piece: a value may be as
// long as the packet. What is longer is not sent, because the server would close the
// connection.
func ExecLong(ctx context.Context, c Execer, query string, packet int64) (sql.Result, error) {
	if Fits(len(query), packet) == nil {
		return c.ExecContext(ctx, query)
	}
	short, values := outsource(query)
	if err := fitOutsourced(short, values, packet); err != nil {
		return nil, err
	}
	defer func() {
		for i := range values {
			_, _ = c.ExecContext(context.WithoutCancel(ctx), "SET "+variable(i)+" = NULL")
		}
	}()
	for i, v := range values {
		if err := v.collect(ctx, c, variable(i), packet); err != nil {
			return nil, err
		}
	}
	return c.ExecContext(ctx, short)
}

// FitsLong returns a *PacketError if ExecLong cannot run the statement.
func FitsLong(query string, packet int64) error {
	if Fits(len(query), packet) == nil {
		return nil
	}
	short, values := outsource(query)
	return fitOutsourced(short, values, packet)
}

func fitOutsourced(short string, values []longValue, packet int64) error {
	err := Fits(len(short), packet)
	for _, v := range values {
		if err == nil {
			err = Fits(len(v.bytes), packet)
		}
	}
	return err
}

package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// resp is a connection to a Redis that speaks as much of the protocol (RESP2,
// https://redis.io/docs/latest/develop/reference/protocol-spec) as a look needs:
// commands of words, answered by a line or a bulk text. A client library would
// be an eighth of this program.
type resp struct {
	conn net.Conn
	in   *bufio.Reader
}

// Bounds of an answer.
const (
	maxReplyLine = 4 << 10
	maxReplyBulk = 1 << 20
)

var errNotRedis = errors.New("not the Redis protocol")

// replyError is an error that the server answers: "NOAUTH Authentication required."
type replyError string

func (e replyError) Error() string { return string(e) }

// dialRedis connects and logs in. The connection's time is the context's.
func dialRedis(ctx context.Context, address, password string) (*resp, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &resp{conn: conn, in: bufio.NewReaderSize(conn, maxReplyLine)}
	if password != "" {
		if _, err := c.do(ctx, "AUTH", password); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return c, nil
}

func (c *resp) close() error { return c.conn.Close() }

// do sends a command and returns its answer.
func (c *resp) do(ctx context.Context, words ...string) (string, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Time{}
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c.conn, b.String()); err != nil {
		return "", err
	}
	return c.reply()
}

func (c *resp) reply() (string, error) {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errNotRedis
	}
	if err != nil {
		return "", err
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || text == "" {
		return "", errNotRedis
	}
	switch text[0] {
	case '+', ':':
		return text[1:], nil
	case '-':
		return "", replyError(text[1:])
	case '$':
		return c.bulk(text[1:])
	}
	return "", errNotRedis
}

// bulk reads a text whose length was told.
func (c *resp) bulk(length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > maxReplyBulk {
		return "", errNotRedis
	}
	text := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, text); err != nil {
		return "", err
	}
	return string(text[:n]), nil
}

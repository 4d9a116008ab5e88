package load

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
)

// yielding passes connections on, and answers the first of each kind of statement (by
// its first two words) in the server's place: refused for the locks of others.
type yielding struct {
	number uint16
	mu     sync.Mutex
	seen   map[string]bool
}

// kinds are the statements that were refused.
func (y *yielding) kinds() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	var all []string
	for k := range y.seen {
		all = append(all, k)
	}
	return strings.Join(all, ", ")
}

// refuses tells whether a packet of a client is a statement to refuse.
func (y *yielding) refuses(payload []byte) bool {
	const query = 3 // COM_QUERY
	if len(payload) == 0 || payload[0] != query {
		return false
	}
	words := strings.Fields(string(payload[1:min(len(payload), 60)]))
	if len(words) == 0 || !strings.Contains("CREATE DROP INSERT REPLACE LOAD ALTER COMMIT START DELETE", words[0]) {
		return false
	}
	kind := strings.Join(words[:min(2, len(words))], " ")
	y.mu.Lock()
	defer y.mu.Unlock()
	was := y.seen[kind]
	y.seen[kind] = true
	return !was
}

// listen starts it in front of a server.
func (y *yielding) listen(t *testing.T, addr string) string {
	t.Helper()
	y.seen = map[string]bool{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				in.Close()
				continue
			}
			go func() {
				io.Copy(in, out)
				in.Close()
			}()
			go func() {
				y.pass(out, in)
				out.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func (y *yielding) pass(server, client net.Conn) {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		payload := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
		if _, err := io.ReadFull(client, payload); err != nil {
			return
		}
		if head[3] == 0 && y.refuses(payload) {
			if _, err := client.Write(y.refusal()); err != nil {
				return
			}
			continue
		}
		if _, err := server.Write(append(head, payload...)); err != nil {
			return
		}
	}
}

// refusal is an ERR packet.
func (y *yielding) refusal() []byte {
	var b bytes.Buffer
	b.WriteByte(0xff)
	binary.Write(&b, binary.LittleEndian, y.number)
	b.WriteString("#40001try restarting transaction")
	return append([]byte{byte(b.Len()), 0, 0, 1}, b.Bytes()...)
}

// TestAStatementThatYieldsToOthersIsRunAgain refuses the first of each kind of statement
// of a load: the load goes on, and the rows are those of the backup.
func TestAStatementThatYieldsToOthersIsRunAgain(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from := oneOfAll(t, s)
		src := backedUp(t, s, dump.Options{Databases: []string{from}})
		want := dumped(t, s, from)
		for _, number := range []uint16{mysql.ErrDeadlock, mysql.ErrLockWaitTimeout} {
			y := &yielding{number: number}
			to := target(s)
			to.Addr = y.listen(t, to.Addr)
			o := Options{Schema: s.Schema(t), Definer: DefinerKeep, Events: true}
			if _, err := Run(t.Context(), to, src, o); err != nil {
				t.Fatalf("%d: %v", number, err)
			}
			for _, kind := range []string{"CREATE DATABASE", "CREATE TABLE", "INSERT INTO", "COMMIT", "DROP TABLE"} {
				if !strings.Contains(y.kinds(), kind) {
					t.Errorf("%d: no %s was refused, but %s", number, kind, y.kinds())
				}
			}
			mustVerify(t, s, src.Manifest, o.Schema)
			if got := dumped(t, s, o.Schema); got != want {
				t.Errorf("%d: the copy differs: %s", number, difference(want, got))
			}
		}
	})
}

// TestADumpOfOthersThatYieldsIsRunAgain is the same for a dump without a manifest.
func TestADumpOfOthersThatYieldsIsRunAgain(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from := oneOfAll(t, s)
		want := dumped(t, s, from)
		src := source(t, []byte(want))
		for _, number := range []uint16{mysql.ErrDeadlock, mysql.ErrLockWaitTimeout} {
			y := &yielding{number: number}
			to := target(s)
			to.Addr = y.listen(t, to.Addr)
			o := Options{Schema: s.Schema(t), Definer: DefinerKeep, Events: true}
			if _, err := Run(t.Context(), to, src, o); err != nil {
				t.Fatalf("%d: %v", number, err)
			}
			if got := dumped(t, s, o.Schema); got != want {
				t.Errorf("%d: the copy differs: %s", number, difference(want, got))
			}
		}
	})
}

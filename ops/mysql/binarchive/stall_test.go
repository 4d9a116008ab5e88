package binarchive

import (
	"encoding/hex"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
)

// A stream that stalls in the middle of the log ends with a sentence and a next step.
func TestAStalledStreamIsTold(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			s := testdb.Private(t, flavour, append([]string{"--log-bin=binlog"}, private[flavour]...)...)
			db := s.Schema(t)
			o := optionsFor(t, s)
			s.Exec(t, db, "CREATE TABLE b (v LONGBLOB)")
			fetch(t, o)
			noise := make([]byte, 3_000_000) // which no compression makes smaller
			rand.NewChaCha8([32]byte{}).Read(noise)
			s.Exec(t, db, "INSERT INTO b VALUES (x'"+hex.EncodeToString(noise)+"')")
			line := s.Line(t)
			o.Target.Network, o.Target.Addr = "tcp", net.JoinHostPort(line.Host, strconv.Itoa(line.Port))
			o.Target.StallAfter = 300 * time.Millisecond
			line.StallIn(1 << 20)
			_, err := Run(t.Context(), o)
			if ops.CodeOf(err) != ops.Busy || !strings.Contains(err.Error(), "the connection is stalled") {
				t.Errorf("code %d: %v", ops.CodeOf(err), err)
			}
		})
	}
}

package binlog

import (
	"slices"
	"strings"

	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// lasting are the ends of a version that is the row of now: of servers with 32 and with 64 bits
// for a time, and of versions by transaction.
var lasting = []string{"2038-01-19 03:14:07", "2106-02-07 06:28:15", "18446744073709551615", "-1"}

// Current is an image of a row of now, without the times of its version, which the server sets:
// they are Absent then. It is nil for a former version of a system-versioned table: the log has a
// deletion as a change of its end, and a version that an update leaves as an insertion.
func Current(t *schema.Table, image []domain.Value) []domain.Value {
	if image == nil {
		return nil
	}
	period, last := false, false
	for i := range image {
		if i >= len(t.Columns) || !t.Columns[i].Period {
			continue
		}
		period = true
		at, _, _ := strings.Cut(string(image[i].Text), ".")
		last = last || image[i].Absent || slices.Contains(lasting, at)
		image[i] = domain.Value{Absent: true}
	}
	if period && !last {
		return nil
	}
	return image
}

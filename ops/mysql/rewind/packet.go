package rewind

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
)

// fit returns an error if a row that would be written is too long for the server.
func (p *Plan) fit(ctx context.Context, c *sql.Conn) (err error) {
	if p.packet, err = mysql.Packet(ctx, c); err != nil {
		return err
	}
	const inSQL = 8 // times the length of an image, a statement with two of them is shorter
	if p.entries.spool.longest*inSQL < p.packet {
		return nil
	}
	return p.Each(func(r *Row) error {
		verb, do := r.action(Overwrite)
		if !do || int64(weight(r.Before)+weight(r.Now))*2 < p.packet {
			return nil
		}
		b := batch{verb: verb, table: p.tables[r.Table], rows: []*Row{r}}
		for _, q := range b.sql() {
			var long *mysql.PacketError
			if err := mysql.FitsLong(q, p.packet); errors.As(err, &long) {
				return long.Explain(lang.M("the row %s of table %s", KeyText(p.Key(r)), r.Table))
			}
		}
		return nil
	})
}

// KeyText is a key as name=value.
func KeyText(key map[string]any) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(key)) {
		all = append(all, fmt.Sprintf("%s=%v", name, key[name]))
	}
	return strings.Join(all, ", ")
}

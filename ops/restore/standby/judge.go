package standby

import (
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/lang"
)

// Unfit is why a restore may not use a standby, as far as its record tells; empty if the
// record has no objection.
func (r *Record) Unfit(database string, on bool) lang.Msg {
	switch {
	case !on:
		return lang.M("restore.standby is off")
	case r.State == Off:
		return lang.M("it was not built yet")
	case r.Database != database:
		return lang.M("it belongs to the database %s", r.Database)
	case r.State == Building:
		return lang.M("it is still being built")
	case r.State == Broken:
		return lang.M("it is broken: %s", r.Why.Msg)
	case r.State != Ready:
		return lang.M("its state %q is not known to this opsdeck", string(r.State))
	case r.Check == nil:
		return lang.M("it was never checked")
	case !r.Check.Good:
		return lang.M("its last check, with %s, failed", r.Check.Backup)
	}
	return lang.Msg{}
}

// Unlike tells how the standby's table counts differ from those of the backup with the
// log; empty if they match. A count of -1 is unknown.
func Unlike(counted, forecast map[string]int64) lang.Msg {
	var names []string
	for t, n := range counted {
		switch want, there := forecast[t]; {
		case !there:
			names = append(names, t)
		case n >= 0 && want >= 0 && n != want:
			names = append(names, fmt.Sprintf("%s (%d, %d)", t, n, want))
		}
	}
	for t := range forecast {
		if _, there := counted[t]; !there {
			names = append(names, t)
		}
	}
	if len(names) == 0 {
		return lang.Msg{}
	}
	slices.Sort(names)
	return lang.M("its tables and rows are not those of the backup with the log: %s", strings.Join(names, ", "))
}

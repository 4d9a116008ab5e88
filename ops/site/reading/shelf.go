package reading

import (
	"fmt"
	"opsdeck/internal/clock"
	"opsdeck/internal/version"
	"opsdeck/ops/logfile"
	"os"
	"path/filepath"
	"time"
)

// Shelf is where the indexes of logs are kept, beside the state; nil when there
// is no such place. An index holds for one build of the program, one zone
// and the formats of one configuration.
func Shelf(
	state func() (string, error),
	now clock.Clock,
	zone *time.Location,
	styles *Styles,
) *logfile.Shelf {
	dir, err := state()
	if err != nil {
		return nil
	}
	v := version.Get()
	year := now.Now().Year()
	stamp := fmt.Sprint(v.Version, " ", v.Commit, " ", zone)
	for _, month := range []time.Month{time.January, time.July} {
		stamp += time.Date(year, month, 1, 0, 0, 0, 0, zone).Format(" -0700")
	}
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			stamp += fmt.Sprint(" ", info.Size(), " ", info.ModTime().UnixNano())
		}
	}
	if styles != nil {
		stamp += styles.stamp
	}
	return logfile.NewShelf(filepath.Join(dir, "log-index"), stamp)
}

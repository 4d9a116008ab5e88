package backup

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/regular"
)

// acceptedAt lists, by database, the times of backups whose fewer rows a person has
// accepted: what was made before such a time is no norm for what was made at it or later.
type acceptedAt map[string][]time.Time

// Accept records, durably, that the rows of s are the norm from s on, although it has
// shrunk. The backups before it stay as they are.
func (x *Index) Accept(s *Set) error {
	if x.base == "" {
		return errors.New("there is no state folder to record it in")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.locked(func() error {
		text, err := regular.ReadFile(x.base + ".accepted")
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		line := fmt.Sprintf("%s\t%d\n", strconv.Quote(s.Database), s.At.UnixNano())
		return x.write(".accepted", append(text, line...))
	})
}

// accepted reads what was accepted. A line that cannot be read accepts nothing.
func (x *Index) accepted() (acceptedAt, error) {
	all := acceptedAt{}
	if x.base == "" {
		return all, nil
	}
	return all, eachLine(x.base+".accepted", func(fields []string) {
		l := line{fields: slices.Clone(fields)}
		database := l.quoted()
		at := l.time()
		if !l.bad && !at.IsZero() {
			all[strings.Clone(database)] = append(all[database], at)
		}
	})
}

// between tells whether a backup from after older up to newer was accepted.
func (a acceptedAt) between(database string, older, newer time.Time) bool {
	return slices.ContainsFunc(a[database], func(at time.Time) bool {
		return at.After(older) && !at.After(newer)
	})
}

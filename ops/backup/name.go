package backup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/pattern"
)

// Kinds of a backup: why it was made.
const (
	KindManual    = "manual"
	KindScheduled = "scheduled"
	KindEmergency = "emergency"
	KindArchive   = "archive"
)

// Tier is the retention class of a backup; each has its own rule.
type Tier string

// The tiers, in display order. Unknown holds files that opsdeck would not have made:
// other databases' files, physical folders.
const (
	Daily     Tier = "daily"
	Weekly    Tier = "weekly"
	Monthly   Tier = "monthly"
	Emergency Tier = "emergency"
	Manual    Tier = "manual"
	Partial   Tier = "partial"
	Archive   Tier = "archive"
	Unknown   Tier = "unknown"
)

// Tiers lists all tiers in their order.
var Tiers = []Tier{Daily, Weekly, Monthly, Emergency, Manual, Partial, Archive, Unknown}

// Beginnings of names that are not a database's.
const (
	emergencySubject = "emergency_backup"
	allSubject       = "all_databases"
	partSubject      = "_tables" // after a database: more tables than fit into a name
)

// Name is what a file name states. Its clock is the server's local time without a zone;
// At needs the zone.
type Name struct {
	Tier     Tier   // as far as the name tells: manual backups are named like daily ones
	Subject  string // the database, or tables joined by "_"
	Date     string // 20260129; "" in an archive's name
	Clock    string // 020000; "" when the name has only a date
	Year     int    // of an archive
	Serial   int    // 2 and up distinguish backups of the same second; else 0
	Ext      string // ".sql.gz", ".sql.zst", ".sql", each perhaps with ".age"
	Physical bool   // a folder made by xtrabackup or mariabackup
}

// Known helps to distinguish a database's name from table names.
type Known struct {
	Databases []string // the configured one first
	Others    []string // others, whose names may begin like a tier's
	Tables    []string
}

var (
	fileName = pattern.New(
		`(?s)^(weekly_|monthly_)?(.+?)_(\d{8})(?:_(\d{6}))?(?:-([1-9]\d{0,3}))?(\.sql(?:\.gz|\.zst)?(?:\.age)?)$`,
	)
	yearName = pattern.New(`(?s)^(.+)_(\d{4})(\.sql(?:\.gz|\.zst)?(?:\.age)?)$`)
	dirName  = pattern.New(`^(xtrabackup|mariabackup)_(\d{8})(?:_(\d{6}))?$`)
)

// ParseName reads the base name of a file or of a (physical) folder. ok is false when it
// is not a backup's name.
func ParseName(base string, known Known) (n Name, ok bool) {
	if m := dirName.FindStringSubmatch(base); m != nil {
		n = Name{Tier: Unknown, Subject: m[1], Date: m[2], Clock: m[3], Physical: true}
		return n, n.dated()
	}
	if m := fileName.FindStringSubmatch(base); m != nil {
		prefix, subject := known.split(m[1], unescape(m[2]))
		n = Name{Subject: subject, Date: m[3], Clock: m[4], Ext: m[6]}
		n.Serial, _ = strconv.Atoi(m[5])
		n.Tier = tierOf(prefix, n.Subject, known)
		if n.dated() {
			return n, true
		}
	}
	if m := yearName.FindStringSubmatch(base); m != nil {
		year, _ := strconv.Atoi(m[2])
		n = Name{Tier: Archive, Subject: unescape(m[1]), Year: year, Ext: m[3]}
		return n, year >= 1970 && year < 2200
	}
	return Name{}, false
}

// split treats a tier's prefix as part of the database's name when such a database is
// known.
func (k Known) split(prefix, subject string) (tier, database string) {
	whole := prefix + subject
	if prefix != "" && (slices.Contains(k.Databases, whole) || slices.Contains(k.Others, whole)) {
		return "", whole
	}
	return prefix, subject
}

func tierOf(prefix, subject string, known Known) Tier {
	switch {
	case prefix == weeklyPrefix:
		return Weekly
	case prefix == monthlyPrefix:
		return Monthly
	case subject == emergencySubject:
		return Emergency
	case subject == allSubject:
		return Manual
	}
	for _, db := range known.Databases {
		switch {
		case subject == db:
			return Daily
		case subject == db+partSubject:
			return Partial
		}
	}
	if joined(subject, known.Tables) {
		return Partial
	}
	return Unknown
}

// joined tells whether s consists of names from the list, joined by "_".
func joined(s string, names []string) bool {
	for _, n := range names {
		if s == n || strings.HasPrefix(s, n+"_") && joined(s[len(n)+1:], names) {
			return true
		}
	}
	return false
}

func (n Name) dated() bool {
	_, _, ok := n.wall()
	return ok
}

// wall is the local time, written as if it were UTC.
func (n Name) wall() (t time.Time, exact, ok bool) {
	if n.Year > 0 {
		// An archive has the age of the end of its year.
		return time.Date(n.Year+1, 1, 1, 0, 0, 0, 0, time.UTC), false, true
	}
	if n.Clock == "" {
		t, err := time.Parse("20060102", n.Date)
		return t, false, err == nil
	}
	t, err := time.Parse("20060102150405", n.Date+n.Clock)
	return t, true, err == nil
}

// At is the time that the name states, for a server in the given zone. In the hour that
// is repeated in autumn it is the earlier of the two times, so that a backup never seems
// younger than it is. In the hour that is skipped in spring it is as many minutes after
// the change.
func (n Name) At(zone *time.Location) time.Time {
	wall, _, ok := n.wall()
	if !ok {
		return time.Time{}
	}
	_, before := wall.Add(-36 * time.Hour).In(zone).Zone()
	_, after := wall.Add(36 * time.Hour).In(zone).Zone()
	first := wall.Add(-time.Duration(before) * time.Second).In(zone)
	second := wall.Add(-time.Duration(after) * time.Second).In(zone)
	if first.After(second) {
		first, second = second, first
	}
	if sameWall(first, wall) {
		return first
	}
	return second
}

func sameWall(t, wall time.Time) bool {
	_, off := t.Zone()
	return t.Unix()+int64(off) == wall.Unix()
}

// String is the file's base name.
func (n Name) String() string {
	if n.Physical {
		return n.Subject + "_" + n.stamp()
	}
	if n.Year > 0 {
		return fmt.Sprintf("%s_%04d%s", escape(n.Subject), n.Year, n.Ext)
	}
	prefix := ""
	if n.Tier == Weekly || n.Tier == Monthly {
		prefix = string(n.Tier) + "_"
	}
	serial := ""
	if n.Serial > 1 {
		serial = "-" + strconv.Itoa(n.Serial)
	}
	return prefix + escape(n.Subject) + "_" + n.stamp() + serial + n.Ext
}

func (n Name) stamp() string {
	if n.Clock == "" {
		return n.Date
	}
	return n.Date + "_" + n.Clock
}

// escape makes a database's name safe for a file name: separators, control characters, a
// leading dot and % are written as %XX.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c == 0x7f || c == '/' || c == '\\' || c == '%' || c == '.' && i == 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

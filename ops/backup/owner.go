package backup

import "slices"

// Names of the tiers in file names.
const (
	weeklyPrefix  = "weekly_"
	monthlyPrefix = "monthly_"
)

// ProvenOf tells whether a backup provably holds db and nothing else, so that db's
// retention may count and remove it. The manifest decides. Without one, the database
// that a check found inside the file decides, or else a name that fits no other
// database: weekly_report may be a weekly backup of report or a daily one of
// weekly_report, and the name of an emergency backup contains no database.
func (s *Set) ProvenOf(db string) bool {
	switch {
	case db == "" || s.Parsed.Physical:
		return false
	case len(s.Summary.Databases) > 0:
		return len(s.Summary.Databases) == 1 && s.Summary.Databases[0] == db
	case s.Tier != Daily && s.Tier != Weekly && s.Tier != Monthly:
		return false
	case s.Inside != "":
		return s.Inside == db
	}
	return s.Parsed.Tier == Daily && s.Parsed.Subject == db
}

// shared tells whether a backup holds db and other databases.
func (s *Set) shared(db string) bool { return len(s.Summary.Databases) > 1 && s.holds(db) }

// plain tells whether a name is the backup's own, not a weekly or monthly one.
func (s *Set) plain() bool {
	if s.Summary.File != "" {
		return s.Name == s.Summary.File
	}
	return s.Parsed.Tier != Weekly && s.Parsed.Tier != Monthly
}

// tierNameOf is the tier of name, for a backup of a database that was written as file; "" when it
// has no tier's prefix. A file that was written under a tier's name keeps its tier: its manifest
// tells the prefix from a part of the database's name. For any other name its parts decide.
func tierNameOf(name, file, database string, n Name) Tier {
	switch name {
	case file:
		if n.Subject != database {
			return ""
		}
	case weeklyPrefix + file:
		return Weekly
	case monthlyPrefix + file:
		return Monthly
	}
	if n.Tier == Weekly || n.Tier == Monthly {
		return n.Tier
	}
	return ""
}

// renamed tells whether a name is neither the one under which the backup was written nor
// a tier's name of that.
func renamed(name, file string) bool {
	return name != file && name != weeklyPrefix+file && name != monthlyPrefix+file
}

// tierBy is the tier by name and manifest: the manifest knows the database, the kind of
// the backup and whether it is complete. A backup without the inventory's database is in
// none of its tiers.
func tierBy(name string, n Name, sum Summary, databases []string) Tier {
	if len(databases) > 0 && !slices.Contains(sum.Databases, databases[0]) {
		return Unknown
	}
	switch {
	case sum.Kind == KindArchive:
		return Archive
	case sum.Kind == KindEmergency:
		return Emergency
	case sum.Partial:
		return Partial
	}
	if t := tierNameOf(name, sum.File, sum.Databases[0], n); t != "" {
		return t
	}
	if sum.Kind == KindManual {
		return Manual
	}
	return Daily
}

// tierByName is the tier of a backup whose manifest is missing or damaged.
func tierByName(n Name, databases []string) Tier {
	named := n.Tier == Weekly || n.Tier == Monthly
	if named && len(databases) > 0 && !slices.Contains(databases, n.Subject) {
		return Unknown
	}
	return n.Tier
}

package backup

import "opsdeck/internal/lang"

// Part describes which part of its database a backup holds. It is empty when it holds
// the whole database, or when that is unknown.
func (inv *Inventory) Part(s *Set) lang.Msg {
	switch {
	case s.Tier == Archive:
		return lang.M("audit archive: rows of one table")
	case s.Foreign || !s.Summary.Partial:
		return lang.Msg{}
	case s.Summary.NoData:
		return lang.M("structure only, no rows")
	case s.Summary.Where != "":
		return lang.M("%s; filtered: %s", inv.tablesOf(s), s.Summary.Where)
	}
	return inv.tablesOf(s)
}

// tablesOf is the number of tables in a backup, out of those in the newest full one.
func (inv *Inventory) tablesOf(s *Set) lang.Msg {
	for _, o := range inv.Sets {
		if o.full() && !o.Foreign && o.Database == s.Database && o.Summary.Tables >= s.Summary.Tables {
			return lang.M("contains %d of %d tables", s.Summary.Tables, o.Summary.Tables)
		}
	}
	return lang.M("contains only some tables: %d", s.Summary.Tables)
}

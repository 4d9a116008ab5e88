package backup

import "time"

// Expires is when retention will remove a backup, if a good one is made every night from
// now on. It is zero when no time rule applies.
func (p *Plan) Expires(s *Set, zone *time.Location, keep Keep) time.Time {
	for _, step := range p.Steps {
		if step.Set != s {
			continue
		}
		if step.Verb == Remove {
			return p.At
		}
		var last time.Time
		for _, r := range step.Reasons {
			if t := slotEnd(Tier(r.Code), s.At.In(zone), keep); t.After(last) {
				last = t
			}
		}
		return last
	}
	return time.Time{}
}

// slotEnd is when the slot of at leaves its tier's window.
func slotEnd(t Tier, at time.Time, keep Keep) time.Time {
	switch t {
	case Daily, Weekly, Monthly:
	default:
		return time.Time{}
	}
	from := slotStart(t, at)
	for range keep.of(t) {
		from = slotAfter(t, from)
	}
	if t == Weekly {
		return from.AddDate(0, 0, 6) // a later week is kept from its Sunday on
	}
	return from
}

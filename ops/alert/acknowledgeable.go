package alert

import (
	"slices"
	"time"
)

// Acknowledgeable are the firing alerts of a rule, and the targets of that name which did not
// accept a message; "*" is every rule, "" every service.
func (b *Book) Acknowledgeable(service, rule string) (names []string) {
	for _, x := range b.Alerts {
		if (rule == "*" || x.Rule == rule) && (service == "" || x.Service == service) && !x.FiredAt.IsZero() {
			names = append(names, x.Service+"/"+x.Rule)
		}
	}
	for _, u := range b.Undelivered(time.Time{}) {
		open := u.Aside && u.SeenBy == ""
		if open && TargetNamed(u.Target, service, rule) && !slices.Contains(names, u.Target) {
			names = append(names, u.Target)
		}
	}
	return names
}

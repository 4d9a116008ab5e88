package config

import "fmt"

// inherit gives the tiers that a copy's own keep does not name the numbers of the
// service's keep: what nobody spoke about must not mean "keep none".
func (l *Loaded) inherit() {
	for i := range l.Services {
		b := &l.Services[i].Backup
		for n := range b.Copies {
			at := fmt.Sprintf("services[%d].backup.copies[%d].keep", i, n)
			if _, named := l.Lines[at]; named && b.Copies[n].Keep != (Keep{}) {
				l.inheritKeep(at, fmt.Sprintf("services[%d].backup.keep", i), &b.Copies[n].Keep, b.Keep)
			}
		}
	}
}

func (l *Loaded) inheritKeep(at, from string, own *Keep, service Keep) {
	tier := func(name string, own *int, service int) {
		if _, named := l.Lines[at+"."+name]; named || *own != 0 {
			return
		}
		*own = service
		if line, ok := l.Lines[from+"."+name]; ok {
			l.Lines[at+"."+name] = line
		}
	}
	tier("daily", &own.Daily, service.Daily)
	tier("weekly", &own.Weekly, service.Weekly)
	tier("monthly", &own.Monthly, service.Monthly)
	tier("emergency", &own.Emergency, service.Emergency)
	tier("manual", &own.Manual, service.Manual)
}

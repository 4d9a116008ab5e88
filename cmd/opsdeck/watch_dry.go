package main

import (
	"context"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/site/alerts"
)

// saySights looks once and says what people would be told now.
func saySights(ctx context.Context, p *printer, w *alerts.Watcher) error {
	planned, untold, err := w.Preview(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, a := range untold {
		names = append(names, a.Service+"/"+a.Rule+" ("+p.lang.Msg(a.Severity.Label())+")")
	}
	if len(names) > 0 {
		p.say(lang.M("alerts that would fire: %s; nobody is notified: no target under notify: takes them",
			strings.Join(names, ", ")))
	}
	if len(planned) == 0 && len(names) == 0 {
		p.say(lang.M("nothing would be sent now"))
		return nil
	}
	for _, one := range planned {
		p.say(lang.M("%s would be notified:", one.Key))
		p.say(lang.Raw(one.Preview(p.lang)))
	}
	return nil
}

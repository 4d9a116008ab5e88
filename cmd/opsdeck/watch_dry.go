package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops/site/alerts"
)

// saySights looks once and says what people would be told now.
func saySights(ctx context.Context, p *printer, w *alerts.Watcher) error {
	planned, err := w.Preview(ctx)
	if err != nil {
		return err
	}
	if len(planned) == 0 {
		p.say(lang.M("nothing would be sent now"))
		return nil
	}
	for _, one := range planned {
		p.say(lang.M("%s would be notified:", one.Key))
		p.say(lang.Raw(one.Preview(p.lang)))
	}
	return nil
}

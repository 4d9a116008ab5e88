package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops/notify"
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
		p.say(lang.Raw(preview(p.lang, one)))
	}
	return nil
}

// preview is a message as the target would get it, without what is secret.
func preview(l *lang.Printer, one alerts.Sent) string {
	m := alerts.Message(one.Message)
	target, err := notify.New(one.Target)
	if err != nil {
		return l.T("could not be notified: %s", err.Error()) + "\n" + one.Message.Text
	}
	return target.Preview(m)
}

package alerts

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops/alert"
)

// Console lists the alerts in the console, and takes what an operator says of them there.
type Console struct {
	Log     *oplog.Log // of the state folder that watch runs with
	Service string     // "" for all
	Lang    *lang.Printer
	Clock   clock.Clock
}

// ran tells whether watch ever ran with the state folder.
func (c Console) ran() bool {
	_, err := os.Stat(filepath.Join(c.Log.Dir, alert.File))
	return err == nil
}

// List reads what watch keeps.
func (c Console) List(back time.Duration) (l alert.Listing, err error) {
	if !c.ran() {
		return l, nil
	}
	now := c.Clock.Now()
	if l, err = List(c.Log.Dir, c.Service, now.Add(-back)); err != nil {
		return l, err
	}
	l.Ran = true
	l.Undelivered = slices.DeleteFunc(l.Undelivered, func(u alert.Undelivered) bool { return !u.News(now) })
	return l, nil
}

// Ack acknowledges the alerts of a rule.
func (c Console) Ack(service, rule string) error {
	return c.ask(alert.Order{Kind: alert.OrderAck, Service: service, Rule: rule})
}

// Silence silences a rule; one that a person silenced already is silenced until then.
func (c Console) Silence(service, rule string, until time.Time, why string) error {
	return c.ask(alert.Order{Kind: alert.OrderSilence, Service: service, Rule: rule, Until: until,
		Why: alert.Text{EN: why}})
}

// Unsilence ends a silence.
func (c Console) Unsilence(id string) error {
	return c.ask(alert.Order{Kind: alert.OrderUnsilence, Silence: id})
}

// Silences are those in force. A book that cannot be read has none: the checks say that.
func (c Console) Silences() []alert.Silence {
	if !c.ran() {
		return nil
	}
	book, err := alert.Read(c.Log.Dir)
	if err != nil {
		return nil
	}
	return book.Open(c.Clock.Now())
}

// ask leaves an order for watch, which must have run: else there is nobody to ask.
func (c Console) ask(o alert.Order) error {
	if !c.ran() {
		return errors.New(c.Lang.T("alerts unknown: `opsdeck watch` has never run with this state folder"))
	}
	return Ask(c.Log, o)
}

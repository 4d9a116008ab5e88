package backup

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"opsdeck/internal/crontab"
)

// Cron is a schedule in the five fields of crontab(5), in local time. The zero value is
// never due.
type Cron struct {
	Text string
	plan cron.Schedule
}

// ParseCron reads a schedule; "" and "never" are never due.
func ParseCron(text string) (Cron, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "never" {
		return Cron{}, nil
	}
	plan, err := crontab.Parse(text)
	if err != nil {
		return Cron{}, fmt.Errorf("schedule %q: %w", text, err)
	}
	return Cron{Text: text, plan: plan}, nil
}

// Next is the first run after t, in t's zone; zero when there is none.
func (c Cron) Next(t time.Time) time.Time {
	if c.plan == nil {
		return time.Time{}
	}
	return c.plan.Next(t)
}

// Last is the newest run due at or before t; zero when there was none in the past four
// years.
func (c Cron) Last(t time.Time) time.Time {
	if c.plan == nil {
		return time.Time{}
	}
	for back := time.Hour; back < 4*366*24*time.Hour; back *= 4 {
		var last time.Time
		for at := c.plan.Next(t.Add(-back)); !at.IsZero() && !at.After(t); at = c.plan.Next(at) {
			last = at
		}
		if !last.IsZero() {
			return last
		}
	}
	return time.Time{}
}

// Package crontab reads schedules as crontab(5) writes them: five fields in
// local time, where a week's day 7 is Sunday too.
package crontab

import (
	"strconv"
	"strings"

	"github.com/robfig/cron/v3"
)

// Parse reads five fields, or one of @daily, @weekly and their like. A schedule
// with a fixed hour and minute runs once each day that it names, also on the two
// days on which the clocks change.
func Parse(text string) (cron.Schedule, error) {
	fields := strings.Fields(text)
	if len(fields) == 5 {
		fields[4] = sundays(fields[4])
		text = strings.Join(fields, " ")
	}
	plan, err := cron.ParseStandard(text)
	if err != nil || everyHour(fields) {
		return plan, err
	}
	return wall{plan}, nil
}

// everyHour tells whether a schedule counts hours or minutes, as cron does, rather
// than naming a time of the day.
func everyHour(fields []string) bool {
	if len(fields) != 5 {
		return len(fields) == 0 || fields[0] == "@hourly" || fields[0] == "@every"
	}
	return strings.HasPrefix(fields[0], "*") || strings.HasPrefix(fields[1], "*")
}

// sundays writes a field of week days without a 7, which the parser does not
// know.
func sundays(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		span, by, stepped := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		if span == "7" {
			parts[i] = "0"
		}
		first, err := strconv.Atoi(from)
		if !ranged || to != "7" || err != nil {
			continue
		}
		step := 1
		if stepped {
			if step, err = strconv.Atoi(by); err != nil || step < 1 {
				continue
			}
		}
		var days []string
		for day := first; day <= 7; day += step {
			days = append(days, strconv.Itoa(day%7))
		}
		parts[i] = strings.Join(days, ",")
	}
	return strings.Join(parts, ",")
}

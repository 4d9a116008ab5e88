package audit

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
)

// When is what a written time covers: a day, say, from its midnight till the
// next. From and Till are the same for a moment.
type When struct{ From, Till time.Time }

var (
	agoForm  = regexp.MustCompile(`^-?(\d{1,6})(s|m|h|d|w)$`)
	wallForm = regexp.MustCompile(`^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?)?)?$`)
)

// ParseWhen reads a time as people write it: -24h, 7d, now, today, yesterday,
// 2026, 2026-01, 2026-01-29, 2026-01-29T10:30, with seconds and a fraction, or
// RFC 3339 with a zone. Without a zone it is wall time in zone: where the clock
// shows a time twice, From is the first and Till the second; a time that it
// skips does not exist. The message is empty when all is well.
func ParseWhen(text string, now time.Time, zone *time.Location) (When, lang.Msg) {
	now = now.In(zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
	switch strings.ToLower(text) {
	case "now":
		return When{now, now}, lang.Msg{}
	case "today":
		return When{midnight, midnight.AddDate(0, 0, 1)}, lang.Msg{}
	case "yesterday":
		return When{midnight.AddDate(0, 0, -1), midnight}, lang.Msg{}
	}
	if m := agoForm.FindStringSubmatch(text); m != nil {
		t := ago(now, m[1], m[2])
		return When{t, t}, lang.Msg{}
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return When{t, t}, lang.Msg{}
	}
	m := wallForm.FindStringSubmatch(text)
	if m == nil {
		return When{}, lang.M("%q is not a time; write -24h, 2026-01-29, 2026-01-29T10:30 or today", text)
	}
	return wall(text, m, zone)
}

func ago(now time.Time, number, unit string) time.Time {
	n, _ := strconv.Atoi(number)
	switch unit {
	case "d":
		return now.AddDate(0, 0, -n)
	case "w":
		return now.AddDate(0, 0, -7*n)
	}
	return now.Add(-time.Duration(n) * map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit])
}

func wall(text string, m []string, zone *time.Location) (When, lang.Msg) {
	var n [8]int
	for i := 1; i < 8; i++ {
		n[i], _ = strconv.Atoi(m[i])
	}
	year, month, day := n[1], max(n[2], 1), max(n[3], 1)
	if m[2] != "" && (n[2] < 1 || n[2] > 12) {
		return When{}, lang.M("%s: there is no month %d", text, n[2])
	}
	if last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day(); m[3] != "" && (n[3] < 1 || n[3] > last) {
		return When{}, lang.M("%s does not exist: that month has %d days", text, last)
	}
	if n[4] > 23 || n[5] > 59 || n[6] > 59 {
		return When{}, lang.M("%s: there is no such time of day", text)
	}
	from := time.Date(year, time.Month(month), day, 0, 0, 0, 0, zone)
	switch {
	case m[2] == "":
		return When{from, time.Date(year+1, 1, 1, 0, 0, 0, 0, zone)}, lang.Msg{}
	case m[3] == "":
		return When{from, time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, zone)}, lang.Msg{}
	case m[4] == "":
		return When{from, time.Date(year, time.Month(month), day+1, 0, 0, 0, 0, zone)}, lang.Msg{}
	}
	for len(m[7]) > 0 && len(m[7]) < 6 {
		m[7] += "0"
		n[7] *= 10
	}
	first, second, ok := instants(time.Date(year, time.Month(month), day, n[4], n[5], n[6], n[7]*1000, time.UTC), zone)
	if !ok {
		return When{}, lang.M("%s does not exist in the zone %s: the clocks were put forward", text, zone.String())
	}
	return When{first, second}, lang.Msg{}
}

// instants finds when the clocks of a zone show a wall time, given as if it
// were UTC: once, twice, or not at all.
func instants(wall time.Time, zone *time.Location) (first, second time.Time, ok bool) {
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := wall.Add(near).In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, here := t.Zone(); here != offset {
			continue
		}
		if !ok || t.Before(first) {
			first = t
		}
		if !ok || t.After(second) {
			second = t
		}
		ok = true
	}
	return first, second, ok
}

// Package when reads the times that people write for --since and --until, in
// queries and in the console. It is the only parser of them.
package when

import (
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/pattern"
)

// Span is what a written time covers: a day, say, from its midnight till the
// next. From and Till are the same for a moment.
type Span struct{ From, Till time.Time }

var (
	agoForm = pattern.New(
		`^-? ?(\d{1,6}) ?(s|sec|secs|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?: ago)?$`,
	)
	dayForm = pattern.New(`^(?:(last|this) )?([a-z]+|今天|昨天)(?:(?: at|t)? ?(\d{1,2}:\d{2}(?::\d{2})?))?$`)

	wallForm = pattern.New(
		`^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?)?)?$`,
	)
	clockForm = pattern.New(`^(\d{1,2}):(\d{2})(?::(\d{2}))?$`)
)

// Parse reads a time as people write it: -24h, 24h ago, 2 days ago, 7d, now,
// today, yesterday, monday (the newest, which may be today), last friday (the
// newest before today), each with a time of day after it; 14:00 (today), 2026,
// 2026-01, 2026-01-29, 2026-01-29T10:30, with seconds and a fraction; each time of day
// also with a zone after it, with or without a space: Z, UTC, +08:00, Asia/Shanghai, or the
// short name of zone itself. Without a zone it is wall time in zone: where the clock shows a
// time twice, From is the first and Till the second; a time that it skips does
// not exist. The message is empty when all is well.
func Parse(text string, now time.Time, zone *time.Location) (Span, lang.Msg) {
	now = now.In(zone)
	said := strings.ToLower(strings.Join(strings.Fields(text), " "))
	if said == "now" || said == "现在" {
		return Span{now, now}, lang.Msg{}
	}
	if t, ok := ago(said, now); ok {
		return Span{t, t}, lang.Msg{}
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return Span{t, t}, lang.Msg{}
	}
	if rest, in := zoned(text, now); in != nil {
		if span, wrong := Parse(rest, now, in); wrong.Empty() {
			return span, wrong
		}
	}
	if clockForm.MatchString(said) {
		return at(text, now, said, zone)
	}
	if m := dayForm.FindStringSubmatch(said); m != nil {
		if day, ok := dayOf(m[1], m[2], now); ok {
			return at(text, day, m[3], zone)
		}
	}
	m := wallForm.FindStringSubmatch(strings.ToUpper(said))
	if m == nil {
		return Span{}, lang.M("%q is not a time; write 24h ago, 14:00, monday, 2026-01-29, 2026-01-29T10:30 or today",
			text)
	}
	return wall(text, m, zone)
}

// offsetForm is a time of day with its zone after it: Z, UTC, +08:00, +0800, +8.
var offsetForm = pattern.New(
	`(?i)^(.*\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(?:z|utc|gmt|(?:utc|gmt)?([+-])(\d{1,2})(?::?(\d{2}))?)$`,
)

// zoned takes the zone off a time that a person wrote with one: an offset, the name of a
// zone (Asia/Shanghai), or the short name that the wanted zone has itself (CST). in is nil
// where there is none.
func zoned(text string, now time.Time) (rest string, in *time.Location) {
	words := strings.Fields(text)
	text = strings.Join(words, " ")
	if m := offsetForm.FindStringSubmatch(text); m != nil {
		hours, _ := strconv.Atoi(m[3])
		minutes, _ := strconv.Atoi(m[4])
		if hours > 15 || minutes > 59 {
			return "", nil
		}
		seconds := (hours*60 + minutes) * 60
		switch {
		case m[2] == "-":
			seconds = -seconds
		case m[2] == "":
			return m[1], time.UTC
		}
		return m[1], time.FixedZone("", seconds)
	}
	if len(words) < 2 {
		return "", nil
	}
	name := words[len(words)-1]
	rest = strings.Join(words[:len(words)-1], " ")
	for _, month := range []time.Month{time.January, time.July} {
		short, _ := time.Date(now.Year(), month, 1, 0, 0, 0, 0, now.Location()).Zone()
		if strings.EqualFold(short, name) || strings.EqualFold(now.Location().String(), name) {
			return rest, now.Location()
		}
	}
	if strings.EqualFold(name, "utc") || strings.EqualFold(name, "gmt") {
		return rest, time.UTC
	}
	if strings.Contains(name, "/") {
		if zone, err := time.LoadLocation(name); err == nil {
			return rest, zone
		}
	}
	return "", nil
}

// ago reads how long before now a moment was: days and weeks by the calendar.
func ago(said string, now time.Time) (time.Time, bool) {
	m := agoForm.FindStringSubmatch(said)
	if m == nil {
		d, err := time.ParseDuration(strings.TrimSuffix(strings.TrimPrefix(said, "-"), " ago"))
		return now.Add(-d), err == nil && d >= 0
	}
	n, _ := strconv.Atoi(m[1])
	switch m[2][0] {
	case 'd':
		return now.AddDate(0, 0, -n), true
	case 'w':
		return now.AddDate(0, 0, -7*n), true
	}
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}
	return now.Add(-time.Duration(n) * units[m[2][0]]), true
}

// dayOf is noon of the day that a word names.
func dayOf(which, word string, now time.Time) (time.Time, bool) {
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location())
	if which == "" {
		switch word {
		case "today", "今天":
			return noon, true
		case "yesterday", "昨天":
			return noon.AddDate(0, 0, -1), true
		}
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := strings.ToLower(day.String())
		if word != name && !(len(word) >= 3 && strings.HasPrefix(name, word)) {
			continue
		}
		back := (int(noon.Weekday()) - int(day) + 7) % 7
		if which == "last" && back == 0 {
			back = 7
		}
		return noon.AddDate(0, 0, -back), true
	}
	return time.Time{}, false
}

// at is a day, or a time of it.
func at(text string, day time.Time, clock string, zone *time.Location) (Span, lang.Msg) {
	said := day.Format("2006-01-02")
	if clock != "" {
		said += "T" + clock
	}
	return wall(text, wallForm.FindStringSubmatch(said), zone)
}

func wall(text string, m []string, zone *time.Location) (Span, lang.Msg) {
	var n [8]int
	for i := 1; i < 8; i++ {
		n[i], _ = strconv.Atoi(m[i])
	}
	year := n[1]
	month := max(n[2], 1)
	day := max(n[3], 1)
	if m[2] != "" && (n[2] < 1 || n[2] > 12) {
		return Span{}, lang.M("%s: there is no month %d", text, n[2])
	}
	if last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day(); m[3] != "" &&
		(n[3] < 1 || n[3] > last) {
		return Span{}, lang.M("%s does not exist: that month has %d days", text, last)
	}
	if n[4] > 23 || n[5] > 59 || n[6] > 59 {
		return Span{}, lang.M("%s: there is no such time of day", text)
	}
	from := time.Date(year, time.Month(month), day, 0, 0, 0, 0, zone)
	switch {
	case m[2] == "":
		return Span{from, time.Date(year+1, 1, 1, 0, 0, 0, 0, zone)}, lang.Msg{}
	case m[3] == "":
		return Span{from, time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, zone)}, lang.Msg{}
	case m[4] == "":
		return Span{from, time.Date(year, time.Month(month), day+1, 0, 0, 0, 0, zone)}, lang.Msg{}
	}
	for len(m[7]) > 0 && len(m[7]) < 6 {
		m[7] += "0"
		n[7] *= 10
	}
	first, second, ok := instants(time.Date(year, time.Month(month), day, n[4], n[5], n[6], n[7]*1000, time.UTC), zone)
	if !ok {
		return Span{}, lang.M("%s does not exist in the zone %s: the clocks were put forward", text, zone.String())
	}
	return Span{first, second}, lang.Msg{}
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

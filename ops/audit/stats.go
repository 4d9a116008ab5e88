package audit

import (
	"time"

	"opsdeck/internal/lang"
)

// Stats are counts over a span.
type Stats struct {
	Since, Until time.Time // zero: no bound
	Rows         int64
	ByAction     []Count
	ByResource   []Count
	ByUser       []Count
	ByHour       []Hour       // rows of each hour that has some, oldest first
	Week         [7][24]int64 // rows by weekday (Monday first) and hour of the day, in the zone asked for
	Scanned      int64        // rows read
}

// Hour is how many rows an hour has.
type Hour struct {
	Start time.Time `json:"start"`
	Rows  int64     `json:"rows"`
}

// StatsRequest asks for counts over the rows that pass a filter.
type StatsRequest struct {
	Filter Filter
	Top    int            // how many users and resources; 0 for all
	Zone   *time.Location // of hours and weekdays
}

// AddHour puts an hour's rows into the week.
func (s *Stats) AddHour(start time.Time, rows int64) {
	day := (int(start.Weekday()) + 6) % 7
	s.Week[day][start.Hour()] += rows
}

// Busiest is the greatest cell of the week.
func (s *Stats) Busiest() int64 {
	var most int64
	for _, day := range s.Week {
		for _, n := range day {
			most = max(most, n)
		}
	}
	return most
}

// Weekday is the short name of a day, 0 for Monday.
func Weekday(day int) lang.Msg {
	return [...]lang.Msg{lang.M("Mon"), lang.M("Tue"), lang.M("Wed"), lang.M("Thu"), lang.M("Fri"), lang.M("Sat"),
		lang.M("Sun")}[day]
}

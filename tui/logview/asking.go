package logview

import (
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
)

// asking is which events are asked for: the query, the level, hits alone or with others.
type asking struct {
	look     *look
	kept     *kept
	query    *query.Query
	asked    *query.Query // with the level picked by a key
	queryErr *query.QueryError
	filter   bool
	around   int  // events shown before and after each hit
	ranked   bool // hits are listed by rank
	minLevel logs.Level
	letters  bool  // plain words are looked for by their letters: no line has them as typed, or a key says so
	closest  *bool // not nil while hits are ranked for that: whether the end was followed before
}

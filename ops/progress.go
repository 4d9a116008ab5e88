package ops

import "time"

// Progress is one report of long work: what is done of what. A report replaces
// the one before; work sends them at most every 100 ms or so, and one at the end.
type Progress struct {
	Phase    string        // stable name: "ddl", "rows", "indexes", "verify" …
	Object   string        // what is being worked on: a table, a file
	Done     int64         // in Unit
	Total    int64         // in Unit; 0 when unknown
	Unit     string        // "bytes" or "rows" or "members" …
	Rows     int64         // rows so far, where rows are counted
	Bytes    int64         // bytes so far, where Unit is another
	Elapsed  time.Duration // since the work began
	Estimate bool          // Total is an estimate
	// Waits tells what the work waits for, in the language of who does it: who holds a
	// lock, and how to end that. Empty while the work runs.
	Waits string
}

// Rate is units per second so far.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Done) / p.Elapsed.Seconds()
}

// ETA is the time left at the rate so far; ok is false while it is unknown.
func (p Progress) ETA() (left time.Duration, ok bool) {
	if p.Total <= 0 || p.Done <= 0 || p.Elapsed <= 0 {
		return 0, false
	}
	if p.Done >= p.Total {
		return 0, true
	}
	return time.Duration(float64(p.Elapsed) * float64(p.Total-p.Done) / float64(p.Done)), true
}

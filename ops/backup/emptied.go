package backup

import "time"

// Emptied says that most of what a copy held was gone when it was looked at, and
// not removed by this program.
type Emptied struct {
	At   time.Time `json:"at"`
	Had  int       `json:"had"`
	Left int       `json:"left"`
	Sent bool      `json:"sent"` // what is here was sent again since
}

// Lost compares what a copy holds now with what it held. nil: at least half of it
// is there still.
func (l Listing) Lost(there map[string]int64, at time.Time) *Emptied {
	left := len(l.Still(there))
	if 2*left >= len(l.Files) {
		return nil
	}
	return &Emptied{At: at, Had: len(l.Files), Left: left}
}

// Still are the files of a listing that are there.
func (l Listing) Still(there map[string]int64) (files []FileAtCopy) {
	for _, f := range l.Files {
		if _, ok := there[f.Name]; ok {
			files = append(files, f)
		}
	}
	return files
}

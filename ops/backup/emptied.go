package backup

import "time"

// Emptied says that most files of a copy were missing when it was listed, and that
// opsdeck did not remove them.
type Emptied struct {
	At   time.Time `json:"at"`
	Had  int       `json:"had"`
	Left int       `json:"left"`
	Sent bool      `json:"sent"` // the local backups were sent again since
}

// Lost compares a listing with the files that are at the copy now. It is nil while at
// least half of them are still there.
func (l Listing) Lost(there map[string]int64, at time.Time) *Emptied {
	left := len(l.Still(there))
	if 2*left >= len(l.Files) {
		return nil
	}
	return &Emptied{At: at, Had: len(l.Files), Left: left}
}

// Still lists the files of a listing that are still there.
func (l Listing) Still(there map[string]int64) (files []FileAtCopy) {
	for _, f := range l.Files {
		if _, ok := there[f.Name]; ok {
			files = append(files, f)
		}
	}
	return files
}

package alert

// Listing is what is shown of the alerts of a state folder.
type Listing struct {
	Watching    bool // watch runs
	Ran         bool // it ever did
	Alerts      []Alert
	Undelivered []Undelivered
}

package logview

// heading draws what is above the rows: the query, the counts and the events by time.
type heading struct {
	kept    *kept
	look    *look
	ask     *asking
	tally   *tally
	list    *list
	box     *box
	writing bool // an export
}

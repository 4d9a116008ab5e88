package logview

// finder carries a query out as it is typed, picked or changed.
type finder struct {
	look   *look
	ask    *asking
	tally  *tally
	list   *list
	feed   *feed
	box    *box
	groups *grouping
	kept   *kept
}

package logview

// sheet draws rows and the event that is opened.
type sheet struct {
	look   *look
	ask    *asking
	list   *list
	book   *book
	detail detail
	kept   *kept
}

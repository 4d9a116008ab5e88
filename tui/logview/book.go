package logview

// book holds the bookmarks.
type book struct {
	look   *look
	list   *list
	marks  []Bookmark // in the order of time
	toMark *Bookmark  // the cursor is to go there
}

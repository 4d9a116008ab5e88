package logview

// grouping is the patterns that the events make.
type grouping struct {
	look     *look
	patterns patterns
}

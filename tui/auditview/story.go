package auditview

// story is the history of one record.
type story struct {
	base  *base
	trace trace
}

package auditview

// tallies are the rows counted by user, action and hour.
type tallies struct {
	base  *base
	stats stats
}

package restoreview

// rescuer saves rows that the restore would lose, from damaged tables.
type rescuer struct {
	base   *base
	rescue rescuing
}

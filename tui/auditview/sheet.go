package auditview

// sheet draws the list and the chosen row.
type sheet struct {
	base *base
	rows *rows
}

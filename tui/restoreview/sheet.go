package restoreview

// sheet draws the wizard: the steps at the left, the marked one at the right.
type sheet struct {
	base    *base
	rescuer *rescuer
	rightH  int
	rightN  int
}

package restoreview

// sheet draws the wizard: the steps at the left, the marked one at the right.
type sheet struct {
	base    *base
	rescuer *rescuer
	healing *healing
	rightH  int
	rightN  int
}

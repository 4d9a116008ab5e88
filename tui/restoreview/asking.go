package restoreview

// asking carries the wizard's questions and answers.
type asking struct {
	base   *base
	dialog question
}

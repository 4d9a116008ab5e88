package ops

import "opsdeck/internal/lang"

// Warning is the end of work that was done, with something that a person must look at.
type Warning struct{ What lang.Msg }

func (w *Warning) Error() string { return w.What.String() }

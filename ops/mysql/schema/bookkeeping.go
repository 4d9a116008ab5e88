package schema

// The tables that a load and a replay keep their progress in while they are at work. They are
// no data: never dumped, and no loss.
const (
	LoadTable   = "_opsdeck_load"
	ReplayTable = "_opsdeck_replay"
)

// Bookkeeping tells whether a table is one of them.
func Bookkeeping(table string) bool { return table == LoadTable || table == ReplayTable }

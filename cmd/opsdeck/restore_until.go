package main

import (
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
)

// untilFlags are up to where a restore goes beyond the backup.
type untilFlags struct {
	Until  string `placeholder:"TIME|FILE:POS|GTIDS" help:"Replay the binary log up to this moment: all that was committed before the time, up to the position, or until the set of GTIDs is done."`
	Before string `placeholder:"ID" help:"Replay the binary log up to and without this transaction, as audit changes names it."`
}

// moment reads the flags; nil when neither is given.
func (u untilFlags) moment(now time.Time) (*binlog.Moment, error) {
	switch {
	case u.Until != "" && u.Before != "":
		return nil, ops.E(ops.Usage, lang.M("--until and --before do not go together"))
	case u.Before != "":
		return &binlog.Moment{Before: strings.TrimSpace(u.Before)}, nil
	case u.Until == "":
		return nil, nil
	}
	return binlog.ReadMoment(u.Until, now, time.Local)
}

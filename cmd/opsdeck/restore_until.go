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
	Until  string `placeholder:"TIME|FILE:POS|GTIDS" help:"Replay the binlog up to this moment: all that was committed before the time, up to the position, or until the GTID set is complete."`
	Before string `placeholder:"ID" help:"Replay the binlog up to just before this transaction; its id is from audit changes."`
}

// moment reads the flags; nil when neither is given.
func (u untilFlags) moment(now time.Time) (*binlog.Moment, error) {
	switch {
	case u.Until != "" && u.Before != "":
		return nil, ops.E(ops.Usage, lang.M("--until and --before cannot be used together"))
	case u.Before != "":
		return &binlog.Moment{Before: strings.TrimSpace(u.Before)}, nil
	case u.Until == "":
		return nil, nil
	}
	return binlog.ReadMoment(u.Until, now, time.Local)
}

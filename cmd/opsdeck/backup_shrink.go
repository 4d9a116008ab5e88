package main

import (
	"opsdeck/ops/backup"
)

// shrinkJSON is what a backup lacks that those before it had.
type shrinkJSON struct {
	Before      string               `json:"before"` // the backup that still has it
	Rows        int64                `json:"rows"`
	RowsBefore  int64                `json:"rows_before"` // 0: the total did not shrink
	SizeBytes   int64                `json:"size_bytes"`
	BytesBefore int64                `json:"before_bytes"` // 0 where the rows were counted
	Tables      []backup.TableShrink `json:"tables"`
}

func shrinkDoc(s backup.Shrink) *shrinkJSON {
	return &shrinkJSON{
		Before:      s.Before.Name,
		Rows:        s.Rows,
		RowsBefore:  s.Was,
		SizeBytes:   s.Size,
		BytesBefore: s.WasOf,
		Tables:      s.Tables,
	}
}

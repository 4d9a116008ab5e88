package main

import (
	"opsdeck/ops/backup"
)

type (
	// shrinkJSON is what a backup lacks that those before it had.
	shrinkJSON struct {
		Before      string            `json:"before"` // the backup that still has it
		Rows        int64             `json:"rows"`
		RowsBefore  int64             `json:"rows_before"` // 0: the total did not shrink
		SizeBytes   int64             `json:"size_bytes"`
		BytesBefore int64             `json:"before_bytes"` // 0 where the rows were counted
		Tables      []tableShrinkJSON `json:"tables"`
	}
	tableShrinkJSON struct {
		Name       string `json:"name"`
		Rows       int64  `json:"rows"`
		RowsBefore int64  `json:"rows_before"`
	}
)

func shrinkDoc(s backup.Shrink) *shrinkJSON {
	doc := &shrinkJSON{
		Before:      s.Before.Name,
		Rows:        s.Rows,
		RowsBefore:  s.Was,
		SizeBytes:   s.Size,
		BytesBefore: s.WasOf,
		Tables:      []tableShrinkJSON{},
	}
	for _, t := range s.Tables {
		doc.Tables = append(doc.Tables, tableShrinkJSON{t.Name, t.Rows, t.Was})
	}
	return doc
}

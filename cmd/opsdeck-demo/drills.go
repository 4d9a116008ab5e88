package main

import (
	"time"

	"opsdeck/ops/backup"
)

// writeDrills puts the quarter's rehearsals of a year on record, one of which
// found a fault.
func (w *world) writeDrills() error {
	m := w.stages[0].manifest
	for i, past := range []struct {
		days                                      int
		operator, scenario, table, result, remark string
	}{
		{322, "王伟", backup.WholeDatabase, "", backup.Failed, "备份文件为空：cron 的 mysqldump 失败，gzip 成功"},
		{320, "王伟", backup.WholeDatabase, "", backup.Passed, "改用前一天的备份"},
		{231, "李芳", backup.SingleTable, "customers", backup.Passed, ""},
		{140, "陈静", backup.NewDatabase, "", backup.Passed, "演练库已删除"},
		{49, "王伟", backup.WholeDatabase, "", backup.Passed, "季度演练，行数一致"},
	} {
		day := w.now.AddDate(0, 0, -past.days)
		at := time.Date(day.Year(), day.Month(), day.Day(), 10, 5*i, 0, 0, day.Location())
		d := backup.Drill{
			At:       at,
			Operator: past.operator,
			Service:  "qianzhang",
			Database: database,
			Scenario: past.scenario,
			Table:    past.table,
			Backup: database + night(
				day,
			).Format("_20060102_150405") +
				".sql.gz",
			Target: database + "_drill",
			Result: past.result,
			Remark: past.remark,
			TookMS: 2900 + 310*int64(
				i,
			),
			RestoreMS: 1800 + 240*int64(i),
			SizeBytes: m.SizeBytes,
			RawBytes:  m.RawBytes,
			Rows:      m.Rows(),
			Tables:    len(m.Tables),
		}
		if past.result == backup.Failed {
			d.SizeBytes = 23
			d.RawBytes = 0
			d.Rows = 0
			d.Tables = 0
			d.RestoreMS = 0
			d.TookMS = 180
		}
		if err := backup.AppendDrill(w.path("state"), d); err != nil {
			return err
		}
	}
	return nil
}

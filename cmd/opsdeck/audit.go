package main

type auditCmd struct {
	List           auditListCmd           `cmd:"" default:"withargs" help:"List audit rows, newest first."`
	Trace          auditTraceCmd          `cmd:"" help:"Show the full history of a resource."`
	Stats          auditStatsCmd          `cmd:"" help:"Count audit rows by action, resource, user and hour."`
	Changes        auditChangesCmd        `cmd:"" help:"List the changes in the binlog, one line per transaction."`
	Export         auditExportCmd         `cmd:"" help:"Write audit rows to a file."`
	Archive        auditArchiveCmd        `cmd:"" help:"Archive a year's rows to a file and, when asked, delete them."`
	RestoreArchive auditRestoreArchiveCmd `cmd:"" name:"restore-archive" help:"Load an archive as a table beside the live one."`
}

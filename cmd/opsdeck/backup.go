package main

// backupCmd is the group of the backup verbs.
type backupCmd struct {
	Create   backupCreateCmd   `cmd:"" help:"Make a backup with its manifest and its weekly and monthly names."`
	List     backupListCmd     `cmd:"" help:"List the backups by tier, with what is missing."`
	Show     backupShowCmd     `cmd:"" help:"Show one backup: its contents and what was verified."`
	Verify   backupVerifyCmd   `cmd:"" help:"Verify backups: length, hashes, trailer."`
	Prune    backupPruneCmd    `cmd:"" help:"Remove backups that retention does not keep."`
	Remove   backupRemoveCmd   `cmd:"" help:"Remove one backup by its name."`
	Accept   backupAcceptCmd   `cmd:"" help:"Accept that a backup has fewer rows: it and later ones no longer warn."`
	Drill    backupDrillCmd    `cmd:"" help:"Drill a restore in a scratch database, and record the result."`
	Drills   backupDrillsCmd   `cmd:"" help:"Show the record of drills."`
	Sync     backupSyncCmd     `cmd:"" help:"Update the offsite copies; nothing is removed there."`
	Binlog   backupBinlogCmd   `cmd:"" help:"Archive the binlog, so that a restore can reach any moment."`
	Schedule backupScheduleCmd `cmd:"" help:"Schedule backups, verifications and drills."`
}

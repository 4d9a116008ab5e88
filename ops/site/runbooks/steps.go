package runbooks

import (
	"path/filepath"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

func restoreSteps(p Place) []Step {
	return []Step{
		{
			lang.M("Assess: how bad is it, is a full restore needed, who must be told?"),
			[]string{
				p.Opsdeck("status"),
				p.Opsdeck("logs --critical --since 1h"),
				p.Opsdeck("audit list --limit 20"),
			},
		},
		{
			lang.M("Find the newest good backup, and see what it would lose."),
			[]string{p.Opsdeck("backup list"), p.Opsdeck("restore --plan")},
		},
		{
			lang.M("If the binlog is archived, restore to the moment before the damage instead: less is lost."),
			[]string{p.Opsdeck("backup binlog list"), p.Opsdeck("restore --plan --until YYYY-MM-DDTHH:MM:SS")},
		},
		{
			lang.M("Restore. It stops the service, backs up the current state, loads, verifies, starts and reports; " +
				"it continues when the connection drops."),
			[]string{p.Opsdeck("restore"), p.Opsdeck("restore attach")},
		},
		{lang.M("Verify that the service is ready."), []string{p.Opsdeck("status"), p.Opsdeck("restore report")}},
		{lang.M("If it was the wrong backup: undo."), []string{p.Opsdeck("restore undo")}},
		{lang.M("If opsdeck itself cannot be used, by hand:"), p.byHand()},
		{
			lang.M("The same as a script, which also verifies the backup and saves the current state; make it before " +
				"you need it."),
			[]string{p.script(), "bash " + human.Shell("restore-"+p.service.Name+".sh")},
		},
		{lang.M("Tell everyone involved: restored, to which moment, what is lost. Keep the report."), nil},
	}
}

// undoSteps heal an accident with the least loss: one transaction, one table, all.
func undoSteps(p Place) []Step {
	return []Step{
		{
			lang.M("Find the transaction. In the console: Audit tab, b for the binlog, z for the largest first."),
			[]string{
				p.Opsdeck("audit changes --largest --since 1h"),
				p.Opsdeck("audit changes --table TABLE --kind delete --since 1h"),
			},
		},
		{
			lang.M(
				"Undo only that transaction, if the log has its rows. Nothing else is lost, the service keeps running.",
			),
			[]string{p.Opsdeck("restore rewind --txn ID --plan"), p.Opsdeck("restore rewind --txn ID")},
		},
		{
			lang.M("Rows that were changed again since are conflicts: leave them, or overwrite them."),
			[]string{p.Opsdeck("restore rewind --txn ID --conflicts skip")},
		},
		{
			lang.M("After DROP or TRUNCATE of a table: restore that table to just before the transaction."),
			[]string{
				p.Opsdeck("restore --before ID --tables TABLE --plan"),
				p.Opsdeck("restore --before ID --tables TABLE"),
			},
		},
		{
			lang.M("If more is damaged: restore the whole database to just before it."),
			[]string{p.Opsdeck("restore --before ID --plan"), p.Opsdeck("restore --before ID")},
		},
		{lang.M("If it was the wrong transaction: undo that."), []string{p.Opsdeck("restore undo")}},
		{
			lang.M("Archive the binlog from now on: backup.binlog: follow in the configuration, then install it."),
			[]string{p.Opsdeck("backup schedule install"), p.Opsdeck("backup binlog list")},
		},
	}
}

// byHand is the old way (FIELD.md), as it works without opsdeck.
func (p Place) byHand() []string {
	file := p.newest
	if _, _, known := p.opened(file); !known {
		file = filepath.Join(p.dir, p.database+"_YYYYMMDD_HHMMSS.sql.gz")
	}
	test, read, _ := p.opened(file)
	out := []string{}
	if p.process.Stop != "" {
		out = append(out, p.process.Stop)
	}
	out = append(out, test, read+" | "+p.client)
	if p.process.Start != "" {
		out = append(out, p.process.Start)
	}
	return out
}

// opened are the commands that test a backup, and that print its SQL, by the end of its name.
func (p Place) opened(file string) (test, read string, known bool) {
	name := human.Shell(file)
	plain, sealed := strings.CutSuffix(file, ".age")
	programs := map[string][2]string{".sql.gz": {"gzip -t", "zcat"}, ".sql.zst": {"zstd -t", "zstd -dc"}}
	for end, does := range programs {
		if !strings.HasSuffix(plain, end) {
			continue
		}
		if !sealed {
			return does[0] + " " + name, does[1] + " " + name, true
		}
		key := "KEY-FILE"
		if p.service.Backup.Identity != "" {
			key = human.Shell(config.Home(p.service.Backup.Identity))
		}
		open := "age -d -i " + key + " " + name + " | "
		return open + does[0], open + does[1], true
	}
	return "", "", false
}

func serviceSteps(p Place) []Step {
	start := []string{}
	for _, c := range []string{p.process.Status, p.process.Start} {
		if c != "" {
			start = append(start, c)
		}
	}
	return []Step{
		{lang.M("See which part fails: process, port, database or Redis."), []string{p.Opsdeck("status")}},
		{
			lang.M("Read the last errors."),
			[]string{p.Opsdeck("logs --level ERROR+ --since 30m"), p.Opsdeck("logs --critical --since 1d")},
		},
		{lang.M("Check the process, and start it if it is stopped."), start},
		{lang.M("If its port is taken, find the process that uses it."), []string{"ss -ltnp"}},
		{lang.M("Wait until it is ready."), []string{p.status("health", "ready") + " --watch 2s"}},
	}
}

func diskSteps(p Place) []Step {
	dir := human.Shell(p.dir)
	return []Step{
		{
			lang.M("See which disk, and what is large on it."),
			[]string{"df -h", "du -xh --max-depth=2 / 2>/dev/null | sort -h | tail -n 20"},
		},
		{
			lang.M("Old logs: let rotation handle them; by hand delete only rotated files."),
			p.logFiles("ls -lhS"),
		},
		{
			lang.M("Old backups: only by retention, which never removes the last good one."),
			[]string{p.Opsdeck("backup prune --dry-run"), p.Opsdeck("backup prune"), "ls -lh " + dir},
		},
		{
			lang.M("Never delete files in MySQL's data folder. Purge old binlogs with:"),
			[]string{p.client + ` -e "PURGE BINARY LOGS BEFORE NOW() - INTERVAL 7 DAY"`},
		},
		{lang.M("Check that at least a fifth is free again."), []string{p.status("disk")}},
	}
}

func backupSteps(p Place) []Step {
	return []Step{
		{
			lang.M("See what is missing and why."),
			[]string{
				p.Opsdeck("backup list"),
				p.status("backup", "disk-backup"),
				p.Opsdeck("operations --limit 20"),
			},
		},
		{lang.M("Check privileges, folders and tools."), []string{p.Opsdeck("doctor")}},
		{lang.M("Make one now, by hand."), []string{p.Opsdeck("backup create")}},
		{lang.M("Verify all backups."), []string{p.Opsdeck("backup verify --all")}},
		{lang.M("Check that the schedule is installed."), []string{p.Opsdeck("backup schedule show")}},
	}
}

func drillSteps(p Place) []Step {
	return []Step{
		{lang.M("Verify the newest backup."), []string{p.Opsdeck("backup verify")}},
		{
			lang.M("Load it into a scratch database, check it, time it, drop it. The live database is not changed."),
			[]string{p.Opsdeck("backup drill")},
		},
		{lang.M("See the record."), []string{p.Opsdeck("backup drills")}},
	}
}

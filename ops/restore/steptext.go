package restore

import (
	"opsdeck/internal/lang"
)

// What describes what a step of this plan will do, in one sentence.
func (p *Plan) What(s Step) lang.Msg {
	db, src := p.Target.Database, p.Source.Name
	switch s {
	case StepAssess:
		if p.Source.Copy != "" {
			return lang.M(
				"Fetch %s from the copy %s, verify its hash, and check again that the server and tables match "+
					"this plan. Nothing is changed.",
				src,
				p.Source.Copy,
			)
		}
		return lang.M("Check again that the backup, server and tables match this plan. Nothing is changed.")
	case StepStop:
		switch {
		case p.Mode == Into:
			return lang.M("Not needed: the service does not use %s.", db)
		case p.Process.Leave:
			return lang.M("The service stays up, as chosen. Sessions are listed, not ended.")
		case p.Process.Kind == "none" || p.Process.Kind == "":
			return lang.M("Confirm that nothing writes to %s. Stop the service yourself first.", db)
		}
		return lang.M("Stop %s, then confirm that nothing writes to %s.", p.Process.Name, db)
	case StepSave:
		if p.Mode == Into {
			return lang.M("Not needed: %s is absent or empty.", db)
		}
		if p.SaveLater {
			return lang.M("Confirm that nothing writes to %s, and note its definitions. The RENAME keeps the old "+
				"tables in %s. Once the service is back, they are backed up; drop-old refuses until that backup is "+
				"complete and verified.", db, p.Kept)
		}
		return lang.M("Back up %s in its current state, including damage. If that fails, the restore stops.", db)
	case StepRestore:
		switch p.Mode {
		case Swap:
			if p.Standby() != nil {
				return lang.M("Replay the rest of the binlog into the standby %s. %s is not changed.", p.Shadow, db)
			}
			return lang.M("Load %s into the new database %s. %s is not changed.", src, p.Shadow, db)
		case InPlace:
			return lang.M("Drop the tables of %s and load %s in their place.", db, src)
		}
		return lang.M("Load %s into %s.", src, db)
	case StepVerify:
		if p.Standby() != nil {
			return lang.M(
				"Count and check all tables, and compare the counts with those of the backup with the log. Then swap " +
					"them in with one RENAME; on any mismatch, stop before the swap.",
			)
		}
		if p.Mode == Swap {
			return lang.M(
				"Compare all tables with the manifest. Then swap them in with one RENAME; on any mismatch, stop " +
					"before the swap.",
			)
		}
		return lang.M("Compare all tables of %s with the manifest.", db)
	case StepRestart:
		switch {
		case p.Mode == Into:
			return lang.M("Not needed: the service was not stopped.")
		case p.Process.Untouched():
			return lang.M("Wait until the service reports ready.")
		}
		return lang.M("Start %s and wait until it reports ready.", p.Process.Name)
	}
	return lang.M("Write the report; show the notification, and send it if you agree.")
}

// Back describes how to undo the step once it is done.
func (p *Plan) Back(s Step) lang.Msg {
	switch {
	case s == StepAssess:
		return lang.M("Nothing to undo.")
	case p.Mode == Into && s < StepNotify:
		return lang.M("Abort drops what was loaded into %s.", p.Target.Database)
	case s == StepStop:
		return lang.M("Abort starts the service again.")
	case s == StepSave && p.SaveLater:
		return lang.M("Abort starts the service again.")
	case s == StepSave:
		return lang.M("Abort starts the service again; the emergency backup stays.")
	case s == StepRestore && p.Mode == Swap:
		return lang.M("Abort drops %s and starts the service again.", p.Shadow)
	case s >= StepVerify && s < StepNotify && p.Mode == Swap && p.fromNothing():
		return lang.M("Undo moves the restored tables to %s; then %s has no tables, as before the restore.",
			p.Shadow, p.Target.Live)
	case s == StepVerify && p.Mode == Swap:
		return lang.M("Before the RENAME: abort. After it: undo restores the old tables, kept in %s.", p.Kept)
	case s == StepRestore || s == StepVerify:
		return lang.M("Abort loads the emergency backup into %s.", p.Target.Database)
	case s == StepRestart && p.Mode == Swap:
		return lang.M("Undo restores the old tables, until `restore drop-old`.")
	case s == StepRestart:
		return lang.M("Undo loads the emergency backup.")
	}
	return lang.M("Nothing to undo.")
}

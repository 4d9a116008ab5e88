package rewind

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/history"
	"opsdeck/ops/restore"
)

// Warnings say what happens beside the rows.
func Warnings(p *Plan) (said []lang.Msg) {
	for _, n := range p.Columns {
		said = append(said, n.Text())
	}
	if len(p.Bare) > 0 {
		said = append(said,
			lang.M("these tables have no primary key: %s. Their rows are found by all their values, which reads "+
				"the whole table for each row that is deleted and locks it until the end; of equal rows, any one is "+
				"taken",
				strings.Join(p.Bare, ", ")))
	}
	if len(p.Triggers) > 0 {
		said = append(said,
			lang.M("triggers of these tables will fire: %s. The rows of this plan end as planned, and rows that "+
				"triggers add under new AUTO_INCREMENT keys are removed; check what else the triggers do",
				strings.Join(p.Triggers, ", ")))
	}
	if len(p.Cascades) > 0 {
		said = append(said,
			lang.M(
				"rows changed through a foreign key are not in the log and are not restored: check %s",
				strings.Join(p.Cascades, ", "),
			),
		)
	}
	if len(p.Users) > 0 {
		said = append(said,
			lang.M(
				"rows to which rows of these tables refer are not deleted: %s; to delete them, first delete what "+
					"refers to them",
				strings.Join(p.Users, ", "),
			),
		)
	}
	if len(p.Unread) > 0 {
		said = append(said,
			lang.M("rows of these tables may refer to rows that would be deleted, and this user cannot read "+
				"them: %s. Those rows are not deleted; run it with an account that can", strings.Join(p.Unread, ", ")))
	}
	if p.Blind {
		said = append(said,
			lang.M("this user cannot see whether rows of other databases refer to rows that would be deleted. "+
				"Those rows are not deleted; run it with an account that has PROCESS"))
	}
	return said
}

// Text says what becomes of the values of a column that is not as it was.
func (n ColumnNote) Text() lang.Msg {
	name := n.Table + "." + n.Column
	switch n.Fate {
	case history.Added:
		return lang.M("%s was added since: rows that are inserted again get its default", name)
	case history.Renamed:
		return lang.M("%s was called %s then; its values are the same", name, n.Was)
	}
	return lang.M("%s was %s then and is %s now; its values are kept exactly", name, n.Was, n.Now)
}

// Summary says how many rows a plan has, and how many are not as the transaction left them.
func Summary(p *Plan) lang.Msg {
	return restore.Rewound{Rows: p.Len(), Conflicts: p.Conflicts(), Used: Used(p)}.Summary()
}

// UndoLabel says what is done to the row.
func (r *Row) UndoLabel() lang.Msg {
	switch r.Undo() {
	case binlog.Insert:
		return lang.M("insert again")
	case binlog.Delete:
		return lang.M("delete")
	}
	return lang.M("revert")
}

// StateLabel says how a row is now.
func StateLabel(p *Plan, s binlog.State) lang.Msg {
	switch s {
	case binlog.Changed:
		return lang.M("changed since")
	case binlog.Gone:
		return lang.M("deleted since")
	case binlog.Used:
		if p.Blind || len(p.Unread) > 0 {
			return lang.M("other rows may refer to it")
		}
		return lang.M("other rows refer to it")
	}
	return lang.M("unchanged")
}

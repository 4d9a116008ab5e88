package standby

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore/standby"
)

// Texts say what a round did; none if that was nothing.
func (d Did) Texts() (said []lang.Msg) {
	if d.Built {
		said = append(said, lang.M("the standby was built, and verified against the backup's checksums"))
	}
	if d.Transactions > 0 {
		said = append(said, lang.M("%s transactions applied to the standby, %s",
			human.Count(d.Transactions), replay.Texts(d.Rows, d.Statements)))
	}
	if d.Checked != nil {
		said = append(said, CheckText(d.Checked))
	}
	if !d.Paused.Empty() {
		said = append(said, lang.M("the standby pauses: %s", d.Paused))
	}
	return said
}

// CheckText says what a check compared, and what came of it.
func CheckText(c *standby.Check) lang.Msg {
	what := lang.M("compared with %s at %s: %s tables, %s rows, their checksums and definitions", c.Backup,
		c.Place.String(), human.Count(int64(c.Tables)), human.Count(c.Rows))
	if c.Good {
		return lang.M("checked at %s: all the same; %s", c.At.Local().Format("2006-01-02 15:04:05"), what)
	}
	return lang.M("CHECK FAILED at %s: %s; %s", c.At.Local().Format("2006-01-02 15:04:05"), c.Differs[0].Msg, what)
}

package backup

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/jsonl"
	"opsdeck/internal/lang"
)

// Scenarios of a drill.
const (
	WholeDatabase = "whole"
	SingleTable   = "table"
	NewDatabase   = "new-database"
)

// Results of a drill.
const (
	Passed = "passed"
	Failed = "failed"
)

// Drill is one rehearsal of a restore, a line of drills.jsonl.
type Drill struct {
	At        time.Time `json:"at"`
	Operator  string    `json:"operator"`
	Service   string    `json:"service,omitempty"`
	Database  string    `json:"database"`
	Backup    string    `json:"backup"`
	Scenario  string    `json:"scenario"`
	Table     string    `json:"table,omitempty"`
	Target    string    `json:"target"`     // the schema, with the server when it is another
	TookMS    int64     `json:"took_ms"`    // until the scratch schema is dropped
	RestoreMS int64     `json:"restore_ms"` // of the load alone: how long a restore would take
	SizeBytes int64     `json:"size_bytes"` // read from the file
	RawBytes  int64     `json:"raw_bytes"`
	Rows      int64     `json:"rows"`
	Tables    int       `json:"tables"`
	Result    string    `json:"result"`
	Remark    string    `json:"remark"`
	RemarkZH  string    `json:"remark_zh,omitempty"` // in Chinese, where that differs
	// Dangling are the foreign keys of which the backup has rows without a parent: table,
	// rows, parent table, foreign key.
	Dangling [][]string `json:"dangling,omitempty"`
}

// Said is the remark in the language of whoever reads it.
func (d Drill) Said() lang.Msg { return lang.M("%s", lang.Both{EN: d.Remark, ZH: d.RemarkZH}) }

// ScenarioLabel is a scenario for people.
func (d Drill) ScenarioLabel() lang.Msg {
	switch d.Scenario {
	case SingleTable:
		return lang.M("single table %s", d.Table)
	case NewDatabase:
		return lang.M("into a new database")
	}
	return lang.M("whole database")
}

// ResultLabel is the result for people.
func (d Drill) ResultLabel() lang.Msg {
	if d.Result == Passed {
		return lang.M("passed")
	}
	return lang.M("failed")
}

// drillsName is the name of the record in the state folder.
const drillsName = "drills.jsonl"

// AppendDrill records a drill, durably.
func AppendDrill(stateDir string, d Drill) error {
	if err := jsonl.Append(filepath.Join(stateDir, drillsName), d); err != nil {
		return fmt.Errorf("record the drill: %w", err)
	}
	return nil
}

// Drills reads the record, newest first, and skips damaged lines. database "" means all
// databases.
func Drills(stateDir, database string) ([]Drill, error) {
	var all []Drill
	err := jsonl.Each(filepath.Join(stateDir, drillsName), func(d Drill) {
		if !d.At.IsZero() && (database == "" || d.Database == database) {
			all = append(all, d)
		}
	})
	slices.Reverse(all)
	return all, err
}

// RestoreTime estimates how long a full restore of a backup of sizeBytes takes: the time
// of the newest passed drill of a whole database, in proportion to its size, but at least a
// second. ok is false when there is no such drill.
func RestoreTime(drills []Drill, sizeBytes int64) (d time.Duration, from Drill, ok bool) {
	for _, x := range drills {
		if x.Result != Passed || x.Scenario == SingleTable || x.SizeBytes <= 0 || x.RestoreMS <= 0 {
			continue
		}
		ms := float64(x.RestoreMS)
		if sizeBytes > 0 {
			ms *= float64(sizeBytes) / float64(x.SizeBytes)
		}
		return max(time.Duration(ms*float64(time.Millisecond)), time.Second), x, true
	}
	return 0, Drill{}, false
}

// DrillsMarkdown is the record as a table for a wiki or a report, with the columns of
// the runbook.
func DrillsMarkdown(drills []Drill, p *lang.Printer, zone *time.Location) string {
	var b strings.Builder
	row := func(cells ...string) {
		for _, c := range cells {
			c = strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(c)
			b.WriteString("| " + c + " ")
		}
		b.WriteString("|\n")
	}
	row(p.T("date"), p.T("operator"), p.T("backup"), p.T("scenario"), p.T("took"), p.T("size"), p.T("result"),
		p.T("note"))
	row("---", "---", "---", "---", "---", "---", "---", "---")
	for _, d := range drills {
		row(d.At.In(zone).Format("2006-01-02 15:04"), d.Operator, d.Backup, p.Msg(d.ScenarioLabel()),
			human.Duration(time.Duration(d.TookMS)*time.Millisecond), human.Bytes(d.SizeBytes), p.Msg(d.ResultLabel()),
			p.Msg(d.Said()))
	}
	return b.String()
}

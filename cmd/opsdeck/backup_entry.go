package main

import (
	"time"

	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
)

// slotName is a period in JSON: 2026-01-29, a week by its Monday, 2026-01.
func slotName(t backup.Tier, s backup.Slot) string {
	if t == backup.Monthly {
		return s.From.Format("2006-01")
	}
	return s.From.Format("2006-01-02")
}

func setJSON(s *backup.Set, step backup.Step, expires time.Time) backupJSON {
	j := backupJSON{
		Name:      s.Name,
		Path:      s.Path,
		Tier:      string(s.Tier),
		Kind:      s.Kind,
		Database:  s.Database,
		CreatedAt: s.At,
		SizeBytes: s.Size,
		Engine:    s.Engine,
		State:     string(s.State),
		Copies:    s.Copies,
	}
	j.Partial = s.Tier == backup.Archive || s.Summary.Partial
	j.Where, j.NoData = s.Summary.Where, s.Summary.NoData
	j.VerifiedAt, j.ExpiresAt = timeOrNull(s.Checked), timeOrNull(expires)
	if step.Verb != backup.Remove {
		for _, r := range step.Reasons {
			j.KeepReasons = append(j.KeepReasons, r.Text.String())
		}
	}
	for _, p := range s.Problems {
		j.Problems = append(j.Problems, p.Text().String())
	}
	return j
}

type (
	backupListJSON struct {
		Dir        string       `json:"dir"`
		Database   string       `json:"database"`
		NewestGood *string      `json:"newest_good"`
		AgeMS      *int64       `json:"age_ms"` // of the newest good one: what would be lost now
		DiskBytes  int64        `json:"disk_bytes"`
		FreeBytes  int64        `json:"free_bytes"`
		Tiers      []tierJSON   `json:"tiers"`
		Backups    []backupJSON `json:"backups"`
		KeyProblem string       `json:"key_problem,omitempty"` // why no backup can be made or restored

		Copies []elsewhereJSON `json:"copies"` // as they were last looked at

		Unfinished []backups.Unfinished `json:"unfinished"`
	}
	tierJSON struct {
		Name    string   `json:"name"`
		Keep    int      `json:"keep"`
		Held    int      `json:"held"`
		Missing []string `json:"missing"`
	}
	backupJSON struct {
		Name        string             `json:"name"`
		Path        string             `json:"path"`
		Tier        string             `json:"tier"`
		Kind        string             `json:"kind"`
		Database    string             `json:"database"`
		CreatedAt   time.Time          `json:"created_at"`
		SizeBytes   int64              `json:"size_bytes"`
		Engine      string             `json:"engine"`
		VerifiedAt  *time.Time         `json:"verified_at"`
		State       string             `json:"state"`
		ExpiresAt   *time.Time         `json:"expires_at"`
		KeepReasons []string           `json:"keep_reasons"`
		Problems    []string           `json:"problems"`
		Copies      []backup.CopyState `json:"copies"` // where its contents are too
		Partial     bool               `json:"partial"`
		Where       string             `json:"where,omitempty"` // the rows were filtered
		NoData      bool               `json:"no_data,omitempty"`
	}
)

// missingState is how a missing slot is drawn.
const missingState = ops.StateWarning

// elsewhereJSON is a configured copy as it was last looked at.
type elsewhereJSON struct {
	Name      string       `json:"name"`
	Kind      string       `json:"kind"`
	Target    string       `json:"target"`
	LookedAt  *time.Time   `json:"looked_at"` // null: never
	Held      int          `json:"held"`
	Good      int          `json:"good"`
	Bad       int          `json:"bad"` // known to be damaged there
	OnlyThere []backupJSON `json:"only_there"`
}

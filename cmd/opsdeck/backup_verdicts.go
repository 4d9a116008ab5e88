package main

import (
	"context"
	"fmt"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/ops/remote"
	"opsdeck/ops/site/backups"
)

type (
	backupVerifyJSON struct {
		Verified []verifiedJSON `json:"verified"`
		Good     int            `json:"good"`
		Bad      int            `json:"bad"`

		notOpened int
	}
	verifiedJSON struct {
		Name       string   `json:"name"`
		State      string   `json:"state"`
		SizeBytes  int64    `json:"size_bytes"`
		SHA256     string   `json:"sha256"`
		Deep       bool     `json:"deep"`
		Sealed     bool     `json:"sealed"` // encrypted: only the file's own hash was proved
		DurationMS int64    `json:"duration_ms"`
		Problems   []string `json:"problems"`
		said       []lang.Msg
	}
)

// verdicts reads the inventory again: the state of the backups now.
func (sh *shelf) verdicts(ctx context.Context, sets []*backup.Set,
	took map[string]time.Duration) (backupVerifyJSON, error) {
	doc := backupVerifyJSON{}
	now, err := sh.Look(ctx)
	if err != nil {
		return doc, err
	}
	for _, was := range sets {
		s := now.Find(was.Name)
		if s == nil {
			continue // removed meanwhile
		}
		v := verifiedJSON{
			Name:       s.Name,
			State:      string(s.State),
			SizeBytes:  s.Size,
			SHA256:     s.SHA256,
			Deep:       s.Deep,
			Sealed:     s.Sealed,
			DurationMS: took[s.Name].Milliseconds(),
		}
		for _, p := range s.Problems {
			v.Problems = append(v.Problems, p.Text().String())
			v.said = append(v.said, p.Text())
			if p.Code == backup.NotOpened {
				doc.notOpened++
			}
		}
		doc.Verified = append(doc.Verified, v)
		if s.State == backup.Bad {
			doc.Bad++
		} else {
			doc.Good++
		}
	}
	return doc, nil
}

func sayVerified(sh *shelf, v verifiedJSON) {
	state := backup.State(v.State)
	line := sh.mark(state.Health(), sh.lang.Msg(state.Label())) + "  " + termsafe.Line(v.Name)
	if v.DurationMS > 0 {
		line += sh.theme().Dim.Render(
			"  " + human.Bytes(v.SizeBytes) + ", " + human.Rate(float64(v.SizeBytes)*1000/float64(v.DurationMS)),
		)
	}
	fmt.Fprintln(sh.out, line)
	if v.Sealed {
		fmt.Fprintln(sh.out, "    "+sh.lang.Msg(backups.SealedNote))
	}
	for _, p := range v.said {
		fmt.Fprintln(sh.out, "    "+termsafe.Line(sh.lang.Msg(p)))
	}
}

func (doc *backupVerifyJSON) add(v remote.Verified, took time.Duration) {
	j := verifiedJSON{
		Name:       v.Set.Name,
		State:      string(backup.Unverified),
		SizeBytes:  v.Set.Size,
		SHA256:     v.SHA256,
		DurationMS: took.Milliseconds(),
	}
	switch {
	case v.Good:
		j.State = string(backup.Good)
	case v.Known:
		j.State = string(backup.Bad)
		j.said = []lang.Msg{v.Problem().Text()}
		j.Problems = []string{j.said[0].String()}
	}
	if v.Known && !v.Good {
		doc.Bad++
	} else {
		doc.Good++
	}
	doc.Verified = append(doc.Verified, j)
}

package auditlog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
	"opsdeck/ops/audit"
)

func (p *prover) forget() {
	p.zones = audit.NewZones()
	p.ready = true
	if path := p.proofPath(); path != "" {
		_ = os.Remove(path) // a stale file is refused anyway, for its rows do not agree
	}
}

// proof is the state file: what was seen of settled rows.
type proof struct {
	Version int          `json:"version"`
	Table   string       `json:"table"` // schema.table at server
	Born    string       `json:"born"`  // when the table was made
	Column  string       `json:"column"`
	Seen    string       `json:"seen_at"`
	Zones   *audit.Zones `json:"zones"`
}

func (p *prover) proofPath() string {
	if p.r.opt.StateDir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(p.identity()))
	return filepath.Join(p.r.opt.StateDir, "audit", "order-"+hex.EncodeToString(sum[:8])+".json")
}

func (p *prover) identity() string { return p.r.name() + " at " + p.r.opt.Target.Server() }

// load takes up what an earlier run saw of this very table. The last zone is
// looked at again, for it may have grown.
func (p *prover) load() {
	if p.ready {
		return
	}
	p.ready = true
	path := p.proofPath()
	if path == "" {
		return
	}
	data, err := regular.ReadFile(path)
	if err != nil {
		return // none yet; a file that cannot be read costs a new look at the rows
	}
	var kept proof
	if json.Unmarshal(data, &kept) != nil || kept.Version != 1 || kept.Table != p.identity() || kept.Born != p.r.born ||
		kept.Column != p.r.layout.Column(audit.CreatedAt).Name || kept.Zones == nil || !kept.Zones.Sound() {
		return
	}
	p.zones = kept.Zones
}

// save keeps what was seen of rows that are settled. Failing to is no error of
// the reading: the next run looks again.
func (p *prover) save() {
	path := p.proofPath()
	if path == "" || p.r.layout.Column(audit.CreatedAt).OnUpdate {
		return
	}
	now := p.r.opt.Clock.Now()
	settled := p.zones.Head(p.settled(now))
	if len(settled.List) == 0 {
		return
	}
	data, err := json.Marshal(
		proof{Version: 1, Table: p.identity(), Born: p.r.born, Column: p.r.layout.Column(audit.CreatedAt).Name,
			Seen: now.Format(time.RFC3339), Zones: settled},
	)
	if err != nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return
	}
	_ = atomicfile.WriteBytes(path, 0o600, data)
}

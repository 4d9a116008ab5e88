package auditlog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/load"
)

// archiveIndex tells which times lie in which member of an archive, so that a
// page reads only those that can hold a row of it, in whatever order the rows
// were written. It is made once and kept in the state folder.
type archiveIndex struct {
	Version int            `json:"version"`
	Of      string         `json:"of"` // the archive's SHA-256, table and time column
	Blocks  []archiveBlock `json:"blocks"`
}

// archiveBlock is what was seen of one member of rows.
type archiveBlock struct {
	Rows int64       `json:"n"`
	Min  audit.Stamp `json:"min"` // NoStamp with NULLs
	Max  audit.Stamp `json:"max"`
}

const archiveIndexVersion = 1

// indexOf takes the index up, or makes it: every member is read, several at a
// time.
func (a Archive) indexOf(ctx context.Context, src *load.Source, p parts, t *archiveTable) (*archiveIndex, error) {
	ix := a.emptyIndex(src, t)
	if a.loadIndex(ix, len(p.rows)) {
		return ix, nil
	}
	if err := a.makeIndex(ctx, src, p, t, ix, func(audit.Stamp) {}); err != nil {
		return nil, err
	}
	a.saveIndex(ix)
	return ix, nil
}

// makeIndex reads the time of every row, and tells it to see.
func (a Archive) makeIndex(ctx context.Context, src *load.Source, p parts, t *archiveTable, ix *archiveIndex,
	see func(audit.Stamp)) error {
	ix.Blocks = make([]archiveBlock, len(p.rows))
	var mu sync.Mutex
	var read, all int64
	for _, m := range p.rows {
		all += m.Rows
	}
	begun := time.Now()
	return eachMember(ctx, src, len(p.rows), func(ctx context.Context, in *load.Reader, i int) error {
		b := archiveBlock{Min: audit.MaxStamp, Max: audit.NoStamp}
		var times []audit.Stamp
		r := &rowReader{table: t, wants: func(at audit.Stamp) bool {
			times = append(times, at)
			return false
		}}
		r.each = func(row *audit.Row) error {
			times = append(times, row.At)
			return nil
		} // rows that had to be read by tokens
		text, err := in.Text(ctx, p.rows[i])
		if err == nil {
			err = r.text(text)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, at := range times {
			b.Rows = b.Rows + 1
			b.Min = min(b.Min, at)
			b.Max = max(b.Max, at)
			see(at)
		}
		ix.Blocks[i] = b
		read += b.Rows
		a.report(
			ops.Progress{
				Phase:   "index",
				Object:  a.Table,
				Done:    read,
				Total:   max(all, read),
				Unit:    "rows",
				Rows:    read,
				Elapsed: time.Since(begun),
			},
		)
		return err
	})
}

// census reads every row of the archive, and counts those whose time lies
// outside of a span. What it learns is kept for pages.
func (a Archive) census(ctx context.Context, since, until audit.Stamp) (rows, strange int64, err error) {
	src, err := load.Open(a.Path)
	if err != nil {
		return 0, 0, err
	}
	defer src.Close()
	see := func(at audit.Stamp) {
		if rows++; at < since || at >= until {
			strange++
		}
	}
	p, ok := a.parts(src.Manifest)
	if !ok {
		err = a.scan(ctx, src, func(t *archiveTable) (*rowReader, error) {
			return &rowReader{table: t, each: func(r *audit.Row) error { see(r.At); return nil }}, nil
		})
		return rows, strange, err
	}
	in := src.Reader()
	defer in.Close()
	t, err := a.tableOf(ctx, in, p)
	if err != nil {
		return 0, 0, err
	}
	ix := a.emptyIndex(src, t)
	if err = a.makeIndex(ctx, src, p, t, ix, see); err == nil {
		a.saveIndex(ix)
	}
	return rows, strange, err
}

func (a Archive) emptyIndex(src *load.Source, t *archiveTable) *archiveIndex {
	return &archiveIndex{
		Version: archiveIndexVersion,
		Of:      src.Manifest.SHA256 + " " + a.Table + " " + t.layout.Column(audit.CreatedAt).Name,
	}
}

// eachMember runs work for members 0 to n-1, as many at a time as there are
// processors, each with a reader of its own.
func eachMember(ctx context.Context, src *load.Source, n int,
	work func(ctx context.Context, in *load.Reader, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	g.Go(func() error {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range min(n, runtime.GOMAXPROCS(0)) {
		g.Go(func() error {
			in := src.Reader()
			defer in.Close()
			for i := range next {
				if err := work(ctx, in, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (a Archive) indexPath(ix *archiveIndex) string {
	if a.StateDir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(ix.Of))
	return filepath.Join(a.StateDir, "audit", fmt.Sprintf("archive-%s.json", hex.EncodeToString(sum[:8])))
}

// loadIndex reads the kept index of this very archive; what does not fit is
// made anew.
func (a Archive) loadIndex(ix *archiveIndex, members int) bool {
	path := a.indexPath(ix)
	if path == "" {
		return false
	}
	data, err := regular.ReadFile(path)
	var kept archiveIndex
	if err != nil || json.Unmarshal(data, &kept) != nil || kept.Version != ix.Version || kept.Of != ix.Of ||
		len(kept.Blocks) != members {
		return false
	}
	*ix = kept
	return true
}

// saveIndex keeps the index. Failing to is no error of the reading.
func (a Archive) saveIndex(ix *archiveIndex) {
	path := a.indexPath(ix)
	data, err := json.Marshal(ix)
	if path == "" || err != nil || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	_ = atomicfile.WriteBytes(path, 0o600, data)
}

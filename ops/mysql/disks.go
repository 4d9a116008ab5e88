package mysql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/ops/mysql/schema"
)

// ServerDisk is a disk on which the server writes.
type ServerDisk struct {
	Log    bool   // the binary log is there
	Data   bool   // the data are there
	Folder string // as the server names it
	Here   string // the same folder as this machine names it, if Known
	Known  bool   // Free, Size and device are known: the folder is on this machine
	Free   int64  // bytes, for the server's user
	Size   int64
	device uint64
}

// Disks are the disks of the server's data and of its binary log, if it writes one. Both
// are one if they are on one file system. A server elsewhere, or in a container whose
// folders are not to be found here, has disks that are not known.
func Disks(ctx context.Context, q schema.Querier, t Target) ([]ServerDisk, error) {
	rows, err := schema.All(ctx, q, "SELECT @@datadir, COALESCE(@@log_bin_basename, ''), @@GLOBAL.log_bin, "+
		"COALESCE(@@log_bin_index, '')")
	if err != nil {
		return nil, fmt.Errorf("find the server's folders: %w", err)
	}
	data := lookDisk(ctx, rows[0][0], filepath.Join(rows[0][0], "mysql"), t)
	data.Data = true
	base := rows[0][1]
	if base == "" || rows[0][2] == "0" {
		return []ServerDisk{data}, nil
	}
	log := lookDisk(ctx, filepath.Dir(within(rows[0][0], base)), within(rows[0][0], rows[0][3]), t)
	log.Log = true
	if same := filepath.Clean(data.Folder) == log.Folder; same || data.Known && log.Known && data.device == log.device {
		data.Log = true
		return []ServerDisk{data}, nil
	}
	return []ServerDisk{data, log}, nil
}

// DataFolder finds the folder of this machine in which the server keeps its data; "" if there
// is none, or a container's is not to be found.
func DataFolder(ctx context.Context, t Target) (string, error) {
	db, err := Open(ctx, t, "")
	if err != nil {
		return "", err
	}
	defer db.Close()
	dir, err := schema.One(ctx, db, "SELECT @@datadir")
	if err != nil {
		return "", err
	}
	return lookDisk(ctx, dir, filepath.Join(dir, "mysql"), t).Here, nil
}

// within is a path of the server's, which is relative to its data folder.
func within(data, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(data, path)
}

// lookDisk looks at a folder of the server, if it is one of this machine, or of a container
// on it. proof is a file of the server's in it: the folder of that name here may be another
// than that of a server in a container.
func lookDisk(ctx context.Context, folder, proof string, t Target) ServerDisk {
	d := ServerDisk{Folder: folder}
	if !Loopback(t) {
		return d
	}
	if _, err := os.Stat(proof); !errors.Is(err, fs.ErrNotExist) && d.measure(folder) {
		return d
	}
	if here := HostFolder(ctx, t.Container, folder); here != "" {
		d.measure(here)
	}
	return d
}

// measure looks at the disk of a folder of this machine.
func (d *ServerDisk) measure(folder string) bool {
	var s unix.Statfs_t
	var st unix.Stat_t
	if unix.Statfs(folder, &s) != nil || unix.Stat(folder, &st) != nil {
		return false
	}
	d.Known = true
	d.Here = folder
	d.Free = int64(s.Bavail) * s.Bsize
	d.Size = int64(s.Blocks) * s.Bsize
	d.device = st.Dev
	return true
}

// mounts are those of containers, by name: what Docker said within the last minute.
var mounts sync.Map

type mounted struct {
	at   time.Time
	list []mount
}

// mount is a folder of this machine that a container has at Destination.
type mount struct{ Source, Destination string }

// HostFolder is the folder of this machine in which a container keeps one of its folders;
// "" where Docker does not tell.
func HostFolder(ctx context.Context, container, folder string) string {
	if container == "" {
		return ""
	}
	kept, ok := mounts.Load(container)
	if !ok || time.Since(kept.(mounted).at) > time.Minute {
		kept = mounted{time.Now(), askMounts(ctx, container)}
		mounts.Store(container, kept)
	}
	best, at := "", ""
	for _, m := range kept.(mounted).list {
		rest, err := filepath.Rel(m.Destination, folder)
		inside := err == nil && rest != ".." && !strings.HasPrefix(rest, "../")
		if inside && len(m.Destination) > len(at) {
			best, at = filepath.Join(m.Source, rest), m.Destination
		}
	}
	return best
}

// dockerWait is how long Docker may take to tell of a container.
const dockerWait = 3 * time.Second

func askMounts(ctx context.Context, container string) (list []mount) {
	docker, err := exec.LookPath("docker")
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dockerWait)
	defer cancel()
	said, err := exec.CommandContext(ctx, docker, "inspect", "--format", "{{json .Mounts}}", "--", container).Output()
	if err != nil || json.Unmarshal(said, &list) != nil {
		return nil
	}
	return list
}

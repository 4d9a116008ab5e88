package logfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"opsdeck/ops/logs"
)

// A link to a log, as "current.log" beside the file of the day, is no log of its own: of several
// names of a file, one is used.

// fileID is a file, whatever its name.
type fileID struct{ dev, inode uint64 }

func idOf(info fs.FileInfo) (id fileID, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return id, false
	}
	return fileID{uint64(st.Dev), st.Ino}, true
}

// once leaves out names of files that have a better one among them: that of a log, not of a
// generation, and the file's own, not that of a link; of equal ones, the first.
func once(paths []string) []string {
	best := map[fileID]string{}
	ids := make([]fileID, len(paths))
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		id, ok := idOf(info)
		if !ok || id == (fileID{}) {
			continue
		}
		ids[i] = id
		if other, twice := best[id]; !twice || other != path && strange(path) < strange(other) {
			best[id] = path
		}
	}
	out := make([]string, 0, len(paths))
	for i, path := range paths {
		if ids[i] == (fileID{}) || best[ids[i]] == path {
			out = append(out, path)
		}
	}
	return out
}

// strange is how far a name is from being that of a log.
func strange(path string) (n int) {
	if real, err := filepath.EvalSymlinks(path); err == nil && real != filepath.Clean(path) {
		n++ // by way of a folder that is a link
	}
	if isLink(path) {
		n += 2
	}
	if nameOf(path).key != "" {
		n += 4
	}
	return n
}

// onceThere is once for files on a host.
func onceThere(files []remoteStat) (out []remoteStat) {
	strange := func(f remoteStat) (n int) {
		if f.link {
			n = 2
		}
		if nameOf(f.path).key != "" {
			n += 4
		}
		return n
	}
	best := map[string]remoteStat{}
	for _, f := range files {
		if other, twice := best[f.ident]; !twice || strange(f) < strange(other) {
			best[f.ident] = f
		}
	}
	for _, f := range files {
		if best[f.ident].path == f.path {
			out = append(out, f)
		}
	}
	return out
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// filesOnce leaves out files of sources that another name has already.
func filesOnce(sources []logs.Source) []logs.Source {
	var paths []string
	for _, src := range sources {
		for _, part := range src.Parts {
			if f, ok := part.(*File); ok {
				paths = append(paths, f.path)
			}
		}
	}
	use := map[string]bool{}
	for _, path := range once(paths) {
		use[path] = true
	}
	if len(use) == len(paths) {
		return sources
	}
	again := func(part logs.Part) bool {
		f, ok := part.(*File)
		return ok && !use[f.path]
	}
	out := sources[:0]
	for _, src := range sources {
		if src.Parts = slices.DeleteFunc(src.Parts, again); len(src.Parts) > 0 {
			out = append(out, src)
		}
	}
	return out
}

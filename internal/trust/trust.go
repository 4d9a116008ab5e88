// Package trust refuses files and folders that somebody else could have changed,
// as ssh and sudo do: a configuration holds commands that root runs, a lock file
// is written to. Trusted are the user that the process runs as, and root.
package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
)

// Error says why a path is not trusted, and what to type.
type Error struct {
	Path string
	Why  lang.Msg
	Fix  string // a command; "" where there is none
}

// Msg is the reason as a sentence.
func (e *Error) Msg() lang.Msg { return lang.M("%s: %s", e.Path, e.Why) }

func (e *Error) Error() string { return e.Msg().String() }

// Path refuses a file or folder that others may write, or whose folder or any
// folder above it they may: they could put another one in its place. A folder
// like /tmp, in which nobody may rename what is another's, is no danger. What
// does not exist is checked as far up as it does. The error is a *Error.
func Path(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if path == "/" {
			return nil
		}
		return Path(filepath.Dir(path))
	case err != nil:
		return nil // who may not look here may not use it either, and is told so there
	}
	if err := chain(real, false); err != nil {
		return err
	}
	if real != path { // a link is as good as the folder that it is in
		return chain(filepath.Dir(path), true)
	}
	return nil
}

// chain checks a path and every folder above it.
func chain(path string, parent bool) error {
	for ; ; path, parent = filepath.Dir(path), true {
		info, err := os.Stat(path)
		if err != nil {
			return nil
		}
		if err := check(path, info, parent); err != nil {
			return err
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

func check(path string, info fs.FileInfo, parent bool) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if !trusted(st.Uid) && !Remote(path) {
		return &Error{Path: path, Why: lang.M("it belongs to another user (uid %d), who can change it", st.Uid),
			Fix: "chown " + strconv.Itoa(os.Geteuid()) + " " + path}
	}
	if sticky := info.Mode()&fs.ModeSticky != 0; sticky && parent {
		return nil
	}
	if info.Mode().Perm()&0o002 != 0 {
		return &Error{Path: path, Why: lang.M("every user can write to it"), Fix: "chmod go-w " + path}
	}
	if info.Mode().Perm()&0o020 != 0 && !ownGroup(st.Gid) {
		return &Error{Path: path, Why: lang.M("its group can write to it"), Fix: "chmod go-w " + path}
	}
	return nil
}

func trusted(uid uint32) bool { return uid == 0 || int(uid) == os.Geteuid() }

// ownGroup tells whether a group has only trusted members: root's, and the group
// of the same number that many systems give each user.
func ownGroup(gid uint32) bool {
	return gid == 0 || int(gid) == os.Getegid() && os.Getegid() == os.Geteuid()
}

// Remote tells whether a path is on a file system of another machine. It may show other
// owners than that keeps (NFS makes root nobody), and locks that are not seen there.
func Remote(path string) bool {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return false
	}
	switch int64(st.Type) {
	case unix.NFS_SUPER_MAGIC,
		unix.SMB_SUPER_MAGIC,
		0xff534d42, /* CIFS */
		0xfe534d42, /* SMB2 */
		unix.FUSE_SUPER_MAGIC:
		return true
	}
	return false
}

// Open opens a file that the process writes to. A symbolic or second hard link is
// refused, for it may lead to any file of the system, as is what is not a file.
// flags and perm are those of os.OpenFile. The error is then a *Error.
func Open(path string, flags int, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, perm)
	if errors.Is(err, unix.ELOOP) {
		return nil, &Error{
			Path: path,
			Why:  lang.M("it is a symbolic link, and may lead to any file"),
			Fix:  "rm " + path,
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if err := plain(path, info); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func plain(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &Error{Path: path, Why: lang.M("it is not a file"), Fix: "rm " + path}
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
		return &Error{Path: path, Why: lang.M("it has a second hard link, and may be any file"), Fix: "rm " + path}
	}
	return check(path, info, false)
}

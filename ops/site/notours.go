package site

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
)

// NotOurs explains the error of a file that this user may not use, or whose file system takes no
// writes, and says what to do. ok is false for other errors.
func NotOurs(err error) (what, next lang.Msg, ok bool) {
	path := ""
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		path = file.Path
	} else if link := (*os.LinkError)(nil); errors.As(err, &link) {
		path = link.New
	}
	if !filepath.IsAbs(path) {
		return what, next, false
	}
	switch {
	case errors.Is(err, syscall.EROFS):
		what, see := doctor.Unwritable(path, err)
		return what, lang.M("find out why: %s", see), true
	case errors.Is(err, fs.ErrPermission):
		what = lang.M("this user has no permission for %s", path)
		if owner := ownerOf(path); owner != "" {
			return what, lang.M("it belongs to %s: run this as that user, with sudo -u %s", owner, owner), true
		}
		_, see := doctor.Unwritable(path, err)
		return what, lang.M("find out why: %s", see), true
	}
	return what, next, false
}

// Known adds the next step of NotOurs to a sentence that has none.
func Known(e *ops.Error) *ops.Error {
	if e.Err == nil || !e.Hint.Empty() {
		return e
	}
	if _, next, ok := NotOurs(e.Err); ok {
		return e.WithHint(next)
	}
	return e
}

// ownerOf is who owns what is there of a path, if that is another user.
func ownerOf(path string) string {
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		var st syscall.Stat_t
		switch err := syscall.Lstat(at, &st); {
		case err == nil && int(st.Uid) == os.Geteuid():
			return ""
		case err == nil:
			id := strconv.Itoa(int(st.Uid))
			if u, err := user.LookupId(id); err == nil {
				return u.Username
			}
			return "#" + id // as sudo takes it
		case at == filepath.Dir(at):
			return ""
		}
	}
}

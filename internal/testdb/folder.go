package testdb

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"opsdeck/internal/testenv"
)

const (
	folderPrefix  = "opsdeck-db-"
	folderUnnamed = "opsdeck-dbnew-" // what is not swept
)

// folders is the one folder of this test process, below which every server has
// its own. It holds a locked file for as long as the process lives, so that a
// later process knows a folder whose owner was killed.
var folders struct {
	sync.Mutex
	root  string
	held  *os.File
	count int
	live  map[*process]bool
}

// newFolder makes a folder for one server. Its path is short, because a socket's
// may not be longer than about 100 bytes.
func newFolder(name string) (string, error) {
	folders.Lock()
	defer folders.Unlock()
	if folders.root == "" {
		sweep(testenv.Temp())
		root, held, err := holdFolder(testenv.Temp())
		if err != nil {
			return "", err
		}
		folders.root, folders.held = root, held
	}
	folders.count++
	dir := filepath.Join(folders.root, fmt.Sprintf("%s%d", name, folders.count))
	return dir, os.Mkdir(dir, 0o700)
}

// holdFolder makes a folder with its locked file. It has the name by which others
// sweep only once the lock is held: one without would be taken for a dead process's.
func holdFolder(tmp string) (root string, held *os.File, err error) {
	unnamed, err := os.MkdirTemp(tmp, folderUnnamed)
	if err != nil {
		return "", nil, err
	}
	if held, err = os.Create(filepath.Join(unnamed, "held")); err != nil {
		return "", nil, err
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return "", nil, fmt.Errorf("lock %s: %w", held.Name(), err)
	}
	root = filepath.Join(tmp, folderPrefix+strings.TrimPrefix(filepath.Base(unnamed), folderUnnamed))
	return root, held, os.Rename(unnamed, root)
}

// sweep removes the folders of test processes that were killed before they could
// clean up, and ends what still runs there.
func sweep(tmp string) {
	stale, _ := filepath.Glob(filepath.Join(tmp, folderPrefix+"*"))
	for _, root := range stale {
		held, err := os.OpenFile(filepath.Join(root, "held"), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			killRecorded(root)
			os.RemoveAll(root)
		}
		held.Close()
	}
}

// killRecorded kills the processes recorded in a folder's pid files, provided
// that their command line still names the folder: a number can have a new owner.
func killRecorded(root string) {
	files, _ := filepath.Glob(filepath.Join(root, "*", "pid"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || pid <= 1 {
			continue
		}
		about, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if strings.Contains(string(about)+string(environ), root+"/") {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// cleanUp kills every server of this test process and removes its folder.
func cleanUp() {
	folders.Lock()
	root, held := folders.root, folders.held
	live := make([]*process, 0, len(folders.live))
	for p := range folders.live {
		live = append(live, p)
	}
	folders.root, folders.held = "", nil
	folders.Unlock()
	for _, p := range live {
		p.kill()
	}
	if root != "" {
		os.RemoveAll(root)
		held.Close()
	}
}

package dump

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteback asks the kernel to begin writing a range to the disk. It is
// only a wish: the fsync at the end is what counts.
func beginWriteback(f *os.File, from, length int64) {
	unix.SyncFileRange(int(f.Fd()), from, length, unix.SYNC_FILE_RANGE_WRITE)
}

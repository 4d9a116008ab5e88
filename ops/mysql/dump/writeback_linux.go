package dump

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteback asks the kernel to start writing a range to the disk. It is only a hint:
// the fsync at the end counts.
func beginWriteback(f *os.File, from, length int64) {
	unix.SyncFileRange(int(f.Fd()), from, length, unix.SYNC_FILE_RANGE_WRITE)
}

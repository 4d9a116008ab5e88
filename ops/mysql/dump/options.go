// Package dump makes backups of MySQL and MariaDB, as complete as mysqldump's and several
// times as fast, without other tools.
//
// A backup is one file of members that can be decompressed separately; together, in order,
// they are plain SQL that `zcat FILE | mysql` restores. Rows are read over several
// connections with the same snapshot, in chunks by key, hashed while they are read
// (ops/mysql/checksum) and compressed in parallel. The file gets its final name when it is
// complete and durable, then its manifest does.
//
// A backup that cannot be faithful is refused before the first row.
package dump

import (
	"io"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Options configure a dump.
type Options struct {
	Databases []string // in file order; empty with All
	All       bool     // every database except the system's
	Tables    []string // of the one database; empty means all tables and all other objects
	Where     string   // condition on the rows of Tables; a restore then does not drop the tables
	NoData    bool     // definitions only
	NoHistory bool     // only the current rows of system-versioned tables
	Broken    bool     // omit, with a warning, views that no longer work
	Former    *Former  // of the one database whose tables were renamed into Databases; nil if they were not

	Jobs       int           // connections that read rows; 0 is 2, but not more than the cores
	Compress   string        // "gzip" (default) or "zstd"
	Recipients []string      // age public keys; none means no encryption
	LockWait   time.Duration // longest wait for a lock; 0 is 15 s
	BytesRate  int64         // maximum SQL text per second; 0 is no limit
	Threads    int           // pause while more threads run on the server; 0 is no limit

	// Refuses judges a member with definitions as a load of the backup will: it returns why
	// a load refuses the member, or "". Nil means that nothing is judged.
	Refuses func(m backup.Member, text []byte) string

	Kind   string    // the manifest's: "manual", "scheduled", "emergency", "archive"
	Doubt  string    // the manifest's: the restore that cannot be read
	Tool   string    // the manifest's: "opsdeck 1.2.3"
	Out    io.Writer // destination of the backup's bytes, in order; nil is the file
	Report func(ops.Progress)
	Now    func() time.Time // nil is time.Now
}

const (
	defaultLockWait = 15 * time.Second
	statementBytes  = 1 << 20 // of one INSERT, unless a single row is longer
	memberBytes     = 4 << 20 // of a member's text, unless a single row is longer
)

// reportEvery is the shortest interval between progress reports; tests get all of them.
var reportEvery = 100 * time.Millisecond

// chunkBytes is the planned size of one range query; tests reduce it.
var chunkBytes int64 = 8 << 20

// sqlMode is the session's mode in the file's header: rows with id 0 keep it, zero and
// impossible dates stay unchanged, and nothing that the original server stored is refused.
const sqlMode = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"

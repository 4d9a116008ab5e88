// Package dump makes backups of MySQL and MariaDB, as good as mysqldump's and
// several times as fast, with no other tool.
//
// A backup is one file of members that each decompress on their own; the text
// of all of them in order is plain SQL that `zcat FILE | mysql` restores. Rows
// are read over several connections that see one moment, written by key in
// chunks, hashed as they come (ops/mysql/checksum) and compressed side by side.
// The file gets its name when it is whole and durable, its manifest after it.
//
// What a backup cannot hold faithfully stops it before the first row.
package dump

import (
	"io"
	"time"

	"opsdeck/ops"
)

// Options say what to dump and how.
type Options struct {
	Databases []string // in file order; empty with All
	All       bool     // every database but the system's
	Tables    []string // of the one database; empty is all tables and all other objects
	Where     string   // condition on the rows of Tables; the tables are then not dropped by a restore
	NoData    bool     // definitions only
	NoHistory bool     // the current rows only of system-versioned tables
	Broken    bool     // leave out, with a warning, views that no longer work
	Former    *Former  // of the one database, whose tables were renamed into Databases; nil: it is itself

	Jobs       int           // connections that read rows; 0 is 2, at most the cores
	Compress   string        // "gzip" (default) or "zstd"
	Recipients []string      // age public keys; none is no encryption
	LockWait   time.Duration // the longest wait for a lock; 0 is 15 s
	BytesRate  int64         // SQL text per second at most; 0 is no bound
	Threads    int           // pause while more threads run on the server; 0 is no bound

	Kind   string    // the manifest's: "manual", "scheduled", "emergency", "archive"
	Tool   string    // the manifest's: "opsdeck 1.2.3"
	Out    io.Writer // the backup's bytes go here, in order; nil is the file
	Report func(ops.Progress)
	Now    func() time.Time // nil is time.Now
}

const (
	defaultLockWait = 15 * time.Second
	statementBytes  = 1 << 20 // of one INSERT, unless a single row is longer
	memberBytes     = 4 << 20 // of a member's text, unless a single row is longer
)

// reportEvery is how often progress is told at most; tests have all of it told.
var reportEvery = 100 * time.Millisecond

// chunkBytes is how much table data one range query is planned to read; tests
// make it small.
var chunkBytes int64 = 8 << 20

// sqlMode is the header's: rows with id 0 keep it, zero and impossible dates
// stay what they are, and nothing is refused that the original server held.
const sqlMode = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"

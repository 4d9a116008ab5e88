// Package backup defines a backup: its manifest, its name and tier, the inventory,
// retention and verification. It decides; adapters do the I/O with servers and copies.
package backup

import "time"

// ManifestVersion is the format version that opsdeck writes. A reader refuses a newer
// one.
const ManifestVersion = 1

// ManifestSuffix is appended to a backup's name to get its manifest's.
const ManifestSuffix = ".manifest.json"

// Manifest describes one backup file. It is stored next to it as FILE.manifest.json and
// written last: a file with a manifest is complete.
type Manifest struct {
	FormatVersion int       `json:"format_version"`
	Tool          string    `json:"tool"`              // "opsdeck 1.2.3"
	Engine        string    `json:"engine"`            // "native", "mysqldump", "mariadb-dump"
	Kind          string    `json:"kind"`              // "manual", "scheduled", "emergency", "archive"
	File          string    `json:"file"`              // base name of the backup
	Machine       string    `json:"machine,omitempty"` // the host name of the machine that made it
	Server        Server    `json:"server"`
	Databases     []string  `json:"databases"` // in file order; the first is what a restore restores
	StartedAt     time.Time `json:"started_at"`
	FinishedAt    time.Time `json:"finished_at"`
	SnapshotAt    time.Time `json:"snapshot_at"` // the moment of the rows
	Consistent    bool      `json:"consistent"`  // proved to be of one moment
	// Consistency is the method that made the snapshot consistent: "ftwrl",
	// "backup-stage", "lock-tables", "timestamp", "single-connection", "engine" or
	// "none". Early versions also wrote "binlog-position", which proves nothing: a
	// commit that is not logged does not move the position.
	Consistency string   `json:"consistency"`
	Position    Position `json:"position"`
	Sources     []Source `json:"sources,omitempty"`  // of a replica, one per channel
	Warnings    []string `json:"warnings,omitempty"` // e.g. tables outside the snapshot

	Compression string `json:"compression"` // "gzip" or "zstd"
	Encrypted   bool   `json:"encrypted,omitempty"`
	Partial     bool   `json:"partial,omitempty"` // only some tables or rows
	Where       string `json:"where,omitempty"`
	NoData      bool   `json:"no_data,omitempty"`
	// Unseen names the databases whose routines of other users the backup's user could not
	// see: if there are any, they are missing.
	Unseen []string `json:"unseen,omitempty"`
	// Doubt is the restore that could not be read while the backup was made: whether the
	// database was whole is unknown.
	Doubt string `json:"doubt,omitempty"`

	Tables  []Table  `json:"tables"`
	Objects []Object `json:"objects,omitempty"` // views, routines, triggers, events, sequences
	// in file order, covering the file without gaps; empty for foreign engines
	Members []Member `json:"members,omitempty"`

	SizeBytes int64  `json:"size_bytes"` // of the file
	RawBytes  int64  `json:"raw_bytes"`  // of the SQL text
	SHA256    string `json:"sha256"`     // of the file, hex
}

// Server is what the backup was read from.
type Server struct {
	Flavour   string `json:"flavour"` // "mysql" or "mariadb"
	Version   string `json:"version"` // as VERSION() says
	Charset   string `json:"charset"`
	Collation string `json:"collation"`
	SQLMode   string `json:"sql_mode"`
	TimeZone  string `json:"time_zone"`
	// Identity is which server it is: its server_uuid, or host name, port and data folder; ""
	// in early manifests.
	Identity string `json:"identity,omitempty"`
}

// Position is the binlog position of the snapshot; empty when unknown.
type Position struct {
	File string `json:"file,omitempty"`
	Pos  uint64 `json:"pos,omitempty"`
	GTID string `json:"gtid,omitempty"`
	// Server is whose log it is: its server_uuid, or "id-N" for MariaDB; "" in early manifests.
	Server string `json:"server,omitempty"`
	// ClockFrom and ClockTo are the server's clock before and after the place was read: two
	// logs of one server may have files of one name.
	ClockFrom time.Time `json:"clock_from,omitzero"`
	ClockTo   time.Time `json:"clock_to,omitzero"`
	// Log tells when and by which server the log file was created; "" in early manifests, and
	// without the privilege to read the log.
	Log string `json:"log,omitempty"`
}

// Source is how far a replica had applied a source's log at the snapshot: the position
// to roll forward from. What is not known exactly is empty. MariaDB has one GTID
// position for all sources.
type Source struct {
	Channel string `json:"channel,omitempty"`
	Host    string `json:"host,omitempty"`
	Port    int    `json:"port,omitempty"`
	File    string `json:"file,omitempty"`
	Pos     uint64 `json:"pos,omitempty"`
	GTID    string `json:"gtid,omitempty"`
	Server  string `json:"server,omitempty"` // as Position.Server; "" when not known
}

// Table is one base table. Checksum is the sum modulo 2^128 of the rows' hashes (see
// ops/mysql/checksum), in hex: the same rows in any order give the same sum, and a
// duplicated row changes it. An empty Checksum means that the rows were not counted
// either, as with a foreign engine; then Rows is 0. Transactional is false when the
// table is outside the snapshot.
type Table struct {
	Database       string `json:"database"`
	Name           string `json:"name"`
	Engine         string `json:"engine"`
	Rows           int64  `json:"rows"`
	Checksum       string `json:"checksum,omitempty"`
	DefinitionHash string `json:"definition_hash,omitempty"` // SHA-256, hex, of the normalised SHOW CREATE TABLE
	Transactional  bool   `json:"transactional"`
	History        bool   `json:"history,omitempty"` // rows include all versions of a system-versioned table
	// DefinitionOnly means that the backup holds no rows of the table because the table
	// stores none: its engine shows rows of other tables, files or servers, or keeps
	// none.
	DefinitionOnly bool `json:"definition_only,omitempty"`
	// NotLoadable is why a load cannot create it, though the file holds it; "" if it can.
	NotLoadable string `json:"not_loadable,omitempty"`
	DataBytes   int64  `json:"data_bytes,omitempty"` // raw bytes of its row members
}

// Object is anything in a schema other than a base table.
type Object struct {
	Database       string `json:"database"`
	Kind           string `json:"kind"` // "view", "procedure", "function", "trigger", "event", "sequence", "package" …
	Name           string `json:"name"`
	Table          string `json:"table,omitempty"` // a trigger's
	Definer        string `json:"definer,omitempty"`
	DefinitionHash string `json:"definition_hash,omitempty"`
	// NotLoadable is as in Table.
	NotLoadable string `json:"not_loadable,omitempty"`
}

// Member kinds, in the order of the file. Each member decompresses on its own; the texts
// of all members in order are a dump that a plain client can load.
const (
	MemberHeader   = "header"   // session settings
	MemberDatabase = "database" // CREATE DATABASE, USE
	MemberTable    = "table"    // a table's DDL, or a sequence's
	MemberRows     = "rows"     // INSERTs of a chunk
	MemberObject   = "object"   // a view, routine, trigger, event
	MemberTrailer  = "trailer"  // restores session settings, "-- Dump completed"
)

// Member is one gzip member, or zstd frame, of the file.
type Member struct {
	Kind       string `json:"kind"`
	Database   string `json:"database,omitempty"`
	Object     string `json:"object,omitempty"`      // table or object name
	ObjectKind string `json:"object_kind,omitempty"` // for MemberObject: as Object.Kind; "view-placeholder" too
	Offset     int64  `json:"offset"`
	Length     int64  `json:"length"`
	RawLength  int64  `json:"raw_length"`
	Rows       int64  `json:"rows,omitempty"`
	KeyFrom    string `json:"key_from,omitempty"` // inclusive, as an SQL literal list
	KeyTo      string `json:"key_to,omitempty"`   // exclusive
	SHA256     string `json:"sha256"`             // of the compressed bytes, hex
}

package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// maxManifest limits the size of a manifest file, in bytes: a million members need less.
const maxManifest = 512 << 20

// ErrNoManifest says that another tool made the backup.
var ErrNoManifest = errors.New("no manifest")

// sealed is a manifest as stored: with a hash of everything before the seal, so that any
// flipped byte is found.
type sealed struct {
	Manifest
	Seal string `json:"seal"`
}

const sealKey = "\n  \"seal\": \""

// EncodeManifest returns a manifest as stored, with its seal.
func EncodeManifest(m *Manifest) ([]byte, error) {
	text, err := json.MarshalIndent(sealed{Manifest: *m}, "", "  ")
	if err != nil {
		return nil, err
	}
	head := text[:bytes.LastIndex(text, []byte(sealKey))]
	sum := sha256.Sum256(head)
	return []byte(string(head) + sealKey + hex.EncodeToString(sum[:]) + "\"\n}\n"), nil
}

// ReadManifest reads and validates the manifest of the backup at path. The error is
// ErrNoManifest (wrapped) when there is none, else a sentence for people.
func ReadManifest(path string) (*Manifest, error) {
	f, err := regular.Open(path + ManifestSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoManifest)
	}
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the manifest cannot be read"))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, ops.E(ops.Failed, lang.M("the manifest is not a plain file"))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the manifest cannot be read"))
	}
	return DecodeManifest(text)
}

// DecodeManifest reads and validates the text of a manifest.
func DecodeManifest(text []byte) (*Manifest, error) {
	if len(text) > maxManifest {
		return nil, ops.E(ops.Failed, lang.M("the file is too large to be a manifest"))
	}
	var version struct {
		FormatVersion int `json:"format_version"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the manifest is damaged: not JSON"))
	}
	if version.FormatVersion > ManifestVersion {
		return nil, ops.E(ops.Failed,
			lang.M("the manifest has format %d, this opsdeck reads up to %d", version.FormatVersion, ManifestVersion)).
			WithHint(lang.M("use the opsdeck that made the backup, or a newer one"))
	}
	var m sealed
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the manifest is damaged"))
	}
	if err := checkSeal(text, m.Seal); err != nil {
		return nil, err
	}
	if err := m.Manifest.Validate(); err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the manifest contradicts itself"))
	}
	if m.Consistency == ByPosition { // an early version took it for proof
		m.Consistent = false
	}
	return &m.Manifest, nil
}

// ByPosition is a Consistency that proves nothing: all connections saw one binlog
// position, but unlogged commits do not move it.
const ByPosition = "binlog-position"

func checkSeal(text []byte, seal string) error {
	if seal == "" && !bytes.Contains(text, []byte(`"seal"`)) {
		return nil // not written by WriteManifest: only Validate applies
	}
	at := bytes.LastIndex(text, []byte(sealKey))
	if at >= 0 {
		sum := sha256.Sum256(text[:at])
		want := sealKey + hex.EncodeToString(sum[:]) + "\"\n}\n"
		if string(text[at:]) == want {
			return nil
		}
	}
	return ops.E(ops.Failed, lang.M("the manifest was changed after it was written"))
}

// Validate returns an error for contents of a manifest that cannot be true.
func (m *Manifest) Validate() error {
	switch {
	case m.FormatVersion < 1:
		return fmt.Errorf("format version %d", m.FormatVersion)
	case !baseName(m.File):
		return fmt.Errorf("file %q is not a plain name", m.File)
	case m.SizeBytes < 0 || m.RawBytes < 0:
		return fmt.Errorf("negative size")
	case !isHash(m.SHA256):
		return fmt.Errorf("file hash %q", m.SHA256)
	case len(m.Databases) == 0:
		return fmt.Errorf("no database")
	}
	known := map[string]bool{}
	for _, db := range m.Databases {
		if db == "" || known[db] {
			return fmt.Errorf("database %q", db)
		}
		known[db] = true
	}
	rows, err := m.tableRows(known)
	if err != nil {
		return err
	}
	return m.checkMembers(known, rows)
}

func (m *Manifest) tableRows(known map[string]bool) (map[[2]string]int64, error) {
	rows := make(map[[2]string]int64, len(m.Tables))
	for _, t := range m.Tables {
		key := [2]string{t.Database, t.Name}
		_, twice := rows[key]
		switch {
		case t.Name == "" || !known[t.Database] || twice:
			return nil, fmt.Errorf("table %q.%q", t.Database, t.Name)
		case t.Rows < 0 || t.DataBytes < 0:
			return nil, fmt.Errorf("table %q: negative count", t.Name)
		}
		rows[key] = t.Rows
	}
	for _, o := range m.Objects {
		if o.Name == "" || !known[o.Database] {
			return nil, fmt.Errorf("%s %q.%q", o.Kind, o.Database, o.Name)
		}
	}
	return rows, nil
}

// checkMembers checks that the members cover the file without gaps, and that their rows
// add up to the tables' rows.
func (m *Manifest) checkMembers(known map[string]bool, rows map[[2]string]int64) error {
	if len(m.Members) == 0 {
		return nil
	}
	var offset, raw int64
	for i, x := range m.Members {
		switch {
		case x.Offset != offset:
			return fmt.Errorf("member %d begins at %d, not at %d", i, x.Offset, offset)
		case x.Length <= 0 || x.RawLength < 0 || x.Rows < 0 || x.Length > m.SizeBytes-offset && !m.Encrypted:
			return fmt.Errorf("member %d: length %d, raw %d, rows %d", i, x.Length, x.RawLength, x.Rows)
		case !isHash(x.SHA256):
			return fmt.Errorf("member %d: hash %q", i, x.SHA256)
		case x.Database != "" && !known[x.Database]:
			return fmt.Errorf("member %d: database %q", i, x.Database)
		}
		offset += x.Length
		raw += x.RawLength
		if x.Kind == MemberRows {
			key := [2]string{x.Database, x.Object}
			if _, ok := rows[key]; !ok {
				return fmt.Errorf("member %d: rows of %q, which is no table", i, x.Object)
			}
			rows[key] -= x.Rows
		}
	}
	switch {
	case offset != m.SizeBytes && !m.Encrypted:
		return fmt.Errorf("members end at %d, the file at %d", offset, m.SizeBytes)
	case raw != m.RawBytes:
		return fmt.Errorf("members hold %d raw bytes, the file %d", raw, m.RawBytes)
	case m.Members[0].Kind != MemberHeader || m.Members[len(m.Members)-1].Kind != MemberTrailer:
		return fmt.Errorf("no header or no trailer")
	}
	for key, left := range rows {
		if left != 0 {
			return fmt.Errorf("table %q: its members' rows are off by %d", key[1], left)
		}
	}
	return nil
}

// DefinitionsOnly names the tables of which the backup has only the definition.
func (m *Manifest) DefinitionsOnly() lang.Msg {
	var names []string
	for _, t := range m.Tables {
		if t.DefinitionOnly {
			names = append(names, t.Name+" ("+t.Engine+")")
		}
	}
	if len(names) == 0 {
		return lang.Msg{}
	}
	return lang.M("only the definitions of these tables are in the backup, their rows are elsewhere: %s",
		lang.List(names))
}

// NotLoadable says, a sentence each, what the file holds and a load cannot create.
func (m *Manifest) NotLoadable() (said []lang.Msg) {
	for _, t := range m.Tables {
		if t.NotLoadable != "" {
			said = append(said, notLoadable("table", t.Name, t.NotLoadable))
		}
	}
	for _, o := range m.Objects {
		if o.NotLoadable != "" {
			said = append(said, notLoadable(o.Kind, o.Name, o.NotLoadable))
		}
	}
	return said
}

// Lacks says, a sentence each, what a load of the file cannot bring back.
func (m *Manifest) Lacks() (said []lang.Msg) {
	if w := m.DefinitionsOnly(); !w.Empty() {
		said = append(said, w)
	}
	return append(said, m.NotLoadable()...)
}

func notLoadable(kind, name, why string) lang.Msg {
	return lang.M("the %s %s is in the file, but a restore cannot create it and asks to leave it out: %s",
		kind, name, why)
}

// LeavesOut lists what a load of a database has to leave out, each as "function f".
func (m *Manifest) LeavesOut(database string) (names []string) {
	for _, t := range m.Tables {
		if t.NotLoadable != "" && t.Database == database {
			names = append(names, "table "+t.Name)
		}
	}
	for _, o := range m.Objects {
		if o.NotLoadable != "" && o.Database == database {
			names = append(names, o.Kind+" "+o.Name)
		}
	}
	return names
}

// Rows is the number of rows in all tables.
func (m *Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

func baseName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/\x00") && len(s) <= 255
}

func isHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

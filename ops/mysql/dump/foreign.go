package dump

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Foreign makes backups with the server's own tool: mysqldump or mariadb-dump of this
// machine, else of the server's container. Its text is stored unchanged, as one member.
// The manifest has the row counts that Inspect finds in the text, and no checksums.
type Foreign struct {
	Container string // of docker; "" for none
	// Inspect reads the tool's text while it is written and returns its contents; nil leaves
	// the rows uncounted.
	Inspect func(ctx context.Context, text io.Reader) (*backup.DumpContents, error)
}

// Run is dump.Run with the server's own tool. A failure anywhere in the pipeline, or a
// dump without its last line, is an error, and leaves no files.
func (f Foreign) Run(ctx context.Context, target mysql.Target, opts Options, path string) (*backup.Manifest, error) {
	d := &dumper{opts: opts, target: target, now: opts.Now}
	d.defaults()
	m, err := f.dump(ctx, d, path)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, d.explain(err)
	}
	return m, nil
}

func (f Foreign) dump(ctx context.Context, d *dumper, path string) (*backup.Manifest, error) {
	m := &backup.Manifest{
		FormatVersion: backup.ManifestVersion,
		Machine:       machine(),
		Tool:          d.opts.Tool,
		Kind:          d.opts.Kind,
		File:          filepath.Base(path),
		StartedAt:     d.now(),
		Compression:   d.opts.Compress,
		Where:         d.opts.Where,
		NoData:        d.opts.NoData,
		Doubt:         d.opts.Doubt,
		Partial:       len(d.opts.Tables) > 0 || d.opts.Where != "",
		Consistency:   "engine",
	}
	inv, err := f.look(ctx, d, m)
	if err != nil {
		return nil, err
	}
	still, done, err := f.places(ctx, d, inv)
	if err != nil {
		return nil, err
	}
	defer done()
	cmd, cleanup, err := f.command(ctx, d, inv)
	if err != nil {
		return nil, err
	}
	defer cleanup()
	m.Engine = filepath.Base(toolOf(cmd.Args))
	if d.file, err = createFile(path, d.opts); err != nil {
		return nil, err
	}
	defer d.file.abort()
	m.SnapshotAt = d.now()
	contents, err := f.copy(ctx, d, cmd)
	if err != nil {
		return nil, err
	}
	if err := still(); err != nil {
		return nil, err
	}
	after, err := f.look(ctx, d, &backup.Manifest{})
	if err != nil {
		return nil, err
	}
	if changed := inv.differs(after, false); changed != "" {
		return nil, changedError(changed, nil)
	}
	m.FinishedAt = d.now()
	d.pipeline = newPipeline(1)
	d.summarise(inv, &snapshot{}, m)
	m.Warnings = append(m.Warnings, losesTypes(d, inv, m.Engine)...)
	if err := counted(m, contents); err != nil {
		return nil, err
	}
	err = d.commit(m, path)
	return m, err
}

// counted records in the manifest what the text has of each table. A table that is missing
// from the text fails the backup.
func counted(m *backup.Manifest, contents *backup.DumpContents) error {
	if contents == nil {
		return nil
	}
	type key struct{ schema, table string }
	held := map[key]backup.DumpTable{}
	for _, s := range contents.Schemas {
		schema := s.Name
		if schema == "" {
			schema = m.Databases[0] // with --tables the text names no database
		}
		for _, t := range s.Tables {
			held[key{schema, t.Name}] = t
		}
	}
	for i := range m.Tables {
		t := &m.Tables[i]
		found, ok := held[key{t.Database, t.Name}]
		if !ok {
			return ops.E(
				ops.Failed,
				lang.M("%s omitted the table %s; nothing was kept", m.Engine, schema.Name(t.Database, t.Name)),
			)
		}
		t.Rows, t.DataBytes = found.Rows, found.Bytes
		t.DefinitionOnly = t.DefinitionOnly && t.Rows == 0
	}
	return nil
}

// look takes the inventory: the objects that must be in the dump and whether the user can
// read them.
func (f Foreign) look(ctx context.Context, d *dumper, m *backup.Manifest) (*inventory, error) {
	db, c, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	defer c.Close()
	if m.Server, err = describeServer(ctx, c, d.maria); err != nil {
		return nil, err
	}
	return d.takeInventory(ctx, c)
}

// places takes note of the tables' identities: after a RENAME the tool reads the rows of
// another table, and does not notice. still fails if a table changed places since. Where an
// identity is not known, that is a warning: a lock against DDL would let the tool wait for
// the DDL that waits for the lock.
func (f Foreign) places(ctx context.Context, d *dumper, inv *inventory) (still func() error, done func(), err error) {
	db, c, err := d.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	n, err := d.newNames(ctx, db, c, inv.databases)
	if err != nil {
		c.Close()
		db.Close()
		return nil, nil, err
	}
	n.close()
	if len(n.lock) > 0 {
		d.notes = append(d.notes, "the user lacks PROCESS: if tables changed places during the backup (RENAME TABLE, "+
			"EXCHANGE PARTITION), this was not noticed")
	}
	return func() error { return n.check(ctx, c) }, func() {
		c.Close()
		db.Close()
	}, nil
}

var tools = map[bool][]string{false: {"mysqldump", "mariadb-dump"}, true: {"mariadb-dump", "mysqldump"}}

// command is the tool's command. The password is passed in an in-memory options file, or
// in the environment inside the container: never in argv, never on a disk.
func (f Foreign) command(ctx context.Context, d *dumper, inv *inventory) (*exec.Cmd, func(), error) {
	for _, tool := range tools[d.maria] {
		if path, err := exec.LookPath(tool); err == nil {
			return f.local(ctx, d, inv, path)
		}
	}
	docker, err := exec.LookPath("docker")
	if err != nil || f.Container == "" {
		return nil, nil, ops.E(ops.Config, lang.M("neither mysqldump nor mariadb-dump is installed")).
			WithHint(lang.M("use --engine native, which needs no other tool"))
	}
	tool, maria := f.contained(ctx, docker, tools[d.maria])
	if err := unwritable(d, inv, tool, maria); err != nil {
		return nil, nil, err
	}
	freed, err := shed(ctx, d, tool, exec.CommandContext(ctx, docker, "exec", f.Container, tool, "--help"))
	if err != nil {
		return nil, nil, err
	}
	args := append(
		[]string{"exec", "-e", "MYSQL_PWD", f.Container, tool, "--user=" + d.target.User},
		append(freed, f.arguments(d, inv, maria)...)...)
	cmd := exec.CommandContext(ctx, docker, args...)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+d.target.Password)
	return cmd, func() {}, nil
}

// contained finds out which of the tools the container has, and whether it is MariaDB's.
// If it has none, the first is used, for its error message.
func (f Foreign) contained(ctx context.Context, docker string, names []string) (tool string, maria bool) {
	for _, name := range names {
		if says, err := exec.CommandContext(ctx, docker, "exec", f.Container, name, "--version").Output(); err == nil {
			return name, bytes.Contains(says, []byte("MariaDB"))
		}
	}
	return names[0], false
}

func (f Foreign) local(ctx context.Context, d *dumper, inv *inventory, tool string) (*exec.Cmd, func(), error) {
	says, _ := exec.CommandContext(ctx, tool, "--version").Output()
	maria := bytes.Contains(says, []byte("MariaDB"))
	if err := unwritable(d, inv, filepath.Base(tool), maria); err != nil {
		return nil, nil, err
	}
	freed, err := shed(ctx, d, filepath.Base(tool), exec.CommandContext(ctx, tool, "--no-defaults", "--help"))
	if err != nil {
		return nil, nil, err
	}
	file, err := secret(optionsText(d.target, maria))
	if err != nil {
		return nil, nil, err
	}
	args := append(freed, f.arguments(d, inv, maria)...)
	cmd := exec.CommandContext(ctx, tool, append([]string{"--defaults-file=/dev/fd/3"}, args...)...)
	cmd.ExtraFiles = []*os.File{file}
	return cmd, func() { file.Close() }, nil
}

func optionsText(t mysql.Target, mariaTool bool) string {
	quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
	text := "[client]\nuser=" + quote(t.User) + "\npassword=" + quote(t.Password) + "\n" +
		encryption(t.Client, mariaTool, quote)
	if t.Network == "unix" {
		return text + "socket=" + quote(t.Addr) + "\n"
	}
	host, port, _ := strings.Cut(t.Addr, ":")
	if i := strings.LastIndexByte(t.Addr, ':'); i >= 0 {
		host = strings.Trim(t.Addr[:i], "[]")
		port = t.Addr[i+1:]
	}
	return text + "host=" + quote(host) + "\nport=" + port + "\nprotocol=tcp\n"
}

// encryption are the tool's options for a connection as secure as ours. MariaDB's tools
// have no ssl-mode, and check a certificate with its name or not at all: a setting that
// requires only the chain gets both checks.
func encryption(c mysql.ClientTLS, mariaTool bool, quote func(string) string) (text string) {
	if c.Mode == "" {
		return ""
	}
	for _, f := range [][2]string{
		{"ssl-ca", c.CA}, {"ssl-capath", c.CAPath}, {"ssl-cert", c.Cert}, {"ssl-key", c.Key},
		{"tls-version", c.Versions},
	} {
		if f[1] != "" && c.Mode != "DISABLED" {
			text += f[0] + "=" + quote(f[1]) + "\n"
		}
	}
	if !mariaTool {
		return text + "ssl-mode=" + c.Mode + "\n"
	}
	switch c.Mode {
	case "DISABLED":
		return text + "skip-ssl\n"
	case "VERIFY_CA", "VERIFY_IDENTITY":
		return text + "ssl\nssl-verify-server-cert\n"
	case "REQUIRED":
		return text + "ssl\nskip-ssl-verify-server-cert\n"
	}
	return text
}

// arguments are the tool's usual arguments, plus those that keep values exact.
func (f Foreign) arguments(d *dumper, inv *inventory, mariaTool bool) []string {
	args := []string{
		"--single-transaction",
		"--quick",
		"--routines",
		"--triggers",
		"--events",
		"--hex-blob",
		"--default-character-set=utf8mb4",
		"--max-allowed-packet=1G",
		"--no-tablespaces",
	}
	if !d.maria && !mariaTool {
		args = append(args, "--set-gtid-purged=OFF")
	}
	if d.opts.NoData {
		args = append(args, "--no-data")
	}
	if d.opts.Where != "" {
		args = append(args, "--where="+d.opts.Where, "--skip-add-drop-table")
	}
	if len(d.opts.Tables) > 0 {
		return append(append(args, "--skip-routines", "--skip-events", d.opts.Databases[0]), d.opts.Tables...)
	}
	args = append(args, "--databases")
	for _, db := range inv.databases {
		args = append(args, db.name)
	}
	return args
}

func toolOf(args []string) string {
	for _, a := range args {
		switch base := filepath.Base(a); base {
		case "mysqldump", "mariadb-dump":
			return base
		}
	}
	return "mysqldump"
}

const trailerMark = "-- Dump completed"

// copy runs the tool, writes its output as members of the file, and identifies the tool.
func (f Foreign) copy(ctx context.Context, d *dumper, cmd *exec.Cmd) (*backup.DumpContents, error) {
	attr, release := bound()
	defer release()
	var problems tail
	cmd.Stderr = &problems
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = attr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	look := f.watch(ctx)
	quiet := mysql.WatchTool(out, d.target, func() { cmd.Process.Kill() })
	last, err := f.members(ctx, d, bufio.NewReaderSize(io.TeeReader(quiet, look), 1<<20))
	contents, bad := look.done(err)
	if stalled := quiet.Stalled(); stalled != nil {
		cmd.Wait()
		return nil, stalled
	}
	if err != nil {
		cmd.Process.Kill()
		return nil, errors.Join(err, ignoreExit(cmd.Wait()))
	}
	if err := cmd.Wait(); err != nil {
		failed := ops.E(ops.Failed, lang.M("%s failed; nothing was kept", toolOf(cmd.Args)))
		failed.Err = fmt.Errorf("%w: %s", err, problems.String())
		if d.target.Client.Mode == "VERIFY_CA" && strings.Contains(problems.String(), "certificate") {
			return nil, failed.WithHint(lang.M("MariaDB's tools check the certificate's name too, which ssl-ca " +
				"alone does not ask for: set host to a name in the certificate, or leave out --engine mysqldump"))
		}
		return nil, failed
	}
	if !bytes.Contains(last, []byte(trailerMark)) {
		return nil, ops.E(ops.Failed, lang.M("%s ended without its final line; nothing was kept", toolOf(cmd.Args)))
	}
	if bad != nil {
		return nil, ops.Wrap(
			bad,
			ops.Failed,
			lang.M("the output of %s cannot be read; nothing was kept", toolOf(cmd.Args)),
		)
	}
	return contents, nil
}

// inspector inspects the text while it is written. After a failure it continues to read to
// the end, so the tool is not blocked.
type inspector struct {
	*io.PipeWriter
	contents *backup.DumpContents
	err      error
	ended    chan struct{}
}

func (f Foreign) watch(ctx context.Context) *inspector {
	r, w := io.Pipe()
	i := &inspector{PipeWriter: w, ended: make(chan struct{})}
	go func() {
		defer close(i.ended)
		if f.Inspect != nil {
			i.contents, i.err = f.Inspect(ctx, r)
		}
		io.Copy(io.Discard, r)
	}()
	return i
}

// done ends the text, with the error that cut it off.
func (i *inspector) done(err error) (*backup.DumpContents, error) {
	i.CloseWithError(err)
	<-i.ended
	return i.contents, i.err
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// members splits the text into members and returns the end of the text. Members only bound
// lengths here: the manifest of a foreign dump does not list them.
func (f Foreign) members(ctx context.Context, d *dumper, r io.Reader) (last []byte, err error) {
	buf := make([]byte, memberBytes)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			last = append(last, buf[max(0, n-512):n]...)
			last = last[max(0, len(last)-512):]
			if err := d.file.add(backup.Member{}, buf[:n]); err != nil {
				return nil, err
			}
			d.gate.mu.Lock()
			d.gate.bytes += int64(n)
			d.gate.tell("rows", false)
			d.gate.mu.Unlock()
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			d.file.members = nil
			return last, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
	}
}

// tail keeps the end of a tool's error output.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - 4096; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.text)) }

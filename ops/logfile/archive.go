package logfile

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"opsdeck/internal/pattern"
	"opsdeck/internal/regular"
	"opsdeck/internal/unpack"
	"opsdeck/ops/logs"
)

// An archive that holds several logs is read as these: each member is a log, or a generation
// of one, and is called as the archive with its own name after a slash. All are unpacked
// into one unnamed temporary file when the sources are made, since only reading a tar tells
// what it holds. An archive of one file is read as that file, by File.

// archiveName matches the names of archives.
var archiveName = pattern.New(`(?i)\.(zip|tgz|tbz2?|txz|tlz|tzst|tlz4|tar(\.(gz|bz2|xz|lzma|zst|lz4))?)$`)

// member is one file of an archive as a part of a source.
type member struct {
	name string
	text logs.Text // nil if nothing could be read
	err  error
}

func (m *member) Name() string                            { return m.name }
func (m *member) Open(context.Context) (logs.Text, error) { return m.text, m.err }

// memberText is the text of a member, a stretch of the file into which all were unpacked.
// That file is freed with the last of them.
type memberText struct {
	*io.SectionReader
	written time.Time
}

func (m memberText) Written() time.Time { return m.written }
func (memberText) Close() error         { return nil }

// spread puts the logs that archives hold in the place of the archives. A file that asked
// is looked at whatever its name.
func spread(ctx context.Context, sources []logs.Source, asked string) (out []logs.Source, err error) {
	for _, src := range sources {
		var parts []logs.Part
		for _, part := range src.Parts {
			f, ok := part.(*File)
			if !ok || f.path != asked && !archiveName.MatchString(f.path) {
				parts = append(parts, part)
				continue
			}
			members, err := f.members(ctx)
			if err != nil {
				return nil, err
			}
			if len(members) == 0 {
				parts = append(parts, part)
				continue
			}
			out = append(out, groupMembers(members)...)
		}
		if len(parts) > 0 {
			src.Parts = parts
			out = append(out, src)
		}
	}
	return out, nil
}

// groupMembers makes the sources of an archive's members.
func groupMembers(members []*member) []logs.Source {
	named := map[string]*member{}
	var names []string
	for _, m := range members {
		if named[m.name] == nil {
			names = append(names, m.name)
		}
		named[m.name] = m // as tar does: the last one of a name
	}
	sources := group(names, nil)
	for _, src := range sources {
		for i, part := range src.Parts {
			src.Parts[i] = named[part.Name()]
		}
	}
	return sources
}

// members unpacks an archive of several files; there are none if the file is anything else,
// and what is wrong with it is told when it is opened.
func (f *File) members(ctx context.Context) ([]*member, error) {
	info, err := os.Stat(f.path)
	if err != nil || !info.Mode().IsRegular() || f.isOne(info) {
		return nil, nil
	}
	file, err := regular.Open(f.path)
	if err != nil {
		return nil, nil
	}
	defer file.Close()
	u, err := newMembers(ctx, f.path)
	if err != nil {
		return nil, err
	}
	if unpack.IsZip(headBytes(file)) {
		err = u.zip(file, info.Size())
	} else {
		err = u.tar(file)
	}
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case len(u.all) > 1:
		if last := u.all[len(u.all)-1]; err != nil && last.err == nil {
			last.err = damaged(f.path, err)
		}
		return u.all, nil
	default:
		err = nil
	}
	u.spool.Close()
	return nil, err
}

// isOne tells whether the kept index says that the file holds one text.
func (f *File) isOne(info os.FileInfo) bool {
	if f.shelf == nil {
		return false
	}
	_, ok := f.shelf.textSize(info)
	return ok
}

// unpacking collects the members of an archive.
type unpacking struct {
	ctx   context.Context
	path  string
	spool *spool
	all   []*member
}

func newMembers(ctx context.Context, path string) (*unpacking, error) {
	sp, err := newSpool()
	return &unpacking{ctx: ctx, path: path, spool: sp}, err
}

// zip unpacks a zip archive, whose list is at its end.
func (u *unpacking) zip(file *os.File, size int64) error {
	list, err := zip.NewReader(file, size)
	if err != nil {
		return err
	}
	if len(list.File) < 2 {
		return nil
	}
	for _, f := range list.File {
		switch {
		case f.FileInfo().IsDir():
		case f.Flags&1 != 0:
			u.add(f.Name, f.Modified, nil, &unpack.FormatError{Format: "a zip archive with a password"})
		default:
			r, err := f.Open()
			if errors.Is(err, zip.ErrAlgorithm) {
				err = &unpack.FormatError{Format: "a zip archive of an unusual kind"}
			}
			if u.add(f.Name, f.Modified, r, err); r != nil {
				r.Close()
			}
		}
		if u.ctx.Err() != nil {
			return u.ctx.Err()
		}
	}
	return nil
}

// tar unpacks a tar archive, compressed or not.
func (u *unpacking) tar(file io.Reader) error {
	archive, opened, err := unpack.Tar(contextReader{u.ctx, file})
	if archive == nil {
		return err
	}
	defer opened.Close()
	for {
		head, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case head.Typeflag == tar.TypeReg:
			u.add(head.Name, head.ModTime, archive, nil)
		}
		if u.ctx.Err() != nil {
			return u.ctx.Err()
		}
	}
}

// add unpacks one member; what is wrong with it is told when it is opened.
func (u *unpacking) add(name string, written time.Time, r io.Reader, err error) {
	m := &member{name: u.path + "/" + strings.TrimPrefix(name, "./")}
	u.all = append(u.all, m)
	from := u.spool.Size()
	if err == nil {
		err = u.copy(m.name, r)
	}
	if n := u.spool.Size() - from; n > 0 || err == nil {
		m.text = memberText{io.NewSectionReader(u.spool, from, n), written}
	}
	if err != nil {
		m.err = damaged(m.name, err)
	}
}

// copy unpacks a member that is compressed itself, and converts its lines.
func (u *unpacking) copy(name string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	head, _ := in.Peek(headSize)
	if open := unpacker(name, head); open != nil {
		inner, err := open(in)
		if err != nil {
			return err
		}
		in = bufio.NewReaderSize(inner, 64<<10)
		if head, _ = in.Peek(headSize); binary(head) {
			return errNoText
		}
	}
	to := lineConverter(head, u.spool)
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, contextReader{u.ctx, in}, make([]byte, 256<<10))
	if closed := to.Close(); err == nil {
		err = closed
	}
	return err
}

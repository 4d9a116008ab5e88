package logfile

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs"
)

// A remote log is ssh://[USER@]HOST[:PORT]/PATH, where the path may be a pattern and /~/
// is the home folder there. The host needs only sshd, sh, stat, tail, head and gzip.

// remoteName parses the name of a remote log.
func remoteName(name string, ssh []string) (*remoteHost, string, error) {
	wrong := ops.E(ops.Config, lang.M("%s is not ssh://[USER@]HOST[:PORT]/PATH", name))
	rest, ok := strings.CutPrefix(name, "ssh://")
	where, path, found := strings.Cut(rest, "/")
	if !ok || !found || path == "" {
		return nil, "", wrong
	}
	u, err := url.Parse("ssh://" + where)
	if err != nil || u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") ||
		u.User != nil && strings.HasPrefix(u.User.Username(), "-") || strings.ContainsAny(path, "\n\x00") {
		return nil, "", wrong
	}
	if _, secret := u.User.Password(); secret {
		return nil, "", ops.E(ops.Config, lang.M("the name of a log must not contain a password: use a key")).
			WithHint(lang.M("ssh-copy-id %s", where[strings.LastIndexByte(where, '@')+1:]))
	}
	if !strings.HasPrefix(path, "~/") {
		path = "/" + path
	}
	if len(ssh) == 0 {
		ssh = sshProgram
	}
	args := slices.Clone(ssh)
	if u.Port() != "" {
		args = append(args, "-p", u.Port())
	}
	if u.User != nil {
		args = append(args, "-l", u.User.Username())
	}
	host := &remoteHost{name: where, args: append(args, "--", u.Hostname()), patience: remotePatience}
	return host, path, nil
}

// remote makes the sources of a remote name. A host that does not respond becomes a source
// that reports this, and is retried while it is followed.
func (c Config) remote(ctx context.Context, name string) ([]logs.Source, error) {
	host, pattern, err := remoteName(name, c.SSH)
	if err != nil {
		return nil, err
	}
	if c.patience > 0 {
		host.patience = c.patience
	}
	glob := shellGlob(pattern)
	files, err := host.list(ctx, glob)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	tail := func(live string, err error) *remoteTail {
		file := remoteFile{host, remoteStat{path: live}, c.Filter}
		return &remoteTail{remoteFile: file, name: name, glob: glob, live: live, err: err, told: c.Told}
	}
	if err != nil {
		t := tail("", err)
		t.down = true
		return []logs.Source{{Name: name, Parts: []logs.Part{t}}}, nil
	}
	if c.Told != nil {
		c.Told(host.clockWords())
	}
	if len(files) == 0 {
		err := ops.E(ops.Failed, lang.M("no file matches %s", name))
		return []logs.Source{{Name: name, Parts: []logs.Part{tail("", err)}}}, nil
	}
	files = onceThere(files)
	byPath := map[string]remoteStat{}
	var paths []string
	for _, f := range files {
		byPath[f.path] = f
		paths = append(paths, f.path)
	}
	out := group(paths, nil)
	watched := false
	for i := range out {
		live := out[i].Name
		out[i].Name = host.url(live)
		t := tail(live, nil)
		grows := false
		for k, part := range out[i].Parts {
			file := &remoteFile{host, byPath[part.Name()], c.Filter}
			out[i].Parts[k] = file
			if grows = !archiveName.MatchString(part.Name()); part.Name() == live {
				t.remoteFile = *file
				out[i].Parts[k] = t
			}
		}
		if grows {
			t.watches, watched = !watched, true
		}
		if grows && t.stat.ident == "" {
			out[i].Parts = append(out[i].Parts, t) // the live file may come yet
		}
	}
	return out, nil
}

// url is the name of a file on the host.
func (h *remoteHost) url(path string) string {
	return "ssh://" + h.name + "/" + strings.TrimPrefix(path, "/")
}

// clockWords tell how the host's clock differs from this machine's.
func (h *remoteHost) clockWords() lang.Msg {
	// A smaller difference is not reported.
	least := max(h.Within, 50*time.Millisecond)
	within := max(h.Within, time.Millisecond).Round(time.Millisecond).String()
	off := h.Offset.Round(time.Millisecond)
	switch {
	case !h.Clocked:
		return lang.M("%s: its clock cannot be read", h.name)
	case off > least:
		return lang.M("%s: its clock is %s fast compared with this machine's (±%s)", h.name, off.String(), within)
	case -off > least:
		return lang.M("%s: its clock is %s slow compared with this machine's (±%s)", h.name, (-off).String(), within)
	}
	return lang.M("%s: its clock agrees with this machine's within %s", h.name,
		max(least, time.Millisecond).Round(time.Millisecond).String())
}

// remoteFile is a file on a host as a part.
type remoteFile struct {
	host   *remoteHost
	stat   remoteStat
	filter Filter
}

// Name is the file's address.
func (f *remoteFile) Name() string { return f.host.url(f.stat.path) }

// Open copies the file into a spool, and unpacks it here. A file that was last modified
// before the requested time is not read.
func (f *remoteFile) Open(ctx context.Context) (logs.Text, error) {
	if since := f.filter.Since; !since.IsZero() && f.stat.written+1 < float64(since.Unix()) {
		return newSpool()
	}
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(f.host.read(ctx, f.stat.path, false, 0, 1<<60, w))
	}()
	text, err := (&stream{name: f.Name(), r: r}).Open(ctx)
	r.Close()
	return text, err
}

// remoteTail is the live file of a remote log, or a pattern whose host did not respond.
type remoteTail struct {
	remoteFile
	name, glob string
	live       string // "" while nothing is known
	watches    bool   // for new files that match the pattern
	err        error  // of the first check
	down       bool   // the host did not respond to it
	told       func(lang.Msg)
}

// Name is the address of the file or the pattern.
func (t *remoteTail) Name() string {
	if t.live == "" {
		return t.name
	}
	return t.remoteFile.Name()
}

// Open reads the file's current content.
func (t *remoteTail) Open(ctx context.Context) (logs.Text, error) {
	switch {
	case t.err != nil:
		return nil, t.err
	case t.stat.ident == "":
		return newSpool()
	}
	return t.remoteFile.Open(ctx)
}

// packed reports whether the file is packed or not text; false where there is none yet, or it
// cannot be read.
func (t *remoteTail) packed(ctx context.Context) bool {
	if t.stat.ident == "" {
		return false
	}
	head, err := t.host.head(ctx, t.stat.path)
	return err == nil && packedError(t.stat.path, head) != nil
}

// How often a host is polled, and how much of a live file is read before it is followed.
const (
	remoteEvery  = time.Second
	remoteRetry  = 5 * time.Second
	remoteRecent = 64 << 10 // for -f
	remoteFirst  = 64 << 20 // for the console
)

// Stream follows, starting near the end.
func (t *remoteTail) Stream(ctx context.Context, w *Lines) error {
	return t.follow(ctx, w, remoteRecent)
}

// follow continues until ctx ends, across broken sessions and rotations.
func (t *remoteTail) follow(ctx context.Context, w *Lines, first int64) error {
	f := &remoteFollow{tail: t, w: w, first: first, tracks: map[string]*remoteTrack{}}
	if t.err != nil {
		w.Warn(t.err)
	}
	said := t.down
	for ctx.Err() == nil {
		wait := remoteEvery
		err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			wait = remoteRetry
			if !said {
				w.Warn(err)
			}
			said = true
		case said:
			said = false
			w.Warn(ops.E(ops.Failed, lang.M("%s responds again; reading continues where it stopped", t.host.name)))
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	t.host.Close()
	return nil
}

// siblings are patterns for a live file and its rotated files.
func siblings(live string) string {
	stem := live
	if dot := strings.LastIndexByte(live, '.'); dot > strings.LastIndexByte(live, '/')+1 {
		stem = live[:dot]
	}
	return fmt.Sprintf("%s %s*", shellQuote(live), shellQuote(stem))
}

// allOf follows a remote file, starting as far back as a console shows without a request.
type allOf struct{ *remoteTail }

func (a allOf) Stream(ctx context.Context, w *Lines) error { return a.follow(ctx, w, remoteFirst) }

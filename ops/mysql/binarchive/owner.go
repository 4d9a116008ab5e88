package binarchive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

// Ask queries a server for its binlog files, and names it as the archive does.
func (f Folder) Ask(ctx context.Context, t mysql.Target) (*format.Server, error) {
	s, err := format.Ask(ctx, t)
	if err == nil {
		s.ID, err = f.nameOf(ctx, t, s)
	}
	return s, err
}

// anyID is the id of a server that has no UUID. Every MariaDB server has the id 1 until it is
// given another one.
var anyID = regexp.MustCompile(`^id-[0-9]+$`)

// nameOf is the name of a server in the archive, and of its folder. Of servers with the same
// id, each has its own: the one that the archive's log was written by, or whose log continues
// it, as that of a server does that was moved. See binlog.OfServer.
func (f Folder) nameOf(ctx context.Context, t mysql.Target, s *format.Server) (string, error) {
	if !anyID.MatchString(s.ID) || s.Host == "" {
		return s.ID, nil
	}
	sum := sha256.Sum256([]byte(s.Host))
	own := s.ID + "-" + hex.EncodeToString(sum[:4])
	all, err := f.Servers()
	if err != nil {
		return "", err
	}
	if slices.Contains(all, own) {
		return own, nil
	}
	var others []*binlog.Segment
	taken := false
	for _, name := range all {
		if !binlog.OfServer(s.ID, name) {
			continue
		}
		segments, err := f.Segments(name)
		if err != nil {
			return "", err
		}
		if len(segments) == 0 {
			continue
		}
		host := segments[len(segments)-1].Host
		if host == s.Host {
			return name, nil
		}
		last := lastWritten(segments)
		if last != nil {
			others = append(others, last)
		}
		taken = taken || last != nil || host != ""
	}
	if !taken {
		return s.ID, nil
	}
	for _, last := range others {
		if continues, err := continuesElsewhere(ctx, t, s, last); err != nil || continues {
			return last.Server, err
		}
	}
	return own, nil
}

// lastWritten is the newest segment that holds any event; nil if there is none.
func lastWritten(segments []*binlog.Segment) *binlog.Segment {
	for _, s := range slices.Backward(segments) {
		if s.ToPos > s.FromPos {
			return s
		}
	}
	return nil
}

// continuesElsewhere reports whether a server has the archived log: it is the one that wrote
// it, at another host name, port or folder. An older release did not record where; then the
// next file of that name is enough.
func continuesElsewhere(ctx context.Context, t mysql.Target, s *format.Server, last *binlog.Segment) (bool, error) {
	if last.Host == "" {
		return Continues(ctx, t, s, last)
	}
	log, here := s.Has(last.File)
	if !here || log.Pos < last.ToPos || last.Tail == nil {
		return false, nil
	}
	return sameFile(ctx, t, last)
}

// LogIdentity is the Segment.Identity of a server's file.
func LogIdentity(ctx context.Context, t mysql.Target, file string) (string, error) {
	h, err := headOf(ctx, t, file)
	return h.identity, err
}

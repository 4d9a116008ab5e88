package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// skew is how far two clocks may differ before a date counts as in the future.
const skew = 5 * time.Minute

// Disk is the space on a folder's file system. Free is what an ordinary user may still
// write. Both are in bytes, zero when unknown.
type Disk struct{ Total, Free int64 }

// Inventory is the content of a folder of backups at one moment.
type Inventory struct {
	Dir      string
	Database string // the database of this inventory
	Zone     *time.Location
	At       time.Time
	Sets     []*Set // newest first
	Bytes    int64  // on disk; several names of one content count once
	Disk     Disk
	Others   int       // other files: logs of the old script, leftovers
	Problems []Problem // of the folder

	accepted acceptedAt
}

// Scan says how to read a folder.
type Scan struct {
	Dir       string
	Databases []string // the configured one first
	Others    []string // of other services: distinguish a database's name from a tier's
	Tables    []string // distinguish partial backups from those of other databases
	Zone      *time.Location
	Now       time.Time
	Index     *Index // may be nil
	// Servers are those from which the service's backups were made; nil: not known.
	Servers map[string]bool

	open bool // other users may enter the folder, so the mode of each file matters
}

// Read reads the folder. Errors are about the folder; problems of a single backup are in
// its Problems.
func (sc Scan) Read(ctx context.Context) (*Inventory, error) {
	if sc.Zone == nil {
		sc.Zone = time.Local
	}
	if sc.Index == nil {
		sc.Index, _ = OpenIndex("", sc.Dir)
	}
	names, err := folder(sc.Dir)
	if err != nil {
		return nil, err
	}
	if err := sc.Index.catchUp(); err != nil {
		return nil, fmt.Errorf("the index of verified backups: %w", err)
	}
	inv := &Inventory{Dir: sc.Dir, Zone: sc.Zone, At: sc.Now, Disk: diskOf(sc.Dir)}
	if len(sc.Databases) > 0 {
		inv.Database = sc.Databases[0]
	}
	if info, err := os.Stat(sc.Dir); err == nil && info.Mode().Perm()&0o007 != 0 {
		sc.open = info.Mode().Perm()&0o001 != 0
		inv.Problems = append(inv.Problems, problem(OthersRead, fmt.Sprintf("%04o", info.Mode().Perm())))
	}
	inv.Sets, inv.Others, err = sc.sets(ctx, names)
	if err != nil {
		return nil, err
	}
	sortSets(inv.Sets)
	inv.Bytes = diskBytes(inv.Sets)
	if inv.accepted, err = sc.Index.accepted(); err != nil {
		return nil, fmt.Errorf("the accepted backups: %w", err)
	}
	inv.judgeNeighbours()
	live := make(map[key]bool, len(inv.Sets))
	for _, s := range inv.Sets {
		live[key{s.ID, s.Manifest}] = true
	}
	sc.Index.save(live)
	return inv, nil
}

// folder lists the names in a folder, sorted.
func folder(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err == nil {
		defer d.Close()
		var names []string
		names, err = d.Readdirnames(-1)
		if err == nil {
			slices.Sort(names)
			return names, nil
		}
	}
	return nil, folderError(dir, err)
}

func folderError(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ops.Wrap(err, ops.Failed, lang.M("there is no backup folder %s", dir)).
			WithHint(lang.M("make the first backup: opsdeck backup create; or set backup.dir in the " +
				"configuration"))
	case errors.Is(err, fs.ErrPermission):
		return ops.Wrap(err, ops.Failed, lang.M("this user has no permission to read the backup folder %s", dir)).
			WithHint(lang.M("run opsdeck as the folder's owner"))
	case errors.Is(err, unix.ENOTDIR):
		return ops.Wrap(err, ops.Config, lang.M("the backup folder %s is not a folder", dir))
	case errors.Is(err, unix.ELOOP):
		return ops.Wrap(err, ops.Config, lang.M("the backup folder %s is a symbolic link to itself", dir))
	}
	return ops.Wrap(err, ops.Failed, lang.M("the backup folder %s cannot be read", dir))
}

// sets reads every file that may be a backup, on all cores.
func (sc Scan) sets(ctx context.Context, names []string) (sets []*Set, others int, err error) {
	present := make(map[string]bool, len(names))
	for _, n := range names {
		present[n] = true
	}
	found := make([]*Set, len(names))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(names) && ctx.Err() == nil; i += workers {
				found[i] = sc.look(names[i], present)
			}
		})
	}
	wg.Wait()
	for i, s := range found {
		switch {
		case s != nil:
			sets = append(sets, s)
		case !ours(names[i]):
			others++
		}
	}
	return sets, others, ctx.Err()
}

// ours tells whether a file belongs to backups without being one.
func ours(name string) bool {
	return strings.HasSuffix(name, ManifestSuffix) || strings.HasPrefix(name, ".opsdeck-")
}

func (sc Scan) known() Known {
	return Known{Databases: sc.Databases, Others: sc.Others, Tables: sc.Tables}
}

func (sc Scan) look(name string, present map[string]bool) *Set {
	parsed, ok := ParseName(name, sc.known())
	if !ok {
		return nil
	}
	s := &Set{
		Name:     name,
		Path:     filepath.Join(sc.Dir, name),
		Parsed:   parsed,
		Database: parsed.Subject,
		State:    Unverified,
	}
	s.Tier = tierByName(parsed, sc.Databases)
	s.At = sc.date(parsed)
	if !sc.stat(s) {
		return s
	}
	switch {
	case parsed.Physical:
		s.Engine, s.Foreign = parsed.Subject, true
		s.Database = ""
		s.add(problem(IsPhysical))
	case present[name+ManifestSuffix]:
		sc.manifest(s)
	default:
		sc.foreign(s)
	}
	sc.judge(s)
	return s
}

// date is the time that a name states. The archive of the current year has the current
// time: its year's end is not a date in the future.
func (sc Scan) date(n Name) time.Time {
	at := n.At(sc.Zone)
	if n.Year > 0 && n.Year == sc.Now.In(sc.Zone).Year() && at.After(sc.Now) {
		return sc.Now
	}
	return at
}

// stat adds what the file system tells; false means that nothing more can be read.
func (sc Scan) stat(s *Set) bool {
	info, err := os.Stat(s.Path)
	switch {
	case err != nil:
		s.Foreign = true
		s.NoFile = true
		s.add(problem(Unreadable, reason(err)))
		return false
	case info.IsDir() != s.Parsed.Physical, !info.IsDir() && !info.Mode().IsRegular():
		s.NoFile = true
		s.add(problem(Unreadable, "not a plain file"))
		return false
	}
	s.ID, s.Links = idOf(info)
	s.Size = info.Size()
	if s.Parsed.Physical {
		s.Size = 0 // the size of a physical backup takes too long to compute for a list
	}
	if sc.open && info.Mode().Perm()&0o004 != 0 {
		s.add(problem(OthersRead, fmt.Sprintf("%04o", info.Mode().Perm())))
	}
	return true
}

// reason is an error without the path, which is shown elsewhere.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

func idOf(info fs.FileInfo) (FileID, int) {
	id := FileID{Size: info.Size(), MTime: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id.Inode, id.CTime = st.Ino, st.Ctim.Nano()
		return id, int(st.Nlink)
	}
	return id, 1
}

// Identify returns the identities of a backup and of its manifest (zero without one), as
// Index.Record needs them.
func Identify(path string) (file, manifest FileID, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return file, manifest, err
	}
	file, _ = idOf(info)
	if info, err := os.Stat(path + ManifestSuffix); err == nil {
		manifest, _ = idOf(info)
	}
	return file, manifest, nil
}

func (sc Scan) manifest(s *Set) {
	info, err := os.Stat(s.Path + ManifestSuffix)
	if err != nil {
		s.add(problem(Unreadable, reason(err)))
		return
	}
	id, _ := idOf(info)
	s.Manifest = id
	sum, known := sc.Index.summary(id)
	if !known {
		m, err := ReadManifest(s.Path)
		if err != nil {
			s.add(problem(BadManifest, err.Error()))
			return
		}
		sum = Summarise(m)
		sc.Index.learn(id, sum)
	}
	s.Summary = sum
	s.Engine = sum.Engine
	s.Kind = sum.Kind
	s.Database = sum.Databases[0]
	s.At = sum.At
	s.Tier = tierBy(s.Name, s.Parsed, sum, sc.Databases)
	if renamed(s.Name, sum.File) {
		s.add(problem(Renamed, sum.File))
	}
	if !sum.Consistent {
		s.add(problem(Torn, sum.Consistency))
	}
	if sum.Unseen {
		s.add(problem(Unseen))
	}
	if sum.NotLoadable {
		s.add(problem(NotLoadable))
	}
	if sum.Doubt {
		s.add(problem(Doubted))
	}
	if sum.Encrypted {
		s.add(problem(Locked))
	}
	sc.others(s)
	checkSize(s)
}

func checkSize(s *Set) {
	switch {
	case s.Size == 0:
		s.add(problem(Empty))
	case s.Size < s.Summary.SizeBytes:
		s.add(problem(Truncated, bytesOf(s.Size), bytesOf(s.Summary.SizeBytes)))
	case s.Size > s.Summary.SizeBytes:
		s.add(problem(Grown, bytesOf(s.Size), bytesOf(s.Summary.SizeBytes)))
	}
}

func (sc Scan) foreign(s *Set) {
	s.Foreign = true
	if s.Size == 0 || s.Size <= emptyGzip && strings.HasSuffix(s.Parsed.Ext, ".gz") {
		s.add(problem(Empty))
	}
	if s.Tier == Emergency || s.Tier == Manual || s.Tier == Archive || s.Tier == Partial {
		s.Database = ""
		if len(sc.Databases) == 1 && (s.Tier != Emergency || len(sc.Others) == 0) {
			s.Database = sc.Databases[0]
		}
	}
	s.Kind = map[Tier]string{Emergency: KindEmergency, Archive: KindArchive}[s.Tier]
}

// emptyGzip is the length of gzip's output for no input: the old script's pipe left such
// a file when mysqldump failed.
const emptyGzip = 40

// judge adds what depends on the time and on earlier checks.
func (sc Scan) judge(s *Set) {
	if s.At.After(sc.Now.Add(skew)) {
		s.add(problem(Future, s.At.In(sc.Zone).Format("2006-01-02 15:04")))
	}
	if c, ok := sc.Index.find(key{s.ID, s.Manifest}); ok {
		s.Checked, s.SHA256, s.Deep, s.Sealed = c.At, c.SHA256, c.Deep && c.OK(), c.Sealed && !c.Deep
		for _, p := range c.Problems {
			known := slices.ContainsFunc(s.Problems, func(q Problem) bool { return q.Code == p.Code })
			if !known || p.Code == Dangling {
				s.add(p)
			}
		}
		if c.Inside != "" {
			sc.inside(s, c.Inside)
		}
		if s.State == Unverified && c.OK() && !c.NotOpened() && (!s.Foreign || c.Deep) && !s.Summary.Doubt {
			s.State = Good
		}
	} else {
		sc.moved(s)
	}
	if s.Foreign && s.State == Unverified && !s.Parsed.Physical {
		s.add(problem(ByOthers))
	}
}

// inside applies the database that a check found in a foreign file.
func (sc Scan) inside(s *Set, db string) {
	switch s.Tier {
	case Daily, Weekly, Monthly:
		if db != s.Parsed.Subject {
			s.add(problem(WrongDB, db, s.Parsed.Subject))
		}
	case Unknown:
		if slices.Contains(sc.Databases, db) {
			s.Tier = Partial // some tables of the configured database, under another name
		}
	}
	s.Database, s.Inside = db, db
}

func sortSets(sets []*Set) {
	slices.SortStableFunc(sets, func(a, b *Set) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

func diskBytes(sets []*Set) (n int64) {
	seen := make(map[any]bool, len(sets))
	for _, s := range sets {
		if id := s.identity(); !seen[id] {
			seen[id] = true
			n += s.Size
		}
	}
	return n
}

func diskOf(dir string) Disk {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return Disk{}
	}
	return Disk{Total: int64(st.Blocks) * int64(st.Bsize), Free: int64(st.Bavail) * int64(st.Bsize)}
}

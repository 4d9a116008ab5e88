package mysql

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// prepared finds XA transactions that are prepared and whose session is gone: they keep
// their locks until somebody ends them, and no backup has their rows. Those of a session
// that is there are in work.
func (l *look) prepared() {
	n, err := DetachedXA(l.ctx, l.db)
	if err != nil || n == 0 { // transactions that are not visible have been told
		return
	}
	ids, err := PreparedXA(l.ctx, l.db)
	if err == nil && len(ids) == 0 {
		return // they are ending
	}
	l.r.Add("detached_xa", n, lang.Msg{})
	why := lang.M("they keep their locks, and no backup has their rows")
	next := lang.M("As an administrator: XA RECOVER")
	if err == nil {
		why = lang.M("they keep their locks, and no backup has their rows: %s", strings.Join(ids, "; "))
		next = lang.M("End each: XA COMMIT %s; or XA ROLLBACK %[1]s", ids[0])
	}
	headline := lang.M("prepared XA transactions without a session: %d", n)
	l.r.Find(ops.StateWarning, headline, why)
	l.advise(headline, next)
}

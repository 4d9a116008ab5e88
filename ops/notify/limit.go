package notify

import (
	"slices"
	"sync"
	"time"

	"opsdeck/internal/config"
)

// limits are the messages a minute that the chats take: DingTalk and WeCom 20 a
// robot, Feishu 100, Slack one a second. DingTalk is silent for ten minutes to
// whoever sends more.
var limits = map[string]int{"dingtalk": 20, "wecom": 20, "feishu": 100, "slack": 60}

func perMinute(c config.Notify) int {
	if c.PerMinute > 0 {
		return c.PerMinute
	}
	return limits[c.Kind]
}

// limiter lets so many through in any minute.
type limiter struct {
	most int // 0: no limit
	mu   sync.Mutex
	sent []time.Time // of the last minute, oldest first
}

func newLimiter(most int) *limiter { return &limiter{most: most} }

// take counts one and returns 0, or says how long to wait and counts none. A clock
// that was put back keeps nobody waiting for longer than a minute.
func (l *limiter) take(now time.Time) (wait time.Duration) {
	if l.most == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = slices.DeleteFunc(l.sent, func(at time.Time) bool {
		age := now.Sub(at)
		return age >= time.Minute || age < 0
	})
	if len(l.sent) < l.most {
		l.sent = append(l.sent, now)
		return 0
	}
	return time.Minute - now.Sub(l.sent[0])
}

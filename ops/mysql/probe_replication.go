package mysql

import (
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// replicas is what a server says of the sources that it copies.
type replicas struct {
	channels []channel
	err      error // why it could not be asked
}

// sources are the hosts that are copied.
func (r replicas) sources() string {
	var hosts []string
	for _, c := range r.channels {
		hosts = append(hosts, c.pick("source_host", "master_host"))
	}
	return strings.Join(hosts, ", ")
}

// channel is one source that a server copies: MySQL calls it a channel, MariaDB
// a connection. Its columns have other names in each, and in each age.
type channel map[string]string

func (c channel) pick(names ...string) string {
	for _, n := range names {
		if s, ok := c[n]; ok {
			return s
		}
	}
	return ""
}

func (c channel) receives() string { return c.pick("replica_io_running", "slave_io_running") }
func (c channel) applies() string  { return c.pick("replica_sql_running", "slave_sql_running") }

// lag is how far the replica is behind, without the delay that it was told to
// keep; false when the server does not know.
func (c channel) lag() (time.Duration, bool) {
	behind := c.pick("seconds_behind_source", "seconds_behind_master")
	if behind == "" {
		return 0, false
	}
	return time.Duration(max(0, number(behind)-number(c["sql_delay"]))) * time.Second, true
}

// replicas asks for all channels; it needs REPLICATION CLIENT.
func (l *look) replicas() replicas {
	queries := []string{"SHOW REPLICA STATUS", "SHOW SLAVE STATUS"} // the second before MySQL 8.0.22
	if l.maria {
		queries = []string{"SHOW ALL SLAVES STATUS"}
	}
	var out replicas
	for _, query := range queries {
		rows, err := l.rows(query)
		if out.err = err; err == nil {
			for _, row := range rows {
				out.channels = append(out.channels, channel(row))
			}
			return out
		}
		if n := Number(err); n == ErrSpecificAccess || n == ErrAccessDenied {
			return out
		}
	}
	return out
}

// replication judges the channels: every one must run, and the one farthest
// behind counts.
func (l *look) replication() {
	switch {
	case l.vars == nil:
		return
	case l.copies.err != nil:
		l.r.AddUnknown("replication", l.reason(l.copies.err))
		return
	case len(l.copies.channels) == 0:
		l.r.Add("replication", "none", lang.M("replication is not configured"))
		return
	}
	var worst time.Duration
	known := false
	for _, c := range l.copies.channels {
		l.channel(c)
		if lag, ok := c.lag(); ok {
			known = true
			worst = max(worst, lag)
		}
	}
	if !known {
		l.r.AddUnknown("replication_lag_ms", lang.M("the server does not report it"))
		l.about = append(l.about, lang.M("replica of %s", l.copies.sources()))
		return
	}
	l.r.Add("replication_lag_ms", worst.Milliseconds(), lang.Raw(human.Duration(worst)))
	l.about = append(l.about, lang.M("replica of %s, lag %s", l.copies.sources(), human.Duration(worst)))
	if l.probe.Lag > 0 && worst > l.probe.Lag {
		l.r.Find(
			ops.StateWarning,
			lang.M("replication lag %s", human.Duration(worst)),
			lang.M("limit %s", human.Duration(l.probe.Lag)),
		)
	}
}

// channel judges whether a channel runs.
func (l *look) channel(c channel) {
	l.r.Add("replication", c.receives()+"/"+c.applies(), lang.M("receiver: %s, applier: %s", c.receives(), c.applies()))
	switch {
	case c.applies() != "Yes":
		cause := l.workerError()
		if cause.Empty() {
			cause = said(c.pick("last_sql_error", "last_error"))
		}
		l.r.Find(ops.StateCritical, lang.M("replication has stopped"), cause)
	case strings.EqualFold(c.receives(), "Connecting"):
		l.r.Find(ops.StateCritical, lang.M("the replica cannot connect to its source"), said(c.pick("last_io_error")))
	case c.receives() != "Yes":
		l.r.Find(ops.StateCritical, lang.M("replication has stopped"), said(c.pick("last_io_error")))
	}
}

// workerError is what stopped one of the workers that apply: MySQL's status says
// only that there was an error, and where to look for it. It is "" where that
// may not be seen, or is not kept.
func (l *look) workerError() lang.Msg {
	if l.maria {
		return lang.Msg{}
	}
	v, err := l.row(
		"SELECT LAST_ERROR_MESSAGE AS said FROM performance_schema.replication_applier_status_by_worker WHERE " +
			"LAST_ERROR_NUMBER <> 0 LIMIT 1",
	)
	if err != nil {
		return lang.Msg{}
	}
	return said(v["said"])
}

// said is the first line of what a server says, and nothing when it says nothing.
func said(text string) lang.Msg {
	if text == "" {
		return lang.Msg{}
	}
	return lang.Raw(firstLine(text))
}

package restores

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/notify"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/service"
)

// processes stops and starts the service for a restore.
type processes struct {
	*Desk
	now atomic.Pointer[command]
}

// command is one of the service's commands that runs.
type command struct {
	line  string
	since time.Time
}

// watch makes the commands of a context known to Awaits.
func (c *processes) watch(ctx context.Context) context.Context {
	return service.Watched(ctx, func(line string) {
		if line == "" {
			c.now.Store(nil)
			return
		}
		c.now.Store(&command{line, time.Now()})
	})
}

// Awaits is the command that runs now, and since when.
func (c *processes) Awaits() (line string, since time.Time) {
	if now := c.now.Load(); now != nil {
		return now.line, now.since
	}
	return "", time.Time{}
}

// downWait is how long a stopped service may take until it is down. Tests shorten it.
var downWait = 30 * time.Second

// Stop stops the service and waits until it is down.
func (c *processes) Stop(ctx context.Context, p restore.Process) (bool, []restore.Note, error) {
	ctx = c.watch(ctx)
	ctl, err := service.New(c.Service.Process)
	if err != nil {
		return false, nil, err
	}
	before := ctl.Status(ctx)
	if before.State == health.ProcessStopped {
		return false, []restore.Note{restore.N(lang.M("%s is not running", p.Name))}, nil
	}
	if err := ctl.Stop(ctx); err != nil {
		return false, nil, err
	}
	until := time.Now().Add(downWait)
	for {
		now := ctl.Status(ctx)
		switch {
		case now.State == health.ProcessStopped || now.State == health.ProcessFailed:
			return true, []restore.Note{restore.N(lang.M("stopped: %s", p.Stop))}, nil
		case now.State == health.ProcessUnknown && (now.Dead || before.State == health.ProcessUnknown):
			return true, []restore.Note{restore.N(lang.M("apparently stopped (cannot be confirmed): %s", p.Stop))}, nil
		case time.Now().After(until) && now.State == health.ProcessUnknown:
			return true, nil, ops.E(ops.Failed, lang.M("cannot tell whether %s has stopped: %s", p.Name, now.Reason))
		case time.Now().After(until):
			return true, nil, ops.E(
				ops.Failed,
				lang.M("%s is still running %s after the stop command", p.Name, downWait.String()),
			)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return true, nil, ctx.Err()
		}
	}
}

// Start starts the service.
func (c *processes) Start(ctx context.Context, p restore.Process) ([]restore.Note, error) {
	ctx = c.watch(ctx)
	ctl, err := service.New(c.Service.Process)
	if err != nil {
		return nil, err
	}
	if err := ctl.Start(ctx); err != nil {
		return nil, err
	}
	return []restore.Note{restore.N(lang.M("started: %s", p.Start))}, nil
}

// Running tells whether the service runs or is about to.
func (c *processes) Running(ctx context.Context, _ restore.Process) (bool, error) {
	ctx = c.watch(ctx)
	ctl, err := service.New(c.Service.Process)
	if err != nil {
		return false, err
	}
	state := ctl.Status(ctx).State
	return state == health.ProcessRunning || state == health.ProcessStarting, nil
}

// readiness asks /health/ready.
type readiness struct{ timeout time.Duration }

// Ready asks once.
func (r readiness) Ready(ctx context.Context, want restore.Ready) (bool, string) {
	ctx, cancel := context.WithTimeout(ctx, max(r.timeout, time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, want.URL, nil)
	if err != nil {
		return false, err.Error()
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return false, termsafe.Line(short(err.Error()))
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var said struct {
		Status string `json:"status"`
	}
	json.Unmarshal(body, &said)
	answer := fmt.Sprintf("%d %s", res.StatusCode, termsafe.Line(short(said.Status)))
	return res.StatusCode == http.StatusOK, strings.TrimSpace(answer)
}

func short(s string) string {
	if i := strings.LastIndex(s, ": "); i >= 0 {
		s = s[i+2:]
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), 120)])
}

// sourcer proves that the backup is the one of the plan.
type sourcer struct{ *Desk }

// Ensure brings the backup here when it is at a copy, proves it by its hash, and
// opens it once, so that an identity that does not fit is known before the
// service is stopped.
func (s sourcer) Ensure(ctx context.Context, p *restore.Plan, report run.Report) ([]restore.Note, error) {
	prove := s.prove
	if p.Source.Copy != "" {
		prove = s.Finder().fetch
	}
	notes, err := prove(ctx, p, report)
	if err != nil {
		return nil, err
	}
	return notes, s.loader().Ready(swap.Job{Path: p.Source.Path})
}

// prove reads the file once, for its hash.
func (s sourcer) prove(ctx context.Context, p *restore.Plan, report run.Report) ([]restore.Note, error) {
	f, err := regular.Open(p.Source.Path)
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the backup cannot be opened"))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != p.Source.SizeBytes {
		return nil, ops.Wrap(
			restore.ErrPlanChanged,
			ops.Failed,
			lang.M("the backup changed since the plan was made"),
		)
	}
	if p.Source.SHA256 == "" {
		return []restore.Note{restore.N(lang.M("the backup has the planned length; its hash is unknown"))}, nil
	}
	h := sha256.New()
	if err := copyHash(ctx, h, f, info.Size(), report); err != nil {
		return nil, err
	}
	if hex.EncodeToString(h.Sum(nil)) != p.Source.SHA256 {
		return nil, ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the backup is damaged: its hash does not "+
			"match the manifest")).
			WithHint(lang.M("choose another backup"))
	}
	return []restore.Note{restore.N(lang.M("the backup's SHA-256 matches the manifest"))}, nil
}

func copyHash(ctx context.Context, h io.Writer, f io.Reader, size int64, report run.Report) error {
	buf := make([]byte, 1<<20)
	begin := time.Now()
	for done := int64(0); ; {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		done += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report(ops.Progress{Phase: "verify", Done: done, Total: size, Unit: "bytes", Elapsed: time.Since(begin)})
	}
}

// teller sends the notification to the configured targets.
type teller struct{ *Desk }

// Tell sends the text to each target of the plan that has not got it. What one
// of them refuses keeps the others from nothing.
func (t teller) Tell(ctx context.Context, p *restore.Plan, text string, already []string) (sent []string, err error) {
	subject, _, _ := strings.Cut(text, "\n")
	f := t.Store.Folder(p.ID)
	files := []string{f.ReportPath(), f.ReportJSONPath()}
	for _, c := range t.Service.Notify {
		if !slices.Contains(p.Notify, c.Name) || slices.Contains(already, c.Name) {
			continue
		}
		target, one := notify.New(c)
		if one == nil {
			one = target.Send(ctx, notify.Message{Service: p.Service, Subject: subject, Text: text, Files: files})
		}
		if one != nil {
			err = errors.Join(err, one)
			continue
		}
		sent = append(sent, c.Name)
	}
	return sent, err
}

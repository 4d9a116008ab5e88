package logfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// journal is a unit's journald log, read with journalctl -o json.
type journal struct {
	name, unit string
	filter     Filter
}

func (j *journal) Name() string { return j.name }

func (j *journal) args(follow bool) []string {
	args := []string{"-o", "json", "--all", "--no-pager"} // without --all, values longer than 4 kB are null
	if j.unit != "" {
		args = append(args, "-u", j.unit)
	}
	if !j.filter.Since.IsZero() {
		args = append(args, "--since", "@"+strconv.FormatInt(j.filter.Since.Unix(), 10))
	}
	if follow {
		return append(args, "-f", "-n", "10000")
	}
	return args
}

// Open reads the journal up to now.
func (j *journal) Open(ctx context.Context) (logs.Text, error) {
	sp, err := newSpool()
	if err != nil {
		return nil, err
	}
	err = runJournal(ctx, sp, j.args(false))
	if err == nil && sp.Size() == 0 {
		err = j.nowhere(ctx)
	}
	return sp, err
}

// nowhere is the error of a unit that systemd does not know and of which the journal has nothing.
func (j *journal) nowhere(ctx context.Context) error {
	if j.unit == "" || !j.filter.Since.IsZero() || ctx.Err() != nil {
		return nil
	}
	state, err := exec.CommandContext(ctx, "systemctl", "show", "-p", "LoadState", "--value", "--", j.unit).Output()
	if err != nil || strings.TrimSpace(string(state)) != "not-found" {
		return nil
	}
	return ops.E(ops.Failed, lang.M("systemd has no unit %s, and the journal has nothing from it", j.unit)).
		WithHint(lang.M("list the units: %s", "systemctl list-units --all --type=service"))
}

// Stream reads the journal's newest entries and follows it.
func (j *journal) Stream(ctx context.Context, w *Lines) error {
	return runJournal(ctx, w, j.args(true))
}

func runJournal(ctx context.Context, w io.Writer, args []string) error {
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("journalctl cannot be run"))
	}
	in := bufio.NewScanner(out)
	in.Buffer(make([]byte, 64<<10), 64<<20)
	var lines journalLines
	for in.Scan() {
		if line := lines.next(in.Bytes()); line != "" {
			if _, err := io.WriteString(w, line); err != nil {
				break
			}
		}
	}
	io.WriteString(w, lines.rest())
	err = cmd.Wait()
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = in.Err()
	}
	if said := strings.TrimSpace(stderr.String()); err == nil && strings.Contains(said, "No journal files were") {
		return ops.E(ops.Failed, lang.M("journalctl: %s", termsafe.Line(human.OneLine(said)))).
			WithHint(lang.M("is journald running here, and may this user read its files (group systemd-journal)?"))
	}
	if err != nil {
		return ops.Wrap(
			errors.Join(err, errors.New(strings.TrimSpace(stderr.String()))),
			ops.Failed,
			lang.M("journalctl failed"),
		)
	}
	return nil
}

// halfMost limits what is held of a line that is split over several entries.
const halfMost = 64 << 20

// syslogLevels are the levels for journald's PRIORITY.
var syslogLevels = [...]string{"FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG"}

// journalEntry is the part of a journal entry that is read.
type journalEntry struct {
	Message  json.RawMessage `json:"MESSAGE"`
	Micros   string          `json:"__REALTIME_TIMESTAMP"`
	Priority string          `json:"PRIORITY"`
	Ident    string          `json:"SYSLOG_IDENTIFIER"`
	Stream   string          `json:"_STREAM_ID"`
	Break    string          `json:"_LINE_BREAK"` // line-max: the line continues in the stream's next entry

	text string
}

// readEntry parses an entry; its message can be a list of bytes.
func readEntry(data []byte) (e journalEntry, ok bool) {
	if json.Unmarshal(data, &e) != nil {
		return e, false
	}
	if json.Unmarshal(e.Message, &e.text) == nil {
		return e, true
	}
	var codes []int
	if json.Unmarshal(e.Message, &codes) != nil {
		return e, false
	}
	raw := make([]byte, len(codes))
	for i, c := range codes {
		raw[i] = byte(c)
	}
	e.text = string(raw)
	return e, true
}

// journalLines converts entries to lines, and joins those that journald split.
type journalLines struct{ half map[string]journalEntry }

// next is the line that an entry completes, or "".
func (j *journalLines) next(data []byte) string {
	e, ok := readEntry(data)
	if !ok {
		return ""
	}
	if half, ok := j.half[e.Stream]; ok {
		delete(j.half, e.Stream)
		half.text, half.Break = half.text+e.text, e.Break
		e = half
	}
	if e.Break == "line-max" && e.Stream != "" && len(e.text) < halfMost {
		if j.half == nil {
			j.half = map[string]journalEntry{}
		}
		j.half[e.Stream] = e
		return ""
	}
	return e.line()
}

// rest are the lines whose ends did not arrive.
func (j *journalLines) rest() (out string) {
	for _, e := range j.half {
		out += e.line()
	}
	j.half = nil
	return out
}

// line is the message unchanged if it contains its time, else with the entry's time, level
// and unit in front.
func (e *journalEntry) line() string {
	us, _ := strconv.ParseInt(e.Micros, 10, 64)
	at := time.UnixMicro(us)
	first, _, _ := strings.Cut(e.text, "\n")
	ev, kind := line.NewParser(time.Local, at).Parse([]byte(first))
	if kind == line.KindCont || kind == line.KindHead && !ev.Time.IsZero() {
		return e.text + "\n"
	}
	level := "INFO"
	if n, err := strconv.Atoi(e.Priority); err == nil && n >= 0 && n < len(syslogLevels) {
		level = syslogLevels[n]
	}
	return fmt.Sprintf("%s %s [%s] %s\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), level, e.Ident, e.text)
}

// dockerLog asks docker for the path of a container's json-file log.
func dockerLog(ctx context.Context, container string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "inspect", "--format", "{{.LogPath}}", "--", container).Output()
	path := strings.TrimSpace(string(out))
	var said *exec.ExitError
	if errors.As(err, &said) && len(bytes.TrimSpace(said.Stderr)) > 0 {
		first, _, _ := strings.Cut(string(bytes.TrimSpace(said.Stderr)), "\n")
		return nil, ops.Wrap(errors.New(first), ops.Failed,
			lang.M("docker does not report where the log of %s is", container)).
			WithHint(lang.M("see what docker says: %s", "docker inspect "+human.Shell(container)))
	}
	if err != nil || path == "" {
		return nil, ops.Wrap(err, ops.Failed, lang.M("docker does not report where the log of %s is", container)).
			WithHint(lang.M("does the container use the json-file driver? docker inspect %s", container))
	}
	older, err := expand(path + ".*")
	if err != nil {
		return nil, err
	}
	return append(older, path), nil
}

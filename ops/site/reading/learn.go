package reading

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs/line"
)

// sampleBytes is how much of a sample is read.
const sampleBytes = 256 << 10

// Sample reads the lines at the beginning of a log, packed or not.
func Sample(ctx context.Context, path string) ([][]byte, error) {
	text, err := logfile.NewFile(config.Home(path)).Open(ctx)
	if text == nil {
		return nil, err
	}
	defer text.Close()
	buf := make([]byte, min(text.Size(), sampleBytes))
	if err := line.ReadFull(text, buf, 0); err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("%s cannot be read", path))
	}
	if i := bytes.LastIndexByte(buf, '\n'); i >= 0 && int64(len(buf)) < text.Size() {
		buf = buf[:i]
	}
	var lines [][]byte
	for l := range bytes.Lines(buf) {
		lines = append(lines, line.Visible(bytes.TrimRight(l, "\r\n"), nil))
	}
	if len(lines) == 0 {
		return nil, ops.E(ops.Failed, lang.M("%s is empty", path))
	}
	return lines, nil
}

// FormatOf is a learned format as log_formats of the configuration has it.
func FormatOf(l *line.Learned) config.LogFormat {
	return config.LogFormat{Name: l.Spec.Name, Pattern: l.Spec.Pattern, Time: l.Spec.Time}
}

// AddFormat writes a format to a configuration file, whose other lines stay, and
// returns the path that was written.
func AddFormat(path string, f config.LogFormat) (string, error) {
	if path == "" {
		return "", ops.E(ops.Config, lang.M("there is no configuration file to write to")).
			WithHint(lang.M("make one: opsdeck config init"))
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", ops.Wrap(err, ops.Config, lang.M("%s cannot be read", path))
	}
	text, err := regular.ReadFile(path)
	if err != nil {
		return "", ops.Wrap(err, ops.Config, lang.M("%s cannot be read", path))
	}
	if text, err = config.AddLogFormat(path, text, f); err != nil {
		return "", ops.Wrap(err, ops.Config, lang.M("the format cannot be added to %s", path)).
			WithHint(lang.M("choose another name with --name, or add it by hand under log_formats"))
	}
	if err := atomicfile.WriteBytes(path, info.Mode().Perm(), text); err != nil {
		return "", ops.Wrap(err, ops.Failed, lang.M("%s cannot be written", path))
	}
	return path, nil
}

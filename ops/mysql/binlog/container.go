package binlog

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"

	"opsdeck/internal/lang"
)

// copied is a file that is copied out of a container.
type copied struct {
	io.Reader
	end  context.CancelFunc
	wait func() error
}

// copyOut reads a file in a container by docker cp, as it is at this moment.
func copyOut(ctx context.Context, container, path string) (io.ReadCloser, error) {
	docker, err := exec.LookPath("docker")
	if err != nil {
		return nil, unreadable(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, docker, "cp", "--follow-link", container+":"+path, "-")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, unreadable(err)
	}
	files := tar.NewReader(out)
	if _, err := files.Next(); err != nil {
		cancel()
		cmd.Wait()
		if text := strings.TrimSpace(said.String()); text != "" {
			return nil, noFiles(lang.M("docker cp: %s", text))
		}
		return nil, unreadable(err)
	}
	return &copied{files, cancel, cmd.Wait}, nil
}

// Close ends the copy; the rest of the file is not read.
func (c *copied) Close() error {
	c.end()
	c.wait()
	return nil
}

// containerHost is a container's host name.
func containerHost(ctx context.Context, container string) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", "inspect", "--format", "{{.Config.Hostname}}", "--",
		container).Output()
	return strings.TrimSpace(string(out)), err
}

package service

import (
	"context"
	"os/exec"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// ContainerFault is what is wrong with a container of Docker. Cause is empty where it
// runs, is not there, or Docker is not installed.
type ContainerFault struct {
	Cause  lang.Msg
	Remedy string // the command that helps; may be empty
}

// Container looks why a container does not run.
func Container(ctx context.Context, name string) ContainerFault {
	if _, err := exec.LookPath("docker"); err != nil {
		return ContainerFault{}
	}
	out := run(ctx, "", nil, "docker", "inspect", "--type", "container", "--format",
		"{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}", "--", name)
	if out.err != nil {
		if engineDown(out.stderr) {
			return ContainerFault{lang.M("the Docker engine does not respond"), "sudo systemctl start docker"}
		}
		return ContainerFault{}
	}
	return containerFault(name, out.stdout)
}

// HasContainer tells whether Docker is on this machine and may have a container of that
// name: an engine that does not respond may.
func HasContainer(ctx context.Context, name string) bool {
	if _, err := exec.LookPath("docker"); err != nil {
		return false
	}
	out := run(ctx, "", nil, "docker", "inspect", "--type", "container", "--format", "{{.Id}}", "--", name)
	return out.err == nil || engineDown(out.stderr) || ctx.Err() != nil
}

// containerFault judges the answer of docker inspect.
func containerFault(name, answer string) ContainerFault {
	words := strings.Fields(answer)
	if len(words) != 3 || words[0] == "running" {
		return ContainerFault{}
	}
	start := "docker start " + human.Shell(name)
	switch {
	case words[0] == "paused":
		return ContainerFault{lang.M("the container %s is paused", name), "docker unpause " + human.Shell(name)}
	case words[2] == "true":
		return ContainerFault{lang.M("the container %s was killed: out of memory", name), start}
	case words[0] == "exited":
		return ContainerFault{lang.M("the container %s has stopped, exit code %s", name, words[1]), start}
	case words[0] == "created":
		return ContainerFault{lang.M("the container %s was never started", name), start}
	}
	return ContainerFault{lang.M("the container %s is not running: Docker reports %s", name, words[0]), ""}
}

// engineDown tells whether an error of Docker or Compose means that the engine is down.
func engineDown(stderr string) bool {
	for _, words := range []string{"the docker daemon running", "connect to Docker daemon",
		"fetching server API version"} {
		if strings.Contains(stderr, words) {
			return true
		}
	}
	return false
}

package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// process is a program that runs until stop, or until this process ends, however that ends: then its pipe closes.
type process struct {
	name  string
	log   string // path
	stdin io.Closer
	ended chan struct{}
}

// guarded runs the words after it, and kills that when standard input ends.
const guarded = `exec 3<&0; "$@" 3<&- </dev/null & program=$!; { cat >/dev/null; kill -9 "$program"; } <&3 & wait "$program"`

// start starts a program, whose output goes to <dir>/<name>.log. Words after the program are its arguments.
func start(dir, name string, env []string, words ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("sh", append([]string{"-c", guarded, "sh"}, words...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), log, log
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait(); close(p.ended) }()
	return p, nil
}

// stop ends it, and waits for that.
func (p *process) stop() {
	_ = p.stdin.Close()
	<-p.ended
}

// await waits until there gives no error. It fails if the program ends before, or when the context does, with the end of its log.
func (p *process) await(ctx context.Context, there func() error) error {
	for {
		err := there()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.failed(errors.New("it ended"))
		case <-ctx.Done():
			return p.failed(errors.Join(err, ctx.Err()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *process) failed(err error) error {
	text, _ := os.ReadFile(p.log)
	const most = 4000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return fmt.Errorf("%s: %w; its log %s ends with\n%s", p.name, err, p.log, bytes.TrimSpace(text))
}

// Package bench measures this project beside the tools that somebody would use in its place, in one run on one machine, by hyperfine.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Peer is what this project is compared with.
type Peer string

// The peers.
const (
	Script  Peer = "virt-install and virsh" // the bash script's own procedure
	Vagrant Peer = "vagrant-libvirt"
	Butane  Peer = "butane"
	ByHand  Peer = "curl, gpgv, sha256sum, xz" // one after the other
	Itself  Peer = ""                          // there is nothing to compare with
)

// Case is one comparison. The texts are for sh.
type Case struct {
	Name         string
	Nodes        int // 0 if it is not about nodes
	Peer         Peer
	Ours         string
	Theirs       string
	Before       string // what is done before each run of ours, and not measured
	BeforeTheirs string
	After        string
}

// Result is what a case took, in seconds: the median of its runs.
type Result struct {
	Case
	OursTook   float64
	TheirsTook float64 // 0 if there is no peer
}

// Ratio is this project's time as a part of the peer's.
func (r Result) Ratio() float64 { return r.OursTook / r.TheirsTook }

// Rounds are how often each command of a case is run, ours and theirs in turn: what else the machine does is then the same for both.
const Rounds = 3

// hangs is how long a case may take in all.
const hangs = time.Hour

// Measure runs the case in the folder.
func (c Case) Measure(ctx context.Context, folder string) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, hangs)
	defer cancel()
	ours, theirs := []float64{}, []float64{}
	for range Rounds {
		took, err := c.round(ctx, folder)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", c, err)
		}
		ours, theirs = append(ours, took[0]), append(theirs, took[len(took)-1])
	}
	if _, err := run(ctx, folder, c.After); err != nil {
		return Result{}, fmt.Errorf("%s: %w", c, err)
	}
	r := Result{Case: c, OursTook: median(ours)}
	if c.Peer != Itself {
		r.TheirsTook = median(theirs)
	}
	return r, nil
}

// round is how long each command took once, in seconds.
func (c Case) round(ctx context.Context, folder string) ([]float64, error) {
	report := filepath.Join(folder, "hyperfine.json")
	if _, err := output(ctx, folder, "hyperfine", c.arguments(report)...); err != nil {
		return nil, err
	}
	return read(report)
}

// arguments are those of hyperfine. With a command before each run of ours there is one before each of theirs.
func (c Case) arguments(report string) []string {
	args := []string{"--show-output", "--runs", "1", "--export-json", report}
	befores, commands := []string{c.Before}, []string{c.Ours}
	if c.Peer != Itself {
		befores, commands = append(befores, c.BeforeTheirs), append(commands, c.Theirs)
	}
	if c.Before != "" {
		for _, before := range befores {
			args = append(args, "--prepare", before)
		}
	}
	return append(args, commands...)
}

// String names the case.
func (c Case) String() string {
	if c.Nodes == 0 {
		return c.Name
	}
	return fmt.Sprintf("%s, %d nodes", c.Name, c.Nodes)
}

// run runs a script of sh in the folder.
func run(ctx context.Context, folder, script string) (string, error) {
	return output(ctx, folder, "sh", "-euc", script)
}

// output is what the program says. If it fails, its last lines are in the error.
func output(ctx context.Context, folder, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", program, err, last(string(out), 20))
	}
	return string(out), err
}

// read takes the times out of hyperfine's report.
func read(report string) (took []float64, err error) {
	text, err := os.ReadFile(report)
	if err != nil {
		return nil, err
	}
	var said struct {
		Results []struct {
			Median float64 `json:"median"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, err
	}
	for _, r := range said.Results {
		took = append(took, r.Median)
	}
	if len(took) == 0 {
		return nil, errors.New("hyperfine's report has no times")
	}
	return took, nil
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func last(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

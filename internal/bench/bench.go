// Package bench measures this project beside the tools that somebody would use in its place, in one run on one machine, by hyperfine.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Peer is what this project is compared with.
type Peer string

// The peers.
const (
	Script Peer = "virt-install and virsh" // the bash script's own procedure
	Butane Peer = "butane"
	Itself Peer = "" // there is nothing to compare with
)

// Case is one comparison. The texts are for sh.
type Case struct {
	Name   string
	Nodes  int
	Peer   Peer
	Ours   string
	Theirs string
	Before string // what is done before each run, and not measured
	After  string
}

// Result is what a case took, in seconds: the median of its runs.
type Result struct {
	Case
	OursTook   float64
	TheirsTook float64 // 0 if there is no peer
}

// Ratio is this project's time as a part of the peer's.
func (r Result) Ratio() float64 { return r.OursTook / r.TheirsTook }

// Runs are how often each command of a case is run.
const Runs = 3

// hangs is how long a case may take in all.
const hangs = time.Hour

// Measure runs the case in the folder.
func (c Case) Measure(ctx context.Context, folder string) (r Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, hangs)
	defer cancel()
	report := filepath.Join(folder, "hyperfine.json")
	args := []string{"--show-output", "--runs", fmt.Sprint(Runs), "--export-json", report}
	if c.Before != "" {
		args = append(args, "--prepare", c.Before)
	}
	args = append(args, c.Ours)
	if c.Peer != Itself {
		args = append(args, c.Theirs)
	}
	cmd := exec.CommandContext(ctx, "hyperfine", args...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return r, fmt.Errorf("%s, %d nodes: %w\n%s", c.Name, c.Nodes, err, last(string(out), 20))
	}
	r, err = c.read(report)
	if c.After == "" || err != nil {
		return r, err
	}
	cmd = exec.CommandContext(ctx, "sh", "-c", c.After)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return r, fmt.Errorf("%s, %d nodes: %w\n%s", c.Name, c.Nodes, err, last(string(out), 20))
	}
	return r, nil
}

// read takes the medians out of hyperfine's report.
func (c Case) read(report string) (r Result, err error) {
	text, err := os.ReadFile(report)
	if err != nil {
		return r, err
	}
	var said struct {
		Results []struct {
			Median float64 `json:"median"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return r, err
	}
	r.Case = c
	if len(said.Results) > 0 {
		r.OursTook = said.Results[0].Median
	}
	if len(said.Results) > 1 {
		r.TheirsTook = said.Results[1].Median
	}
	return r, nil
}

func last(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

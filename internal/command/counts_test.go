//go:build cgo && libvirt_dlopen

package command

import (
	"maps"
	"strings"
	"sync"
	"testing"
)

// countedRun is a run that counts how often each node's document is rendered, and its domain template filled.
func countedRun(t *testing.T, words ...string) (r *Run, rendered, filled map[string]int) {
	t.Helper()
	var mu sync.Mutex
	counter := func(counts map[string]int) func(string) {
		return func(node string) {
			mu.Lock()
			defer mu.Unlock()
			counts[node]++
		}
	}
	r, rendered, filled = run(t, words...), map[string]int{}, map[string]int{}
	r.counts = counts{counter(rendered), counter(filled)}
	t.Cleanup(r.unlockAll)
	return r, rendered, filled
}

// TestWorkIsDoneOnce: in one `up` each node's document is rendered for trial and for real, and its domain template filled once.
func TestWorkIsDoneOnce(t *testing.T) {
	inClone(t)
	other := strings.Replace(plain, "Node_Name", "Node_Number", 1)
	for _, c := range []struct{ config, words, said string }{
		{plain, "", "core01: defined, new"},
		{plain, "", "core01: defined, unchanged"},
		{plain, "recreate=core02", "core02: recreated"},                         // in turn
		{other, "", "2 nodes run an older config"},                              // goes on as it is
		{other, "recreate=changed", "core01: recreated"},                        // the one that differs
		{plain, "recreate=changed parallel=true", "core02: recreated"},          // both at once
		{plain, "recreate=all", "core02: recreated"},                            //
		{plain, "ram=1536", "the domain's definition changed: ram 2048 → 1536"}, // redefined
	} {
		save(t, "plain.yml", c.config)
		r, rendered, filled := countedRun(t, strings.Fields(c.words)...)
		through(t, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Defined, r.Up)
		r.unlockAll()
		if twice := map[string]int{"core01": 2, "core02": 2}; !maps.Equal(rendered, twice) {
			t.Errorf("%s: documents were rendered %v", c.words, rendered)
		}
		if once := map[string]int{"core01": 1, "core02": 1}; !maps.Equal(filled, once) {
			t.Errorf("%s: the template was filled %v", c.words, filled)
		}
		if !strings.Contains(r.said(), c.said) {
			t.Errorf("%s: no %q in\n%s", c.words, c.said, r.said())
		}
	}
}
